//! What the API needs of the user pool: some calls of `cognito-core`'s three ports, behind one pointer. With a pointer
//! instead of a type parameter, the flows are compiled once.

use crate::problem::Problem;
use cognito_core::email::Email;
use cognito_core::password::Password;
use cognito_core::provider::SourceIdentity;
use cognito_core::user_pool::{
    Administration, AvailableEmail, CheckedUserName, Invitations, NewNative, PasswordPolicy, PoolError, Profile,
    ProfileRecord, Response, UserName,
};
use futures_util::future::BoxFuture;

/// A user pool and the app client that answers invitations to it.
#[derive(Debug)]
pub struct Pool<P, I> {
    /// The pool.
    pub users: P,
    /// Inviting people to it.
    pub invitations: I,
}

macro_rules! verbs {
    ($($port:ident.$name:ident($($argument:ident: $type:ty),*) -> $output:ty;)*) => {
        /// The calls. `cognito-core`'s ports document the methods of the same names.
        #[expect(clippy::elidable_lifetime_names, reason = "needed wherever there is an argument")]
        pub trait Accounts: Send + Sync {
            $(
                #[expect(missing_docs, reason = "as the port documents it")]
                fn $name<'a>(&'a self, $($argument: &'a $type),*) -> BoxFuture<'a, Result<$output, PoolError>>;
            )*
        }

        #[expect(clippy::elidable_lifetime_names, reason = "as above")]
        impl<P: Administration + Send, I: Invitations + Send> Accounts for Pool<P, I> {
            $(
                fn $name<'a>(&'a self, $($argument: &'a $type),*) -> BoxFuture<'a, Result<$output, PoolError>> {
                    Box::pin(self.$port.$name($($argument),*))
                }
            )*
        }
    };
}

verbs! {
    users.profile(name: str) -> Option<Profile>;
    users.profiles_with_email(email: Email) -> Vec<Profile>;
    users.record(user_name: str) -> Option<ProfileRecord>;
    users.found_by(name: str) -> Option<ProfileRecord>;
    users.user_name_of_sub(sub: str) -> Option<UserName>;
    users.groups(user: UserName) -> Vec<String>;
    users.sign_in_factors(user: UserName) -> Vec<String>;
    users.checked(name: UserName, own_sub: str) -> CheckedUserName;
    users.set_verified_email(user: CheckedUserName, email: AvailableEmail) -> ();
    users.forget_phone_and_factors(user: CheckedUserName) -> ();
    users.sign_out_everywhere(user: CheckedUserName) -> ();
    users.link(user: CheckedUserName, identity: SourceIdentity) -> ();
    users.unlink_source(identity: SourceIdentity) -> ();
    users.delete(user: CheckedUserName) -> ();
    users.add_to_group(user: CheckedUserName, group: str) -> ();
    invitations.invite(new: NewNative, temporary: Password) -> Profile;
    invitations.renew(user: CheckedUserName, temporary: Password) -> ();
    invitations.opens(user: CheckedUserName, temporary: Password) -> bool;
    invitations.respond(user: CheckedUserName, temporary: Password, chosen: Password) -> Response;
    invitations.password_policy() -> PasswordPolicy;
}

/// Ends every session of an account. The caller's own session ends too, because Cognito cannot spare one. If AWS denies
/// it, that is only logged: a missing right must not stop what comes after.
///
/// # Errors
///
/// Returns the [`Problem`] of a failure that passes.
pub(crate) async fn end_sessions(accounts: &dyn Accounts, user_name: &UserName, sub: &str) -> Result<(), Problem> {
    let end = async {
        let user = accounts.checked(user_name, sub).await?;
        accounts.sign_out_everywhere(&user).await
    };
    match end.await {
        Ok(()) => Ok(()),
        Err(error) if error.is_transient() => Err(error.into()),
        Err(error) => {
            let (error_code, cause) = ("sessions_not_ended", error.to_string());
            tracing::error!(error_code, cause, sub, "the account's sessions go on");
            Ok(())
        }
    }
}
