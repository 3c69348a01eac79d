//! `unlink`

use crate::cloud::Cloud;
use crate::linked_identity::LinkedIdentity;
use crate::lookup;
use crate::options::{Global, Target};
use crate::terminal::{ExitStatus, Refused, Table, Tabular, confirm, is_asked, short};
use anyhow::{Context, Result, bail};
use clap::Args;
use cognito_core::provider::{COGNITO_SUBJECT, SourceIdentity};
use cognito_core::user_pool::{Administration, ProfileRecord, Status};
use schemars::JsonSchema;
use serde::Serialize;

/// Remove an identity, such as a Google account, from a profile
///
/// The profile and its sessions stay as they are. This locks nobody out: at the next sign-in of that identity the
/// pre-sign-up function links it again if the addresses match, or Cognito creates a profile for it. To lock somebody
/// out, disable the profile or remove their access at the provider.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Unlink {
    #[command(flatten)]
    target: Target,
    /// The provider's name in the pool, with the same upper and lower case
    #[arg(long, value_name = "NAME")]
    provider: String,
    /// The identity's subject at the provider; needed if the profile has several from that provider
    #[arg(long)]
    subject: Option<String>,
    /// The attribute that the link was made with, if an OIDC or SAML identity was not linked by its subject
    #[arg(long, value_name = "ATTRIBUTE", default_value = COGNITO_SUBJECT)]
    linked_by: String,
    /// Do not ask; needed where there is no terminal to ask on
    #[arg(long)]
    yes: bool,
}

const EXAMPLE: &str = "\
Examples:
  cognito-triggers show ada@example.com --user-pool-id eu-central-1_AbCdEf123
  cognito-triggers unlink ada@example.com --provider Google --user-pool-id eu-central-1_AbCdEf123";

/// The identities of the profile, before and after.
#[derive(Serialize, JsonSchema)]
pub(super) struct Outcome {
    /// The profile's name in the pool.
    user_name: String,
    /// The pool's id of the profile.
    sub: String,
    /// Its identities before the command.
    before: Vec<LinkedIdentity>,
    /// Its identities now.
    after: Vec<LinkedIdentity>,
}

impl Unlink {
    pub(super) async fn run(&self, global: &Global) -> Result<ExitStatus> {
        let id = &self.target.pool.id;
        let cloud = Cloud::load(global, id).await?;
        cloud.announce(id).await;
        let pool = cloud.user_pool(id);
        let profile = lookup::only(&pool, &self.target.user).await?;
        let before = LinkedIdentity::all_of(&profile)?;
        let identity = chosen(&before, &self.provider, self.subject.as_deref()).map_err(Refused)?;
        let factors = match pool.sign_in_factors(&profile.name()).await {
            Ok(factors) => Some(factors),
            Err(error) => {
                note!("what else this profile can sign in with is not known: {error}");
                None
            }
        };
        if let Some(warning) = way_in(&profile, &before, identity, factors.as_deref()).map_err(Refused)? {
            note!("{warning}");
        }
        say!(
            "At its next sign-in this {} identity gets a profile of its own, or the pre-sign-up function links it again.",
            identity.provider
        );
        if is_asked(self.yes) {
            say!("Now: {}", before.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
        }
        confirm(&format!("Unlink {} from {}?", short(&identity.to_string()), short(&profile.user_name)), self.yes)?;
        // The operator may have taken long to answer, and the other ways in may be gone by now.
        let now = pool.record(&profile.user_name).await?.filter(|now| now.sub() == profile.sub());
        let Some(now) = now else { refuse!("the profile was deleted while you were asked; nothing was changed") };
        let identities = LinkedIdentity::all_of(&now)?;
        if !identities.iter().any(|linked| linked.is(identity)) {
            refuse!("the identity is not linked to the profile any more; nothing was changed");
        }
        let factors = pool.sign_in_factors(&now.name()).await.ok();
        way_in(&now, &identities, identity, factors.as_deref()).map_err(Refused)?;
        self.carry_out(&pool, identity).await?;
        let after = pool.record(&profile.user_name).await?.context("the profile was deleted right after the change")?;
        let after = LinkedIdentity::all_of(&after)?;
        if after.iter().any(|left| left.is(identity)) {
            bail!("AdminDisableProviderForUser succeeded, but the profile still lists the identity");
        }
        global.output().data(&Outcome {
            sub: profile.sub().to_owned(),
            user_name: profile.user_name,
            before: before.clone(),
            after,
        })?;
        Ok(ExitStatus::Done)
    }

    async fn carry_out(&self, pool: &impl Administration, identity: &LinkedIdentity) -> Result<()> {
        let source = SourceIdentity::linked_by(&identity.provider, &self.linked_by, &identity.subject);
        pool.unlink_source(&source).await.map_err(|error| {
            if !error.is_not_linked() {
                return error.into();
            }
            // Cognito finds a link only by the attribute that it was made with.
            anyhow::Error::new(error).context(format!(
                "Cognito finds no link of this identity by {}: pass the attribute that the link was made with, such as \
                 --linked-by email",
                self.linked_by
            ))
        })
    }
}

/// The identity meant. Subjects compare exactly, as Cognito compares them.
fn chosen<'a>(
    identities: &'a [LinkedIdentity],
    provider: &str,
    subject: Option<&str>,
) -> Result<&'a LinkedIdentity, String> {
    let of_provider: Vec<_> = identities.iter().filter(|one| one.provider == provider).collect();
    let fitting: Vec<_> =
        of_provider.iter().filter(|one| subject.is_none_or(|subject| one.subject == subject)).collect();
    match (fitting.as_slice(), of_provider.len()) {
        ([identity], _) => Ok(identity),
        ([], 0) => Err(format!("no identity of {provider} is linked to this profile; {}", linked_are(identities))),
        ([], _) => Err(format!(
            "no identity of {provider} with this subject is linked to this profile. `cognito-triggers show` lists the \
             subjects; upper and lower case must match"
        )),
        (several, _) => Err(format!(
            "{} identities of {provider} are linked to this profile. Choose one with --subject; `cognito-triggers show` \
             lists them",
            several.len()
        )),
    }
}

fn linked_are(identities: &[LinkedIdentity]) -> String {
    let mut providers: Vec<_> = identities.iter().map(|one| one.provider.as_str()).collect();
    providers.sort_unstable();
    providers.dedup();
    if providers.is_empty() { "it has none at all".to_owned() } else { format!("it has {}", providers.join(", ")) }
}

/// Whether somebody can still sign in to the profile without the identity. Returns an error if not, and a warning if
/// the pool does not tell.
fn way_in(
    profile: &ProfileRecord,
    identities: &[LinkedIdentity],
    identity: &LinkedIdentity,
    factors: Option<&[String]>,
) -> Result<Option<String>, String> {
    if identity.stand_alone || profile.life() == Status::ExternalProvider {
        return Err(
            "the profile was created for this identity and would be left with no way in. Delete the profile, or \
                    merge it with `cognito-triggers link`"
                .to_owned(),
        );
    }
    if identities.iter().any(|other| !other.is(identity)) {
        return Ok(None);
    }
    let no_way_in = |why: &str| Err(format!("the profile would be left with no way in: {why}"));
    match profile.life() {
        Status::Unconfirmed => return no_way_in("its registration was never confirmed"),
        Status::ForceChangePassword => {
            return Ok(Some(
                "the only way in that is left is the temporary password of an invitation, which may have expired"
                    .to_owned(),
            ));
        }
        Status::Confirmed | Status::ResetRequired | Status::ExternalProvider | Status::Other => {}
    }
    if factors.is_some_and(<[String]>::is_empty) {
        return no_way_in("it has no password, no passkey and no address for a one-time code");
    }
    let recoverable = profile.has_flag("email_verified") || profile.has_flag("phone_number_verified");
    Ok(Some(if recoverable {
        "a profile that was created for a federated sign-in has a random password; its owner sets one with \
         \"forgot password\""
            .to_owned()
    } else {
        "neither e-mail address nor phone number is verified, so \"forgot password\" will not work: a person who \
         does not know the password needs a new one from an administrator"
            .to_owned()
    }))
}

impl Tabular for Outcome {
    fn table(&self) -> Table {
        let rows = self.before.iter().map(|identity| {
            let after = if self.after.iter().any(|left| left.is(identity)) { "linked" } else { "not linked" };
            [&identity.provider, &identity.subject, "linked", after]
        });
        Table::new(["provider", "subject", "before", "after"]).with(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookup::tests::ada;
    use cognito_core::user_pool::memory::Account;

    fn linked(identities: &[(&str, &str)]) -> (ProfileRecord, Vec<LinkedIdentity>) {
        let account = identities.iter().fold(ada(), |ada, (provider, subject)| ada.with_identity(provider, subject));
        with_identities(&account)
    }

    fn with_identities(account: &Account) -> (ProfileRecord, Vec<LinkedIdentity>) {
        let record = account.record();
        let identities = LinkedIdentity::all_of(&record).unwrap();
        (record, identities)
    }

    #[test]
    fn the_identity_is_named_by_provider_and_by_subject_if_there_are_several() {
        let (_, ada) = linked(&[("Google", "1"), ("Okta", "aB"), ("Okta", "ab")]);
        assert_eq!(chosen(&ada, "Google", None).map(|one| one.subject.as_str()), Ok("1"));
        assert_eq!(chosen(&ada, "Okta", Some("aB")).map(|one| one.subject.as_str()), Ok("aB"));
        for (provider, subject, says) in [
            ("Okta", None, "2 identities of Okta"),
            ("Okta", Some("AB"), "upper and lower case"),
            ("Google", Some("2"), "with this subject"),
            ("Facebook", None, "it has Google, Okta"),
            ("google", None, "it has Google, Okta"),
        ] {
            let why = chosen(&ada, provider, subject).err().unwrap();
            assert!(why.contains(says), "{why}");
            assert!(!why.contains("aB"), "{why}");
        }
        assert!(chosen(&[], "Google", None).err().unwrap().contains("none at all"));
    }

    #[test]
    fn a_profile_is_never_left_with_no_way_in() {
        let password = ["PASSWORD".to_owned()];
        let (one, google) = linked(&[("Google", "1")]);
        let way_in_of = |status: &str, factors| {
            let profile = ProfileRecord { status: status.into(), ..one.clone() };
            way_in(&profile, &google, &google[0], factors)
        };
        assert!(way_in_of("EXTERNAL_PROVIDER", Some(&password)).is_err());
        assert!(way_in_of("UNCONFIRMED", Some(&password)).is_err());
        assert!(way_in_of("CONFIRMED", Some(&[])).is_err());
        let own = LinkedIdentity { stand_alone: true, ..google[0].clone() };
        assert!(way_in(&one, std::slice::from_ref(&own), &own, Some(&password)).is_err());
        for allowed in ["CONFIRMED", "RESET_REQUIRED", "FORCE_CHANGE_PASSWORD"] {
            assert!(way_in_of(allowed, Some(&password)).is_ok(), "{allowed}");
            assert!(way_in_of(allowed, None).is_ok(), "{allowed}");
        }
        let (two, both) = linked(&[("Google", "1"), ("Facebook", "2")]);
        assert_eq!(way_in(&two, &both, &both[0], Some(&[])), Ok(None));
    }

    #[test]
    fn an_unverified_address_is_warned_of_because_no_password_can_be_asked_for() {
        let warning = |ada: Account| {
            let (profile, identities) = with_identities(&ada.with_identity("Google", "1"));
            way_in(&profile, &identities, &identities[0], None).unwrap().unwrap()
        };
        assert!(warning(ada()).contains("sets one with"));
        assert!(warning(ada().unverified()).contains("will not work"));
    }
}
