use super::*;
use crate::user_pool::aws::AwsUserPools;
use crate::user_pool::{UserPool, UserPools};
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::operation::admin_get_user::AdminGetUserOutput;
use aws_sdk_cognitoidentityprovider::operation::describe_user_pool::DescribeUserPoolOutput;
use aws_sdk_cognitoidentityprovider::operation::describe_user_pool_client::DescribeUserPoolClientOutput;
use aws_sdk_cognitoidentityprovider::operation::list_user_pool_clients::ListUserPoolClientsOutput;
use aws_sdk_cognitoidentityprovider::operation::list_users::ListUsersOutput;
use aws_sdk_cognitoidentityprovider::operation::sign_up::SignUpOutput;
use aws_sdk_cognitoidentityprovider::types::{
    AttributeType, CodeDeliveryDetailsType, DeliveryMediumType, UserPoolClientDescription, UserStatusType, UserType,
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};

fn pool(rules: &[&Rule]) -> AwsUserPool {
    let configured =
        |config: aws_sdk_cognitoidentityprovider::config::Builder| config.retry_config(crate::sdk::retries());
    let client = mock_client!(aws_sdk_cognitoidentityprovider, RuleMode::MatchAny, rules, configured);
    AwsUserPools::new(client).pool("eu-central-1_EXAMPLE01")
}

fn pair(name: &str, value: &str) -> AttributeType {
    AttributeType::builder().name(name).value(value).build().unwrap()
}

#[tokio::test]
async fn the_settings_say_what_a_new_profile_needs_and_never_ask_for_a_sub() {
    let described = mock!(Client::describe_user_pool).then_output(|| {
        let attribute = |name: &str, required, mutable| {
            SchemaAttributeType::builder().name(name).required(required).mutable(mutable).build()
        };
        let pool = UserPoolType::builder()
            .estimated_number_of_users(7)
            .username_attributes(UsernameAttributeType::PhoneNumber)
            .auto_verified_attributes(VerifiedAttributeType::Email)
            .schema_attributes(attribute("sub", true, false))
            .schema_attributes(attribute("given_name", true, true))
            .schema_attributes(attribute("locale", false, true));
        DescribeUserPoolOutput::builder().user_pool(pool.build()).build()
    });
    let settings = pool(&[&described]).settings().await.unwrap();
    assert!(settings.only_phone_is_user_name() && !settings.email_is_user_name());
    assert!(!settings.administrators_only);
    assert_eq!(settings.required_attributes, ["given_name"]);
    assert_eq!(settings.mutable_attributes, ["given_name", "locale"]);
    assert_eq!((settings.estimated_users, settings.auto_verified_attributes), (7, vec!["email".to_owned()]));
}

#[tokio::test]
async fn a_page_is_read_from_its_token_and_names_the_next() {
    let listed = mock!(Client::list_users)
        .match_requests(|input| input.pagination_token() == Some("here") && input.limit() == Some(60))
        .then_output(|| {
            let ada = UserType::builder()
                .username("Google_1")
                .user_status(UserStatusType::ExternalProvider)
                .attributes(pair("sub", "s"));
            ListUsersOutput::builder().users(ada.build()).pagination_token("further").build()
        });
    let page = pool(&[&listed]).page(Some("here")).await.unwrap();
    let [record] = page.records.as_slice() else { panic!("{} records", page.records.len()) };
    assert_eq!((record.user_name.as_str(), record.sub(), record.enabled), ("Google_1", "s", false));
    assert_eq!((record.status.as_str(), page.next.as_deref()), ("EXTERNAL_PROVIDER", Some("further")));
}

#[tokio::test]
async fn an_alias_that_leads_elsewhere_is_not_the_profile_of_that_name() {
    let read = mock!(Client::admin_get_user).then_output(|| {
        AdminGetUserOutput::builder()
            .username("another")
            .user_attributes(pair("email", "ada@example.com"))
            .user_mfa_setting_list("SMS_MFA")
            .preferred_mfa_setting("SMS_MFA")
            .build()
            .unwrap()
    });
    let pool = pool(&[&read]);
    assert_eq!(pool.record("ada@example.com").await.unwrap(), None);
    let found = pool.found_by("ada@example.com").await.unwrap().unwrap();
    assert_eq!(
        (found.mfa.enabled.as_slice(), found.mfa.preferred.as_deref()),
        (&["SMS_MFA".to_owned()][..], Some("SMS_MFA"))
    );
}

#[tokio::test]
async fn nothing_but_a_sub_is_put_into_a_filter() {
    let pool = pool(&[]);
    for text in ["", "somebody", "5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e1\"", "5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e111"] {
        assert_eq!(pool.user_name_of_sub(text).await.unwrap(), None, "{text}");
    }
}

#[tokio::test]
async fn every_app_client_is_read_with_what_it_may_write_and_where_people_come_from() {
    let listed = mock!(Client::list_user_pool_clients).then_output(|| {
        let client = |id: &str| UserPoolClientDescription::builder().client_id(id).build();
        ListUserPoolClientsOutput::builder().user_pool_clients(client("app")).user_pool_clients(client("old")).build()
    });
    let described = |id: &'static str, writes: &'static str| {
        mock!(Client::describe_user_pool_client).match_requests(move |input| input.client_id() == Some(id)).then_output(
            move || {
                let client =
                    UserPoolClientType::builder().write_attributes(writes).supported_identity_providers("Google");
                let client = client.build();
                DescribeUserPoolClientOutput::builder().user_pool_client(client).build()
            },
        )
    };
    let (app, old) = (described("app", "given_name"), described("old", "email_verified"));
    let clients = pool(&[&listed, &app, &old]).app_clients().await.unwrap();
    let clients: Vec<_> =
        clients.iter().map(|one| (one.id.as_str(), one.writable.concat(), one.providers.concat())).collect();
    let google = || "Google".to_owned();
    assert_eq!(clients, [("app", "given_name".to_owned(), google()), ("old", "email_verified".to_owned(), google())]);
}

#[tokio::test]
async fn a_registration_proves_the_clients_secret_and_says_where_the_code_went() {
    let made = mock!(Client::sign_up)
        .match_requests(|input| {
            input.secret_hash() == Some("pCfmF0r7Gu0NuqTNTEkVYGLmqkeLB+7ZDlvCeFKuOH0=")
                && input.user_attributes() == [pair("locale", "de")]
        })
        .then_output(|| {
            let sent =
                CodeDeliveryDetailsType::builder().delivery_medium(DeliveryMediumType::Email).destination("a***");
            SignUpOutput::builder()
                .user_sub("new")
                .user_confirmed(false)
                .code_delivery_details(sent.build())
                .build()
                .unwrap()
        });
    let client = AppClient::new("client", Vec::new(), Some("secret".into()));
    let registration = NewRegistration {
        user_name: "ada@example.com",
        password: "Correct-Horse-7",
        attributes: &[("locale".to_owned(), "de".to_owned())].into(),
        client_metadata: &BTreeMap::new(),
    };
    let registered = pool(&[&made]).sign_up(&client, &registration).await.unwrap();
    let delivery = Delivery { medium: "EMAIL".into(), destination: "a***".into() };
    assert_eq!(registered, Registered { sub: "new".into(), confirmed: false, delivery: Some(delivery) });
}

#[tokio::test]
async fn a_registration_is_sent_once_so_that_a_taken_name_is_never_its_own() {
    let lost = mock!(Client::sign_up)
        .sequence()
        .http_status(503, None)
        .http_status(400, Some(r#"{"__type":"UsernameExistsException"}"#.into()))
        .build();
    let registration = NewRegistration {
        user_name: "ada@example.com",
        password: "Correct-Horse-7",
        attributes: &BTreeMap::new(),
        client_metadata: &BTreeMap::new(),
    };
    let client = AppClient::new("client", Vec::new(), None);
    let error = pool(&[&lost]).sign_up(&client, &registration).await.unwrap_err();
    assert_eq!((error.kind(), lost.num_calls()), (PoolErrorKind::Unavailable, 1));
}
