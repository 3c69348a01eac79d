//! Settings of invitations.

use super::return_urls;
use crate::ceilings::Ceilings;
use cognito_core::provider::{Providers, SignUpDomains};
use cognito_core::settings::{self, Lookup, SettingError};
use cognito_core::user_pool::NativeUserName;

/// `INVITATIONS`: who may invite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nobody: the routes do not exist.
    #[default]
    Off,
    /// Everybody. People may invite themselves, too. The answer is always the same.
    Public,
    /// Members of this group.
    Members(String),
}

/// Attributes that an invitation may set unless `INVITATION_ATTRIBUTES` says otherwise.
const DEFAULT_ATTRIBUTES: &str = "given_name,family_name,name,locale";

/// Attributes that no invitation may set: Cognito sets them, or they would claim a proof, or they are contact data that
/// nobody has proven.
const NEVER_SET: [&str; 8] = [
    "sub",
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "identities",
    "updated_at",
    "preferred_username",
];

/// What the operator chose.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `INVITATIONS` and `ADMIN_GROUP`.
    pub mode: Mode,
    /// `BACKEND_CLIENT_ID`: the app client that answers invitations.
    pub client_id: String,
    /// `INVITATION_ATTRIBUTES`: the attributes that may be set.
    pub attributes: Vec<String>,
    /// `INVITATION_DAYS`: how long an invitation is valid.
    pub days: u32,
    /// `INVITATIONS_A_DAY`. The limits for a domain and for the pool apply where everybody may invite.
    pub ceilings: Ceilings,
    /// `ALLOWED_DOMAINS` and `DENIED_DOMAINS`, which apply where everybody may invite.
    pub domains: SignUpDomains,
    /// `PROVIDERS`.
    pub providers: Providers,
    /// `NATIVE_USERNAME`.
    pub user_name: NativeUserName,
    /// `DEFAULT_GROUP`: the group that people join when they complete an invitation.
    pub default_group: Option<String>,
    /// `INVITATION_GROUPS`: the groups that a member may name in an invitation.
    pub groups: Vec<String>,
    /// `INVITATION_RETURN_URLS`: where a member may send guests afterwards.
    pub return_urls: Vec<String>,
}

impl Settings {
    pub(crate) fn from_lookup(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        #[derive(Clone, Copy, PartialEq)]
        enum Word {
            Off,
            Public,
            Members,
        }
        let text = |text: &str| Some(text.to_owned());
        let words = [("off", Word::Off), ("public", Word::Public), ("members", Word::Members)];
        let word = settings::choice(lookup, "INVITATIONS", &words, Word::Off)?;
        let client = |needed: &str| settings::required(lookup, "BACKEND_CLIENT_ID", needed, text);
        let (mode, client_id) = match word {
            Word::Off => (Mode::Off, String::new()),
            Word::Public => (Mode::Public, client("the id of an app client, which INVITATIONS=public needs")?),
            Word::Members => (
                Mode::Members(admin_group(lookup)?),
                client("the id of an app client, which INVITATIONS=members needs")?,
            ),
        };
        if mode != Mode::Off {
            // The link of an invitation leads there. Without it, nobody can accept one.
            settings::required(lookup, messages::settings::APP_URL, "set while INVITATIONS is not off", text)?;
        }
        Ok(Self {
            mode,
            client_id,
            attributes: attributes(lookup)?,
            days: settings::optional(lookup, "INVITATION_DAYS", "1 to 365", |days| {
                days.parse().ok().filter(|days| (1..=365).contains(days))
            })?
            .unwrap_or(7),
            ceilings: Ceilings::from_lookup(lookup, "INVITATIONS_A_DAY", [5, 100, 500])?,
            domains: SignUpDomains::from_lookup(lookup)?,
            providers: settings::providers(lookup)?,
            user_name: NativeUserName::from_lookup(lookup)?,
            default_group: settings::default_group(lookup)?,
            groups: list(lookup, "INVITATION_GROUPS", GROUPS, group_name)?,
            return_urls: list(lookup, "INVITATION_RETURN_URLS", RETURN_URLS, return_urls::parse)?,
        })
    }
}

const GROUPS: &str = "a comma list of group names of 1 to 128 characters without white space";

const RETURN_URLS: &str = "a comma list of https URLs without user and fragment (http for localhost only)";

/// Reads a comma list. Unset, it is empty.
fn list(
    lookup: Lookup<'_>,
    name: &'static str,
    allowed: &str,
    parse: impl Fn(&str) -> Option<String>,
) -> Result<Vec<String>, SettingError> {
    let items = |text: &str| text.split(',').map(|item| parse(item.trim())).collect();
    Ok(settings::optional(lookup, name, allowed, items)?.unwrap_or_default())
}

fn group_name(name: &str) -> Option<String> {
    let fits = (1..=128).contains(&name.chars().count()) && !name.chars().any(|c| c.is_whitespace() || c.is_control());
    fits.then(|| name.to_owned())
}

fn admin_group(lookup: Lookup<'_>) -> Result<String, SettingError> {
    let allowed = "a group name of 1 to 128 characters without white space, which INVITATIONS=members needs";
    settings::required(lookup, "ADMIN_GROUP", allowed, group_name)
}

fn attributes(lookup: Lookup<'_>) -> Result<Vec<String>, SettingError> {
    let names = |text: &str| -> Vec<String> {
        text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
    };
    let allowed = format!("a comma list of user-pool attributes, none of {}", NEVER_SET.join(", "));
    let chosen = settings::optional(lookup, "INVITATION_ATTRIBUTES", &allowed, |text| {
        let names = names(text);
        let fits = |name: &String| settings::is_attribute_name(name) && !NEVER_SET.contains(&name.as_str());
        names.iter().all(fits).then_some(names)
    })?;
    Ok(chosen.unwrap_or_else(|| names(DEFAULT_ATTRIBUTES)))
}
