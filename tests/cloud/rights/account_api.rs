//! The flows of the account API, as API Gateway calls the function.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use account_api::testing::event;
use end_to_end::gate::{Gate, Resources};
use end_to_end::manifest::{self, Right};
use end_to_end::{Google, binary, cloud, native, owned, registers};
use local_cloud::account_api::{ADMINS, SECRET, SENDER, Surroundings};
use local_cloud::outbox::{code_in, last_mail};
use local_cloud::runtime_api::Function;
use local_cloud::seed::GROUP;
use local_cloud::user_pool::{Kind, Profile};
use serde_json::{Value, json};

use super::{Flow, Run, hold, otherwise};
use crate::deployed::parameter;

const PASSWORD: &str = "The-Guest's-own-1";
const EDITORS: &str = "Editors";
/// The event bus.
const BUS: &str = "default";
/// The name of the function, by which it calls itself.
const OWN: &str = "account-api";

/// What people do with the API.
#[derive(Debug, Clone, Copy)]
enum Story {
    /// Somebody changes their address.
    Changes,
    /// Somebody is invited, chooses a bad password and then a good one.
    Invited,
    /// The same with an address that is registered and was never confirmed.
    InvitedAfterRegistration,
    /// A member invites into a group, lists, and takes another invitation back.
    Members,
    /// Somebody connects Google, and disconnects it.
    Connects,
    /// Somebody deletes their account.
    Deletes,
    /// Somebody changes their address, and the event bus is busy just then.
    ChangesWhileTheBusIsBusy,
}

type Own = &'static [(&'static str, &'static str)];

/// Without ending sessions for this.
const KEEP: (&str, &str) = ("EMAIL_CHANGE_SESSIONS", "keep");
const PUBLIC: (&str, &str) = ("INVITATIONS", "public");
const MEMBERS: (&str, &str) = ("INVITATIONS", "members");

const STORIES: [(Story, Own); 9] = [
    (Story::Changes, &[]),
    (Story::Invited, &[KEEP, PUBLIC, ("DEFAULT_GROUP", GROUP)]),
    (
        Story::Invited,
        &[KEEP, PUBLIC, ("OVERRIDES", r#"[{"user_pool_id": "POOL", "settings": {"DEFAULT_GROUP": "Users"}}]"#)],
    ),
    (Story::InvitedAfterRegistration, &[KEEP, PUBLIC]),
    (Story::Members, &[KEEP, MEMBERS, ("INVITATION_GROUPS", EDITORS)]),
    (Story::Connects, &[KEEP, ("SELF_SERVICE_LINKING", "new")]),
    (Story::Connects, &[KEEP, ("SELF_SERVICE_LINKING", "any")]),
    (Story::Deletes, &[KEEP, ("ACCOUNT_DELETION", "on")]),
    (Story::ChangesWhileTheBusIsBusy, &[KEEP, ("EVENT_BUS", BUS)]),
];

/// A pool with Ada in it, and a table.
struct World {
    around: Surroundings,
    ada: Profile,
    unique: String,
}

impl World {
    async fn new() -> Self {
        let unique = uuid::Uuid::new_v4().simple().to_string()[..12].to_owned();
        let around = Surroundings::make(&cloud().unwrap()).await.unwrap();
        around.pool.create_group(EDITORS).await.unwrap();
        let ada = native(&around.pool, Kind::EmailAsUsername, &format!("ada-{unique}@example.com")).await.unwrap();
        Self { around, ada, unique }
    }

    fn address(&self, name: &str) -> String {
        format!("{name}-{}@example.com", self.unique)
    }
}

/// Why a story ended early: the API's code, or what else is not as it should be.
type Told<T> = Result<T, String>;

/// The running function.
struct Api<'a> {
    world: &'a World,
    gate: &'a Gate,
    function: Function,
    google: &'a Google,
}

impl Api<'_> {
    /// Calls the API. The error is its code.
    async fn call(&self, claims: Option<&Value>, call: &str, body: Value) -> Told<Value> {
        let (method, path) = call.split_once(' ').unwrap();
        let body = (!body.is_null()).then(|| body.to_string());
        let event = event(claims, method, path, body.as_deref(), "application/json");
        let answer = self.function.invoke(&event).await.unwrap().map_err(|error| error.error_type)?;
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default();
        if answer["statusCode"].as_u64().is_some_and(|status| status < 300) {
            return Ok(body);
        }
        Err(body["code"].as_str().unwrap_or("no code").to_owned())
    }

    async fn mail(&self, to: &str) -> Told<String> {
        let mail = last_mail(&cloud().unwrap(), to).await.map_err(|_| format!("no mail to {to}"))?;
        Ok(mail["BodyText"].as_str().unwrap_or_default().to_owned())
    }

    async fn code(&self, to: &str) -> Told<String> {
        let text = self.mail(to).await?;
        code_in(&text).map(str::to_owned).ok_or_else(|| "no code in the mail".to_owned())
    }

    /// Carries out what the function left to a later run of itself.
    async fn run_jobs(&self) -> Told<()> {
        for job in self.gate.take_invoked() {
            self.function.invoke(&job).await.unwrap().map_err(|error| error.error_type)?;
        }
        Ok(())
    }

    async fn play(&self, story: Story) -> Told<()> {
        match story {
            Story::Changes => self.changes().await,
            Story::Invited => self.invited(&self.world.address("guest")).await,
            Story::InvitedAfterRegistration => {
                let guest = self.world.address("planted");
                registers(&self.world.around.pool, &guest).await.unwrap();
                self.invited(&guest).await
            }
            Story::Members => self.members().await,
            Story::Connects => self.connects().await,
            Story::Deletes => {
                self.call(Some(&claims(&self.world.ada)), "DELETE /account", Value::Null).await?;
                self.run_jobs().await
            }
            Story::ChangesWhileTheBusIsBusy => {
                self.gate.refuse("PutEvents", "ThrottlingException", 1);
                self.changes().await?;
                self.run_jobs().await
            }
        }
    }

    async fn changes(&self) -> Told<()> {
        let claims = claims(&self.world.ada);
        let (old, new) = (self.world.ada.attribute("email"), self.world.address("new"));
        self.call(Some(&claims), "POST /email-change", json!({ "new_email": new })).await?;
        for to in [old, &new] {
            let code = json!({ "code": self.code(to).await? });
            self.call(Some(&claims), "POST /email-change/verify", code).await?;
        }
        Ok(())
    }

    async fn invited(&self, guest: &str) -> Told<()> {
        let wish = json!({ "email": guest, "attributes": { "given_name": "Grace" } });
        self.call(None, "POST /invitations", wish).await?;
        self.run_jobs().await?;
        self.accepts(guest).await
    }

    async fn accepts(&self, guest: &str) -> Told<()> {
        let text = self.mail(guest).await?;
        let link = parameter(&text, "username").zip(parameter(&text, "token")).ok_or("no link in the mail")?;
        let (user_name, token) = (link.0.replace("%40", "@"), link.1);
        let complete = async |password: &str| {
            let body = json!({ "username": user_name, "token": token, "password": password });
            self.call(None, "POST /invitations/complete", body).await
        };
        match complete("too-weak").await {
            Err(code) if code == "weak-password" => {}
            other => return Err(other.err().unwrap_or_else(|| "a weak password was taken".to_owned())),
        }
        complete(PASSWORD).await.map(drop)
    }

    async fn members(&self) -> Told<()> {
        let mut claims = claims(&self.world.ada);
        claims["cognito:groups"] = json!(format!("[{ADMINS}]"));
        let member = Some(&claims);
        let (stays, goes) = (self.world.address("stays"), self.world.address("goes"));
        self.call(member, "POST /invitations", json!({ "email": stays, "group": EDITORS })).await?;
        let gone = self.call(member, "POST /invitations", json!({ "email": goes })).await?;
        let list = self.call(member, "GET /invitations", Value::Null).await?;
        if list["invitations"].as_array().is_none_or(Vec::is_empty) {
            return Err("the list is empty".to_owned());
        }
        let path = format!("DELETE /invitations/{}", gone["id"].as_str().unwrap_or_default());
        self.call(member, &path, Value::Null).await?;
        self.accepts(&stays).await
    }

    async fn connects(&self) -> Told<()> {
        let (world, subject) = (self.world, format!("at-{}", self.world.unique));
        let other =
            self.google.stands_alone(&world.around.pool, &subject, &world.address("elsewhere"), false).await.unwrap();
        let (own, other) = (&claims(&world.ada), &claims(&other));
        let offer = self.call(Some(other), "POST /identities/offer", json!({ "to": own["sub"] })).await?;
        let seen = self.call(Some(own), "POST /identities", json!({ "offer": offer["offer"] })).await?;
        let mut body = json!({ "offer": offer["offer"], "confirmation": seen["confirmation"], "stays": own["sub"] });
        self.call(Some(own), "POST /identities", body.clone()).await?;
        body["code"] = json!(self.code(world.ada.attribute("email")).await?);
        self.call(Some(own), "POST /identities", body).await?;
        let ways = self.call(Some(own), "GET /identities", Value::Null).await?;
        let path = format!("DELETE /identities/{}", ways["identities"][0]["id"].as_str().unwrap_or_default());
        self.call(Some(own), &path, Value::Null).await.map(drop)
    }
}

/// The claims of an access token of somebody who has just signed in.
fn claims(of: &Profile) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    account_api::testing::claims(of.attribute("sub"), &of.username, now)
}

async fn run(story: Story, own: Own, google: &Google, allowed: BTreeSet<Right>) -> Run {
    let world = World::new().await;
    let resources = Resources {
        pool: world.around.pool.id().to_owned(),
        table: world.around.table.clone(),
        secret: SECRET.to_owned(),
        sender: SENDER.to_owned(),
        own_function: OWN.to_owned(),
        event_bus: BUS.to_owned(),
        ..Resources::default()
    };
    let gate = Gate::start(&cloud().unwrap(), resources, allowed).await.unwrap();
    let own = own.iter().map(|(name, value)| ((*name).to_owned(), value.replace("POOL", world.around.pool.id())));
    let all: Vec<_> = world.around.settings(&gate.endpoint()).into_iter().chain(own).collect();
    let (failure, log) = match Function::start(OWN, &binary(OWN).unwrap(), &all).await {
        Ok(function) => {
            let api = Api { world: &world, gate: &gate, function, google };
            (api.play(story).await.err(), api.function.log())
        }
        Err(why) => (Some("not started".to_owned()), why.to_string()),
    };
    Run { used: gate.used(), denied: gate.denied(), failure, log }
}

#[tokio::test]
async fn the_account_api_needs_each_of_its_rights_and_names_the_one_that_is_missing() {
    let facts = manifest::read().unwrap()["account_api"].take();
    let google = &Google::start().await.unwrap();
    let flows = STORIES.map(|(story, own)| Flow {
        name: format!("account-api, {story:?}, {own:?}"),
        settings: owned(own),
        run: async move |allowed| run(story, own, google, allowed).await,
    });
    let otherwise = otherwise(&hold(&facts, flows.into(), &[]).await);
    // A guest's account opens although it does not join the group, and a weak password is refused although nobody can say
    // what the pool requires. A changed address stays changed although sessions go on, or no event is sent. A deletion is the work of a
    // later run, which has nobody to answer.
    let expected = [
        "cognito-idp:AdminAddUserToGroup: +group_missing",
        "cognito-idp:AdminDeleteUser: +misconfigured, misconfigured",
        "cognito-idp:AdminUserGlobalSignOut: misconfigured, +sessions_not_ended",
        "cognito-idp:DescribeUserPool: +weak-password",
        "events:PutEvents: +event_not_sent",
        "lambda:InvokeFunction: +misconfigured, misconfigured",
        "secretsmanager:GetSecretValue: secret_unreadable",
        "ses:SendEmail: mail-not-sent",
    ];
    assert_eq!(otherwise, expected);
}
