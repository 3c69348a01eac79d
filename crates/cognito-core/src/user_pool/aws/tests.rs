use super::*;
use crate::provider::Providers;
use crate::user_pool::Status;
use aws_sdk_cognitoidentityprovider::operation::admin_add_user_to_group::AdminAddUserToGroupOutput;
use aws_sdk_cognitoidentityprovider::operation::admin_create_user::{AdminCreateUserInput, AdminCreateUserOutput};
use aws_sdk_cognitoidentityprovider::operation::admin_delete_user::AdminDeleteUserOutput;
use aws_sdk_cognitoidentityprovider::operation::admin_delete_user_attributes::AdminDeleteUserAttributesOutput;
use aws_sdk_cognitoidentityprovider::operation::admin_get_user::AdminGetUserOutput;
use aws_sdk_cognitoidentityprovider::operation::admin_get_user_auth_factors::AdminGetUserAuthFactorsOutput;
use aws_sdk_cognitoidentityprovider::operation::admin_link_provider_for_user::AdminLinkProviderForUserOutput;
use aws_sdk_cognitoidentityprovider::operation::admin_set_user_mfa_preference::AdminSetUserMfaPreferenceOutput;
use aws_sdk_cognitoidentityprovider::operation::admin_set_user_password::AdminSetUserPasswordOutput;
use aws_sdk_cognitoidentityprovider::operation::admin_update_user_attributes::AdminUpdateUserAttributesOutput;
use aws_sdk_cognitoidentityprovider::operation::admin_user_global_sign_out::AdminUserGlobalSignOutOutput;
use aws_sdk_cognitoidentityprovider::operation::list_users::{ListUsersInput, ListUsersOutput};
use aws_sdk_cognitoidentityprovider::types::{UserStatusType, UserType};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const POOL: &str = "eu-central-1_EXAMPLE01";

/// A text that AWS might put into an error and that must not get out of the adapter.
const SECRET: &str = "User ada@example.com with Google_1035 does not exist";

/// The requests a rule answered.
struct Seen<I>(Arc<Mutex<Vec<I>>>);

impl<I: Clone + Send + 'static> Seen<I> {
    fn new() -> Self {
        Self(Arc::default())
    }

    /// Answers every request with what `answer` makes of it, and keeps the request.
    fn answering<O>(
        &self,
        answer: impl Fn(&I) -> O + Send + Sync + 'static,
    ) -> impl Fn(&I) -> O + Send + Sync + 'static {
        let seen = Arc::clone(&self.0);
        move |input| {
            seen.lock().unwrap().push(input.clone());
            answer(input)
        }
    }

    fn all(&self) -> Vec<I> {
        self.0.lock().unwrap().clone()
    }

    #[track_caller]
    fn only(&self) -> I {
        let [input] = self.all().try_into().ok().expect("one request");
        input
    }
}

/// A rule that answers with nothing, and the requests that it answered.
macro_rules! done {
    ($operation:ident, $output:ident) => {{
        let seen = Seen::new();
        (mock!(Client::$operation).then_compute_output(seen.answering(|_| $output::builder().build())), seen)
    }};
}

fn pool(rules: &[&Rule]) -> AwsUserPool {
    let configured = |config: aws_sdk_cognitoidentityprovider::config::Builder| {
        config.retry_config(crate::sdk::retries()).timeout_config(crate::sdk::timeouts())
    };
    let client = mock_client!(aws_sdk_cognitoidentityprovider, RuleMode::MatchAny, rules, configured);
    AwsUserPools::new(client).pool(POOL)
}

fn error_body(code: &str) -> String {
    json!({"__type": code, "message": SECRET}).to_string()
}

fn kate() -> Email {
    Email::parse("Kate@Example.com").unwrap()
}

fn available_kate() -> AvailableEmail {
    AvailableEmail::among(&kate(), [], ada().user_name()).unwrap()
}

fn ada() -> CheckedUserName {
    let sub = "5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e11";
    CheckedUserName::without_call(&UserName::new(sub), sub).unwrap()
}

fn listed(name: &str, attributes: &[(&str, &str)]) -> UserType {
    let attributes = attributes.iter().map(|(name, value)| attribute(name, value).unwrap()).collect();
    UserType::builder()
        .username(name)
        .set_attributes(Some(attributes))
        .enabled(true)
        .user_status(UserStatusType::Confirmed)
        .build()
}

fn names(profiles: &[Profile]) -> Vec<&str> {
    profiles.iter().map(|profile| profile.user_name.as_str()).collect()
}

fn pairs(attributes: &[AttributeType]) -> Vec<(&str, &str)> {
    attributes.iter().map(|a| (a.name(), a.value().unwrap_or_default())).collect()
}

#[tokio::test]
async fn every_page_is_read_and_everybody_with_another_address_is_dropped() {
    let seen = Seen::new();
    let rule = mock!(Client::list_users).then_compute_output(seen.answering(|input: &ListUsersInput| {
        let page = ListUsersOutput::builder();
        match input.pagination_token() {
            None => page.users(listed("native", &[("email", "kATE@example.COM")])).pagination_token("second"),
            // Cognito may send an empty page and still have more.
            Some("second") => page.set_users(Some(Vec::new())).pagination_token("third"),
            _ => page
                .users(listed("kelvin", &[("email", "\u{212a}ate@example.com")]))
                .users(listed("prefix", &[("email", "kate@example.com.au")]))
                .users(listed("nameless", &[]))
                .users(listed("google_1", &[("email", "kate@example.com")])),
        }
        .build()
    }));
    let profiles = pool(&[&rule]).profiles_with_email(&kate()).await.unwrap();
    assert_eq!(names(&profiles), ["native", "google_1"]);
    let requests = seen.all();
    assert_eq!(
        requests.iter().map(ListUsersInput::pagination_token).collect::<Vec<_>>(),
        [None, Some("second"), Some("third")]
    );
    for request in requests {
        assert_eq!((request.user_pool_id(), request.limit()), (Some(POOL), Some(60)));
        assert_eq!(request.filter(), Some("email = \"Kate@Example.com\""));
        // To ask for an attribute that a profile lacks is an error.
        assert!(request.attributes_to_get().is_empty());
    }
}

#[tokio::test]
async fn a_list_that_breaks_off_is_an_error_and_not_a_shorter_list() {
    let first =
        mock!(Client::list_users).match_requests(|input| input.pagination_token().is_none()).then_output(|| {
            let kate = listed("native", &[("email", "kate@example.com")]);
            ListUsersOutput::builder().users(kate).pagination_token("second").build()
        });
    let second = mock!(Client::list_users)
        .match_requests(|input| input.pagination_token().is_some())
        .sequence()
        .http_status(400, Some(error_body("InvalidParameterException")))
        .build();
    let error = pool(&[&first, &second]).profiles_with_email(&kate()).await.unwrap_err();
    assert_eq!(error.kind(), PoolErrorKind::InvalidParameter);
}

#[tokio::test]
async fn a_page_that_repeats_its_token_does_not_end_the_list() {
    let rule = mock!(Client::list_users)
        .sequence()
        .output(|| ListUsersOutput::builder().pagination_token("same").build())
        .times(2)
        .output(|| ListUsersOutput::builder().users(listed("native", &[("email", "kate@example.com")])).build())
        .build();
    assert_eq!(names(&pool(&[&rule]).profiles_with_email(&kate()).await.unwrap()), ["native"]);
}

#[tokio::test]
async fn a_profile_is_read_with_its_identities() {
    let rule = mock!(Client::admin_get_user).then_output(|| {
        let identities = json!([{"userId": "1035", "providerName": "Google", "primary": false}]).to_string();
        let attributes = [("sub", "s-1"), ("email_verified", "True"), ("identities", identities.as_str())];
        AdminGetUserOutput::builder()
            .username("native")
            .enabled(true)
            .user_status(UserStatusType::from("SOMETHING_NEW"))
            .set_user_attributes(Some(attributes.map(|(name, value)| attribute(name, value).unwrap()).to_vec()))
            .build()
            .unwrap()
    });
    let profile = pool(&[&rule]).profile("kate@example.com").await.unwrap().expect("somebody");
    assert_eq!((profile.sub.as_str(), profile.status, profile.email), ("s-1", Status::Other, None));
    assert!(profile.email_verified && profile.enabled && profile.identities[0].user_id == "1035");
}

#[tokio::test]
async fn identities_that_cannot_be_read_are_an_error_and_not_none() {
    let rule = mock!(Client::admin_get_user).then_output(|| {
        let broken = attribute("identities", "[{\"userId\":\"1035\"").unwrap();
        AdminGetUserOutput::builder().username("native").user_attributes(broken).build().unwrap()
    });
    let error = pool(&[&rule]).profile("native").await.unwrap_err();
    assert_eq!(error.kind(), PoolErrorKind::Other);
    assert!(!format!("{error} {error:?}").contains("1035"), "{error:?}");
}

#[tokio::test]
async fn only_user_not_found_means_nobody() {
    let answer =
        |code: &'static str| mock!(Client::admin_get_user).sequence().http_status(400, Some(error_body(code))).build();
    assert_eq!(pool(&[&answer("UserNotFoundException")]).profile("kate@example.com").await, Ok(None));
    for code in ["ResourceNotFoundException", "NotAuthorizedException", "AccessDeniedException"] {
        assert!(pool(&[&answer(code)]).profile("kate@example.com").await.is_err(), "{code}");
    }
}

#[tokio::test]
async fn a_profile_is_created_verified_without_a_message_and_without_taking_an_alias() {
    let seen = Seen::new();
    let rule = mock!(Client::admin_create_user).then_compute_output(seen.answering(|_: &AdminCreateUserInput| {
        let created = listed("5c1f", &[("sub", "5c1f"), ("email", "kate@example.com"), ("email_verified", "true")]);
        AdminCreateUserOutput::builder().user(created).build()
    }));
    let new = NewNative {
        user_name: "kate@example.com".into(),
        email: kate(),
        attributes: BTreeMap::from([("given_name".into(), "Kate".into())]),
    };
    let profile = pool(&[&rule]).create_native(&new).await.unwrap();
    assert!(profile.user_name.as_str() == "5c1f" && profile.email_verified);
    let request = seen.only();
    assert_eq!((request.user_pool_id(), request.username()), (Some(POOL), Some("kate@example.com")));
    assert_eq!(request.message_action(), Some(&MessageActionType::Suppress));
    assert_eq!(request.force_alias_creation(), Some(false));
    assert_eq!(request.temporary_password(), None);
    // A function of the team tells it from an administrator's call by this.
    assert_eq!(request.client_metadata().unwrap()["created_by"], "cognito-triggers");
    assert_eq!(
        pairs(request.user_attributes()),
        [("email", "kate@example.com"), ("email_verified", "true"), ("given_name", "Kate")]
    );
}

#[tokio::test]
async fn a_creation_that_names_nobody_is_an_error() {
    let rule = mock!(Client::admin_create_user).then_output(|| AdminCreateUserOutput::builder().build());
    let new = NewNative { user_name: "kate".into(), email: kate(), attributes: BTreeMap::new() };
    assert_eq!(pool(&[&rule]).create_native(&new).await.unwrap_err().kind(), PoolErrorKind::Other);
}

#[tokio::test]
async fn a_link_names_provider_attribute_and_value_as_the_provider_spells_them() {
    for (user_value, provider, attribute_name) in
        [("00uAbC", "Okta", "Cognito_Subject"), ("Ada@example.com", "Corp", "email")]
    {
        let (rule, seen) = done!(admin_link_provider_for_user, AdminLinkProviderForUserOutput);
        let providers = Providers::parse("Okta:claim,Corp:claim:email").unwrap();
        let identity = SourceIdentity::new(providers.named(provider).unwrap(), user_value).unwrap();
        pool(&[&rule]).link(&ada(), &identity).await.unwrap();
        let request = seen.only();
        let (to, from) = (request.destination_user().unwrap(), request.source_user().unwrap());
        assert_eq!((to.provider_name(), to.provider_attribute_value()), (Some("Cognito"), Some(ada().as_str())));
        assert_eq!(from.provider_name(), Some(provider));
        assert_eq!(from.provider_attribute_name(), Some(attribute_name));
        assert_eq!(from.provider_attribute_value(), Some(user_value));
    }
}

#[tokio::test]
async fn an_address_is_set_and_verified_in_one_call() {
    let (rule, seen) = done!(admin_update_user_attributes, AdminUpdateUserAttributesOutput);
    pool(&[&rule]).set_verified_email(&ada(), &available_kate()).await.unwrap();
    let call = seen.only();
    assert_eq!(pairs(call.user_attributes()), [("email", "kate@example.com"), ("email_verified", "true")]);
    assert_eq!(call.username(), Some(ada().as_str()));
}

#[tokio::test]
async fn a_phone_number_and_every_second_factor_go_in_two_calls() {
    let (preference, factors) = done!(admin_set_user_mfa_preference, AdminSetUserMfaPreferenceOutput);
    let (deletion, phone) = done!(admin_delete_user_attributes, AdminDeleteUserAttributesOutput);
    pool(&[&preference, &deletion]).forget_phone_and_factors(&ada()).await.unwrap();
    let request = factors.only();
    let (sms, totp) = (request.sms_mfa_settings().unwrap(), request.software_token_mfa_settings().unwrap());
    assert!(!sms.enabled() && !sms.preferred_mfa() && !totp.enabled() && !totp.preferred_mfa());
    assert_eq!(phone.only().user_attribute_names(), ["phone_number"]);
}

#[tokio::test]
async fn a_phone_number_that_cannot_be_deleted_is_no_longer_verified() {
    let (preference, _) = done!(admin_set_user_mfa_preference, AdminSetUserMfaPreferenceOutput);
    let deletion = mock!(Client::admin_delete_user_attributes)
        .sequence()
        .http_status(400, Some(error_body("InvalidParameterException")))
        .times(2)
        .build();
    let (update, marked) = done!(admin_update_user_attributes, AdminUpdateUserAttributesOutput);
    let factors = |factors: &'static [AuthFactorType]| {
        mock!(Client::admin_get_user_auth_factors).then_output(move || {
            let output = AdminGetUserAuthFactorsOutput::builder().username("ada");
            output.set_configured_user_auth_factors(Some(factors.to_vec())).build().unwrap()
        })
    };
    let password = factors(&[AuthFactorType::Password]);
    pool(&[&preference, &deletion, &update, &password]).forget_phone_and_factors(&ada()).await.unwrap();
    assert_eq!(pairs(marked.only().user_attributes()), [("phone_number_verified", "false")]);
    // A code to that number would still sign in.
    let codes = factors(&[AuthFactorType::Password, AuthFactorType::SmsOtp]);
    let error = pool(&[&preference, &deletion, &update, &codes]).forget_phone_and_factors(&ada()).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (PoolErrorKind::InvalidParameter, "AdminDeleteUserAttributes"));
}

#[tokio::test]
async fn the_other_verbs_reach_exactly_the_profile_they_name() {
    let (sets, password) = done!(admin_set_user_password, AdminSetUserPasswordOutput);
    let (ends, out) = done!(admin_user_global_sign_out, AdminUserGlobalSignOutOutput);
    let (deletes, deleted) = done!(admin_delete_user, AdminDeleteUserOutput);
    let (adds, group) = done!(admin_add_user_to_group, AdminAddUserToGroupOutput);
    let pool = pool(&[&sets, &ends, &deletes, &adds]);
    let random = Password::random();
    pool.replace_password(&ada(), &random).await.unwrap();
    pool.sign_out_everywhere(&ada()).await.unwrap();
    pool.delete(&ada()).await.unwrap();
    pool.add_to_group(&ada(), "Users").await.unwrap();
    let (set, ada) = (password.only(), ada());
    let name = Some(ada.as_str());
    assert_eq!((set.username(), set.password(), set.permanent()), (name, Some(random.expose()), Some(true)));
    assert_eq!((out.only().username(), deleted.only().username()), (name, name));
    let joined = group.only();
    assert_eq!((joined.username(), joined.group_name(), joined.user_pool_id()), (name, Some("Users"), Some(POOL)));
}

#[tokio::test]
async fn a_passkey_is_seen_among_other_factors() {
    for (factors, expected) in [
        (vec![AuthFactorType::Password, AuthFactorType::WebAuthn], true),
        (vec![AuthFactorType::Password, AuthFactorType::EmailOtp], false),
        (vec![], false),
    ] {
        let rule = mock!(Client::admin_get_user_auth_factors).then_output(move || {
            AdminGetUserAuthFactorsOutput::builder()
                .username("native")
                .set_configured_user_auth_factors(Some(factors.clone()))
                .build()
                .unwrap()
        });
        assert_eq!(pool(&[&rule]).has_passkey(&ada()).await, Ok(expected));
    }
}

async fn failing(status: u16, body: Option<String>) -> (PoolError, usize) {
    let rule = mock!(Client::admin_update_user_attributes).sequence().http_status(status, body).times(9).build();
    let error = pool(&[&rule]).set_verified_email(&ada(), &available_kate()).await.unwrap_err();
    (error, rule.num_calls())
}

#[tokio::test(start_paused = true)]
async fn errors_are_told_apart_by_code_and_aws_texts_stay_inside() {
    for (status, code, kind, attempts) in [
        (400, "UsernameExistsException", PoolErrorKind::UserNameExists, 1),
        (400, "AliasExistsException", PoolErrorKind::AliasExists, 1),
        (400, "UserNotFoundException", PoolErrorKind::UserNotFound, 1),
        (400, "ResourceNotFoundException", PoolErrorKind::ResourceNotFound, 1),
        (400, "InvalidParameterException", PoolErrorKind::InvalidParameter, 1),
        // The SDK takes this one for throttling too.
        (400, "LimitExceededException", PoolErrorKind::LimitExceeded, 3),
        (400, "NotAuthorizedException", PoolErrorKind::Denied, 1),
        (400, "AccessDeniedException", PoolErrorKind::Denied, 1),
        (400, "OperationNotEnabledException", PoolErrorKind::Denied, 1),
        (400, "UserLambdaValidationException", PoolErrorKind::TriggerRefused, 1),
        (400, "TooManyRequestsException", PoolErrorKind::Throttled, 3),
        (400, "ThrottlingException", PoolErrorKind::Throttled, 3),
        (500, "InternalErrorException", PoolErrorKind::Unavailable, 3),
        (503, "ServiceUnavailableException", PoolErrorKind::Unavailable, 3),
        (500, "SomethingNewException", PoolErrorKind::Unavailable, 3),
        (400, "SomethingNewException", PoolErrorKind::Other, 1),
    ] {
        let (error, calls) = failing(status, Some(error_body(code))).await;
        assert_eq!((error.kind(), calls), (kind, attempts), "{code}");
        assert_eq!(error.to_string(), format!("AdminUpdateUserAttributes: {code}"));
        let shown = format!("{error} {error:?} {}", error.clone().into_failure().cause_chain());
        assert!(["ada", "Google", "does not exist"].iter().all(|text| !shown.contains(text)), "{shown}");
    }
}

#[tokio::test]
async fn what_the_teams_pre_sign_up_says_about_a_creation_reaches_the_person() {
    let body = json!({ "__type": "UserLambdaValidationException",
        "message": "PreSignUp failed with error Not for ada@example.com." });
    let (error, _) = failing(400, Some(body.to_string())).await;
    assert!(!format!("{error} {error:?}").contains("ada@"), "{error:?}");
    assert_eq!(error.into_failure().public_text(), "Not for ada@example.com");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_read_is_unavailable() {
    for (status, body) in [(503, None), (502, Some("<html>Bad Gateway</html>".to_owned()))] {
        let (error, calls) = failing(status, body).await;
        assert_eq!((error.kind(), calls), (PoolErrorKind::Unavailable, 3), "{status}");
        assert!(error.is_transient() && !format!("{error:?}").contains("html"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_call_is_made_again() {
    let rule = mock!(Client::admin_update_user_attributes)
        .sequence()
        .http_status(400, Some(error_body("TooManyRequestsException")))
        .output(|| AdminUpdateUserAttributesOutput::builder().build())
        .build();
    let started = tokio::time::Instant::now();
    pool(&[&rule]).set_verified_email(&ada(), &available_kate()).await.unwrap();
    assert_eq!(rule.num_calls(), 2);
    assert!(started.elapsed() <= Duration::from_millis(500), "{:?}", started.elapsed());
}

#[tokio::test]
async fn an_error_carries_the_request_id() {
    let rule = mock!(Client::admin_update_user_attributes)
        .sequence()
        .http_response(|| {
            let mut response = HttpResponse::new(400.try_into().unwrap(), error_body("UserNotFoundException").into());
            response.headers_mut().insert("x-amzn-requestid", "1b2c3d4e");
            response
        })
        .build();
    let error = pool(&[&rule]).set_verified_email(&ada(), &available_kate()).await.unwrap_err();
    assert_eq!(error.to_string(), "AdminUpdateUserAttributes: UserNotFoundException (request 1b2c3d4e)");
}

#[tokio::test]
async fn the_endpoint_foreseen_without_the_list_of_regions_is_the_one_the_sdk_will_use() {
    let usual = [
        "af-south-1",
        "ap-northeast-3",
        "ap-southeast-7",
        "ca-west-1",
        "eu-central-1",
        "eu-south-2",
        "il-central-1",
        "me-central-1",
        "mx-central-1",
        "sa-east-1",
        "us-east-1",
        "us-west-2",
    ];
    let others = ["cn-north-1", "eusc-de-east-1", "us-gov-west-1", "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1"];
    for region in usual.into_iter().chain(others) {
        let parameters = Params::builder().region(region).build().unwrap();
        let resolved = DefaultResolver::new().resolve_endpoint(&parameters).await.unwrap();
        let foreseen = usual_endpoint(region);
        assert_eq!(foreseen.is_some(), usual.contains(&region), "{region}");
        assert!(foreseen.is_none_or(|url| url == resolved.url()), "{region}");
    }
}
