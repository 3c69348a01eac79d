//! What to do about a call that failed, and which permission each operation needs.

use anyhow::Error;
use aws_sdk_lambda::error::ProvideErrorMetadata;
use aws_sdk_lambda::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use cognito_core::user_pool::aws::failed;
use cognito_core::user_pool::{PoolError, PoolErrorKind};
use merge::MergeError;

/// The IAM permission that an operation needs; `None` if it needs none.
pub(crate) fn permission(operation: &str) -> Option<String> {
    let service = match operation {
        "SignUp" | "GetCallerIdentity" => return None,
        "GetFunctionConfiguration"
        | "UpdateFunctionConfiguration"
        | "GetPolicy"
        | "AddPermission"
        | "RemovePermission"
        | "InvokeFunction" => "lambda",
        "SimulatePrincipalPolicy" => "iam",
        "GetAccount" | "GetEmailIdentity" | "GetSuppressedDestination" => "ses",
        "ListServiceQuotas" => "servicequotas",
        "GetSMSSandboxAccountStatus" | "GetSMSAttributes" => "sns",
        "FilterLogEvents" => "logs",
        _ => "cognito-idp",
    };
    Some(format!("{service}:{operation}"))
}

/// What to do about an error; `None` if no call failed, or nothing is known that helps.
pub(crate) fn of(error: &Error) -> Option<String> {
    let failed = error.chain().find_map(|cause| {
        let of_merge = cause.downcast_ref().and_then(|error| match error {
            MergeError::Pool(error) => Some(error),
            _ => None,
        });
        cause.downcast_ref::<PoolError>().or(of_merge)
    })?;
    about(failed.operation(), failed.code())
}

/// What to do if an operation failed with a code.
fn about(operation: &str, code: &str) -> Option<String> {
    let begins = |starts: &[&str]| starts.iter().any(|start| code.starts_with(start));
    if begins(&["AccessDenied", "UnauthorizedOperation"]) {
        return permission(operation).map(|permission| format!("Allow {permission} and run the command again."));
    }
    let text = if begins(&["ExpiredToken"]) {
        "The credentials have expired. Sign in again, such as with aws sso login, and run the command again."
    } else if begins(&["UnrecognizedClient", "InvalidClientTokenId", "InvalidSignature", "SignatureDoesNotMatch"]) {
        "AWS does not know these credentials, or this machine's clock is wrong. Check --profile and the AWS_ variables: aws \
         sts get-caller-identity."
    } else if begins(&["TooManyRequests", "Throttling"]) {
        "The account makes too many calls in this Region. Wait a minute and run the command again."
    } else if begins(&["InternalError", "InternalServer", "ServiceUnavailable"]) {
        "AWS failed. Run the command again later."
    } else if code == "unreadable answer" {
        "Something other than AWS answered, such as a proxy or a sign-in page of the network. Check AWS_ENDPOINT_URL and the \
         network."
    } else if code == "ResourceNotFoundException" && NEED_ONLY_THE_POOL.contains(&operation) {
        "There is no such user pool in this account and Region. Check --user-pool-id and --profile: aws cognito-idp \
         list-user-pools --max-results 60."
    } else if code == "ResourceNotFoundException" && ["AdminAddUserToGroup", "ListUsersInGroup"].contains(&operation) {
        "There is no such group, or no such user pool. Make the group with aws cognito-idp create-group, or check --user-pool-id \
         and --profile."
    } else if code == "ResourceNotFoundException" && operation == "GetFunctionConfiguration" {
        "There is no such function in the account and the pool's Region: aws lambda list-functions."
    } else {
        return None;
    };
    Some(text.to_owned())
}

/// If one of these finds nothing, then it is the pool that is missing.
const NEED_ONLY_THE_POOL: [&str; 9] = [
    "AdminDeleteUser",
    "AdminGetUser",
    "AdminUpdateUserAttributes",
    "DescribeUserPool",
    "GetLogDeliveryConfiguration",
    "ListIdentityProviders",
    "ListUserPoolClients",
    "ListUsers",
    "UpdateUserPool",
];

/// The error of a call about a pool or a function, with what AWS says. Where a call is denied, AWS says only who runs
/// this, and the advice says more.
pub(crate) fn told<E>(operation: &'static str) -> impl FnOnce(SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata,
    SdkError<E, HttpResponse>: RequestId,
{
    move |error| {
        let message = error.message().map(str::to_owned);
        let error = failed(operation)(error);
        match message.filter(|_| !matches!(error.kind(), PoolErrorKind::Denied | PoolErrorKind::ResourceNotFound)) {
            Some(message) => Error::new(error).context(message),
            None => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(operation: &'static str, code: &str) -> Option<String> {
        of(&Error::new(PoolError::new(PoolErrorKind::Other, operation, code)).context("more"))
    }

    #[test]
    fn a_denied_call_names_its_permission() {
        for (operation, permission) in [
            ("ListUsers", "cognito-idp:ListUsers"),
            ("AddPermission", "lambda:AddPermission"),
            ("GetEmailIdentity", "ses:GetEmailIdentity"),
            ("InvokeFunction", "lambda:InvokeFunction"),
            ("FilterLogEvents", "logs:FilterLogEvents"),
            ("GetSMSAttributes", "sns:GetSMSAttributes"),
        ] {
            let advice = advice(operation, "AccessDeniedException").unwrap();
            assert!(advice.contains(&format!("Allow {permission} ")), "{advice}");
        }
        assert_eq!(advice("SignUp", "AccessDeniedException"), None);
    }

    #[test]
    fn every_code_that_an_operator_can_do_something_about_has_its_advice() {
        for (code, what) in [
            ("ExpiredTokenException", "Sign in again"),
            ("unreadable answer", "AWS_ENDPOINT_URL"),
            ("UnrecognizedClientException", "--profile"),
            ("TooManyRequestsException", "Wait"),
            ("InternalErrorException", "later"),
            ("ResourceNotFoundException", "--user-pool-id"),
        ] {
            let advice = advice("AdminGetUser", code).unwrap();
            assert!(advice.contains(what), "{code}: {advice}");
        }
        let group = advice("AdminAddUserToGroup", "ResourceNotFoundException").unwrap();
        assert!(group.contains("create-group"), "{group}");
        let function = advice("GetFunctionConfiguration", "ResourceNotFoundException").unwrap();
        assert!(function.contains("list-functions"), "{function}");
        assert_eq!(advice("AdminLinkProviderForUser", "ResourceNotFoundException"), None, "pool or provider");
    }

    #[test]
    fn what_stopped_a_merge_or_an_undo_has_its_advice_as_well() {
        let denied = PoolError::new(PoolErrorKind::Denied, "AdminDeleteUser", "AccessDeniedException");
        let stopped = Error::new(MergeError::Pool(denied)).context("stopped");
        assert!(of(&stopped).unwrap().contains("cognito-idp:AdminDeleteUser"));
    }
}
