//! The real program where something is not as its operator thinks.

#![allow(clippy::unwrap_used, reason = "a set-up that fails must fail the test")]

mod server;

use server::serve;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const POOL: &str = "eu-central-1_AbCdEf123";

/// An AWS that knows who calls, describes the pool unless that is missing, and answers everything else with one error
/// code.
struct Aws {
    address: String,
    /// The keys that signed the calls.
    keys: Arc<Mutex<Vec<String>>>,
}

impl Aws {
    fn that_answers(code: &'static str) -> Self {
        let keys = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&keys);
        let address = serve(move |call| {
            let scope = call.header("authorization").split_once("Credential=").map_or("", |(_, scope)| scope);
            seen.lock().unwrap().push(scope.split('/').next().unwrap_or_default().to_owned());
            if String::from_utf8_lossy(&call.body).contains("Action=GetCallerIdentity") {
                let caller = "<GetCallerIdentityResult><Account>111122223333</Account></GetCallerIdentityResult>";
                (200, format!("<GetCallerIdentityResponse>{caller}</GetCallerIdentityResponse>"))
            } else if call.operation() == "DescribeUserPool" && code != "ResourceNotFoundException" {
                let arn = format!("arn:aws:cognito-idp:eu-central-1:111122223333:userpool/{POOL}");
                (200, format!(r#"{{"UserPool":{{"Id":"{POOL}","Arn":"{arn}","LambdaConfig":{{}}}}}}"#))
            } else {
                (400, format!(r#"{{"__type":"{code}","message":"twice told"}}"#))
            }
        });
        Self { address, keys }
    }
}

/// Runs a command with keys in the environment, and with a profile `prod` in the AWS files.
fn run(endpoint: &str, folder: &Path, arguments: &[&str]) -> Output {
    command(endpoint, folder, arguments).output().unwrap()
}

fn command(endpoint: &str, folder: &Path, arguments: &[&str]) -> Command {
    let file = folder.join("credentials");
    std::fs::write(&file, "[prod]\naws_access_key_id = PRODKEY\naws_secret_access_key = s\n[test]\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cognito-triggers"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", file)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_ACCESS_KEY_ID", "ENVKEY")
        .env("AWS_SECRET_ACCESS_KEY", "s");
    command
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const VERIFY: [&str; 5] = ["verify-email", "ada", "--yes", "--user-pool-id", POOL];

#[test]
fn a_profile_signs_whatever_keys_are_in_the_environment_and_a_change_names_its_account_first() {
    let folder = tempfile::tempdir().unwrap();
    for (further, key) in [(&["--profile", "prod"][..], "PRODKEY"), (&[], "ENVKEY")] {
        let aws = Aws::that_answers("AccessDeniedException");
        let output = run(&aws.address, folder.path(), &[&VERIFY[..], further].concat());
        let told = told(&output);
        let keys = aws.keys.lock().unwrap();
        assert!(keys.len() >= 2 && keys.iter().all(|signer| signer == key), "{keys:?}: {told}");
        let first = told.lines().next().unwrap();
        assert_eq!(first, format!("Account 111122223333, Region eu-central-1, user pool {POOL}"));
        assert!(told.contains("Allow cognito-idp:AdminGetUser "), "{told}");
    }
}

/// In the order of the AWS CLI, which was tried beside it.
#[test]
fn keys_in_the_environment_go_before_its_profile_and_the_older_variable_before_the_newer() {
    let folder = tempfile::tempdir().unwrap();
    let (config, answer) = (folder.path().join("config"), folder.path().join("answer"));
    std::fs::write(&answer, r#"{"Version":1,"AccessKeyId":"PROCKEY","SecretAccessKey":"s"}"#).unwrap();
    let process = format!("credential_process = cat {}", answer.display());
    std::fs::write(&config, format!("[profile process]\n{process}\n")).unwrap();
    for (keys, profile, older, key) in [
        (true, "prod", "", "ENVKEY"),
        (false, "prod", "", "PRODKEY"),
        (false, "test", "prod", "PRODKEY"),
        (false, "process", "", "PROCKEY"),
    ] {
        let aws = Aws::that_answers("AccessDeniedException");
        let mut command = command(&aws.address, folder.path(), &VERIFY);
        command.env("AWS_CONFIG_FILE", &config).env("AWS_PROFILE", profile).env("AWS_DEFAULT_PROFILE", older);
        if !keys {
            command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        }
        let told = told(&command.output().unwrap());
        let signers = aws.keys.lock().unwrap();
        assert!(signers.len() >= 2 && signers.iter().all(|signer| signer == key), "{key}: {signers:?}: {told}");
    }
}

#[test]
fn who_takes_a_request_and_says_nothing_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let started = Instant::now();
    let output = run(&format!("http://{address}"), folder.path(), &["doctor", "--user-pool-id", POOL]);
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    assert_eq!(output.status.code(), Some(1));
    let told = told(&output);
    assert!(told.contains(&format!("no answer from http://{address} (it took the request")), "{told}");
}

#[test]
fn an_unknown_profile_and_a_region_that_is_not_the_pools_are_refused_without_a_call() {
    let folder = tempfile::tempdir().unwrap();
    let aws = Aws::that_answers("AccessDeniedException");
    let output = run(&aws.address, folder.path(), &[&VERIFY[..], &["--profile", "pord"]].concat());
    let unknown = told(&output);
    assert!(unknown.contains("no profile pord; there are prod, test"), "{unknown}");
    assert_eq!(output.status.code(), Some(3));
    let output = run(&aws.address, folder.path(), &[&VERIFY[..], &["--region", "us-east-1"]].concat());
    assert!(told(&output).contains("--region says us-east-1"), "{}", told(&output));
    assert_eq!((output.status.code(), aws.keys.lock().unwrap().len()), (Some(3), 0));
}

#[test]
fn a_refused_connection_fails_at_once_with_address_cause_and_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let started = Instant::now();
    let output = run(&format!("http://{free}"), folder.path(), &VERIFY);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(output.status.code(), Some(1));
    for part in [format!("no answer from http://{free} ("), "onnection refused".into(), "AWS_ENDPOINT_URL".into()] {
        assert!(told(&output).contains(&part), "{part} in {}", told(&output));
    }
}

#[test]
fn a_missing_pool_is_told_once_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let aws = Aws::that_answers("ResourceNotFoundException");
    for arguments in [&VERIFY[..], &["doctor", "--user-pool-id", POOL]] {
        let told = told(&run(&aws.address, folder.path(), arguments));
        assert!(told.contains("no such user pool") && !told.contains("twice told"), "{told}");
    }
}

#[test]
fn an_audit_that_is_denied_names_the_permission_and_no_state() {
    let folder = tempfile::tempdir().unwrap();
    let aws = Aws::that_answers("AccessDeniedException");
    let arguments = ["audit", "--providers", "Google:claim", "--user-pool-id", POOL];
    let told = told(&run(&aws.address, folder.path(), &arguments));
    assert!(told.contains("Allow cognito-idp:ListUsers ") && !told.contains("--state"), "{told}");
}

#[test]
fn a_plan_that_cannot_be_written_is_told_before_any_call_with_the_option_that_helps() {
    let folder = tempfile::tempdir().unwrap();
    let plan = "/dev/null/plan";
    let arguments = ["link", "--providers", "Google:claim", "--user-pool-id", POOL, "--plan", plan];
    let told = told(&run("http://127.0.0.1:1", folder.path(), &arguments));
    assert!(told.contains(plan) && told.contains("choose another file with --plan"), "{told}");
    assert!(!told.contains(".cognito-triggers-") && !told.contains("no answer"), "{told}");
}

#[test]
fn a_wrong_value_shows_the_usage_of_its_own_command() {
    let folder = tempfile::tempdir().unwrap();
    let output = run("http://127.0.0.1:1", folder.path(), &["events", "PreSignUp_SignUp", "--set", "email=x"]);
    assert!(told(&output).contains("Usage: cognito-triggers events"), "{}", told(&output));
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn expired_credentials_are_told_at_once_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let aws = Aws::that_answers("ExpiredTokenException");
    for arguments in [&VERIFY[..], &["show", "ada", "--user-pool-id", POOL]] {
        let started = Instant::now();
        let output = run(&aws.address, folder.path(), arguments);
        let told = told(&output);
        assert!(told.contains("ExpiredTokenException") && told.contains("Sign in again"), "{told}");
        assert!(output.status.code() == Some(1) && started.elapsed() < Duration::from_secs(5), "{told}");
    }
}
