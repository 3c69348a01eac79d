//! The command line with exactly the rights that the page of each command names: no call needs another one, and each is
//! needed by a call.

use std::collections::BTreeSet;

use end_to_end::gate::{Gate, Resources};
use end_to_end::manifest::Right;
use end_to_end::{Cli, Google, cloud, native, pool, registers};
use local_cloud::layout;
use local_cloud::seed::GROUP;
use local_cloud::user_pool::{Kind, Profile, UserPool};
use serde_json::json;
use tempfile::TempDir;

const ADA: &str = "ada@example.com";
const ELSEWHERE: &str = "lovelace@example.org";
const SUBJECT: &str = "123456789012345678901";

/// The actions on the pool that the page of a command names: in its section, or in the paragraph that begins with the
/// word.
fn documented(command: &str) -> BTreeSet<Right> {
    let page = layout::root().join(format!("docs/cli/{command}.md"));
    let page = std::fs::read_to_string(page).unwrap();
    let text = match page.split_once("\n## Permissions\n") {
        Some((_, rest)) => rest.split("\n## ").next(),
        None => page.split_once("\nPermissions: ").and_then(|(_, rest)| rest.split("\n\n").next()),
    };
    let words = text.unwrap().split('`').skip(1).step_by(2);
    let words = words.map(|word| word.strip_prefix("cognito-idp:").unwrap_or(word));
    let is_operation = |word: &&str| {
        word.starts_with(char::is_uppercase) && word.chars().all(char::is_alphanumeric) && *word != "SignUp"
    };
    words.filter(is_operation).map(|word| Right::new(format!("cognito-idp:{word}"), "pool")).collect()
}

/// A person with an account, who is in a group, and a second one that the sign-in with Google made.
struct Person {
    pool: UserPool,
    native: Profile,
    folder: TempDir,
}

impl Person {
    async fn new() -> Self {
        let pool = pool(Kind::EmailAsUsername).await.unwrap();
        let native = native(&pool, Kind::EmailAsUsername, ADA).await.unwrap();
        Self { pool, native, folder: tempfile::tempdir().unwrap() }
    }

    async fn with_google(google: &Google, email: &str) -> (Self, Profile) {
        let person = Self::new().await;
        let other = google.stands_alone(&person.pool, SUBJECT, email, true).await.unwrap();
        let group = json!({ "Username": other.username, "GroupName": GROUP });
        person.pool.admin("AdminAddUserToGroup", group).await.unwrap();
        (person, other)
    }

    async fn linked(self) -> Self {
        let link = json!({
            "DestinationUser": { "ProviderName": "Cognito", "ProviderAttributeValue": self.native.username },
            "SourceUser": {
                "ProviderName": "Google", "ProviderAttributeName": "Cognito_Subject",
                "ProviderAttributeValue": SUBJECT,
            },
        });
        self.pool.admin("AdminLinkProviderForUser", link).await.unwrap();
        self
    }
}

/// Runs the lines one after the other with the rights that the page names. `POOL` in a line is the pool's id. Returns the
/// rights that were used.
async fn used(page: &str, more: &str, person: &Person, lines: &[&str]) -> BTreeSet<Right> {
    let allowed = documented(page).into_iter().chain(if more.is_empty() { BTreeSet::new() } else { documented(more) });
    let resources = Resources { pool: person.pool.id().to_owned(), ..Resources::default() };
    let gate = Gate::start(&cloud().unwrap(), resources, allowed.collect()).await.unwrap();
    let cli = Cli::new().unwrap().within(person.folder.path()).with("AWS_ENDPOINT_URL", &gate.endpoint());
    for line in lines {
        let words: Vec<_> = line.split(' ').map(|word| word.replace("POOL", person.pool.id())).collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let ran = cli.run(&words).await.unwrap();
        // `audit` ends with 4 if it found something.
        assert!([0, 4].contains(&ran.status), "{line}: {ran:?}, denied: {:?}", gate.denied());
    }
    let not_required = |right: &Right| right.action == "ses:GetSuppressedDestination";
    let denied: Vec<_> = gate.denied().into_iter().filter(|right| !not_required(right)).collect();
    assert!(denied.is_empty(), "{page}: {denied:?}");
    gate.used()
}

/// Every action of the page is needed by one of these lines.
async fn holds(command: &str, person: Person, lines: &[&str]) {
    assert_eq!(used(command, "", &person, lines).await, documented(command), "docs/cli/{command}.md");
}

#[tokio::test]
async fn show_needs_what_its_page_says() {
    holds("show", Person::new().await, &["show ada@example.com --user-pool-id POOL"]).await;
}

#[tokio::test]
async fn verify_email_needs_what_its_page_says() {
    let lines = ["verify-email ada@example.com --user-pool-id POOL --unset --yes"];
    holds("verify-email", Person::new().await, &lines).await;
}

#[tokio::test]
async fn unlink_needs_what_its_page_says() {
    let lines = ["unlink ada@example.com --provider Google --user-pool-id POOL --yes"];
    holds("unlink", Person::new().await.linked().await, &lines).await;
}

#[tokio::test]
async fn reset_user_needs_what_its_page_says() {
    let person = Person::new().await;
    let client = registers(&person.pool, "grace@example.com").await.unwrap();
    let lines = [("grace@example.com", ""), (ADA, " --yes-delete-confirmed")]
        .map(|(who, more)| format!("reset-user {who} --user-pool-id POOL --client-id {client} --yes{more}"));
    holds("reset-user", person, &lines.each_ref().map(String::as_str)).await;
}

#[tokio::test]
async fn audit_needs_what_its_page_says() {
    let person = Person::new().await;
    let lines = [
        format!(
            "audit --user-pool-id POOL --providers Google:claim --default-group {GROUP} --since 2020-01-01 --plan plan"
        ),
        "link --apply plan --yes".to_owned(),
        "link --undo plan.journal --yes".to_owned(),
    ];
    let lines = lines.each_ref().map(String::as_str);
    holds("audit", person, &lines).await;
}

#[tokio::test]
async fn link_needs_what_its_page_says() {
    let google = Google::start().await.unwrap();
    let plan =
        "link --user-pool-id POOL --providers Google:claim --plan plan --copy-groups --copy-attributes given_name";
    let lines = [plan, "link --apply plan --yes", "link --undo plan.journal --yes"];
    let (person, _) = Person::with_google(&google, ADA).await;
    let mut all = used("link", "", &person, &lines).await;
    // Nobody has the address but the profile of the sign-in, or it has an invitation that nobody answered.
    for invited in [false, true] {
        let person = Person { pool: pool(Kind::EmailAsUsername).await.unwrap(), ..Person::new().await };
        if invited {
            let address = json!([{ "Name": "email", "Value": ADA }]);
            let invitation = json!({ "Username": ADA, "MessageAction": "SUPPRESS", "UserAttributes": address });
            person.pool.admin("AdminCreateUser", invitation).await.unwrap();
        }
        google.stands_alone(&person.pool, SUBJECT, ADA, true).await.unwrap();
        let plan = "link --user-pool-id POOL --providers Google:claim --plan plan --create-native";
        all.extend(used("link", "", &person, &[plan, lines[1]]).await);
    }
    assert_eq!(all, documented("link"));
}

#[tokio::test]
async fn join_needs_what_its_page_says() {
    let google = Google::start().await.unwrap();
    let (person, other) = Person::with_google(&google, ELSEWHERE).await;
    let plan = format!("join {} --into {ADA} --user-pool-id POOL --plan plan --copy-groups", other.attribute("sub"));
    let lines = [&plan, "link --apply plan --yes", "link --undo plan.journal --yes"];
    let used = used("join", "link", &person, &lines).await;
    // Only identities that were linked are moved, and only attributes that are named are copied.
    let only_then = ["AdminDisableProviderForUser", "AdminUpdateUserAttributes"];
    let is_always = |right: &Right| !only_then.contains(&right.operation());
    let lacking: Vec<_> =
        documented("join").into_iter().filter(is_always).filter(|right| !used.contains(right)).collect();
    assert!(lacking.is_empty(), "no call needs {lacking:?}");
}
