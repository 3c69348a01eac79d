//! The inputs that take the longest: how the time grows with the size, up to what Lambda lets through.
//!
//! A form that a function does not read takes no time. So each is made from an event for which the function does its whole
//! work, and it grows where the function looks: with nothing there, the function must answer otherwise.

use anyhow::{Context, Result, ensure};
use local_cloud::event::sample;
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;

use super::api::Api;
use super::{DECIDED, Done, Target, World};
use crate::runtime_in_virtual_time;

/// The largest event that Lambda hands to a function, in bytes.
const LARGEST: usize = 6 * 1024 * 1024;

/// By what factor twice as much may take longer. It is four where the time grows with the square of the size.
const LONGEST: f64 = 3.5;

/// What takes less, in milliseconds, says nothing about the factor.
const TOO_SHORT: f64 = 20.0;

type Sample = fn() -> Result<Value>;
type Grown = fn(&Value, usize) -> String;

/// A form that grows.
struct Form {
    name: &'static str,
    /// The event that it is made from.
    sample: Sample,
    /// Where it grows, as a JSON pointer.
    at: &'static str,
    /// What stands there then, as JSON: made from what stands there in the sample, and of so many bytes at least.
    grown: Grown,
}

const EMAIL: &str = "/request/userAttributes/email";
const ATTRIBUTES: &str = "/request/userAttributes";
const IDENTITIES: &str = "/request/userAttributes/identities";
const CLAIMS: &str = "/request/attributes/idToken";
const SAML_EMAIL: &str =
    "/request/attributes/samlResponse/http:~1~1schemas.xmlsoap.org~1ws~12005~105~1identity~1claims~1emailaddress";

// The samples that are sent as they are. Those that are changed have functions below.
const SAML: Sample = || sample("inbound-federation/saml-list-of-one");
const ARRIVAL: Sample = || sample("pre-sign-up/google");
const REGISTRATION: Sample = || sample("pre-sign-up/native");
/// A first sign-in: the person joins the group, and the address is repaired.
const CONFIRMED: Sample = || sample("post-confirmation/facebook");
const SIGNED_IN: Sample = || sample("post-authentication/facebook-unverified");
const CHANGE: Sample = || Ok(Api::change());
const PAGE: Sample = || Ok(Api::page());

fn forms(target: Target) -> Vec<Form> {
    let of_profile: Option<Sample> = match target.name() {
        "pre-sign-up" => Some(ARRIVAL),
        "post-confirmation" => Some(CONFIRMED),
        "post-authentication" => Some(SIGNED_IN),
        _ => None,
    };
    let of_profile = of_profile.into_iter().flat_map(|sample| -> [(_, Sample, _, Grown); 6] {
        [
            ("one long address", sample, EMAIL, address),
            ("one long domain", sample, EMAIL, domain),
            ("underscores as the user name", sample, "/userName", underscores),
            ("a text of escapes", sample, "/userName", escapes),
            ("many attributes", sample, ATTRIBUTES, members),
            ("deep nesting", sample, ATTRIBUTES, nested),
        ]
    });
    let own: Vec<(_, Sample, _, Grown)> = match target.name() {
        "inbound-federation" => vec![
            ("one long address", google, "/request/attributes/idToken/email", address),
            ("one long domain", google, "/request/attributes/idToken/email", domain),
            ("one long name", google, "/request/attributes/idToken/given_name", marks),
            ("a text of escapes", google, "/request/attributes/idToken/given_name", escapes),
            ("many claims", google, CLAIMS, members),
            ("deep nesting", google, CLAIMS, nested),
            ("underscores as the user name", nameless_google, "/userName", underscores),
            ("many addresses", SAML, SAML_EMAIL, addresses),
        ],
        "pre-sign-up" => vec![
            ("one long address, registered", REGISTRATION, EMAIL, address),
            ("underscores as the user name, registered", REGISTRATION, "/userName", underscores),
        ],
        "post-confirmation" => vec![("many identities", CONFIRMED, IDENTITIES, identities)],
        "post-authentication" => vec![("many identities", SIGNED_IN, IDENTITIES, identities)],
        "custom-message" => vec![
            ("one long name", message, "/request/userAttributes/given_name", marks),
            ("a text of escapes", message, "/request/userAttributes/given_name", escapes),
            ("one long address", message, EMAIL, marks),
            ("one long user name", message, "/userName", marks),
            ("many languages", message, "/request/clientMetadata/locale", languages),
            ("a long code", message, "/request/codeParameter", underscores),
            ("many attributes", message, ATTRIBUTES, members),
            ("deep nesting", message, ATTRIBUTES, nested),
        ],
        _ => vec![
            ("one long address", CHANGE, "/body", |_, size| in_body(&format!("\"{}@example.com\"", "a".repeat(size)))),
            ("an address of combining marks", CHANGE, "/body", |_, size| {
                in_body(&format!("\"{}@example.com\"", "\u{301}".repeat(size / 2)))
            }),
            ("many members", CHANGE, "/body", |body, size| {
                let body = serde_json::from_str(body.as_str().unwrap_or_default()).unwrap_or_default();
                // Each quote gets a backslash more in the event.
                json!(members(&body, size - size / 20)).to_string()
            }),
            ("deep nesting", CHANGE, "/body", |_, size| in_body(&brackets(size))),
            // Each escape gets a backslash more in the event.
            ("a text of escapes", CHANGE, "/body", |_, size| in_body(&format!("\"{}\"", "\\u00e9".repeat(size / 7)))),
            ("a long query", page_in_german, "/rawQueryString", |_, size| {
                json!(format!("{}&lang=de", "%41".repeat(size / 3))).to_string()
            }),
            ("many languages", PAGE, "/headers/accept-language", languages),
            ("many headers", PAGE, "/headers", members),
        ],
    };
    of_profile.chain(own).map(|(name, sample, at, grown)| Form { name, sample, at, grown }).collect()
}

/// Cookies, which only the library reads that makes a request of an event.
const COOKIES: Form = Form {
    name: "many cookies",
    sample: PAGE,
    at: "/cookies",
    grown: |_, size| {
        let cookies = (0..size / 60).map(|number| format!("cookie-{number:035}=some value"));
        cookies.collect::<Value>().to_string()
    },
};

/// The token has every claim, and the user info says only whom it is about.
fn google() -> Result<Value> {
    let mut event = sample("inbound-federation/google")?;
    let documents = &mut event["request"]["attributes"];
    documents["userInfo"] = json!({ "sub": documents["idToken"]["sub"] });
    Ok(event)
}

/// A token that names nobody, so that the user name says whether the user info with the address is about the same person.
fn nameless_google() -> Result<Value> {
    let mut event = sample("inbound-federation/google")?;
    event["request"]["attributes"]["idToken"] = json!({ "iss": "https://accounts.google.com" });
    Ok(event)
}

/// The app asks for another language than the profile.
fn message() -> Result<Value> {
    let mut event = sample("custom-message/sign-up")?;
    event["request"]["clientMetadata"]["locale"] = json!("fr");
    Ok(event)
}

fn page_in_german() -> Result<Value> {
    let mut event = PAGE()?;
    event["rawQueryString"] = json!("lang=de");
    Ok(event)
}

fn address(_: &Value, size: usize) -> String {
    json!(format!("{}@example.com", "a".repeat(size))).to_string()
}

fn addresses(_: &Value, size: usize) -> String {
    let one = "ada@example.com";
    json!(format!("[{}]", vec![one; size / one.len()].join(","))).to_string()
}

fn domain(_: &Value, size: usize) -> String {
    json!(format!("ada@{}example.com", "a.".repeat(size / 2))).to_string()
}

fn marks(_: &Value, size: usize) -> String {
    json!("\u{301}".repeat(size / 2)).to_string()
}

/// After what is there, so that a user name is still one of the provider.
fn underscores(before: &Value, size: usize) -> String {
    json!(format!("{}{}", before.as_str().unwrap_or_default(), "_".repeat(size))).to_string()
}

fn escapes(before: &Value, size: usize) -> String {
    format!("\"{}{}\"", before.as_str().unwrap_or_default(), "\\u00e9".repeat(size / 6))
}

fn languages(_: &Value, size: usize) -> String {
    json!("de;q=0.5,".repeat(size / 9)).to_string()
}

fn members(before: &Value, size: usize) -> String {
    let mut members: Map<_, _> = before.as_object().cloned().unwrap_or_default();
    members.extend((0..size / 60).map(|number| (format!("custom-member-{number:025}"), json!("some value"))));
    Value::Object(members).to_string()
}

fn identities(_: &Value, size: usize) -> String {
    let one = "{\"userId\":\"9\",\"providerName\":\"Facebook\",\"primary\":\"false\"}";
    // Each quote gets a backslash.
    json!(format!("[{}]", vec![one; size / (one.len() + 13)].join(","))).to_string()
}

fn nested(_: &Value, size: usize) -> String {
    format!("{{\"deep\":{}}}", brackets(size))
}

fn brackets(size: usize) -> String {
    format!("{}{}", "[".repeat(size / 2), "]".repeat(size / 2))
}

/// A body with this for an address.
fn in_body(address: &str) -> String {
    json!(format!("{{\"new_email\":{address}}}")).to_string()
}

impl Form {
    /// The event with this JSON where the form grows.
    fn with(&self, json: impl FnOnce(&Value) -> String) -> Result<String> {
        const PLACE: &str = "the place";
        let mut event = (self.sample)()?;
        if event.pointer(self.at).is_none() {
            // It may be absent at the top.
            event[self.at.trim_start_matches('/')] = Value::Null;
        }
        let place = event.pointer_mut(self.at).context("the place is there")?;
        let json = json(&place.take());
        *place = json!(PLACE);
        Ok(event.to_string().replacen(&json!(PLACE).to_string(), &json, 1))
    }

    /// Fails if the function does nothing for the sample, or the same with nothing where the form grows.
    fn must_be_read(&self, target: Target, runtime: &Runtime) -> Result<()> {
        let sample = self.answered(target, &self.with(Value::to_string)?, runtime)?;
        let done = sample.told();
        let is_work = match target {
            Target::Trigger(_) => sample.done.said == DECIDED || (sample.done.said == "answered" && sample.calls > 0),
            Target::Api => done.0.starts_with('2'),
        };
        ensure!(is_work, "{target:?}, {}: nothing is done for the sample: {}", self.name, done.0);
        let without = self.answered(target, &self.with(|_| "null".to_owned())?, runtime)?.told();
        ensure!(done != without, "{target:?}, {}: nobody reads {}", self.name, self.at);
        Ok(())
    }

    fn answered(&self, target: Target, sent: &str, runtime: &Runtime) -> Result<Effect> {
        let world = World::new(target)?;
        // Whom the post functions are called for has an account by then.
        if let World::Triggers(triggers) = &world
            && target.name().starts_with("post-")
        {
            triggers.add_person_of(&(self.sample)()?);
        }
        let done = runtime.block_on(world.answer(sent.as_bytes()))?;
        let calls = match &world {
            World::Triggers(triggers) => triggers.carried_out().values().sum(),
            World::Api(_) => 0,
        };
        Ok(Effect { done, calls })
    }
}

/// What a function did.
struct Effect {
    done: Done,
    /// How many calls it made to Cognito.
    calls: u64,
}

impl Effect {
    /// Its code, the calls, and what it decided: `response` of a trigger's answer, or the body of the API's.
    fn told(&self) -> (String, Value) {
        let answer: Value = serde_json::from_str(&self.done.answer).unwrap_or_default();
        let decided = ["response", "body"].into_iter().find_map(|member| answer.get(member));
        let said = match self.calls {
            0 => self.done.said.clone(),
            calls => format!("{}, {calls} calls", self.done.said),
        };
        (said, decided.cloned().unwrap_or_default())
    }
}

/// Checks of each form that its function does its work for the sample, and reads what grows.
///
/// # Errors
///
/// Fails for the first form of which a function takes no notice.
pub fn each_form_is_read() -> Result<()> {
    let runtime = runtime_in_virtual_time()?;
    Target::ALL
        .into_iter()
        .try_for_each(|target| forms(target).iter().try_for_each(|form| form.must_be_read(target, &runtime)))
}

/// How long each function and the account API take for each form at a quarter, a half and all of the largest event, in
/// milliseconds, and by what factor the last doubling made it longer. `told` gets each row.
///
/// # Errors
///
/// Fails if nobody reads a form, if an answer is not one that may be given, or if the time grows much faster than the size.
pub fn measure(told: impl Fn(&[String])) -> Result<()> {
    each_form_is_read()?;
    told(&["function", "form", "1.5 MB", "3 MB", "6 MB", "twice as much takes", "answer"].map(str::to_owned));
    let runtime = runtime_in_virtual_time()?;
    for target in Target::ALL {
        let of_the_library = (target == Target::Api).then_some(COOKIES);
        for form in forms(target).into_iter().chain(of_the_library) {
            let mut took = Vec::new();
            let mut said = String::new();
            for size in [LARGEST / 4, LARGEST / 2, LARGEST - 8192] {
                let effect = form.answered(target, &form.with(|before| (form.grown)(before, size))?, &runtime)?;
                took.push(effect.done.took.as_secs_f64() * 1000.0);
                (said, _) = effect.told();
            }
            let ratio = took[2] / took[1].max(0.001);
            ensure!(took[2] < TOO_SHORT || ratio < LONGEST, "{target:?}, {}: {took:?} ms", form.name);
            let cells = took.iter().map(|took| format!("{took:.0} ms"));
            let first = [target.name(), form.name].map(str::to_owned).into_iter();
            told(&first.chain(cells).chain([format!("{ratio:.1} times"), said]).collect::<Vec<_>>());
        }
    }
    Ok(())
}
