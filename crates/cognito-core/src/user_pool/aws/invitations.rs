//! Inviting people over the SDK: administrators' calls, and one app client that signs in on the server.

use super::secret_hash::secret_hash;
use super::{AwsUserPool, attribute, failed, read};
use crate::next_function::{CREATED_BY, INVITED_BY};
use crate::password::Password;
use crate::user_pool::{
    CheckedUserName, Invitations, NewNative, PasswordPolicy, PoolError, PoolErrorKind, Profile, Response,
};
use aws_sdk_cognitoidentityprovider::operation::admin_initiate_auth::AdminInitiateAuthOutput;
use aws_sdk_cognitoidentityprovider::types::{AuthFlowType, ChallengeNameType, MessageActionType};
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

/// Invites people to one pool and answers their invitations through its backend app client, which must allow
/// `ALLOW_ADMIN_USER_PASSWORD_AUTH`. The client may have a secret: it is asked for once, so no setting holds it.
#[derive(Debug)]
pub struct AwsInvitations {
    pool: AwsUserPool,
    client_id: String,
    secret: OnceCell<Option<Zeroizing<String>>>,
}

impl AwsInvitations {
    /// Uses the app client with this id. No call is made.
    #[must_use]
    pub fn new(pool: AwsUserPool, client_id: impl Into<String>) -> Self {
        Self { pool, client_id: client_id.into(), secret: OnceCell::new() }
    }

    /// `None` if the client has no secret.
    async fn secret_hash(&self, user_name: &str) -> Result<Option<String>, PoolError> {
        let secret = self.secret.get_or_try_init(|| self.read_secret()).await?;
        Ok(secret.as_ref().map(|secret| secret_hash(secret, user_name, &self.client_id)))
    }

    async fn read_secret(&self) -> Result<Option<Zeroizing<String>>, PoolError> {
        let call = self.pool.client.describe_user_pool_client().user_pool_id(&self.pool.id).client_id(&self.client_id);
        let described = call.send().await.map_err(failed("DescribeUserPoolClient"))?;
        let secret = described.user_pool_client().and_then(|client| client.client_secret());
        Ok(secret.map(|secret| Zeroizing::new(secret.to_owned())))
    }

    /// Signs in with the temporary password, until the pool asks for a new one. Returns `None` if it does not open the
    /// account, or if it is the account's permanent password.
    async fn open(
        &self,
        user: &CheckedUserName,
        temporary: &Password,
    ) -> Result<Option<AdminInitiateAuthOutput>, PoolError> {
        let mut call = self
            .pool
            .client
            .admin_initiate_auth()
            .user_pool_id(&self.pool.id)
            .client_id(&self.client_id)
            .auth_flow(AuthFlowType::AdminUserPasswordAuth)
            .auth_parameters("USERNAME", user.as_str())
            .auth_parameters("PASSWORD", temporary.expose());
        if let Some(hash) = self.secret_hash(user.as_str()).await? {
            call = call.auth_parameters("SECRET_HASH", hash);
        }
        match call.send().await {
            Ok(session) if session.challenge_name() == Some(&ChallengeNameType::NewPasswordRequired) => {
                Ok(Some(session))
            }
            Ok(session) => {
                // The password was permanent, so there is nothing to choose, and nobody gets its tokens.
                if let Some(token) = session.authentication_result().and_then(|tokens| tokens.refresh_token()) {
                    self.revoke(token).await?;
                }
                Ok(None)
            }
            Err(error) => {
                // One exception stands for wrong, expired, used and too many wrong ones. Only its text tells them
                // apart, and texts are never read.
                let closed = error.as_service_error().is_some_and(|why| {
                    why.is_not_authorized_exception()
                        || why.is_user_not_found_exception()
                        || why.is_password_reset_required_exception()
                });
                if closed {
                    return Ok(None);
                }
                Err(failed("AdminInitiateAuth")(error))
            }
        }
    }

    /// Makes the refresh token, and every access token made with it, worthless.
    async fn revoke(&self, refresh_token: &str) -> Result<(), PoolError> {
        let secret = self.secret.get_or_try_init(|| self.read_secret()).await?;
        let call = self.pool.client.revoke_token().client_id(&self.client_id).token(refresh_token);
        let call = call.set_client_secret(secret.as_ref().map(|secret| secret.as_str().to_owned()));
        call.send().await.map_err(failed("RevokeToken"))?;
        Ok(())
    }
}

impl Invitations for AwsInvitations {
    async fn invite(&self, new: &NewNative, temporary: &Password) -> Result<Profile, PoolError> {
        let mut call = self
            .pool
            .client
            .admin_create_user()
            .user_pool_id(&self.pool.id)
            .username(&new.user_name)
            .temporary_password(temporary.expose())
            .message_action(MessageActionType::Suppress)
            .client_metadata(CREATED_BY.0, INVITED_BY)
            .user_attributes(attribute("email", &new.email.to_lower_case())?);
        for (name, value) in &new.attributes {
            call = call.user_attributes(attribute(name, value)?);
        }
        read::created(&call.send().await.map_err(failed("AdminCreateUser"))?)
    }

    async fn renew(&self, user: &CheckedUserName, temporary: &Password) -> Result<(), PoolError> {
        let call = self.pool.client.admin_set_user_password().user_pool_id(&self.pool.id).username(user.as_str());
        let call = call.password(temporary.expose()).permanent(false);
        call.send().await.map_err(failed("AdminSetUserPassword"))?;
        Ok(())
    }

    async fn opens(&self, user: &CheckedUserName, temporary: &Password) -> Result<bool, PoolError> {
        Ok(self.open(user, temporary).await?.is_some())
    }

    async fn respond(
        &self,
        user: &CheckedUserName,
        temporary: &Password,
        chosen: &Password,
    ) -> Result<Response, PoolError> {
        let Some(session) = self.open(user, temporary).await? else { return Ok(Response::Closed) };
        let asked = session.challenge_parameters().and_then(|all| all.get("USER_ID_FOR_SRP"));
        let name = asked.map_or(user.as_str(), String::as_str);
        let mut call = self
            .pool
            .client
            .admin_respond_to_auth_challenge()
            .user_pool_id(&self.pool.id)
            .client_id(&self.client_id)
            .challenge_name(ChallengeNameType::NewPasswordRequired)
            .set_session(session.session().map(str::to_owned))
            .challenge_responses("USERNAME", name)
            .challenge_responses("NEW_PASSWORD", chosen.expose());
        if let Some(hash) = self.secret_hash(name).await? {
            call = call.challenge_responses("SECRET_HASH", hash);
        }
        match call.send().await {
            Ok(answer) => {
                if let Some(token) = answer.authentication_result().and_then(|tokens| tokens.refresh_token()) {
                    self.revoke(token).await?;
                }
                Ok(Response::Accepted)
            }
            Err(error) => match error.as_service_error() {
                Some(why)
                    if why.is_invalid_password_exception() || why.is_password_history_policy_violation_exception() =>
                {
                    Ok(Response::WeakPassword)
                }
                // Somebody else's response to the same invitation came first.
                Some(why) if why.is_not_authorized_exception() => Ok(Response::Closed),
                _ => Err(failed("AdminRespondToAuthChallenge")(error)),
            },
        }
    }

    async fn password_policy(&self) -> Result<PasswordPolicy, PoolError> {
        let call = self.pool.client.describe_user_pool().user_pool_id(&self.pool.id);
        let described = call.send().await.map_err(failed("DescribeUserPool"))?;
        let policy = described.user_pool().and_then(|pool| pool.policies()).and_then(|all| all.password_policy());
        let policy = policy
            .ok_or_else(|| PoolError::new(PoolErrorKind::Other, "DescribeUserPool", "no policy in the answer"))?;
        Ok(read::password_policy(policy))
    }
}

#[cfg(test)]
mod tests;
