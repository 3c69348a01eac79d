//! `deploy/first-run/first_run.py` on the local cloud: it asks its questions, and nothing stays behind, however a run ends.

use std::path::PathBuf;
use std::process::Stdio;

use end_to_end::cloud;
use local_cloud::http::{Answer, Http};
use local_cloud::toolbox::Toolbox;
use local_cloud::user_pool::REGION;
use local_cloud::{client_environment, layout};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// Waits longer than Cognito does, which this cloud has no limit for.
const SLOW: &str = "late-trigger";

/// What a run makes.
const KINDS: [&str; 4] = ["user pools", "function", "role", "log group"];

/// Somebody with an AWS account who runs the script there.
struct Stranger {
    folder: TempDir,
    python: PathBuf,
    prefix: String,
}

impl Stranger {
    async fn begin() -> Self {
        let python = Toolbox::local_cloud().await.unwrap().program("python");
        let unique = uuid::Uuid::new_v4().simple().to_string();
        let prefix = format!("first-run-{}", &unique[..12]);
        Self { folder: tempfile::tempdir().unwrap(), python, prefix }
    }

    /// The script, not yet started. It sees no AWS file of the developer's own.
    fn command(&self, command: &str, options: &[&str]) -> Command {
        let endpoint = cloud().unwrap();
        let script = layout::root().join("deploy/first-run/first_run.py");
        let mut python = Command::new(&self.python);
        python
            .arg("-B")
            .arg(script)
            .args([command, "--prefix", &self.prefix, "--region", REGION])
            .args(["--endpoint-url", &endpoint, "--pages-url", &endpoint])
            .args(options)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(client_environment(&endpoint))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        python
    }

    /// Runs the script to its end. Returns its exit code and what it said.
    async fn runs(&self, command: &str, options: &[&str]) -> (Option<i32>, String) {
        let output = self.command(command, options).output().await.unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }

    fn file(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("first-run-answers.json")).unwrap()
    }

    fn answers(&self) -> Value {
        serde_json::from_str(&self.file()).unwrap()
    }

    /// The kinds of things of this run that are in the cloud, seen by other calls than the script's own.
    async fn left(&self) -> Vec<&'static str> {
        let recorder = format!("{}-recorder", self.prefix);
        let function = format!("{}/2015-03-31/functions/{recorder}", cloud().unwrap());
        let role = [("Action", "GetRole"), ("RoleName", &recorder), ("Version", "2010-05-08")];
        let group = json!({ "logGroupNamePrefix": format!("/aws/lambda/{recorder}") });
        let groups = call("Logs_20140328.DescribeLogGroups", &group).await;
        assert!(groups.status.is_success(), "{}", groups.status);
        let found = [
            self.has_pools().await,
            Http::default().get(&function).await.unwrap().status.is_success(),
            Http::default().submit(&cloud().unwrap(), &role).await.unwrap().status.is_success(),
            String::from_utf8_lossy(&groups.body).contains(&recorder),
        ];
        KINDS.into_iter().zip(found).filter_map(|(kind, found)| found.then_some(kind)).collect()
    }

    async fn has_pools(&self) -> bool {
        let mut input = json!({ "MaxResults": 60 });
        loop {
            let page = cognito("ListUserPools", &input).await;
            if page["UserPools"].to_string().contains(&self.prefix) {
                return true;
            }
            match &page["NextToken"] {
                Value::Null => return false,
                token => input["NextToken"] = token.clone(),
            }
        }
    }
}

async fn call(operation: &str, input: &Value) -> Answer {
    let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", operation)];
    Http::default().send_body("POST", &cloud().unwrap(), &headers, input.to_string()).await.unwrap()
}

async fn cognito(operation: &str, input: &Value) -> Value {
    let answer = call(&format!("AWSCognitoIdentityProviderService.{operation}"), input).await;
    assert!(answer.status.is_success(), "{operation}: {}", answer.status);
    answer.json().unwrap()
}

/// The questions that the script knows, by their decorators.
fn questions() -> Vec<String> {
    let script = std::fs::read_to_string(layout::root().join("deploy/first-run/first_run.py")).unwrap();
    let names = script.split("@question(\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
    names.collect()
}

fn about<'a>(answers: &'a Value, question: &str) -> &'a Value {
    let all = answers["answers"].as_array().unwrap();
    let found = all.iter().find(|answer| answer["id"] == question);
    assert!(found.is_some(), "no answer to {question}: {all:?}");
    found.unwrap()
}

#[tokio::test]
async fn every_question_that_this_cloud_can_answer_is_answered_and_nothing_stays_behind() {
    let stranger = Stranger::begin().await;
    let questions: Vec<_> = questions().into_iter().filter(|name| name != SLOW).collect();
    let only = std::iter::once("--only").chain(questions.iter().map(String::as_str));
    let options: Vec<_> = std::iter::once("--yes").chain(only).collect();

    let (code, said) = stranger.runs("run", &options).await;

    assert_eq!(code, Some(0), "{said}");
    let answers = stranger.answers();
    assert_eq!(answers["ended"], "all asked");
    assert_eq!(answers["asked of"], "an emulator");
    assert_eq!(answers["left behind"], json!([]));
    assert_eq!(stranger.left().await, [""; 0]);

    // The sign-ins went through: provider, form, callback, tokens; and the recorder saw what this cloud calls.
    let federated = ["InboundFederation_ExternalProvider", "PreSignUp_ExternalProvider", "TokenGeneration_HostedAuth"];
    assert_eq!(about(&answers, "first-sign-in-triggers")["seen"], json!(federated));
    let linking = about(&answers, "linking-sign-in-triggers");
    assert_eq!(linking["seen"], json!({ "triggers": federated, "link": ["ok"], "ended": "signed in" }));
    assert_eq!(linking["evidence"]["identities"], 1);
    assert_eq!(about(&answers, "failing-trigger")["seen"]["calls"], 1);
    assert_eq!(about(&answers, "mark-of-one")["seen"]["stored email_verified"], "1");
    assert_eq!(about(&answers, "address-by-update")["verdict"], "agrees");
    for question in &questions {
        let answer = about(&answers, question);
        let expected: &[&str] =
            if answer["how"] == "needs --mail" { &["not asked"] } else { &["agrees", "differs", "answers"] };
        assert!(expected.contains(&answer["verdict"].as_str().unwrap()), "{answer}");
    }

    the_page_and_the_policy_know(&answers);
    let file = stranger.file();
    for personal in ["@", "eyJ", "arn:", "000000000000"] {
        assert!(!file.contains(personal), "the answers hold {personal}");
    }
}

/// Every question is on the page, and every call that a run made is in the policy for whoever runs it.
fn the_page_and_the_policy_know(answers: &Value) {
    let page = include_str!("../../docs/FIRST_RUN_ON_AWS.md");
    for answer in answers["answers"].as_array().unwrap() {
        let id = answer["id"].as_str().unwrap();
        assert!(page.contains(&format!("| `{id}` |")), "docs/FIRST_RUN_ON_AWS.md lacks {id}");
    }
    assert!(page.contains(&format!("| `{SLOW}` |")));
    let policy = include_str!("../../deploy/first-run/policy.json");
    let calls = answers["calls"].as_array().unwrap();
    assert!(calls.len() > 25, "{calls:?}");
    for call in calls {
        let right = call.as_str().unwrap().replace("lambda:Invoke", "lambda:InvokeFunction");
        assert!(policy.contains(&format!("\"{right}\"")), "deploy/first-run/policy.json lacks {right}");
    }
}

#[tokio::test]
async fn an_interrupted_run_keeps_its_answers_and_deletes_everything() {
    let stranger = Stranger::begin().await;
    let mut run = stranger.command("run", &["--yes"]).spawn().unwrap();
    let mut said = BufReader::new(run.stderr.take().unwrap()).lines();
    while let Some(line) = said.next_line().await.unwrap() {
        if line.contains("first-sign-in-triggers") {
            break;
        }
    }
    assert_eq!(stranger.left().await, KINDS);

    let pid = run.id().unwrap().to_string();
    assert!(Command::new("sh").args(["-c", "kill -INT $0", &pid]).status().await.unwrap().success());

    while said.next_line().await.unwrap().is_some() {}
    assert_eq!(run.wait().await.unwrap().code(), Some(130));
    let answers = stranger.answers();
    assert_eq!(answers["ended"], "interrupted");
    assert_eq!(answers["left behind"], json!([]));
    about(&answers, "first-sign-in-triggers");
    assert_eq!(stranger.left().await, [""; 0]);
}

#[tokio::test]
async fn a_failure_in_the_middle_deletes_what_the_run_made_and_nothing_else() {
    let stranger = Stranger::begin().await;
    // Somebody's pool with the same name has the domain that the run makes last.
    let name = format!("{}-alias", stranger.prefix);
    let other = cognito("CreateUserPool", &json!({ "PoolName": name })).await["UserPool"]["Id"].take();
    cognito("CreateUserPoolDomain", &json!({ "UserPoolId": other, "Domain": name })).await;

    let (code, said) = stranger.runs("run", &["--yes"]).await;

    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("CreateUserPoolDomain"), "{said}");
    let answers = stranger.answers();
    assert!(answers["ended"].as_str().unwrap().contains("InvalidParameterException"), "{answers}");
    assert!(answers["calls"].as_array().unwrap().contains(&json!("lambda:CreateFunction")), "{answers}");
    assert_eq!(stranger.left().await, ["user pools"]);
    let kept = cognito("DescribeUserPool", &json!({ "UserPoolId": other })).await;
    assert_eq!(kept["UserPool"]["Domain"], name.as_str());
}

#[tokio::test]
async fn what_a_run_kept_is_deleted_by_clean_and_its_prefix_is_not_used_twice() {
    let stranger = Stranger::begin().await;
    let options = ["--yes", "--keep", "--only", "condition-on-a-tag"];
    let (code, said) = stranger.runs("run", &options).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(stranger.answers()["left behind"], "kept");
    assert_eq!(stranger.left().await, KINDS);

    let (code, said) = stranger.runs("run", &options).await;
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("is in use"), "{said}");
    assert_eq!(stranger.left().await, KINDS);

    let (code, said) = stranger.runs("clean", &[]).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(stranger.left().await, [""; 0]);
}

#[tokio::test]
async fn nothing_is_made_without_a_yes() {
    let stranger = Stranger::begin().await;
    let (code, said) = stranger.runs("run", &[]).await;
    assert_ne!(code, Some(0), "{said}");
    assert!(said.contains("Account 000000000000"), "{said}");
    assert_eq!(stranger.left().await, [""; 0]);
}
