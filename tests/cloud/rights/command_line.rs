//! The command line with exactly the rights that the page of each command names: no call needs another one, each is needed
//! by a call, and without any of them the command says which one is missing.

use std::collections::BTreeSet;

use end_to_end::gate::{Gate, Resources};
use end_to_end::manifest::Right;
use end_to_end::{Cli, Google, cloud, invited, pool, pool_with, registers};
use local_cloud::seed::GROUP;
use local_cloud::user_pool::{Kind, Profile, UserPool};
use serde_json::json;
use tempfile::TempDir;

use super::{COMMANDS_AT_A_TIME, page_of, without_each};

const ADA: &str = "ada@example.com";
const ELSEWHERE: &str = "lovelace@example.org";
const SUBJECT: &str = "123456789012345678901";

/// The actions on the pool that the page of a command names: in its section, or in the paragraph that begins with the
/// word.
fn documented(command: &str) -> BTreeSet<Right> {
    let page = page_of(command);
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
        let (pool, native) = pool_with(Kind::EmailAsUsername, ADA).await.unwrap();
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
        self.pool.link(&self.native.username, "Google", SUBJECT).await.unwrap();
        self
    }
}

/// What the commands do without, and do not tell: SES may be another account's.
const NOT_REQUIRED: &str = "ses:GetSuppressedDestination";

/// What somebody can sign in with is told as not known, and the command goes on.
const ONLY_SHOWN: &str = "AdminGetUserAuthFactors";

/// What the lines left behind, up to the first that did not end well.
struct Run {
    ends_well: bool,
    said: String,
    used: BTreeSet<Right>,
    denied: BTreeSet<Right>,
}

/// Runs the lines one after the other with these rights. `POOL` in a line is the pool's id.
async fn run(allowed: BTreeSet<Right>, (person, lines): &(Person, Vec<String>)) -> Run {
    let resources = Resources { pool: person.pool.id().to_owned(), ..Resources::default() };
    let gate = Gate::start(&cloud().unwrap(), resources, allowed).await.unwrap();
    let cli = Cli::new().unwrap().within(person.folder.path()).with("AWS_ENDPOINT_URL", &gate.endpoint());
    let (mut ends_well, mut said) = (true, String::new());
    for line in lines {
        let words: Vec<_> = line.split(' ').map(|word| word.replace("POOL", person.pool.id())).collect();
        let ran = cli.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).await.unwrap();
        said.extend([line, ":\n", &ran.stdout, &ran.stderr, "\n"]);
        // `audit` ends with 4 if it found something.
        if ![0, 4].contains(&ran.status) {
            ends_well = false;
            break;
        }
    }
    let denied = gate.denied().into_iter().filter(|right| right.action != NOT_REQUIRED).collect();
    Run { ends_well, said, used: gate.used(), denied }
}

/// Runs the lines with the rights of the pages, and then without each that they used. `make` makes the person they are
/// about, anew for each run. Returns the rights that were used.
async fn used<F>(pages: &[&str], make: impl Fn() -> F) -> BTreeSet<Right>
where
    F: Future<Output = (Person, Vec<String>)>,
{
    let allowed: BTreeSet<_> = pages.iter().flat_map(|page| documented(page)).collect();
    let whole = run(allowed.clone(), &make().await).await;
    assert!(whole.ends_well && whole.denied.is_empty(), "{pages:?} lacks {:?}: {}", whole.denied, whole.said);
    for (right, run) in
        without_each(&whole.used, &allowed, COMMANDS_AT_A_TIME, async |rest| run(rest, &make().await).await).await
    {
        let Run { ends_well, said, denied, .. } = run;
        let fails = !ends_well || right.operation() == ONLY_SHOWN;
        assert!(denied.contains(right) && fails, "{pages:?} without {right}: denied {denied:?}\n{said}");
        let names = |said: &str| said.contains(right.operation());
        assert!(names(&said) && !names(&whole.said), "{pages:?} without {right} does not say so:\n{said}");
    }
    whole.used
}

/// Every right of the page is needed by one of these lines.
async fn holds<F>(command: &str, make: impl Fn() -> F)
where
    F: Future<Output = (Person, Vec<String>)>,
{
    assert_eq!(used(&[command], make).await, documented(command), "docs/cli/{command}.md");
}

fn lines<const N: usize>(lines: [&str; N]) -> Vec<String> {
    lines.map(str::to_owned).into()
}

const APPLY: &str = "link --apply plan --yes";
const UNDO: &str = "link --undo plan.journal --yes";

#[tokio::test]
async fn show_needs_what_its_page_says() {
    holds("show", async || (Person::new().await, lines(["show ada@example.com --user-pool-id POOL"]))).await;
}

#[tokio::test]
async fn verify_email_needs_what_its_page_says() {
    let line = "verify-email ada@example.com --user-pool-id POOL --unset --yes";
    holds("verify-email", async || (Person::new().await, lines([line]))).await;
}

#[tokio::test]
async fn unlink_needs_what_its_page_says() {
    let line = "unlink ada@example.com --provider Google --user-pool-id POOL --yes";
    holds("unlink", async || (Person::new().await.linked().await, lines([line]))).await;
}

#[tokio::test]
async fn reset_user_needs_what_its_page_says() {
    let make = async || {
        let person = Person::new().await;
        let client = registers(&person.pool, "grace@example.com").await.unwrap();
        let lines = [("grace@example.com", ""), (ADA, " --yes-delete-confirmed")]
            .map(|(who, more)| format!("reset-user {who} --user-pool-id POOL --client-id {client} --yes{more}"));
        (person, lines.into())
    };
    holds("reset-user", make).await;
}

#[tokio::test]
async fn audit_needs_what_its_page_says() {
    let audit = format!(
        "audit --user-pool-id POOL --providers Google:claim --default-group {GROUP} --since 2020-01-01 --plan plan"
    );
    holds("audit", async || (Person::new().await, lines([&audit, APPLY, UNDO]))).await;
}

#[tokio::test]
async fn link_needs_what_its_page_says() {
    let google = Google::start().await.unwrap();
    let plan =
        "link --user-pool-id POOL --providers Google:claim --plan plan --copy-groups --copy-attributes given_name";
    let mut all =
        used(&["link"], async || (Person::with_google(&google, ADA).await.0, lines([plan, APPLY, UNDO]))).await;
    // Nobody has the address but the profile of the sign-in, or it has an invitation that nobody answered.
    for is_invited in [false, true] {
        let make = async || {
            let pool = pool(Kind::EmailAsUsername).await.unwrap();
            if is_invited {
                invited(&pool, ADA, &[("email", ADA)]).await.unwrap();
            }
            google.stands_alone(&pool, SUBJECT, ADA, true).await.unwrap();
            let plan = "link --user-pool-id POOL --providers Google:claim --plan plan --create-native";
            (Person { pool, ..Person::new().await }, lines([plan, APPLY]))
        };
        all.extend(used(&["link"], make).await);
    }
    assert_eq!(all, documented("link"));
}

#[tokio::test]
async fn join_needs_what_its_page_says() {
    let google = Google::start().await.unwrap();
    let make = async || {
        let (person, other) = Person::with_google(&google, ELSEWHERE).await;
        let sub = other.attribute("sub");
        let plan = format!("join {sub} --into {ADA} --user-pool-id POOL --plan plan --copy-groups");
        (person, lines([&plan, APPLY, UNDO]))
    };
    let used = used(&["join", "link"], make).await;
    // Only identities that were linked are moved, and only attributes that are named are copied.
    let only_then = ["AdminDisableProviderForUser", "AdminUpdateUserAttributes"];
    let is_always = |right: &Right| !only_then.contains(&right.operation());
    let lacking: Vec<_> =
        documented("join").into_iter().filter(is_always).filter(|right| !used.contains(right)).collect();
    assert!(lacking.is_empty(), "no call needs {lacking:?}");
}
