//! `attach` and `detach` against pools of the local cloud, which resets what an update leaves out.

use crate::deployed::{self, idle, statements};
use end_to_end::{Cli, Ran, pool};
use local_cloud::user_pool::{Kind, UserPool};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tempfile::TempDir;

/// How many generated pools are changed: each takes two runs of the command line.
const POOLS: usize = 12;

async fn function() -> String {
    idle(&[]).await
}

async fn settings(pool: &UserPool) -> Value {
    let mut pool = pool.admin("DescribeUserPool", json!({})).await.unwrap()["UserPool"].take();
    pool["LastModifiedDate"] = Value::Null;
    pool
}

/// An operator at work in a folder of their own.
struct Operator {
    cli: Cli,
    folder: TempDir,
    pool: UserPool,
}

impl Operator {
    fn of(pool: UserPool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { cli: Cli::new().unwrap().within(folder.path()), folder, pool }
    }

    async fn run(&self, command: &str, arguments: &[&str]) -> Ran {
        let pool = ["--user-pool-id", self.pool.id(), "--output", "json"];
        let all: Vec<_> = [command].iter().chain(&pool).chain(arguments).copied().collect();
        self.cli.run(&all).await.unwrap()
    }

    fn files(&self) -> usize {
        self.folder.path().read_dir().unwrap().count()
    }
}

async fn operator() -> Operator {
    Operator::of(pool(Kind::EmailAsUsername).await.unwrap())
}

/// A pool in which every setting that the local cloud keeps differs from its default.
fn generated() -> impl Strategy<Value = Value> {
    let words = || "[a-z]{3,12}";
    let days = (1..300_u32, 9..90_u32, any::<[bool; 5]>());
    let tags = proptest::collection::hash_map("[a-z]{1,8}", words(), 1..4);
    (days, words(), words(), tags, proptest::sample::select(vec!["ON", "OPTIONAL"])).prop_map(
        |((days, length, flags), one, other, tags, mfa)| {
            json!({
                "PoolName": format!("{one} {other}"),
                "Policies": { "PasswordPolicy": { "MinimumLength": length, "RequireUppercase": flags[0],
                    "RequireLowercase": flags[1], "RequireNumbers": flags[2], "RequireSymbols": false,
                    "PasswordHistorySize": 3, "TemporaryPasswordValidityDays": days },
                    "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] } },
                "DeletionProtection": "ACTIVE",
                "LambdaConfig": { "PreAuthentication": format!("arn:aws:lambda:eu-central-1:000000000000:function:{one}"),
                    "CustomEmailSender": { "LambdaVersion": "V1_0",
                        "LambdaArn": format!("arn:aws:lambda:eu-central-1:000000000000:function:{other}") },
                    "KMSKeyID": format!("arn:aws:kms:eu-central-1:000000000000:key/{one}") },
                "AutoVerifiedAttributes": ["email", "phone_number"],
                "SmsVerificationMessage": format!("{one} {{####}}"),
                "EmailVerificationMessage": format!("{other} {{####}}"),
                "EmailVerificationSubject": one,
                "VerificationMessageTemplate": { "DefaultEmailOption": "CONFIRM_WITH_LINK",
                    "EmailMessageByLink": format!("{other} {{##here##}}") },
                "SmsAuthenticationMessage": format!("{other} {{####}}"),
                "UserAttributeUpdateSettings": { "AttributesRequireVerificationBeforeUpdate": ["email"] },
                "MfaConfiguration": mfa,
                "DeviceConfiguration": { "ChallengeRequiredOnNewDevice": flags[3], "DeviceOnlyRememberedOnUserPrompt": flags[4] },
                "EmailConfiguration": { "EmailSendingAccount": "DEVELOPER", "From": format!("{one}@example.com"),
                    "ReplyToEmailAddress": format!("{other}@example.com"), "ConfigurationSet": one,
                    "SourceArn": "arn:aws:ses:eu-central-1:000000000000:identity/example.com" },
                "SmsConfiguration": { "SnsCallerArn": "arn:aws:iam::000000000000:role/sms", "ExternalId": one, "SnsRegion": "eu-central-1" },
                "UserPoolTags": tags,
                "AdminCreateUserConfig": { "AllowAdminCreateUserOnly": true,
                    "InviteMessageTemplate": { "EmailSubject": other, "SMSMessage": "{username} {####}" } },
                "UserPoolAddOns": { "AdvancedSecurityMode": "AUDIT" },
                "AccountRecoverySetting": { "RecoveryMechanisms": [{ "Name": "verified_phone_number", "Priority": 1 }] },
                "UserPoolTier": "PLUS",
                "UsernameConfiguration": { "CaseSensitive": false },
            })
        },
    )
}

#[tokio::test]
async fn attach_leaves_every_property_of_every_generated_pool_as_it_was_and_detach_brings_back_the_rest() {
    let function = function().await;
    let mut runner = TestRunner::deterministic();
    for _ in 0..POOLS {
        let input = generated().new_tree(&mut runner).unwrap().current();
        let operator = Operator::of(deployed::pool(&input).await);
        let before = settings(&operator.pool).await;
        for (setting, value) in input.as_object().unwrap() {
            assert_eq!(before.get(if setting == "PoolName" { "Name" } else { setting }), Some(value), "not stored");
        }
        operator.run("attach", &["--pre-sign-up", &function, "--inbound-federation", &function, "--yes"]).await.ends(0);
        let mut expected = before.clone();
        expected["LambdaConfig"]["PreSignUp"] = json!(function);
        expected["LambdaConfig"]["InboundFederation"] = json!({ "LambdaArn": function, "LambdaVersion": "V1_0" });
        let after = settings(&operator.pool).await;
        for (property, value) in expected.as_object().unwrap() {
            assert_eq!(&after[property], value, "{property}");
        }
        assert_eq!(after, expected);
        operator.run("detach", &["--all", "--yes"]).await.ends(0);
        assert_eq!(settings(&operator.pool).await, before);
        assert_eq!(statements(&function).await, Vec::<Value>::new());
    }
}

#[tokio::test]
async fn cognito_may_call_what_is_attached_and_nothing_that_is_detached() {
    let (operator, function) = (operator().await, function().await);
    let options =
        ["--pre-sign-up", "--post-confirmation", "--post-authentication", "--inbound-federation", "--custom-message"];
    let mut arguments = vec!["--yes"];
    for option in options {
        arguments.extend([option, function.rsplit(':').next().unwrap()]);
    }
    let ran = operator.run("attach", &arguments).await;
    assert_eq!((ran.status, ran.json().unwrap()["applied"].as_bool()), (0, Some(true)), "{ran:?}");
    let pool = settings(&operator.pool).await;
    assert_eq!(pool["LambdaConfig"].as_object().unwrap().len(), options.len());
    let granted = statements(&function).await;
    assert_eq!(granted.len(), 1, "one statement lets the pool call, whatever the trigger: {granted:?}");
    assert_eq!(granted[0]["Principal"]["Service"], "cognito-idp.amazonaws.com");
    assert_eq!(granted[0]["Condition"]["ArnLike"]["AWS:SourceArn"], pool["Arn"]);
    assert_eq!(granted[0]["Condition"]["StringEquals"]["AWS:SourceAccount"], "000000000000");
    let again = operator.run("attach", &arguments).await;
    assert_eq!((again.status, again.json().unwrap()["applied"].as_bool()), (0, Some(false)), "{again:?}");
    operator.run("detach", &["--all", "--yes"]).await.ends(0);
    assert_eq!(settings(&operator.pool).await["LambdaConfig"], json!({}));
    assert_eq!(statements(&function).await, Vec::<Value>::new());
}

#[tokio::test]
async fn somebody_elses_trigger_is_displaced_only_when_asked_and_comes_back() {
    let (operator, theirs, ours, newer) = (operator().await, function().await, function().await, function().await);
    operator.pool.attach(&[("PreSignUp", json!(theirs))]).await.unwrap();
    let before = settings(&operator.pool).await;

    let refused = operator.run("attach", &["--pre-sign-up", &ours, "--yes"]).await;
    assert!(refused.only_says(3, "--replace").stderr.contains(&theirs));
    assert_eq!(settings(&operator.pool).await, before);
    assert_eq!((statements(&ours).await, operator.files()), (vec![], 0));

    operator.run("attach", &["--pre-sign-up", &ours, "--replace", "--yes"]).await.ends(0);
    // Our own function needs no extra permission to be replaced, and the record of its predecessor stays.
    operator.run("attach", &["--pre-sign-up", &newer, "--yes"]).await.ends(0);
    assert_eq!(settings(&operator.pool).await["LambdaConfig"]["PreSignUp"], json!(newer));
    assert_eq!((statements(&ours).await.len(), statements(&newer).await.len()), (0, 1));

    operator.run("detach", &["--pre-sign-up", "--yes"]).await.ends(0);
    assert_eq!(settings(&operator.pool).await, before);
    assert_eq!(statements(&newer).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_function_of_two_triggers_may_be_called_until_both_are_detached() {
    let (operator, function) = (operator().await, function().await);
    operator.run("attach", &["--pre-sign-up", &function, "--post-confirmation", &function, "--yes"]).await.ends(0);
    let ran = operator.run("detach", &["--pre-sign-up", "--yes"]).await;
    assert_eq!((ran.status, statements(&function).await.len()), (0, 1), "{ran:?}");
    let ran = operator.run("detach", &["--post-confirmation", "--yes"]).await;
    assert_eq!((ran.status, statements(&function).await.len()), (0, 0), "{ran:?}");
}

#[tokio::test]
async fn two_operators_with_one_record_do_not_write_over_each_other() {
    let (operator, function) = (operator().await, function().await);
    let (first, second) = (["--pre-sign-up", &function, "--yes"], ["--post-confirmation", &function, "--yes"]);
    let (one, other) = tokio::join!(operator.run("attach", &first), operator.run("attach", &second));
    let attached = [one.status, other.status].iter().filter(|status| **status == 0).count();
    assert!(
        [one.status, other.status].iter().all(|status| [0, 3].contains(status)) && attached > 0,
        "{one:?} {other:?}"
    );
    let ran = operator.run("detach", &["--all", "--yes"]).await;
    assert_eq!((ran.status, ran.json().unwrap()["changes"].as_array().unwrap().len()), (0, attached), "{ran:?}");
    assert_eq!(settings(&operator.pool).await["LambdaConfig"], json!({}));
}

#[tokio::test]
async fn a_function_that_somebody_attached_since_is_not_taken_off() {
    let (operator, ours, theirs) = (operator().await, function().await, function().await);
    operator.run("attach", &["--post-confirmation", &ours, "--yes"]).await.ends(0);
    operator.pool.attach(&[("PostConfirmation", json!(theirs))]).await.unwrap();
    operator.run("detach", &["--all", "--yes"]).await.ends(3);
    assert_eq!(settings(&operator.pool).await["LambdaConfig"]["PostConfirmation"], json!(theirs));
}

#[tokio::test]
async fn a_dry_run_shows_the_difference_and_changes_nothing() {
    let (operator, function) = (operator().await, function().await);
    let before = settings(&operator.pool).await;
    let ran = operator.run("attach", &["--custom-message", &function, "--dry-run"]).await.ends(0);
    let change = ran.json().unwrap()["changes"][0].take();
    assert_eq!(
        (&change["trigger"], &change["before"], &change["after"]),
        (&json!("custom-message"), &Value::Null, &json!(function))
    );
    assert_eq!(settings(&operator.pool).await, before);
    assert_eq!((statements(&function).await, operator.files()), (vec![], 0));
}

#[tokio::test]
async fn custom_message_on_a_pool_that_does_not_send_through_ses_is_pointed_out_before_anything_changes() {
    let (operator, function) = (operator().await, function().await);
    let says = |ran: &Ran| ran.stderr.contains("does not send through SES");
    assert!(!says(&operator.run("attach", &["--custom-message", &function, "--dry-run"]).await));
    let sender = json!({ "EmailSendingAccount": "COGNITO_DEFAULT" });
    operator.pool.admin("UpdateUserPool", json!({ "EmailConfiguration": sender })).await.unwrap();
    for how in [["--dry-run"].as_slice(), &["--print", "cloudformation"]] {
        for trigger in ["--custom-message", "--pre-sign-up"] {
            let fixed = ["attach", "--user-pool-id", operator.pool.id(), trigger, &function];
            let ran = operator.cli.run(&[&fixed, how].concat()).await.unwrap();
            assert_eq!((ran.status, says(&ran)), (0, trigger == "--custom-message"), "{ran:?}");
        }
    }
}

#[tokio::test]
async fn without_a_terminal_to_ask_on_yes_has_to_be_said() {
    let (operator, function) = (operator().await, function().await);
    operator.run("attach", &["--custom-message", &function]).await.only_says(3, "--yes");
    assert_eq!(settings(&operator.pool).await["LambdaConfig"], json!({}));
}

#[tokio::test]
async fn a_function_or_a_pool_that_is_not_there_is_refused_by_name() {
    let operator = operator().await;
    operator.run("attach", &["--pre-sign-up", "no-such-function", "--yes"]).await.says(3, "no-such-function");
    let arguments = ["attach", "--user-pool-id", "eu-central-1_NOSUCHPOO", "--pre-sign-up", "f", "--yes"];
    operator.cli.run(&arguments).await.unwrap().says(1, "eu-central-1_NOSUCHPOO");
}

#[tokio::test]
async fn a_function_of_another_account_is_attached_and_the_command_for_its_permission_given() {
    let operator = operator().await;
    let foreign = "arn:aws:lambda:eu-central-1:111111111111:function:theirs:live";
    let ran = operator.run("attach", &["--pre-sign-up", foreign, "--yes"]).await.ends(0);
    assert!(
        ran.stderr.contains("aws lambda add-permission") && ran.stderr.contains("--qualifier live"),
        "{}",
        ran.stderr
    );
    assert_eq!(settings(&operator.pool).await["LambdaConfig"]["PreSignUp"], foreign);
}

#[tokio::test]
async fn detach_without_a_record_says_so_and_clears_only_when_asked() {
    let (operator, function) = (operator().await, function().await);
    operator.run("attach", &["--pre-sign-up", &function, "--record", "elsewhere.json", "--yes"]).await.ends(0);
    for choice in ["--all", "--pre-sign-up"] {
        let refused = operator.run("detach", &[choice, "--yes"]).await.ends(3);
        assert!(refused.stderr.contains("--record") && refused.stderr.contains("--leave-empty"), "{}", refused.stderr);
    }
    operator.run("detach", &["--pre-sign-up", "--leave-empty", "--yes"]).await.ends(0);
    assert_eq!(settings(&operator.pool).await["LambdaConfig"], json!({}));
    assert_eq!(statements(&function).await, Vec::<Value>::new());
}

/// A pool with tags, as a tool would make it.
async fn tagged(tags: Value) -> Operator {
    let input = json!({ "PoolName": "owned", "UsernameAttributes": ["email"], "UserPoolTags": tags });
    Operator::of(deployed::pool(&input).await)
}

#[tokio::test]
async fn a_pool_of_another_tool_is_left_alone_until_the_operator_says_that_it_is_theirs() {
    let function = function().await;
    for (tags, owner, next, page) in [
        (json!({ "aws:cloudformation:stack-name": "shop" }), "the CloudFormation stack shop", "of shop", "README.md"),
        (json!({ "amplify:app-id": "d1", "created-by": "amplify" }), "Amplify", "the backend", "amplify.md"),
        (json!({ "ManagedBy": "Terraform" }), "Terraform", "terraform apply", "terraform.md"),
    ] {
        let is_reserved = tags.get("aws:cloudformation:stack-name").is_some();
        let operator = tagged(tags).await;
        let before = settings(&operator.pool).await;
        operator
            .run("attach", &["--pre-sign-up", &function, "--dry-run"])
            .await
            .says(0, &format!("{owner} owns the pool"));
        let refused = operator.run("attach", &["--pre-sign-up", &function, "--yes"]).await;
        assert_eq!((refused.status, refused.stdout.as_str()), (3, ""), "{refused:?}");
        for part in [owner, next, page, "--print", "--yes-i-own-it"] {
            assert!(refused.stderr.contains(part), "{part} is not in {}", refused.stderr);
        }
        assert_eq!((settings(&operator.pool).await, operator.files()), (before, 0));
        // The local cloud loses the tags of AWS at an update that does not name them.
        if !is_reserved {
            operator.run("attach", &["--pre-sign-up", &function, "--yes", "--yes-i-own-it"]).await.says(0, page);
            let ran = operator.run("detach", &["--all", "--dry-run"]).await.says(0, &format!("{owner} owns the pool"));
            assert!(ran.stderr.contains("or they come back"), "{}", ran.stderr);
        }
        let arguments = ["doctor", "--user-pool-id", operator.pool.id(), "--output", "json"];
        let doctor = operator.cli.run(&arguments).await.unwrap();
        let report = doctor.json().unwrap();
        let note = report["findings"].as_array().unwrap().iter().find(|one| one["code"] == "pool_has_owner").unwrap();
        assert_eq!((&note["severity"], &note["subject"]), (&json!("note"), &json!(owner)));
    }
}

#[tokio::test]
async fn whoever_attached_is_told_how_to_notice_a_loss_and_the_command_works() {
    let (operator, function) = (operator().await, function().await);
    let arguments = ["--pre-sign-up", function.as_str(), "--yes"];
    for _ in ["changed", "nothing to change"] {
        let ran = operator.run("attach", &arguments).await;
        let command =
            format!("cognito-triggers doctor --user-pool-id {} --expect lambda-config.json", operator.pool.id());
        assert!(ran.stderr.contains(&command), "{}", ran.stderr);
    }
}

#[tokio::test]
async fn what_is_printed_for_another_tool_is_data_and_nothing_is_changed() {
    let (operator, function) = (operator().await, function().await);
    operator.pool.attach(&[("PreAuthentication", json!(function))]).await.unwrap();
    let before = settings(&operator.pool).await;
    let name = function.rsplit(':').next().unwrap();
    for (tool, parts) in [
        ("terraform", ["pre_sign_up = \"", "resource \"aws_lambda_permission\" \"cognito_inbound_federation\""]),
        ("cdk", ["addPropertyOverride('LambdaConfig.PreSignUp', \"", "LambdaVersion: \"V1_0\""]),
        ("cloudformation", ["    Type: AWS::Cognito::UserPool", "          LambdaVersion: \"V1_0\""]),
        ("serverless", ["resources:\n  Resources:", "            LambdaVersion: \"V1_0\""]),
    ] {
        let of_pool = ["attach", "--user-pool-id", operator.pool.id(), "--print", tool];
        let of_functions = ["--inbound-federation", name, "--pre-sign-up", name];
        let ran = operator.cli.run(&[&of_pool[..], &of_functions].concat()).await.unwrap().ends(0);
        for part in parts.into_iter().chain([function.as_str(), operator.pool.id()]) {
            assert!(ran.stdout.contains(part), "{tool}: {part} is not in {}", ran.stdout);
        }
        assert!(ran.stderr.contains("PreAuthentication") && ran.stderr.contains("docs/install/"), "{}", ran.stderr);
        assert_eq!(ran.stderr.contains("does not keep inbound-federation"), tool == "terraform", "{}", ran.stderr);
    }
    assert_eq!((settings(&operator.pool).await, statements(&function).await, operator.files()), (before, vec![], 0));
    operator.run("attach", &["--pre-sign-up", name, "--print", "cdk", "--yes"]).await.ends(2);
}

#[tokio::test]
async fn several_pools_get_the_functions_in_one_run_and_one_that_is_not_there_keeps_no_other_waiting() {
    let (first, second, function) = (operator().await, operator().await, function().await);
    let file = first.folder.path().join("tenants.txt");
    let pools = format!("{}\n# gone\neu-central-1_NOSUCHPOO\n{}\n", first.pool.id(), second.pool.id());
    std::fs::write(&file, pools).unwrap();
    let attach = ["attach", "--pools", "tenants.txt", "--pre-sign-up", &function, "--yes", "--output", "json"];
    let ran = first.cli.run(&attach).await.unwrap().ends(6);
    let outcomes = ran.json().unwrap()["pools"].take();
    let applied: Vec<_> = outcomes.as_array().unwrap().iter().map(|one| one["report"]["applied"].as_bool()).collect();
    assert_eq!(applied, [Some(true), None, Some(true)]);
    assert!(outcomes[1]["error"].as_str().unwrap().contains("eu-central-1_NOSUCHPOO"), "{outcomes}");
    for pool in [&first.pool, &second.pool] {
        assert_eq!(settings(pool).await["LambdaConfig"]["PreSignUp"], json!(function));
    }
    assert_eq!(statements(&function).await.len(), 2, "one permission for each pool");

    std::fs::write(first.folder.path().join("expected.json"), json!({ "PreSignUp": function }).to_string()).unwrap();
    let of_both = ["--user-pool-id", first.pool.id(), "--user-pool-id", second.pool.id()];
    second.pool.admin("UpdateUserPool", json!({ "LambdaConfig": {} })).await.unwrap();
    let doctor = [&["doctor", "--expect", "expected.json", "--output", "json"][..], &of_both].concat();
    let ran = first.cli.run(&doctor).await.unwrap().ends(5);
    let lost: Vec<_> = ran.json().unwrap()["pools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pool| pool["findings"].as_array().unwrap().iter().any(|one| one["code"] == "trigger_lost"))
        .collect();
    assert_eq!(lost, [false, true]);
    let refused = first.cli.run(&[&doctor[..], &["--record", "record.json"]].concat()).await.unwrap();
    assert_ne!(refused.status, 0, "{refused:?}");

    let detach = [&["detach", "--all", "--leave-empty", "--yes", "--output", "json"][..], &of_both].concat();
    first.cli.run(&detach).await.unwrap().ends(0);
    assert_eq!(statements(&function).await, Vec::<Value>::new());
}

/// The record is as the first `attach` wrote it.
#[tokio::test]
async fn what_an_earlier_attach_recorded_is_detached() {
    let (operator, ours, theirs) = (operator().await, function().await, function().await);
    operator.pool.attach(&[("PostConfirmation", json!(theirs))]).await.unwrap();
    let before = settings(&operator.pool).await;
    operator.run("attach", &["--post-confirmation", &ours, "--replace", "--yes"]).await.ends(0);
    let added = statements(&ours).await;
    let [statement] = added.as_slice() else { panic!("{added:?}") };
    let trigger = json!({ "function": ours, "displaced": theirs, "permission": statement["Sid"] });
    let record = json!({ "userPoolId": operator.pool.id(), "triggers": { "PostConfirmation": trigger } });
    let path = operator.folder.path().join(format!("cognito-triggers-{}.json", operator.pool.id()));
    std::fs::write(path, record.to_string()).unwrap();
    operator.run("detach", &["--all", "--yes"]).await.ends(0);
    assert_eq!(settings(&operator.pool).await, before);
    assert_eq!(statements(&ours).await, Vec::<Value>::new());
}
