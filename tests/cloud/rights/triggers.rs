//! The flows of the triggers.

use std::collections::BTreeSet;

use cognito_core::email::Email;
use cognito_core::user_pool::NativeUserName;
use end_to_end::gate::{Gate, Resources};
use end_to_end::manifest::{self, Right};
use end_to_end::{cloud, function, invited, native, owned, pool, registers, sqs};
use local_cloud::event;
use local_cloud::seed::{GROUP, PASSWORD};
use local_cloud::user_pool::{Kind, UserPool};
use serde_json::{Value, json};

use super::{Flow, Run, hold, otherwise};

const ADA: &str = "ada@example.com";
/// The name of the team's own function.
const THEIRS: &str = "theirs";
const THROTTLED: &str = "TooManyRequestsException";

/// What the pool has before the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nobody,
    /// Ada's account, with this identity or none.
    Ada(Option<(&'static str, &'static str)>),
    /// The same under a user name that is derived from the address.
    UnderADerivedName,
    /// A registration with her address that nobody confirmed.
    Planted,
    /// An invitation.
    Invited,
    /// An account with her address that never proved it.
    Unproven,
    /// Only Ada's account at Facebook, which no native one stands beside.
    AtFacebook,
}

/// One flow: settings beside those that every one has, the pool before it, the event.
struct Case {
    settings: &'static [(&'static str, &'static str)],
    before: Before,
    event: &'static str,
    /// An operation that Cognito refuses the first times, with which code, and how often.
    refused: Option<(&'static str, &'static str, usize)>,
}

const fn case(settings: &'static [(&'static str, &'static str)], before: Before, event: &'static str) -> Case {
    Case { settings, before, event, refused: None }
}

const GROUPED: (&str, &str) = ("DEFAULT_GROUP", GROUP);
const NO_REPLACEMENT: (&str, &str) = ("UNVERIFIED_PROFILE", "refuse");
const SKIP: (&str, &str) = ("NATIVE_PROFILE", "skip");
const CLOSED: (&str, &str) = ("NEWCOMERS", "refuse");
const NEXT: (&str, &str) = ("NEXT_FUNCTION", THEIRS);
/// The gate's URL takes the place of `GATE`, and the pool's id that of `POOL`.
const QUEUE: (&str, &str) = ("RETRY_QUEUE_URL", "GATE/000000000000/QUEUE");

const PRE_SIGN_UP: &[Case] = &[
    case(&[GROUPED], Before::Ada(None), "pre-sign-up/google"),
    case(&[GROUPED], Before::Nobody, "pre-sign-up/google-new-person"),
    case(&[GROUPED], Before::Planted, "pre-sign-up/google"),
    case(&[GROUPED], Before::Invited, "pre-sign-up/google"),
    case(&[("UNVERIFIED_PROFILE", "reclaim")], Before::Unproven, "pre-sign-up/google"),
    case(&[("SECOND_SUBJECT", "replace")], Before::Ada(Some(("Google", "9"))), "pre-sign-up/google"),
    // A new person is the only reason to create somebody, and to ask what the pool requires.
    case(&[NO_REPLACEMENT], Before::Nobody, "pre-sign-up/google-new-person"),
    Case {
        // As if somebody had the phone number that came along.
        refused: Some(("AdminCreateUser", "UsernameExistsException", 1)),
        ..case(&[NO_REPLACEMENT], Before::Nobody, "pre-sign-up/google-new-person")
    },
    // A registration is the only one.
    case(&[SKIP], Before::Planted, "pre-sign-up/google"),
    // What holds for this pool only.
    case(
        &[
            SKIP,
            NO_REPLACEMENT,
            CLOSED,
            of_pool(r#""NATIVE_PROFILE": "create", "NEWCOMERS": "create", "DEFAULT_GROUP": "Users""#),
        ],
        Before::Nobody,
        "pre-sign-up/google-new-person",
    ),
    case(
        &[SKIP, NO_REPLACEMENT, CLOSED, of_pool(r#""UNVERIFIED_PROFILE": "replace", "NEWCOMERS": "create""#)],
        Before::Planted,
        "pre-sign-up/google",
    ),
    case(&[of_pool(r#""SECOND_SUBJECT": "replace""#)], Before::Ada(Some(("Google", "9"))), "pre-sign-up/google"),
    // More throttling than the SDK waits for.
    Case {
        refused: Some(("AdminAddUserToGroup", THROTTLED, 3)),
        ..case(&[GROUPED, QUEUE], Before::Nobody, "pre-sign-up/google-new-person")
    },
    case(&[NEXT], Before::Ada(None), "pre-sign-up/google"),
    case(&[("EVENT_BUS", "default")], Before::Ada(None), "pre-sign-up/google"),
];

const POST_CONFIRMATION: &[Case] = &[
    case(&[GROUPED], Before::Ada(None), "post-confirmation/sign-up"),
    case(&[of_pool(r#""DEFAULT_GROUP": "Users""#)], Before::Ada(None), "post-confirmation/sign-up"),
    case(&[], Before::AtFacebook, "post-confirmation/facebook"),
    case(&[], Before::Ada(None), "post-confirmation/forgot-password"),
    case(&[], Before::UnderADerivedName, "post-confirmation/forgot-password"),
    case(
        &[("SIGN_OUT_ON_PASSWORD_RESET", "off"), of_pool(r#""SIGN_OUT_ON_PASSWORD_RESET": "on""#)],
        Before::Ada(None),
        "post-confirmation/forgot-password",
    ),
    Case {
        refused: Some(("AdminAddUserToGroup", THROTTLED, 100)),
        ..case(&[GROUPED, QUEUE], Before::Ada(None), "post-confirmation/sign-up")
    },
    case(&[NEXT], Before::Ada(None), "post-confirmation/sign-up"),
];

const POST_AUTHENTICATION: &[Case] = &[
    case(&[("REPAIR", "linked")], Before::Ada(Some(("Facebook", "9"))), "post-authentication/linked-native"),
    case(&[("REPAIR", "linked")], Before::UnderADerivedName, "post-authentication/linked-native"),
    case(&[NEXT], Before::Ada(None), "post-authentication/native"),
];

const INBOUND_FEDERATION: &[Case] = &[case(&[NEXT], Before::Nobody, "inbound-federation/google")];

const CUSTOM_MESSAGE: &[Case] = &[case(&[NEXT], Before::Nobody, "custom-message/sign-up")];

/// `OVERRIDES` with these settings for the pool; the marker is replaced when the pool is known.
const fn of_pool(settings: &'static str) -> (&'static str, &'static str) {
    ("OVERRIDES", settings)
}

impl Case {
    async fn run(&self, name: &'static str, allowed: BTreeSet<Right>) -> Run {
        let kind = if self.before == Before::UnderADerivedName { Kind::UserName } else { Kind::EmailAsUsername };
        let pool = pool(kind).await.unwrap();
        self.prepare(&pool).await;
        let queue = uuid::Uuid::new_v4().simple().to_string();
        sqs(&cloud().unwrap(), "CreateQueue", &json!({ "QueueName": queue })).await.unwrap();
        let resources = Resources {
            pool: pool.id().to_owned(),
            queue: queue.clone(),
            next_function: THEIRS.to_owned(),
            event_bus: "default".to_owned(),
            ..Resources::default()
        };
        let gate = Gate::start(&cloud().unwrap(), resources, allowed).await.unwrap();
        if let Some((operation, code, times)) = self.refused {
            gate.refuse(operation, code, times);
        }
        let endpoint = gate.endpoint();
        let own = self.settings.iter().map(|(name, value)| {
            let value = match *name {
                "OVERRIDES" => json!([{ "user_pool_id": pool.id(), "settings": serde_json::from_str::<Value>(&format!("{{{value}}}")).unwrap() }]).to_string(),
                _ => value.replace("GATE", &endpoint).replace("QUEUE", &queue),
            };
            (*name, value)
        });
        let fixed = [("AWS_ENDPOINT_URL", endpoint.clone()), ("PROVIDERS", "Google:claim,Facebook:always".to_owned())];
        let fixed = fixed.into_iter().chain(own).collect::<Vec<_>>();
        let settings: Vec<_> = fixed.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let function = function(name, &settings).await.unwrap();
        let failure = function.invoke(&self.event(&pool).await).await.unwrap().err();
        Run {
            used: gate.used(),
            denied: gate.denied(),
            failure: failure.map(|failure| failure.error_type),
            log: function.log(),
        }
    }

    async fn prepare(&self, pool: &UserPool) {
        match self.before {
            Before::Nobody => {}
            // The event alone says that it stands alone.
            Before::AtFacebook => drop(native(pool, Kind::EmailAsUsername, ADA).await.unwrap()),
            Before::Ada(identity) => {
                let ada = native(pool, Kind::EmailAsUsername, ADA).await.unwrap();
                if let Some((provider, subject)) = identity {
                    pool.link(&ada.username, provider, subject).await.unwrap();
                }
            }
            Before::UnderADerivedName => {
                let name = NativeUserName::derived(&Email::parse(ADA).unwrap());
                pool.add(&name, &[("email", ADA), ("email_verified", "false")], PASSWORD).await.unwrap();
                pool.link(&name, "Facebook", "9").await.unwrap();
            }
            Before::Planted => {
                registers(pool, ADA).await.unwrap();
            }
            Before::Invited => invited(pool, ADA, &[("email", ADA)]).await.unwrap(),
            Before::Unproven => drop(pool.add(ADA, &[("email", ADA)], PASSWORD).await.unwrap()),
        }
    }

    /// The sample event, about this pool and the person in it.
    async fn event(&self, pool: &UserPool) -> Value {
        let mut event = event::load(self.event, pool).unwrap();
        let is_about_ada = matches!(self.before, Before::Ada(_) | Before::UnderADerivedName | Before::AtFacebook);
        if !is_about_ada || self.event.starts_with("pre-sign-up") {
            return event;
        }
        event = event::about(event, &pool.only_profile_of(ADA).await.unwrap());
        let attributes = &mut event["request"]["userAttributes"];
        attributes["email_verified"] = json!("false");
        if self.before == Before::AtFacebook {
            let identity = json!([{ "userId": "9", "providerName": "Facebook", "primary": true }]);
            attributes["identities"] = json!(identity.to_string());
            attributes["cognito:user_status"] = json!("EXTERNAL_PROVIDER");
        }
        event
    }
}

/// How each missing right of a function showed where it did not end in `misconfigured`.
async fn otherwise_of(name: &'static str, cases: &'static [Case], not_ours: &[Right]) -> Vec<String> {
    let facts = manifest::read().unwrap()["functions"][name].take();
    let flows = cases.iter().map(|case| Flow {
        name: format!("{name}, {}, {:?}, {:?}", case.event, case.before, case.settings),
        settings: owned(case.settings),
        run: async move |allowed| case.run(name, allowed).await,
    });
    otherwise(&hold(&facts, flows.collect(), not_ours).await)
}

#[tokio::test]
async fn pre_sign_up_needs_each_of_its_rights_and_names_the_one_that_is_missing() {
    let otherwise = otherwise_of("pre-sign-up", PRE_SIGN_UP, &[]).await;
    // What a pool requires is asked to keep what can be kept, too. The group is written all the same, by waiting.
    let expected = [
        "cognito-idp:DescribeUserPool: +misconfigured, misconfigured",
        "events:PutEvents: +event_not_sent",
        "lambda:InvokeFunction: next_function_failed",
        "sqs:SendMessage: +retry_queue_failed",
    ];
    assert_eq!(otherwise, expected);
}

#[tokio::test]
async fn post_confirmation_needs_each_of_its_rights_and_names_the_one_that_is_missing() {
    // Lambda polls the queue in the name of the function.
    let by_lambda = ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"];
    let by_lambda = by_lambda.map(|operation| Right::new(format!("sqs:{operation}"), "retry-queue"));
    let otherwise = otherwise_of("post-confirmation", POST_CONFIRMATION, &by_lambda).await;
    // What it reports on has happened already, so nothing fails.
    let expected = [
        "cognito-idp:AdminAddUserToGroup: +group_not_joined, +group_waits",
        "cognito-idp:AdminGetUser: +sessions_not_ended",
        "cognito-idp:AdminUpdateUserAttributes: +repair_failed",
        "cognito-idp:AdminUserGlobalSignOut: +sessions_not_ended",
        "cognito-idp:ListUsers: +repair_failed",
        "lambda:InvokeFunction: +next_function_failed",
        "sqs:SendMessage: +group_not_joined",
    ];
    assert_eq!(otherwise, expected);
}

#[tokio::test]
async fn post_authentication_needs_each_of_its_rights_and_names_the_one_that_is_missing() {
    let expected = [
        "cognito-idp:AdminGetUser: +repair_failed",
        "cognito-idp:AdminUpdateUserAttributes: +repair_failed",
        "cognito-idp:ListUsers: +repair_failed",
        "lambda:InvokeFunction: +next_function_failed",
    ];
    assert_eq!(otherwise_of("post-authentication", POST_AUTHENTICATION, &[]).await, expected);
}

#[tokio::test]
async fn the_functions_without_calls_need_a_right_only_for_the_function_of_the_team() {
    let refuses = ["lambda:InvokeFunction: next_function_failed"];
    assert_eq!(otherwise_of("inbound-federation", INBOUND_FEDERATION, &[]).await, refuses);
    let passes = ["lambda:InvokeFunction: +next_function_failed"];
    assert_eq!(otherwise_of("custom-message", CUSTOM_MESSAGE, &[]).await, passes);
}
