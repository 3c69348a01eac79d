//! Deleting, waiting, signing up: each step safe to meet in any state.

use super::record::Record;
use anyhow::{Result, bail};
use cognito_core::user_pool::aws::AwsUserPool;
use cognito_core::user_pool::{
    Administration, AppClient, NewRegistration, PoolError, PoolErrorKind, ProfileRecord, Registered, UserPool,
};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The first pause between two looks; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause: Cognito allows 10 reads a second per user (quotas, per-user rates).
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What became of a profile that was to be deleted.
#[derive(Debug)]
pub(super) enum Deletion {
    /// It is deleted.
    Done,
    /// It is still there.
    Refused(PoolError),
    /// Neither the deletion nor the look-up after it was answered.
    Unknown(PoolError),
}

/// Deletes the profile. A call that failed on the way may have deleted it, so that is looked up.
pub(super) async fn delete(pool: &AwsUserPool, account: &ProfileRecord) -> Deletion {
    let Err(error) = pool.delete(&account.name()).await else { return Deletion::Done };
    match pool.found_by(&account.user_name).await {
        Ok(Some(still)) if still.sub() == account.sub() => Deletion::Refused(error),
        Ok(_) => Deletion::Done,
        Err(_) => Deletion::Unknown(error),
    }
}

/// Waits until the profile is gone, and registers it anew.
///
/// # Errors
///
/// The profile is not gone in time, or the registration is refused.
pub(super) async fn register(
    pool: &AwsUserPool,
    client: &AppClient,
    record: &Record,
    registration: &NewRegistration<'_>,
    wait: Duration,
) -> Result<Registered> {
    let end = Instant::now() + wait;
    let mut pause = FIRST_PAUSE;
    loop {
        match holder(pool, record).await? {
            None => match pool.sign_up(client, registration).await {
                // Gone for a reader and not yet for a writer; or our own call, repeated after a lost answer.
                Err(taken) if taken.kind() == PoolErrorKind::UserNameExists => {}
                result => return Ok(result?),
            },
            Some(other) if other.sub() != record.sub => return anew(registration, &other),
            Some(_) => {}
        }
        if Instant::now() + pause > end {
            bail!("the deleted profile is still in the way after {} seconds", wait.as_secs());
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Who has the old name, or the name that is to be registered.
async fn holder(pool: &AwsUserPool, record: &Record) -> Result<Option<ProfileRecord>, PoolError> {
    match pool.found_by(&record.user_name).await? {
        None if record.sign_up_name != record.user_name => pool.found_by(&record.sign_up_name).await,
        found => Ok(found),
    }
}

/// Somebody with another `sub` has the name: our own registration if it is as we sent it, otherwise not ours to
/// touch.
fn anew(registration: &NewRegistration<'_>, other: &ProfileRecord) -> Result<Registered> {
    let as_sent = registration.attributes.iter().all(|(name, value)| other.attributes.get(name) == Some(value));
    let is_plain = other.profile().is_ok_and(|profile| profile.identities.is_empty());
    if as_sent && is_plain {
        return Ok(Registered { sub: other.sub().to_owned(), confirmed: other.status == "CONFIRMED", delivery: None });
    }
    bail!("somebody else has registered under this name meanwhile")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::reset_user::plan::Plan;
    use crate::lookup::tests::ada;
    use aws_sdk_cognitoidentityprovider::Client;
    use aws_sdk_cognitoidentityprovider::error::ErrorMetadata;
    use aws_sdk_cognitoidentityprovider::operation::admin_delete_user::AdminDeleteUserError;
    use aws_sdk_cognitoidentityprovider::operation::admin_get_user::{AdminGetUserError, AdminGetUserOutput};
    use aws_sdk_cognitoidentityprovider::operation::sign_up::{SignUpError, SignUpOutput};
    use aws_sdk_cognitoidentityprovider::types::AttributeType;
    use aws_sdk_cognitoidentityprovider::types::error::{UserNotFoundException, UsernameExistsException};
    use aws_smithy_mocks::{RuleMode, mock, mock_client};
    use cognito_core::user_pool::UserPools;
    use cognito_core::user_pool::aws::AwsUserPools;

    const WAIT: Duration = Duration::from_secs(3);

    fn profile(sub: &str) -> AdminGetUserOutput {
        let pair = |name, value| AttributeType::builder().name(name).value(value).build().unwrap();
        let email = pair("email", "ada@example.com");
        AdminGetUserOutput::builder()
            .username("ada")
            .user_attributes(pair("sub", sub))
            .user_attributes(email)
            .build()
            .unwrap()
    }

    fn gone() -> AdminGetUserError {
        let code = ErrorMetadata::builder().code("UserNotFoundException").build();
        AdminGetUserError::UserNotFoundException(UserNotFoundException::builder().meta(code).build())
    }

    fn unanswered() -> AdminDeleteUserError {
        AdminDeleteUserError::generic(ErrorMetadata::builder().code("ServiceUnavailable").build())
    }

    fn unread() -> AdminGetUserError {
        AdminGetUserError::generic(ErrorMetadata::builder().code("ServiceUnavailable").build())
    }

    fn taken() -> SignUpError {
        let code = ErrorMetadata::builder().code("UsernameExistsException").build();
        SignUpError::UsernameExistsException(UsernameExistsException::builder().meta(code).build())
    }

    async fn register_at(client: Client, wait: Duration) -> Result<Registered> {
        let attributes = [("email".to_owned(), "ada@example.com".to_owned())].into();
        let plan = Plan { sign_up_name: "ada".into(), attributes };
        let record = Record::of("eu-central-1_A", &ada().record(), &[], &plan, &[]);
        let registration = NewRegistration {
            user_name: "ada",
            password: "Correct-Horse-7",
            attributes: &record.attributes,
            client_metadata: &record.client_metadata,
        };
        let pool = AwsUserPools::new(client).pool("eu-central-1_A");
        register(&pool, &AppClient::new("client", Vec::new(), None), &record, &registration, wait).await
    }

    #[tokio::test]
    async fn a_deletion_that_failed_counts_by_what_is_found_afterwards() {
        let failing = || mock!(Client::admin_delete_user).then_error(unanswered);
        let there = mock!(Client::admin_get_user).then_output(|| profile(&ada().sub));
        let away = mock!(Client::admin_get_user).then_error(gone);
        let silent = mock!(Client::admin_get_user).then_error(unread);
        for (read, expected) in [(&there, "Refused"), (&away, "Done"), (&silent, "Unknown")] {
            let client = mock_client!(aws_sdk_cognitoidentityprovider, RuleMode::MatchAny, [&failing(), read]);
            let ended = delete(&AwsUserPools::new(client).pool("eu-central-1_A"), &ada().record()).await;
            assert!(format!("{ended:?}").starts_with(expected), "{ended:?}");
        }
    }

    #[tokio::test]
    async fn nobody_is_signed_up_before_readers_and_writers_agree_that_the_profile_is_gone() {
        let old = ada().sub;
        let read =
            mock!(Client::admin_get_user).sequence().output(move || profile(&old)).error(gone).error(gone).build();
        let write = mock!(Client::sign_up)
            .sequence()
            .error(taken)
            .output(|| SignUpOutput::builder().user_sub("new").user_confirmed(false).build().unwrap())
            .build();
        let client = mock_client!(aws_sdk_cognitoidentityprovider, RuleMode::MatchAny, [&read, &write]);
        assert_eq!(register_at(client, WAIT).await.unwrap().sub, "new");
        assert_eq!((read.num_calls(), write.num_calls()), (3, 2));
    }

    #[tokio::test]
    async fn a_profile_that_does_not_go_is_an_error_after_the_wait() {
        let old = ada().sub;
        let read = mock!(Client::admin_get_user).then_output(move || profile(&old));
        let client = mock_client!(aws_sdk_cognitoidentityprovider, RuleMode::MatchAny, [&read]);
        let why = register_at(client, Duration::from_millis(600)).await.unwrap_err().to_string();
        assert!(why.contains("still in the way"), "{why}");
    }

    #[tokio::test]
    async fn a_sign_up_whose_answer_was_lost_counts_as_made() {
        let read = mock!(Client::admin_get_user).sequence().error(gone).output(|| profile("new")).build();
        let write = mock!(Client::sign_up).then_error(taken);
        let client = mock_client!(aws_sdk_cognitoidentityprovider, RuleMode::MatchAny, [&read, &write]);
        let made = register_at(client, WAIT).await.unwrap();
        assert_eq!((made.sub.as_str(), made.delivery), ("new", None));
    }
}
