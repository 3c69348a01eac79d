//! `invitations`

mod api;

use crate::cloud::Cloud;
use crate::function_arn;
use crate::options::{Global, Pool, name_and_value};
use crate::terminal::{Cell, ExitStatus, Format, Table, Tabular, confirm, short, stdout};
use anyhow::{Result, ensure};
use api::{Api, Invitation, Sent, Wish};
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use schemars::JsonSchema;
use serde::Serialize;
use std::io::Write;

/// Send, list and take back invitations of the account API
///
/// Calls the function of the account API as a member of its ADMIN_GROUP, so the same rules hold as for members. The
/// function must have INVITATIONS=members.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cognito-triggers invitations send grace@example.com --group Editors --user-pool-id eu-central-1_AbCdEf123 --account-api accounts-AccountApi
  cognito-triggers invitations list --user-pool-id eu-central-1_AbCdEf123 --account-api accounts-AccountApi
  cognito-triggers invitations revoke 5f0c4a0e-7d55-4a0b-9f0e-3f4dd2f4b3a1 --user-pool-id eu-central-1_AbCdEf123 --account-api accounts-AccountApi")]
pub(crate) struct Invitations {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the invitations that have not expired, the last one sent first
    List(Where),
    /// Show one invitation, and ask the pool whether its account is open
    Show(One),
    /// Invite a person
    Send(Box<Send>),
    /// Send an invitation again, with a new link; the one before is void
    Resend(Change),
    /// Take an invitation back; an account that nobody has opened is deleted
    Revoke(Change),
}

/// The account API of a pool.
#[derive(Debug, Args)]
struct Where {
    #[command(flatten)]
    pool: Pool,
    /// The function of the account API: its name or ARN
    #[arg(long, value_name = "FUNCTION", value_parser = function_arn::checked)]
    account_api: String,
}

#[derive(Debug, Args)]
struct One {
    /// The invitation's id, as list shows it
    #[arg(value_name = "ID", value_parser = id)]
    invitation: String,
    #[command(flatten)]
    of: Where,
}

#[derive(Debug, Args)]
struct Send {
    /// The person's e-mail address
    #[arg(value_name = "EMAIL", value_parser = NonEmptyStringValueParser::new())]
    email: String,
    #[command(flatten)]
    of: Where,
    /// An attribute of the account; may be repeated. INVITATION_ATTRIBUTES of the function lists which ones are allowed
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = name_and_value)]
    attributes: Vec<(String, String)>,
    /// The group that the guest joins. INVITATION_GROUPS of the function lists which ones are allowed
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// The name of the person who invites, for the mail
    #[arg(long, value_name = "NAME", value_parser = inviter)]
    inviter: Option<String>,
    /// Where the guest goes afterwards. INVITATION_RETURN_URLS of the function lists which addresses are allowed
    #[arg(long, value_name = "URL")]
    return_to: Option<String>,
    /// Send no mail and print the link, for you to deliver. The address then stays unverified when the guest answers
    #[arg(long)]
    hand_over: bool,
    /// Do not ask; needed where there is no terminal to ask on
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
struct Change {
    #[command(flatten)]
    one: One,
    /// Do not ask; needed where there is no terminal to ask on
    #[arg(long)]
    yes: bool,
}

/// The invitations that the command was about.
#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    /// What they are now. `list` has all that have not expired. The others have one, or none if it was changed and could
    /// not be read afterwards.
    invitations: Vec<Invitation>,
    /// The link that was made with --hand-over; `null` otherwise. Whoever has it opens the account.
    link: Option<String>,
}

impl Tabular for Shown {
    fn table(&self) -> Table {
        let rows = self.invitations.iter().map(|row| {
            let by = Cell::lines(row.inviter.iter().chain([&row.invited_by]));
            let state = format!("{}{}", row.state, if row.mailed { "" } else { ", link handed over" });
            let [sent, expires, group] =
                [&row.sent, &row.expires, &row.group].map(|text| text.as_deref().unwrap_or_default().into());
            [(&row.id).into(), (&row.email).into(), state.into(), by, sent, expires, group]
        });
        Table::new(["id", "email", "state", "invited by", "sent", "expires", "group"]).with::<[Cell; 7]>(rows)
    }
}

impl Shown {
    fn one(invitation: Invitation, link: Option<String>) -> Self {
        Self { invitations: vec![invitation], link }
    }
}

impl Invitations {
    pub(super) async fn run(self, global: &Global) -> Result<ExitStatus> {
        let shown = match self.action {
            Action::List(of) => Shown { invitations: of.open(global, false).await?.list().await?, link: None },
            Action::Show(One { invitation: id, of }) => Shown::one(of.open(global, false).await?.one(&id).await?, None),
            Action::Send(send) => send.run(global).await?,
            Action::Resend(Change { one: One { invitation: id, of }, yes }) => {
                let api = of.open(global, true).await?;
                let whose = api.one(&id).await?.email;
                confirm(&format!("Send {} a new link? The one before is void then.", short(&whose)), yes)?;
                api.resend(&id).await?.shown_by(&api).await?
            }
            Action::Revoke(Change { one: One { invitation: id, of }, yes }) => {
                let api = of.open(global, true).await?;
                let email = api.one(&id).await?.email;
                let whose = short(&email);
                confirm(
                    &format!("Take the invitation of {whose} back, and delete the account if nobody has opened it?"),
                    yes,
                )?;
                api.revoke(&id).await?;
                Sent { id, link: None }.shown_by(&api).await?
            }
        };
        let output = global.output();
        output.data(&shown)?;
        if let Some(link) = shown.link.filter(|_| output.format == Format::Table) {
            // A table would break it into lines.
            writeln!(stdout(), "{link}")?;
        }
        Ok(ExitStatus::Done)
    }
}

impl Where {
    async fn open(&self, global: &Global, changes: bool) -> Result<Api> {
        let cloud = Cloud::load(global, &self.pool.id).await?;
        let operator = if changes { cloud.announce(&self.pool.id).await } else { None };
        Api::open(&cloud, &self.pool.id, &self.account_api, operator).await
    }
}

impl Send {
    async fn run(self, global: &Global) -> Result<Shown> {
        let api = self.of.open(global, true).await?;
        let group = self.group.as_deref().map(|group| format!(" to the group {}", short(group))).unwrap_or_default();
        let how = if self.hand_over { "Make a link for" } else { "Invite" };
        confirm(&format!("{how} {}{group}?", short(&self.email)), self.yes)?;
        let wish = Wish {
            email: self.email,
            attributes: self.attributes.into_iter().collect(),
            group: self.group,
            inviter: self.inviter,
            return_to: self.return_to,
            notify: !self.hand_over,
        };
        api.send(&wish).await?.shown_by(&api).await
    }
}

impl Sent {
    /// The invitation as it is now. The change is made, so an invitation that cannot be read is no failure.
    async fn shown_by(self, api: &Api) -> Result<Shown> {
        let Self { id, link } = self;
        let is_link = |text: &String| text.bytes().all(|byte| byte.is_ascii_graphic());
        ensure!(link.as_ref().is_none_or(is_link), "the account API answered something that is no link");
        Ok(match api.one(&id).await {
            Ok(invitation) => Shown::one(invitation, link),
            Err(why) => {
                note!("done, but the invitation {id} cannot be shown: {why:#}");
                Shown { invitations: Vec::new(), link }
            }
        })
    }
}

/// Reads a name for the mail (`InvitationRequest` of the API).
fn inviter(text: &str) -> Result<String, &'static str> {
    let fits = (1..=60).contains(&text.chars().count());
    if fits { Ok(text.to_owned()) } else { Err("a name has 1 to 60 characters") }
}

/// Reads an id, which becomes part of a path.
fn id(text: &str) -> Result<String, &'static str> {
    let is_id = text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if is_id { Ok(text.to_owned()) } else { Err("not the id of an invitation; `invitations list` shows them") }
}
