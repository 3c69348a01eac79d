use super::*;
use crate::email::Email;
use crate::user_pool::aws::AwsUserPools;
use crate::user_pool::{UserName, UserPools};
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::operation::admin_create_user::{AdminCreateUserInput, AdminCreateUserOutput};
use aws_sdk_cognitoidentityprovider::operation::admin_initiate_auth::{AdminInitiateAuthError, AdminInitiateAuthInput};
use aws_sdk_cognitoidentityprovider::operation::admin_respond_to_auth_challenge::{
    AdminRespondToAuthChallengeError, AdminRespondToAuthChallengeInput, AdminRespondToAuthChallengeOutput,
};
use aws_sdk_cognitoidentityprovider::operation::describe_user_pool_client::DescribeUserPoolClientOutput;
use aws_sdk_cognitoidentityprovider::operation::revoke_token::{RevokeTokenInput, RevokeTokenOutput};
use aws_sdk_cognitoidentityprovider::types::error::{
    InvalidPasswordException, NotAuthorizedException, TooManyRequestsException,
};
use aws_sdk_cognitoidentityprovider::types::{AuthenticationResultType, UserPoolClientType, UserType};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use std::collections::BTreeMap;

fn invitations(rules: &[&Rule]) -> AwsInvitations {
    let client = mock_client!(aws_sdk_cognitoidentityprovider, RuleMode::MatchAny, rules);
    AwsInvitations::new(AwsUserPools::new(client).pool("eu-central-1_EXAMPLE01"), "backend-client")
}

fn ada() -> CheckedUserName {
    let sub = "5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e11";
    CheckedUserName::without_call(&UserName::new(sub), sub).unwrap()
}

fn client_with(secret: Option<&'static str>) -> Rule {
    mock!(Client::describe_user_pool_client).then_output(move || {
        let client = UserPoolClientType::builder().set_client_secret(secret.map(str::to_owned)).build();
        DescribeUserPoolClientOutput::builder().user_pool_client(client).build()
    })
}

fn challenge() -> AdminInitiateAuthOutput {
    AdminInitiateAuthOutput::builder()
        .challenge_name(ChallengeNameType::NewPasswordRequired)
        .session("the-session")
        .challenge_parameters("USER_ID_FOR_SRP", ada().as_str())
        .build()
}

fn tokens() -> AuthenticationResultType {
    AuthenticationResultType::builder().refresh_token("the-refresh-token").build()
}

#[test]
fn the_secret_hash_is_that_of_the_developer_guide() {
    // Checked with: printf 'usernameclient' | openssl dgst -sha256 -hmac secret -binary | base64
    assert_eq!(secret_hash("secret", "username", "client"), "3eHghirMWj+WOzL87OR6YliFJS5uVrSiiHMDAKYvIlQ=");
}

#[tokio::test]
async fn an_invitation_claims_no_proof_sends_nothing_and_takes_nothing_away() {
    let rule = mock!(Client::admin_create_user)
        .match_requests(|input: &AdminCreateUserInput| {
            let verified = input.user_attributes().iter().any(|attribute| attribute.name() == "email_verified");
            input.message_action() == Some(&MessageActionType::Suppress)
                && !verified
                && input.client_metadata().is_some_and(|all| all["created_by"] == "cognito-triggers-invitation")
                && input.force_alias_creation().is_none()
                && input.temporary_password().is_some_and(|password| password.len() == 99)
        })
        .then_output(|| AdminCreateUserOutput::builder().user(UserType::builder().username("x").build()).build());
    let invitee = NewNative {
        user_name: "ada@example.com".into(),
        email: Email::parse("Ada@Example.com").unwrap(),
        attributes: BTreeMap::new(),
    };
    let profile = invitations(&[&rule]).invite(&invitee, &Password::random()).await.unwrap();
    assert_eq!(profile.user_name.as_str(), "x");
}

#[tokio::test]
async fn what_a_response_earns_is_revoked_with_the_clients_secret() {
    let secret = client_with(Some("secret"));
    let open = mock!(Client::admin_initiate_auth)
        .match_requests(|input: &AdminInitiateAuthInput| {
            input.auth_parameters().is_some_and(|all| all.contains_key("SECRET_HASH"))
        })
        .then_output(challenge);
    let respond = mock!(Client::admin_respond_to_auth_challenge)
        .match_requests(|input: &AdminRespondToAuthChallengeInput| {
            input.session() == Some("the-session")
                && input.challenge_responses().is_some_and(|all| all.contains_key("SECRET_HASH"))
        })
        .then_output(|| AdminRespondToAuthChallengeOutput::builder().authentication_result(tokens()).build());
    let revoke = mock!(Client::revoke_token)
        .match_requests(|input: &RevokeTokenInput| {
            input.token() == Some("the-refresh-token") && input.client_secret() == Some("secret")
        })
        .then_output(|| RevokeTokenOutput::builder().build());
    let answer = invitations(&[&secret, &open, &respond, &revoke])
        .respond(&ada(), &Password::random(), &Password::random())
        .await;
    assert_eq!(answer, Ok(Response::Accepted));
    assert_eq!(revoke.num_calls(), 1);
    assert_eq!(secret.num_calls(), 1, "the secret is asked for once");
}

#[tokio::test]
async fn a_permanent_password_is_no_invitation_and_its_tokens_are_revoked() {
    let secret = client_with(None);
    let open = mock!(Client::admin_initiate_auth)
        .then_output(|| AdminInitiateAuthOutput::builder().authentication_result(tokens()).build());
    let revoke = mock!(Client::revoke_token).then_output(|| RevokeTokenOutput::builder().build());
    let answer =
        invitations(&[&secret, &open, &revoke]).respond(&ada(), &Password::random(), &Password::random()).await;
    assert_eq!((answer, revoke.num_calls()), (Ok(Response::Closed), 1));
}

#[tokio::test]
async fn refusals_are_told_apart_by_code_and_everything_else_is_an_error() {
    let secret = client_with(None);
    let refused = mock!(Client::admin_initiate_auth)
        .then_error(|| AdminInitiateAuthError::NotAuthorizedException(NotAuthorizedException::builder().build()));
    let closed = invitations(&[&secret, &refused]).respond(&ada(), &Password::random(), &Password::random()).await;
    assert_eq!(closed, Ok(Response::Closed));

    let open = mock!(Client::admin_initiate_auth).then_output(challenge);
    let weak = mock!(Client::admin_respond_to_auth_challenge).then_error(|| {
        AdminRespondToAuthChallengeError::InvalidPasswordException(InvalidPasswordException::builder().build())
    });
    let answer = invitations(&[&client_with(None), &open, &weak])
        .respond(&ada(), &Password::random(), &Password::chosen("short".into()))
        .await;
    assert_eq!(answer, Ok(Response::WeakPassword));

    let busy = mock!(Client::admin_initiate_auth)
        .then_error(|| AdminInitiateAuthError::TooManyRequestsException(TooManyRequestsException::builder().build()));
    let error = invitations(&[&client_with(None), &busy])
        .respond(&ada(), &Password::random(), &Password::random())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("AdminInitiateAuth"), "{error}");
}
