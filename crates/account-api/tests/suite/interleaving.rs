//! Two calls at once, in every order of what they ask of the pool, the table and the mailer; also with one of them cut
//! off anywhere. Then somebody calls once more, and what is left must be right.
//!
//! `cargo test -p account-api --test suite interleaving -- --nocapture` prints how many schedules were explored.

mod cognito;
mod explorer;
mod rules;

use crate::house::{Fuse, House, NOW, Trap, event};
use crate::identities::{id, token};
use crate::identities_connect::{
    A_WHILE, ADA, ANY, AT_GOOGLE, ada, alone, approved, at, confirmed, made_with_identity,
};
use cognito::SignIn;
use cognito_core::user_pool::memory::{Account, federated, native};
use explorer::{Count, End, Explorer, Process, Run};
use rules::Rules;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const BOB: &str = "bob@example.net";
const AT_FACEBOOK: &str = "augusta@example.org";
const NEW_ADDRESS: &str = "countess@example.org";

/// A call of the API.
#[derive(Clone)]
struct Call {
    of: Account,
    method: &'static str,
    path: String,
    body: Option<Value>,
}

impl Call {
    fn event(&self, time: u64) -> Value {
        let body = self.body.as_ref().map(Value::to_string);
        event(Some(&token(&self.of, time)), self.method, &self.path, body.as_deref(), "application/json")
    }
}

#[derive(Clone)]
enum Act {
    Calls(Box<Call>),
    SignsIn(SignIn),
}

/// Two that act at once, and what is known of the world around them.
struct Scene {
    name: String,
    house: House,
    acts: [Act; 2],
    rules: Rules,
}

impl Scene {
    fn processes(&self) -> [Process; 2] {
        self.acts.clone().map(|act| self.process(act))
    }

    fn process(&self, act: Act) -> Process {
        match act {
            Act::Calls(call) => {
                let (process, event) = (self.house.beside(), call.event(NOW));
                let gate = process.fuse.gate.clone();
                let start = move || -> explorer::Running {
                    let (process, event) = (process.clone(), event.clone());
                    Box::pin(async move {
                        let answer = process.answer(&event).await.expect("an answer");
                        End::Answered { status: answer.status.as_u16(), body: answer.body }
                    })
                };
                Process { gate, start: Box::new(start) }
            }
            Act::SignsIn(sign_in) => {
                let (fuse, pool) = (Fuse::new(Trap::Crash), self.house.pool.clone());
                let gate = fuse.gate.clone();
                let start = move || -> explorer::Running { Box::pin(sign_in.happens(pool.clone(), fuse.clone())) };
                Process { gate, start: Box::new(start) }
            }
        }
    }

    /// Explores the schedules. Returns what went wrong, each with one schedule that it went wrong in.
    async fn explore(&self, is_cut: bool, preemptions: Option<usize>) -> (Count, BTreeMap<String, String>) {
        let (processes, mut wrong) = (self.processes(), BTreeMap::new());
        let mut check = async |run: &Run| {
            if let Err(what) = self.comes_right(run).await {
                let story = || format!("{run}\n{:#?}\n{}", self.house.pool.accounts(), self.house.store.text());
                wrong.entry(format!("{}: {what}", self.name)).or_insert_with(story);
            }
        };
        let mut explorer = Explorer::new(&self.house, &processes, preemptions);
        let mut count = explorer.orders(&mut check).await;
        if is_cut {
            count += explorer.orders_cut_off(&mut check).await;
        }
        println!("{}: {count:?}", self.name);
        (count, wrong)
    }

    /// Whether everything is right after somebody has called once more.
    async fn comes_right(&self, run: &Run) -> Result<(), String> {
        for (act, end) in self.acts.iter().zip(&run.ends) {
            if let (Act::Calls(call), Some(End::Answered { status, body })) = (act, end) {
                self.rules.is_documented(call.method, &call.path, *status, body)?;
            }
        }
        self.everybody_looks().await?;
        self.rules.holds(&self.house)?;
        self.rules.is_true(&self.house, run)?;
        // Who was cut off, or was told to, does it again.
        for (act, end) in self.acts.iter().zip(&run.ends) {
            let Act::Calls(call) = act else { continue };
            if end.as_ref().is_none_or(|end| !end.is_success()) {
                self.call(call).await?;
            }
        }
        self.everybody_looks().await?;
        self.rules.holds(&self.house)?;
        self.rules.is_over(&self.house)
    }

    /// Later, everybody looks at their account.
    async fn everybody_looks(&self) -> Result<(), String> {
        self.house.clock.forward(A_WHILE);
        for of in self.rules.people() {
            for path in self.rules.pages() {
                let look = Call { of: of.clone(), method: "GET", path: (*path).to_owned(), body: None };
                self.call(&look).await?;
            }
        }
        Ok(())
    }

    async fn call(&self, call: &Call) -> Result<(), String> {
        let answer = self.house.answer(&call.event(self.house.time())).await.expect("an answer");
        self.rules.is_documented(call.method, &call.path, answer.status.as_u16(), &answer.body)
    }
}

/// Everybody's account begins with a session of somebody who should not have one.
fn with_thief(account: Account) -> Account {
    Account { sessions: vec!["a thief's".into()], ..account }
}

fn google() -> Account {
    with_thief(alone())
}

fn facebook() -> Account {
    with_thief(Account { created: Some(at(NOW)), email_verified: true, ..federated("Facebook", "2", AT_FACEBOOK) })
}

/// Ada's account without a password that somebody knows.
fn without_password(account: Account) -> Account {
    Account { password: None, ..with_thief(account) }
}

/// A pool with these accounts and somebody else's.
fn house(accounts: &[Account], own: &[(&str, &str)]) -> House {
    let eve = Account { second_factor: true, ..with_thief(native("eve@example.net").with_identity("Google", "9")) };
    House::set(accounts.iter().cloned().chain([eve]), &[&ANY, own].concat())
}

/// The last call of a connection.
async fn connecting(house: &House, own: &Account, other: &Account, stays: &Account) -> Act {
    let (_, body) = approved(house, own, other, stays).await;
    calls(own, "POST", "/identities", Some(body))
}

fn calls(of: &Account, method: &'static str, path: &str, body: Option<Value>) -> Act {
    Act::Calls(Box::new(Call { of: of.clone(), method, path: path.to_owned(), body }))
}

async fn disconnecting(house: &House, of: &Account, provider: &str) -> Act {
    calls(of, "DELETE", &format!("/identities/{}", id(house, of, provider).await), None)
}

fn signing_out(of: &Account) -> Act {
    calls(of, "DELETE", "/sessions", None)
}

/// The last call of a change of the address.
async fn changing_the_address(house: &House, of: &Account) -> Act {
    let claims = token(of, NOW);
    let ask = json!({ "new_email": NEW_ADDRESS });
    let asked = house.call(Some(&claims), "POST", "/email-change", Some(ask)).await.unwrap();
    assert_eq!(asked.status, 202, "{asked:?}");
    let code = json!({ "code": house.code_sent_to(of.email.as_deref().unwrap()) });
    assert_eq!(house.call(Some(&claims), "POST", "/email-change/verify", Some(code)).await.unwrap().status, 200);
    calls(of, "POST", "/email-change/verify", Some(json!({ "code": house.code_sent_to(NEW_ADDRESS) })))
}

impl Scene {
    fn new(name: impl Into<String>, house: House, acts: [Act; 2], rules: Rules) -> Self {
        Self { name: name.into(), house, acts, rules }
    }
}

/// The same confirmation from two tabs.
async fn twice(goes: Account) -> Scene {
    let ada = with_thief(ada());
    let house = house(&[ada.clone(), goes.clone()], &[]);
    let act = connecting(&house, &ada, &goes, &ada).await;
    let rules = Rules::new(&house, &[&ada], &[&goes]);
    Scene::new("the same connection twice", house, [act.clone(), act], rules)
}

/// Two accounts are connected to one. Each call is of another account, so both mailboxes' approvals are there.
async fn two_into_one() -> Scene {
    let (ada, google, facebook) = (with_thief(ada()), google(), facebook());
    let house = house(&[ada.clone(), google.clone(), facebook.clone()], &[]);
    let one = connecting(&house, &ada, &google, &ada).await;
    let two = connecting(&house, &facebook, &ada, &ada).await;
    let rules = Rules::new(&house, &[&ada], &[&google, &facebook]);
    Scene::new("two accounts are connected to one", house, [one, two], rules)
}

/// While one account is connected, the other offer asks for its code.
async fn another_offer_asks() -> Scene {
    let (ada, google, facebook) = (with_thief(ada()), google(), facebook());
    let house = house(&[ada.clone(), google.clone(), facebook.clone()], &[]);
    let (_, body) = confirmed(&house, &ada, &facebook, &ada).await;
    let two = calls(&ada, "POST", "/identities", Some(body));
    let one = connecting(&house, &ada, &google, &ada).await;
    let rules = Rules::new(&house, &[&ada], &[&google, &facebook]).asking(ADA);
    Scene::new("an account is connected while another offer asks for its code", house, [one, two], rules)
}

/// One account is offered to two people's.
async fn one_to_two() -> Scene {
    let (ada, bob, google) = (with_thief(ada()), with_thief(native(BOB)), google());
    let house = house(&[ada.clone(), bob.clone(), google.clone()], &[]);
    let one = connecting(&house, &ada, &google, &ada).await;
    let two = connecting(&house, &bob, &google, &bob).await;
    let rules = Rules::new(&house, &[&ada, &bob], &[&google]);
    Scene::new("one account is connected to two", house, [one, two], rules)
}

/// The account that stays of one connection goes in the other.
async fn a_chain() -> Scene {
    let (ada, google) = (with_thief(ada()), google());
    let bob = with_thief(native(BOB).with_identity("Facebook", "2"));
    let house = house(&[ada.clone(), google.clone(), bob.clone()], &[]);
    let one = connecting(&house, &google, &ada, &ada).await;
    let two = connecting(&house, &ada, &bob, &bob).await;
    let rules = Rules::new(&house, &[&bob], &[&google, &ada]);
    Scene::new("the account that stays of one connection goes in the other", house, [one, two], rules)
}

async fn connecting_and_disconnecting() -> Scene {
    let ada = without_password(ada().with_identity("Corp", "7"));
    let house = house(&[ada.clone(), google()], &[]);
    let two = disconnecting(&house, &ada, "Corp").await;
    let one = connecting(&house, &ada, &google(), &ada).await;
    let rules = Rules::new(&house, &[&ada], &[&google()]).losing("Corp", "7");
    Scene::new("a connection and a disconnection", house, [one, two], rules)
}

async fn the_last_two_ways_in() -> Scene {
    let ada = without_password(ada().with_identity("Google", "1").with_identity("Corp", "7"));
    let house = house(std::slice::from_ref(&ada), &[]);
    let acts = [disconnecting(&house, &ada, "Google").await, disconnecting(&house, &ada, "Corp").await];
    let rules = Rules::new(&house, &[&ada], &[]).losing("Google", "1").losing("Corp", "7");
    Scene::new("both ways in are disconnected", house, acts, rules)
}

async fn connecting_and_signing_out(of_ada: bool, goes: Account) -> Scene {
    let ada = with_thief(ada());
    let house = house(&[ada.clone(), goes.clone()], &[]);
    let one = connecting(&house, &ada, &goes, &ada).await;
    let two = signing_out(if of_ada { &ada } else { &goes });
    let rules = Rules::new(&house, &[&ada], &[&goes]);
    let who = if of_ada { "stays" } else { "goes" };
    Scene::new(format!("a connection and a sign-out of who {who}"), house, [one, two], rules)
}

async fn connecting_and_signing_in(which: &str, goes: Account, sign_in: SignIn) -> Scene {
    let ada = with_thief(ada());
    let house = house(&[ada.clone(), goes.clone()], &[]);
    let one = connecting(&house, &ada, &goes, &ada).await;
    let rules = Rules::new(&house, &[&ada], &[&goes]).signing_in();
    Scene::new(format!("a connection and a sign-in {which}"), house, [one, Act::SignsIn(sign_in)], rules)
}

async fn connecting_and_changing_the_address(linked_may: bool, of_ada: bool) -> Scene {
    let (ada, goes) = (with_thief(ada()), if of_ada { google() } else { with_thief(made_with_identity()) });
    let setting = ("LINKED_EMAIL_CHANGE", if linked_may { "allow" } else { "refuse" });
    let house = house(&[ada.clone(), goes.clone()], &[setting]);
    let two = changing_the_address(&house, if of_ada { &ada } else { &goes }).await;
    let one = connecting(&house, &ada, &goes, &ada).await;
    let rules = Rules::new(&house, &[&ada], &[&goes]).mailing(NEW_ADDRESS);
    Scene::new("a connection and a change of the address", house, [one, two], rules)
}

async fn disconnecting_and_changing_the_address() -> Scene {
    let ada = with_thief(ada().with_identity("Google", "1"));
    let house = house(std::slice::from_ref(&ada), &[("LINKED_EMAIL_CHANGE", "allow")]);
    let two = changing_the_address(&house, &ada).await;
    let one = disconnecting(&house, &ada, "Google").await;
    let rules = Rules::new(&house, &[&ada], &[]).losing("Google", "1").mailing(NEW_ADDRESS);
    Scene::new("a disconnection and a change of the address", house, [one, two], rules)
}

async fn scenes() -> Vec<Scene> {
    let proven = SignIn { subject: "1", email: AT_GOOGLE, is_proven: true };
    let with_adas_address = with_thief(Account { email: Some(ADA.into()), ..alone() });
    let by_her_address = SignIn { email: ADA, ..proven };
    vec![
        twice(google()).await,
        twice(with_thief(made_with_identity())).await,
        two_into_one().await,
        another_offer_asks().await,
        one_to_two().await,
        a_chain().await,
        connecting_and_disconnecting().await,
        the_last_two_ways_in().await,
        connecting_and_signing_out(true, google()).await,
        connecting_and_signing_out(false, google()).await,
        connecting_and_signing_out(false, with_thief(made_with_identity())).await,
        connecting_and_signing_in("that Cognito makes a profile for", google(), SignIn { is_proven: false, ..proven })
            .await,
        connecting_and_signing_in("that the trigger makes an account for", google(), proven).await,
        connecting_and_signing_in("that the trigger links", with_adas_address, by_her_address).await,
        connecting_and_signing_in("that the trigger links back", with_thief(made_with_identity()), proven).await,
        connecting_and_changing_the_address(false, true).await,
        connecting_and_changing_the_address(true, true).await,
        connecting_and_changing_the_address(true, false).await,
        disconnecting_and_changing_the_address().await,
    ]
}

/// Explores all scenes, and says what went wrong. `INTERLEAVINGS=all` lifts the bound on preemptions: that takes half an hour or more.
async fn explore_all(is_cut: bool, preemptions: usize) -> Count {
    let preemptions = (std::env::var("INTERLEAVINGS").as_deref() != Ok("all")).then_some(preemptions);
    let (mut all, mut wrong) = (Count::default(), BTreeMap::new());
    for scene in Box::pin(scenes()).await {
        let (count, found) = scene.explore(is_cut, preemptions).await;
        all += count;
        wrong.extend(found);
    }
    println!("cut off: {is_cut}, preemptions: {preemptions:?}, {all:?}");
    let stories: Vec<_> = wrong.iter().take(3).map(|(what, story)| format!("{what}\n{story}\n")).collect();
    assert!(wrong.is_empty(), "{}{:#?}", stories.join("\n"), wrong.keys());
    all
}

#[tokio::test(start_paused = true)]
async fn every_order_of_two_calls_ends_right() {
    let all = Box::pin(explore_all(false, 2)).await;
    assert!(all.schedules > 500, "{all:?}");
}

#[tokio::test(start_paused = true)]
async fn every_order_of_two_calls_ends_right_with_one_of_them_cut_off_anywhere() {
    let all = Box::pin(explore_all(true, 0)).await;
    assert!(all.schedules > 500, "{all:?}");
}
