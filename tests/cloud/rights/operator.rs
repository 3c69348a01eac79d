//! The commands that change or read more than people: `attach`, `detach`, `doctor` and `invitations`. Each flow passes with
//! exactly the rights of the command's page, every right is needed by a flow, and without any of them the command says which
//! one is missing.

use std::collections::BTreeSet;

use end_to_end::gate::{Gate, Resources};
use end_to_end::manifest::Right;
use end_to_end::{Cli, cloud, native, pool};
use futures_util::future::BoxFuture;
use local_cloud::deployment::Language;
use local_cloud::http::Http;
use local_cloud::user_pool::{Kind, UserPool};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{COMMANDS_AT_A_TIME, page_of, without_each};
use crate::deployed;

/// A function that gives its event back, and plays the account API's answers.
const SCRIPT: &str = r#"
import json

INVITATION = {
    "id": "1", "email": "grace@example.com", "state": "open", "invited_by": "operator",
    "invited_at": 1795305600, "sent_at": 1795305600, "expires_at": 1795910400, "notify": True,
}

def handler(event, context):
    path = event.get("rawPath")
    if path is None:
        return event
    body = {"invitations": [INVITATION]} if path == "/invitations" else INVITATION
    return {"statusCode": 200, "headers": {}, "body": json.dumps(body)}
"#;

/// The rights that the page of a command names, in any of its sections.
fn documented(command: &str) -> BTreeSet<Right> {
    let page = page_of(command);
    let words = page.split(|c: char| !(c.is_ascii_alphanumeric() || c == ':' || c == '-'));
    let is_action = |word: &&str| {
        word.split_once(':').is_some_and(|(service, operation)| {
            let services = ["cognito-idp", "lambda", "iam", "ses", "sns", "logs", "servicequotas", "cloudformation"];
            services.contains(&service) && operation.starts_with(char::is_uppercase)
        })
    };
    // Cognito looks at this one itself.
    words.filter(is_action).filter(|action| *action != "iam:PassRole").map(right).collect()
}

fn right(action: &str) -> Right {
    let on = match action {
        "lambda:InvokeFunction" => "called-function",
        _ if action.starts_with("cognito-idp:") => "pool",
        _ => "*",
    };
    Right::new(action, on)
}

/// A pool and two functions that nobody else has.
struct Place {
    pool: UserPool,
    ours: String,
    theirs: String,
    folder: TempDir,
}

impl Place {
    /// With `triggers`, our function is the real one, which calls the other one.
    async fn new(triggers: bool) -> Self {
        let pool = pool(Kind::EmailAsUsername).await.unwrap();
        let ours = if triggers { deployed::ours("pre-sign-up", &[]).await } else { function().await };
        Self { pool, ours, theirs: function().await, folder: tempfile::tempdir().unwrap() }
    }

    /// The line in words, with its places filled in.
    fn words(&self, line: &str) -> Vec<String> {
        let filled = |word: &str| {
            word.replace("POOL", self.pool.id()).replace("OURS", &self.ours).replace("THEIRS", &self.theirs)
        };
        line.split(' ').map(filled).collect()
    }

    async fn run(&self, endpoint: &str, line: &str) -> (i32, String) {
        let cli = Cli::new().unwrap().within(self.folder.path()).with("AWS_ENDPOINT_URL", endpoint);
        let words = self.words(line);
        let ran = cli.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).await.unwrap();
        (ran.status, format!("{}\n{}", ran.stdout, ran.stderr))
    }
}

async fn function() -> String {
    deployed::script(Language::Python, SCRIPT).await
}

/// What somebody does: what the place is like before, with every right, and the line that is held against the page.
struct Flow {
    name: &'static str,
    /// Whether our function is to be the real one.
    chains: bool,
    before: &'static [&'static str],
    line: &'static str,
    place: fn(&Place) -> BoxFuture<'_, ()>,
}

/// A flow that needs nothing before it but the place.
const fn flow(name: &'static str, line: &'static str, place: fn(&Place) -> BoxFuture<'_, ()>) -> Flow {
    Flow { name, chains: false, before: &[], line, place }
}

/// A place as it is made.
fn bare(_: &Place) -> BoxFuture<'_, ()> {
    Box::pin(async {})
}

/// What a run left behind.
struct Run {
    status: i32,
    said: String,
    used: BTreeSet<Right>,
    denied: BTreeSet<Right>,
}

async fn run(flow: &Flow, allowed: BTreeSet<Right>) -> Run {
    let place = Place::new(flow.chains).await;
    (flow.place)(&place).await;
    for line in flow.before {
        let (status, said) = place.run(&cloud().unwrap(), line).await;
        assert_eq!(status, 0, "{line}: {said}");
    }
    let name = place.ours.rsplit(':').next().unwrap().to_owned();
    let resources = Resources { pool: place.pool.id().to_owned(), called_function: name, ..Resources::default() };
    let gate = Gate::start(&cloud().unwrap(), resources, allowed).await.unwrap();
    let (status, said) = place.run(&gate.endpoint(), flow.line).await;
    Run { status, said, used: gate.used(), denied: gate.denied() }
}

/// Holds a page against its flows. `ends` are the exit codes of a run that did what it should. `not_told` are actions whose
/// absence does not show: the page says so, or the local cloud does not have them, so that it shows with the right, too.
async fn hold(command: &str, flows: &[Flow], ends: &[i32], not_told: &[&str]) -> BTreeSet<Right> {
    let rights = documented(command);
    let (mut needed, mut wrong) = (BTreeSet::new(), Vec::new());
    for flow in flows {
        let whole = run(flow, rights.clone()).await;
        if !whole.denied.is_empty() || !ends.contains(&whole.status) {
            wrong.push(format!("{}: lacks {:?}, ends with {}: {}", flow.name, whole.denied, whole.status, whole.said));
            continue;
        }
        for (right, run) in
            without_each(&whole.used, &rights, COMMANDS_AT_A_TIME, async |rest| run(flow, rest).await).await
        {
            // Other findings may name it as well.
            let times = |said: &str| said.matches(right.operation()).count();
            let is_told = times(&run.said) > 0 && (run.status != whole.status || times(&run.said) > times(&whole.said));
            if run.denied != BTreeSet::from([right.clone()]) || !(is_told || not_told.contains(&&*right.action)) {
                wrong.push(format!(
                    "{} without {right}: denied {:?}, ends with {}, and says:\n{}",
                    flow.name, run.denied, run.status, run.said
                ));
            }
        }
        needed.extend(whole.used);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    needed
}

fn names(rights: impl IntoIterator<Item = Right>) -> Vec<String> {
    rights.into_iter().map(|right| right.action).collect()
}

const ATTACH: &str = "attach --user-pool-id POOL --pre-sign-up OURS --yes";
const CHAIN: &str = "attach --user-pool-id POOL --pre-sign-up OURS --chain --yes";

/// The pool calls the team's function.
fn taken(place: &Place) -> BoxFuture<'_, ()> {
    Box::pin(async { place.pool.attach(&[("PreSignUp", json!(place.theirs))]).await.unwrap() })
}

#[tokio::test]
async fn attach_needs_what_its_page_says() {
    let other = "attach --user-pool-id POOL --pre-sign-up THEIRS --yes";
    let flows = [
        flow("attach", ATTACH, bare),
        Flow { name: "attach another one", chains: false, before: &[ATTACH], line: other, place: bare },
        Flow { name: "chain", chains: true, before: &[], line: CHAIN, place: taken },
    ];
    let needed = hold("attach", &flows, &[0], &[]).await;
    assert_eq!(needed, documented("attach"));
}

#[tokio::test]
async fn detach_needs_what_the_page_of_attach_says() {
    let line = "detach --user-pool-id POOL --all --yes";
    let flows = [
        Flow { name: "detach", chains: false, before: &[ATTACH], line, place: bare },
        Flow { name: "detach a chain", chains: true, before: &[CHAIN], line, place: taken },
    ];
    // Without this one, it does not look for the owner.
    let needed = hold("attach", &flows, &[0], &["cloudformation:DescribeStackResources"]).await;
    let lacking = documented("attach").into_iter().filter(|right| !needed.contains(right));
    // The function that comes back may call the pool again already, and nothing is tried.
    assert_eq!(names(lacking), ["lambda:AddPermission", "lambda:InvokeFunction"]);
}

/// A pool that sends through SES and by text message, with a provider, a client, a person, and both functions.
fn whole(place: &Place) -> BoxFuture<'_, ()> {
    Box::pin(async {
        let Place { pool, ours, theirs, .. } = place;
        native(pool, Kind::EmailAsUsername, "ada@example.com").await.unwrap();
        pool.create_client(&[]).await.unwrap();
        let provider = json!({
            "ProviderName": "Google", "ProviderType": "Google",
            "ProviderDetails": { "client_id": "a", "client_secret": "b", "authorize_scopes": "openid email" },
            "AttributeMapping": { "email": "email" },
        });
        pool.admin("CreateIdentityProvider", provider).await.unwrap();
        pool.attach(&[("PreSignUp", json!(ours)), ("CustomMessage", json!(theirs))]).await.unwrap();
        let sends = |pool: &mut Value| {
            pool["EmailConfiguration"] = json!({
                "EmailSendingAccount": "DEVELOPER",
                "SourceArn": "arn:aws:ses:eu-central-1:000000000000:identity/example.com",
            });
            pool["SmsConfiguration"] =
                json!({ "SnsCallerArn": "arn:aws:iam::000000000000:role/sms", "ExternalId": "x" });
        };
        pool.change(sends).await.unwrap();
        let settings = json!({ "PROVIDERS": "Google:claim", "DEFAULT_GROUP": "Users", "NEXT_FUNCTION": theirs });
        configure(ours, &settings).await;
    })
}

async fn configure(function: &str, variables: &Value) {
    let (url, input) = (deployed::url(function, "configuration"), json!({ "Environment": { "Variables": variables } }));
    let answer = Http::default().send_json("PUT", &url, &input).await.unwrap();
    assert!(answer.status.is_success(), "{}", answer.status);
}

#[tokio::test]
async fn doctor_needs_what_its_page_says() {
    let flows = [
        flow("doctor", "doctor --user-pool-id POOL --output json", whole),
        flow("doctor of a person", "doctor --user-pool-id POOL --user ada@example.com --output json", whole),
    ];
    // The local cloud does not have these.
    let absent = [
        "cognito-idp:GetLogDeliveryConfiguration",
        "servicequotas:ListServiceQuotas",
        "ses:GetSuppressedDestination",
        "sns:GetSMSAttributes",
        "sns:GetSMSSandboxAccountStatus",
    ];
    let needed = hold("doctor", &flows, &[0, 4, 5], &absent).await;
    assert_eq!(needed, documented("doctor"));
}

/// Our function is the account API of the pool.
fn account_api(place: &Place) -> BoxFuture<'_, ()> {
    Box::pin(async {
        let settings = json!({ "USER_POOL_ID": place.pool.id(), "INVITATIONS": "members", "ADMIN_GROUP": "admins" });
        configure(&place.ours, &settings).await;
    })
}

#[tokio::test]
async fn invitations_need_what_their_page_says() {
    let list = "invitations list --user-pool-id POOL --account-api OURS";
    let resend = "invitations resend 5f0c4a0e-7d55-4a0b-9f0e-3f4dd2f4b3a1 --user-pool-id POOL --account-api OURS --yes";
    let flows = [flow("list", list, account_api), flow("resend", resend, account_api)];
    assert_eq!(hold("invitations", &flows, &[0], &[]).await, documented("invitations"));
}
