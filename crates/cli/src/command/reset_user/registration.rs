//! Signing a deleted profile up again.

use super::recovery::Recovery;
use anyhow::{Result, bail};
use cognito_core::password::Password;
use cognito_core::user_pool::aws::AwsUserPool;
use cognito_core::user_pool::{
    Administration, AppClient, NewRegistration, PoolErrorKind, PoolSettings, ProfileRecord, Registered, Status,
};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The pause before the second look; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause: Cognito allows 10 reads a second per user (quotas, per-user rates).
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Whether deleting and signing up again gives back what the profile was.
///
/// # Errors
///
/// Why it does not.
pub(super) fn is_replaceable(profile: &ProfileRecord, confirmed_too: bool) -> Result<(), String> {
    let refuse = |why: &str| Err(why.to_owned());
    if profile.is_stand_alone() {
        return refuse("the profile belongs to a federated identity, and no sign-up can make such a profile");
    }
    if profile.profile().map_or(true, |profile| !profile.identities.is_empty()) {
        return refuse(
            "federated identities are linked to the profile, and their links would be lost: remove them with \
             `cognito-triggers unlink` first",
        );
    }
    if !profile.enabled {
        return refuse("the profile is disabled, and the new one would be enabled");
    }
    match profile.life() {
        Status::Unconfirmed => Ok(()),
        Status::Confirmed | Status::ResetRequired if confirmed_too => Ok(()),
        Status::Confirmed | Status::ResetRequired => {
            refuse("the user has confirmed their registration. Pass --yes-delete-confirmed to delete them anyway")
        }
        Status::ForceChangePassword => refuse(
            "an administrator created the profile, and a sign-up does not send that message. Send it again with `aws \
             cognito-idp admin-create-user --message-action RESEND`",
        ),
        Status::ExternalProvider | Status::Other => {
            Err(format!("the profile's status is {}, and no sign-up can make such a profile", profile.status))
        }
    }
}

/// Whether the pool takes such a registration through this client, and sends a message for it.
///
/// # Errors
///
/// What stands in the way.
pub(super) fn check(
    attributes: &BTreeMap<String, String>,
    settings: &PoolSettings,
    client: &AppClient,
) -> Result<(), String> {
    if settings.administrators_only {
        return Err("only administrators create profiles in this pool, so nobody can sign up".to_owned());
    }
    if !settings.auto_verified_attributes.iter().any(|name| attributes.contains_key(name)) {
        return Err("the pool would send no message: it verifies none of the profile's attributes \
                    (AutoVerifiedAttributes)"
            .to_owned());
    }
    let is_missing = |name: &&String| attributes.get(*name).is_none_or(String::is_empty);
    let missing: Vec<_> = settings.required_attributes.iter().filter(is_missing).map(String::as_str).collect();
    if !missing.is_empty() {
        return Err(format!(
            "the pool requires {}: --without cannot leave that out, and a profile that lacks it cannot be signed up again",
            missing.join(", ")
        ));
    }
    let barred: Vec<_> = attributes.keys().map(String::as_str).filter(|name| !client.may_write(name)).collect();
    if barred.is_empty() {
        return Ok(());
    }
    Err(format!(
        "the app client may not write {}: allow it, choose another client, or pass --without to leave the attribute out",
        barred.join(", ")
    ))
}

/// Waits until the deleted profile is gone, and signs it up with a random password that is not kept.
///
/// # Errors
///
/// The profile is not gone in time, or the sign-up is refused.
pub(super) async fn repeat(
    pool: &AwsUserPool,
    client: &AppClient,
    recovery: &Recovery,
    attributes: &BTreeMap<String, String>,
    longest_wait: Duration,
) -> Result<Registered> {
    let password = Password::random();
    let registration = NewRegistration {
        user_name: &recovery.sign_up_name,
        password: password.expose(),
        attributes,
        client_metadata: &recovery.client_metadata,
    };
    let end = Instant::now() + longest_wait;
    let mut pause = FIRST_PAUSE;
    let mut is_sent = false;
    loop {
        let holder = match pool.found_by(&recovery.user_name).await? {
            None => pool.found_by(&recovery.sign_up_name).await?,
            found => found,
        };
        match holder {
            None => match pool.sign_up(client, &registration).await {
                // Gone for readers and not yet for writers; or this call was repeated because its answer was lost.
                Err(taken) if taken.kind() == PoolErrorKind::UserNameExists => is_sent = true,
                result => return Ok(result?),
            },
            Some(other) if other.sub() != recovery.sub => return registered_already(attributes, &other, is_sent),
            Some(_) => {}
        }
        if Instant::now() + pause > end {
            bail!("the deleted profile is still there after {} seconds", longest_wait.as_secs());
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// A profile with another `sub` has the name. It is ours if this run sent a sign-up whose answer was lost, and it has
/// exactly what we sent; otherwise somebody else may have been faster, and know the password.
fn registered_already(sent: &BTreeMap<String, String>, other: &ProfileRecord, is_sent: bool) -> Result<Registered> {
    let is_as_sent = sent.iter().all(|(name, value)| other.attributes.get(name) == Some(value));
    if !is_sent {
        bail!(
            "a profile of this name is there again, and this run did not make it. Its password may be somebody else's: \
             check who registered it before you rely on it"
        );
    }
    if is_as_sent && other.profile().is_ok_and(|profile| profile.identities.is_empty()) {
        return Ok(Registered { sub: other.sub().to_owned(), confirmed: other.status == "CONFIRMED", delivery: None });
    }
    bail!("somebody else has registered under this name in the meantime")
}
