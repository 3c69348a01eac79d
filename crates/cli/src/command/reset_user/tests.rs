use super::*;
use crate::Arguments;
use crate::command::Command;
use crate::lookup::tests::ada as ada_account;
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::error::ErrorMetadata;
use aws_sdk_cognitoidentityprovider::operation::admin_delete_user::AdminDeleteUserError;
use aws_sdk_cognitoidentityprovider::operation::admin_get_user::{AdminGetUserError, AdminGetUserOutput};
use aws_sdk_cognitoidentityprovider::operation::admin_list_groups_for_user::AdminListGroupsForUserOutput;
use aws_sdk_cognitoidentityprovider::operation::list_users::ListUsersOutput;
use aws_sdk_cognitoidentityprovider::types::{AttributeType, UserStatusType};
use aws_smithy_mocks::{RuleMode, mock, mock_client};
use clap::Parser;
use cognito_core::user_pool::UserPools;
use cognito_core::user_pool::aws::AwsUserPools;

const FIXED: [&str; 6] = ["cognito-triggers", "reset-user", "--user-pool-id", "eu-central-1_A", "--client-id", "c"];

/// The command as it is written on a command line.
fn command(further: &[&str]) -> (Global, ResetUser) {
    let Arguments { global, command } = Arguments::try_parse_from(FIXED.iter().chain(further)).unwrap();
    let Command::ResetUser(command) = command else { panic!("another command") };
    (global, command)
}

fn ada() -> AdminGetUserOutput {
    let pair = |name, value: &str| AttributeType::builder().name(name).value(value).build().unwrap();
    AdminGetUserOutput::builder()
        .username("ada")
        .user_status(UserStatusType::Unconfirmed)
        .enabled(true)
        .user_attributes(pair("sub", &ada_account().sub))
        .user_attributes(pair("email", "ada@example.com"))
        .build()
        .unwrap()
}

fn silence() -> ErrorMetadata {
    ErrorMetadata::builder().code("ServiceUnavailable").build()
}

#[tokio::test]
async fn a_deletion_of_which_nothing_is_known_keeps_the_file_and_says_how_to_go_on() {
    let read =
        mock!(Client::admin_get_user).sequence().output(ada).error(|| AdminGetUserError::generic(silence())).build();
    let list = mock!(Client::list_users).then_output(|| ListUsersOutput::builder().build());
    let groups =
        mock!(Client::admin_list_groups_for_user).then_output(|| AdminListGroupsForUserOutput::builder().build());
    let delete = mock!(Client::admin_delete_user).then_error(|| AdminDeleteUserError::generic(silence()));
    let client = mock_client!(aws_sdk_cognitoidentityprovider, RuleMode::MatchAny, [&read, &list, &groups, &delete]);
    let pool = AwsUserPools::new(client).pool("eu-central-1_A");
    let rules = PoolSettings { auto_verified_attributes: vec!["email".into()], ..PoolSettings::default() };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ada.json");
    let (global, command) = command(&["ada", "--yes", "--save", file.to_str().unwrap()]);
    let app_client = AppClient::new("c", Vec::new(), None);
    let ended = command.reset(&global, &pool, &rules, &app_client, "ada").await.unwrap();
    assert_eq!((ended, delete.num_calls()), (ExitStatus::Partly, 1));
    assert_eq!(Record::load(&file).unwrap().user_name, "ada");
}

#[test]
fn the_command_that_goes_on_is_the_same_command() {
    let (global, first) = command(&[
        "ada",
        "--yes-delete-confirmed",
        "--wait",
        "600",
        "--without",
        "custom:plan",
        "--password-stdin",
        "--client-metadata",
        "invitation=secret",
        "--profile",
        "my own",
        "--region",
        "eu-west-1",
    ]);
    let retry = first.retry(&global, Path::new("/tmp/Ada's.json"));
    insta::assert_snapshot!(retry, @r"cognito-triggers reset-user --resume '/tmp/Ada'\''s.json' --user-pool-id eu-central-1_A --client-id c --without custom:plan --profile 'my own' --region eu-west-1 --wait 600 --yes --password-stdin");
    let (_, again) = command(&["--resume", "f", "--without", "custom:plan", "--password-stdin"]);
    assert_eq!((again.without, again.password_stdin), (first.without, first.password_stdin));
}

#[test]
fn a_log_learns_nothing_personal_of_what_is_lost_and_whoever_is_asked_sees_all_of_it() {
    let account = ProfileRecord { user_name: "ada.lovelace".into(), ..ada_account().record() };
    let groups = ["Users".to_owned()];
    let log = loss(&account, &groups, false).join("\n");
    assert!(!log.contains("ada"), "{log}");
    for part in [account.sub(), "email, email_verified", "Users"] {
        assert!(log.contains(part), "{log}");
    }
    let question = loss(&account, &groups, true).join("\n");
    assert!(question.contains("ada.lovelace (CONFIRMED") && question.contains("email = ada@example.com"), "{question}");
}
