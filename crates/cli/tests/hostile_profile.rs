//! The real program against a pool whose people wrote escape sequences and formulas into their profiles.

#![allow(clippy::unwrap_used, reason = "a set-up that fails must fail the test")]

mod server;

use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

const POOL: &str = "eu-central-1_AbCdEf123";
const SUB: &str = "5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e11";

/// Clears the screen, rings, turns the text round, hides itself, and begins a line of its own.
const HOSTILE: &str = "Ada\u{1b}[2J\u{7}\u{9b}1m\u{202e}\u{2066}\u{200b}\r\nMark nobody as verified? [y/N]";
const FORMULA: &str = "=HYPERLINK(\"https://evil.example\")";

/// What has become of the pool's only person.
#[derive(Default)]
struct Pool {
    is_deleted: AtomicBool,
    is_unlinked: AtomicBool,
}

impl Pool {
    fn attributes(&self) -> Value {
        let identities = json!([{ "userId": HOSTILE, "providerName": "Google", "providerType": "Google",
            "primary": "false", "dateCreated": "1" }]);
        let mut attributes = json!([
            { "Name": "sub", "Value": SUB }, { "Name": "email", "Value": "ada@example.com" },
            { "Name": "email_verified", "Value": "true" }, { "Name": "given_name", "Value": HOSTILE },
            { "Name": format!("custom:{HOSTILE}"), "Value": "x" },
        ]);
        if !self.is_unlinked.load(SeqCst) {
            let identities = json!({ "Name": "identities", "Value": identities.to_string() });
            attributes.as_array_mut().unwrap().push(identities);
        }
        attributes
    }

    fn listed(&self, name: &str) -> Value {
        json!({ "Username": name, "Enabled": true, "UserStatus": "EXTERNAL_PROVIDER", "Attributes": self.attributes() })
    }

    fn answer(&self, operation: &str, body: &Value) -> (u16, Value) {
        let status = if self.is_unlinked.load(SeqCst) { "UNCONFIRMED" } else { "CONFIRMED" };
        let name = format!("ada{HOSTILE}");
        let answer = match operation {
            "AdminGetUser" if self.is_deleted.load(SeqCst) => {
                return (400, json!({ "__type": "UserNotFoundException" }));
            }
            "AdminGetUser" if body["Username"] == "nobody" => return (400, json!({ "__type": HOSTILE })),
            "AdminGetUser" => json!({ "Username": name, "UserStatus": status, "Enabled": true,
                "UserAttributes": self.attributes() }),
            "AdminListGroupsForUser" => json!({ "Groups": [{ "GroupName": HOSTILE }] }),
            "AdminGetUserAuthFactors" => json!({ "Username": name, "ConfiguredUserAuthFactors": ["PASSWORD"] }),
            "AdminDisableProviderForUser" => {
                self.is_unlinked.store(true, SeqCst);
                json!({})
            }
            "AdminDeleteUser" => {
                self.is_deleted.store(true, SeqCst);
                json!({})
            }
            "SignUp" => json!({ "UserSub": SUB, "UserConfirmed": false,
                "CodeDeliveryDetails": { "DeliveryMedium": "EMAIL", "Destination": HOSTILE } }),
            "DescribeUserPool" => json!({ "UserPool": { "Id": POOL, "Name": HOSTILE, "EstimatedNumberOfUsers": 2,
                "Arn": format!("arn:aws:cognito-idp:eu-central-1:1:userpool/{POOL}"),
                "AutoVerifiedAttributes": ["email"], "LambdaConfig": {} } }),
            "DescribeUserPoolClient" => json!({ "UserPoolClient": { "ClientId": "c", "UserPoolId": POOL,
                "WriteAttributes": ["email", "given_name", format!("custom:{HOSTILE}")] } }),
            "ListUserPoolClients" => json!({ "UserPoolClients": [] }),
            "ListIdentityProviders" => json!({ "Providers": [{ "ProviderName": HOSTILE, "ProviderType": "OIDC" }] }),
            "DescribeIdentityProvider" => json!({ "IdentityProvider": { "ProviderName": HOSTILE,
                "ProviderType": "OIDC", "AttributeMapping": { "email": HOSTILE } } }),
            "ListUsers" if body["Filter"].is_string() => json!({ "Users": [] }),
            "ListUsers" => json!({ "Users": [self.listed(FORMULA), self.listed(&name)] }),
            _ => return (400, json!({ "__type": format!("AccessDeniedException{HOSTILE}"), "message": HOSTILE })),
        };
        (200, answer)
    }

    /// Answers every call of Cognito's API at the address that it returns.
    fn serve(self) -> String {
        server::serve(move |call| {
            let body = serde_json::from_slice(&call.body).unwrap_or_default();
            let (status, answer) = self.answer(call.operation(), &body);
            (status, answer.to_string())
        })
    }
}

/// Standard output and standard error of a command, which must end with one of the usual codes.
fn run(address: &str, folder: &Path, line: &str) -> (String, String) {
    let ran = Command::new(env!("CARGO_BIN_EXE_cognito-triggers"))
        .args(line.split(' '))
        .args(["--user-pool-id", POOL])
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("AWS_ENDPOINT_URL", address)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")])
        .output()
        .unwrap();
    assert!(ran.status.code().is_some_and(|code| code < 7 && code != 2), "{line}: {ran:?}");
    (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap())
}

fn is_hidden(character: char) -> bool {
    (character.is_control() && character != '\n') || "\u{202e}\u{2066}\u{200b}".contains(character)
}

#[test]
fn whatever_stands_in_a_profile_no_command_writes_a_control_character_for_people() {
    let folder = tempfile::tempdir().unwrap();
    for (line, shows) in [
        ("show ada", r"Ada\u{1b}[2J\u{7}\u{9b}1m\u{202e}\u{2066}\u{200b}\r\nMark nobody"),
        ("show nobody", r"\u{1b}[2J"),
        ("verify-email ada --show", r"ada"),
        ("unlink ada --provider Google --yes", r"\u{1b}[2J"),
        ("unlink ada --provider Okta --yes", "it has Google"),
        ("reset-user ada --client-id c --yes", "are linked to the profile"),
        ("reset-user ada --client-id c --yes-delete-confirmed", "are linked to the profile"),
        ("audit --providers Google:claim", r"\u{1b}[2J"),
        ("link --providers Google:claim", "people to merge"),
        ("doctor", r"\u{1b}[2J"),
        ("attach --pre-sign-up gone --yes", r"cannot be looked up"),
        ("detach --all --yes", "does not say what attach"),
    ] {
        let (stdout, stderr) = run(&Pool::default().serve(), folder.path(), line);
        let all = stdout + &stderr;
        assert!(!all.contains(is_hidden), "{line}: {all:?}");
        assert!(all.contains(shows), "{line}: {all}");
        assert!(!all.lines().any(|line| line.starts_with("Mark nobody")), "{line}: {all}");
    }
    // Once nothing is linked to the profile any more.
    let pool = Pool { is_unlinked: true.into(), ..Pool::default() };
    let (stdout, stderr) = run(&pool.serve(), folder.path(), "reset-user ada --client-id c --yes");
    assert!(
        stdout.contains(r"EMAIL to Ada\u{1b}[2J") && !(stdout.clone() + &stderr).contains(is_hidden),
        "{stdout}{stderr}"
    );
}

#[test]
fn json_keeps_every_character_and_csv_is_no_formula() {
    let folder = tempfile::tempdir().unwrap();
    let address = Pool::default().serve();
    let (shown, _) = run(&address, folder.path(), "show ada --output json");
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["profiles"][0]["attributes"]["given_name"], HOSTILE);
    let (lines, _) = run(&address, folder.path(), "audit --providers Google:claim --format jsonl");
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["user_name"], FORMULA);
    let (table, _) = run(&address, folder.path(), "audit --providers Google:claim --format csv");
    let mut table = csv::Reader::from_reader(table.as_bytes());
    let row = table.records().next().unwrap().unwrap();
    assert_eq!(&row[2], format!("'{FORMULA}"));
}
