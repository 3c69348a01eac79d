//! Signing a deleted profile up again.

use super::recovery::Recovery;
use anyhow::{Context, Result, bail};
use cognito_core::password::Password;
use cognito_core::user_pool::{
    Administration, AppClient, AppClients, NewRegistration, PoolErrorKind, PoolSettings, ProfileRecord, Registered,
    Status,
};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The pause before the second look; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause: Cognito allows 10 reads a second per user (quotas, per-user rates).
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Checks that deleting and signing up again restores the profile.
///
/// # Errors
///
/// Returns the reason why it does not.
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

/// Checks that the pool accepts such a registration through this client, and sends a message for it.
///
/// # Errors
///
/// Returns the reason why it does not.
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
/// Fails if the profile is not gone in time, or if the sign-up is refused.
pub(super) async fn repeat(
    pool: &(impl Administration + AppClients),
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
    loop {
        let holder = match pool.found_by(&recovery.user_name).await? {
            None => pool.found_by(&recovery.sign_up_name).await?,
            found => found,
        };
        let mut refused = None;
        match holder {
            None => match pool.sign_up(client, &registration).await.map_err(|error| (error.kind(), error)) {
                // Cognito has not freed the name yet, or somebody was faster. The next look tells which.
                Err((PoolErrorKind::UserNameExists, _)) => {}
                Err((PoolErrorKind::Throttled, error)) => refused = Some(error),
                Err((PoolErrorKind::Unavailable, error)) => return Err(error).context(LOST),
                Err((_, error)) => return Err(error.into()),
                Ok(made) => return Ok(made),
            },
            // Equal attributes prove nothing: somebody faster may have registered the same, with their own password.
            Some(other) if other.sub() != recovery.sub => bail!(
                "a profile of this name is there, and this run did not make it. Somebody may have registered it with a \
                 password of their own: check who did before you rely on it, or delete it and run this again"
            ),
            Some(_) => {}
        }
        if Instant::now() + pause > end {
            if let Some(error) = refused {
                return Err(error.into());
            }
            bail!("the deleted profile is still there after {} seconds", longest_wait.as_secs());
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// If Cognito's answer is lost, our registration looks the same as one that somebody else made.
const LOST: &str = "nobody knows whether the user was signed up, because there was no answer. `cognito-triggers show` tells; \
                    if the profile is there and was not made by somebody else, nothing is left to do";
