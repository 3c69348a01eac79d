//! Hostile events at the triggers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use cognito_core::testing::{is_documented, lookup, only_response_changed};
use cognito_core::trigger::{Clock, TIME_LIMIT, Trigger, answer};
use cognito_core::user_pool::aws::AwsUserPools;
use custom_message::CustomMessage;
use inbound_federation::InboundFederation;
use local_cloud::function::SETTINGS;
use post_authentication::PostAuthentication;
use post_confirmation::PostConfirmation;
use pre_sign_up::PreSignUp;
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{DECIDED, Done, draw, samples};
use crate::client;
use crate::cognito::{Account, Cognito, Status, WayIn};
use crate::function::Queue;

/// What an event may say to a function.
const NAMES: [&str; 24] = [
    "version",
    "triggerSource",
    "userName",
    "userPoolId",
    "callerContext",
    "request",
    "response",
    "userAttributes",
    "attributes",
    "email",
    "email_verified",
    "sub",
    "identities",
    "cognito:user_status",
    "cognito:email_alias",
    "phone_number",
    "given_name",
    "locale",
    "clientMetadata",
    "codeParameter",
    "usernameParameter",
    "idToken",
    "userInfo",
    "Records",
];

/// One function, and the events that are changed.
pub(super) struct Triggers {
    function: Function,
    samples: Vec<Value>,
    cognito: Arc<Cognito>,
}

enum Function {
    Pre(PreSignUp<AwsUserPools, Queue>),
    Confirmed(PostConfirmation<AwsUserPools, Queue>),
    SignedIn(PostAuthentication<AwsUserPools>),
    Inbound(InboundFederation),
    Message(Box<CustomMessage>),
}

impl Triggers {
    pub(super) fn new(function: &str) -> Result<Self> {
        // Without quotas: nothing is throttled.
        let cognito = Arc::new(Cognito::default());
        let pools = client::of_process(&cognito, 0)?;
        let queue = Some(Queue::default());
        // So that registrations are looked at, too.
        let further = [
            ("NATIVE_SIGN_UP", "unique"),
            ("NATIVE_USERNAME", "derived"),
            ("DENIED_DOMAINS", "rival.example"),
            ("UNVERIFIED_PROFILE", "reclaim"),
        ];
        let lookup = lookup([&SETTINGS[..], &further].concat());
        let made = match function {
            "pre-sign-up" => Function::Pre(PreSignUp::new(pre_sign_up::Settings::from_lookup(&lookup)?, pools, queue)),
            "post-confirmation" => Function::Confirmed(PostConfirmation::new(
                post_confirmation::Settings::from_lookup(&lookup)?,
                pools,
                queue,
            )),
            "post-authentication" => {
                Function::SignedIn(PostAuthentication::new(post_authentication::Settings::from_lookup(&lookup)?, pools))
            }
            "inbound-federation" => {
                Function::Inbound(InboundFederation::new(inbound_federation::Settings::from_lookup(&lookup)?))
            }
            _ => Function::Message(Box::new(CustomMessage::new(custom_message::Settings::from_lookup(&lookup)?))),
        };
        Ok(Self { function: made, samples: samples(function)?, cognito })
    }

    /// Gives the person of an event an account.
    pub(super) fn add_person_of(&self, event: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.cognito.add_named(&text(&event["userName"]), &text(&event["request"]["userAttributes"]["sub"]));
    }

    /// How often Cognito carried out each operation.
    pub(super) fn carried_out(&self) -> BTreeMap<String, u64> {
        self.cognito.carried_out()
    }

    /// Makes the pool anew, as it may be when the event comes.
    pub(super) fn prepare(&self, rng: &mut StdRng, event: &Value) {
        self.cognito.clear();
        // Whoever has an account by then signs in or has just been confirmed. Pre sign-up asks who owns the address.
        if !matches!(self.function, Function::Pre(_)) {
            return self.add_person_of(event);
        }
        let email = event["request"]["userAttributes"]["email"].as_str().unwrap_or_default().to_owned();
        let own = Account { email, ..Account::default() };
        // Somebody else registered the address, and it was confirmed or not.
        let planted = Account { unverified: true, ways_in: WayIn::ALL.into(), ..own.clone() };
        let account = match rng.random_range(0..5) {
            0 => return,
            1 => own,
            2 => planted,
            3 => Account { status: Status::Unconfirmed, ..planted },
            _ => Account { status: Status::ForceChangePassword, unverified: rng.random(), ..own },
        };
        self.cognito.add(account);
    }

    pub(super) fn draw(&self, rng: &mut StdRng) -> Vec<u8> {
        let mut event = self.samples.choose(rng).cloned().unwrap_or_default();
        self.prepare(rng, &event);
        let places = rng.random_range(0..5);
        draw::edit(rng, &mut event, places, &NAMES);
        let mut text = event.to_string();
        if rng.random_range(0..4) == 0 {
            draw::edit_text(rng, &mut text);
        }
        text.into_bytes()
    }

    pub(super) async fn answer(&self, sent: &[u8]) -> Result<Done> {
        // The runtime reads the event as JSON of any form. What is none does not reach the function.
        let Ok(payload) = serde_json::from_slice::<Box<RawValue>>(sent) else { return Ok(Done::unread("no JSON")) };
        match &self.function {
            Function::Pre(trigger) => told(trigger, &payload).await,
            Function::Confirmed(trigger) => told(trigger, &payload).await,
            Function::SignedIn(trigger) => told(trigger, &payload).await,
            Function::Inbound(trigger) => told(trigger, &payload).await,
            Function::Message(trigger) => told(&**trigger, &payload).await,
        }
    }
}

async fn told(trigger: &impl Trigger, payload: &RawValue) -> Result<Done> {
    let start = Instant::now();
    let answered = answer(trigger, payload, Clock::starting_now(TIME_LIMIT)).await;
    let took = start.elapsed();
    let (said, answer) = match answered {
        Ok(answer) => {
            ensure!(is_own(payload.get(), answer.get())?, "the answer is not the event: {}", answer.get());
            (if decided(payload.get(), answer.get()) { DECIDED } else { "answered" }, answer.get().to_owned())
        }
        Err(failure) => {
            ensure!(is_documented(failure.kind()), "{:?} is not documented", failure.kind());
            (failure.kind().code, String::new())
        }
    };
    Ok(Done { said: said.to_owned(), answer, took })
}

/// Whether an answer has another `response` than the event.
fn decided(event: &str, answer: &str) -> bool {
    let response = |text| serde_json::from_str::<Value>(text).ok().and_then(|read| read.get("response").cloned());
    response(event) != response(answer)
}

/// Whether an answer is the event with at most `response` changed. A message of the queue has no answer.
fn is_own(event: &str, answer: &str) -> Result<bool> {
    // JSON may name half a character, and then the answer does, too. Rust's texts cannot hold one.
    let whole = |text: &str| text.replace("\\ud800", "\\ufffd");
    let (event, answer) = (whole(event), whole(answer));
    match serde_json::from_str::<Value>(&answer) {
        Ok(read) => Ok(read.is_null() || only_response_changed(&event, &read)),
        // Too deep to be read.
        Err(_) => Ok(members(&event)? == members(&answer)?),
    }
}

/// The members but the response, as they are written.
fn members(text: &str) -> Result<BTreeMap<String, String>> {
    let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).context("the answer is no JSON")?;
    let others = members.into_iter().filter(|(name, _)| name != "response");
    Ok(others.map(|(name, value)| (name, value.get().to_owned())).collect())
}
