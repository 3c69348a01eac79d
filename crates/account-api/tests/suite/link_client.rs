//! Which app client the links in mails name, so that the pages lead back to its application.

use crate::email_change::{NEW, OLD};
use crate::house::{House, access_token, admin_token, event};
use crate::invitations::GUEST;
use cognito_core::user_pool::memory::native;
use serde_json::{Value, json};

const OVERRIDES: &str = r#"[
    {"client_id": "shop", "settings": {"PAGES_RETURN_URL": "https://shop.example.com/"}},
    {"client_id": "news", "settings": {"APP_NAME": "News"}}]"#;

/// An API with pages and two products, of which one has an address to go on to.
fn house(invitations: &str) -> House {
    let own = [
        ("INVITATIONS", invitations),
        ("PAGES_CLIENT_ID", "pages"),
        ("PAGES_COGNITO_URL", "https://cognito-idp.eu-central-1.amazonaws.com"),
        ("OVERRIDES", OVERRIDES),
    ];
    House::set([native(OLD)], &own)
}

/// Posts with a token of this app client, and this query.
async fn post(house: &House, token: Option<Value>, path: &str, query: &str, body: Value) -> Value {
    let mut event = event(token.as_ref(), "POST", path, Some(&body.to_string()), "application/json");
    event["rawQueryString"] = json!(query);
    let answer = house.send(&event).await.unwrap();
    assert!(answer.status.is_success(), "{answer:?}");
    answer.body
}

fn of(client: &str, mut token: Value) -> Value {
    token["client_id"] = json!(client);
    token
}

/// The app client in the link of the last mail to an address.
fn client_to(house: &House, address: &str) -> Option<String> {
    house.mailer.last_to(address).unwrap().parameter("client")
}

/// What a request's token and query name, and what the links name then.
const CASES: [(&str, &str, Option<&str>); 6] = [
    ("shop", "", Some("shop")),
    ("news", "", None),
    ("pages", "", None),
    // The pages say which app client people came with.
    ("pages", "client=shop", Some("shop")),
    ("pages", "client=https%3A%2F%2Fevil.example", None),
    ("shop", "client=unknown", Some("shop")),
];

#[tokio::test(start_paused = true)]
async fn both_mails_of_a_change_name_the_app_client_that_it_was_begun_with() {
    for (client, query, named) in CASES {
        let house = house("off");
        let token = of(client, access_token(OLD));
        post(&house, Some(token), "/email-change", query, json!({ "new_email": NEW })).await;
        assert_eq!(client_to(&house, OLD).as_deref(), named, "{client} {query}");
        // The link leads to the pages, which have an app client of their own.
        let code = json!({ "code": house.code_sent_to(OLD) });
        let token = of("pages", access_token(OLD));
        post(&house, Some(token), "/email-change/verify", "", code).await;
        assert_eq!(client_to(&house, NEW).as_deref(), named, "{client} {query}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_invitation_of_a_member_names_the_app_client() {
    for (client, query, named) in CASES {
        let house = house("members");
        let token = of(client, admin_token(OLD));
        let answer = post(&house, Some(token.clone()), "/invitations", query, json!({ "email": GUEST })).await;
        assert_eq!(client_to(&house, GUEST).as_deref(), named, "{client} {query}");
        house.clock.forward(61);
        let again = format!("/invitations/{}/resend", answer["id"].as_str().unwrap());
        post(&house, Some(token.clone()), &again, query, json!({})).await;
        assert_eq!(client_to(&house, GUEST).as_deref(), named, "{client} {query}");
        // A link that the member hands on has it, too.
        let other = json!({ "email": "joan@example.com", "notify": false });
        let answer = post(&house, Some(token), "/invitations", query, other).await;
        let link = answer["link"].as_str().unwrap();
        assert_eq!(link.split_once("&client=").map(|(_, client)| client), named, "{link}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_everybody_may_invite_the_request_names_the_app_client() {
    for (query, named) in [("client=shop", Some("shop")), ("client=news", None), ("", None)] {
        let house = house("public");
        post(&house, None, "/invitations", query, json!({ "email": GUEST })).await;
        assert_eq!(client_to(&house, GUEST).as_deref(), named, "{query}");
        // Who has an account already is told so, with a link to sign in.
        post(&house, None, "/invitations", query, json!({ "email": OLD })).await;
        assert_eq!(client_to(&house, OLD).as_deref(), named, "{query}");
    }
}
