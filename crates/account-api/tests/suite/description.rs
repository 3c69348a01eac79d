use crate::house::{House, access_token, settings};
use account_api::description;
use cognito_core::user_pool::memory::native;
use serde_json::{Value, json};

/// The description with every route that an invitation mode allows.
fn of(invitations: &str) -> Value {
    let all = [("INVITATIONS", invitations), ("SELF_SERVICE_LINKING", "any"), ("ACCOUNT_DELETION", "on")];
    serde_json::to_value(description(&settings(&all))).unwrap()
}

fn operations(description: &Value) -> Vec<(String, String)> {
    let paths = description["paths"].as_object().unwrap();
    let methods = |path: &String, item: &Value| -> Vec<_> {
        item.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())).collect()
    };
    paths.iter().flat_map(|(path, item)| methods(path, item)).collect()
}

#[tokio::test(start_paused = true)]
async fn the_description_is_served_and_names_exactly_the_routes_there_are() {
    for (mode, self_service, deletion, count) in [
        ("public", "off", "off", 7),
        ("members", "off", "off", 11),
        ("off", "off", "off", 5),
        ("off", "new", "off", 11),
        ("off", "off", "on", 8),
        ("members", "any", "on", 18),
    ] {
        let own = [("INVITATIONS", mode), ("SELF_SERVICE_LINKING", self_service), ("ACCOUNT_DELETION", deletion)];
        let house = House::set([], &own);
        let served = house.as_nobody("GET", "/openapi.json", None).await;
        assert_eq!((served.status.as_u16(), &served.body["openapi"]), (200, &Value::from("3.1.0")));
        let operations = operations(&served.body);
        assert_eq!(operations.len(), count, "{operations:?}");
        for (method, path) in &operations {
            let answer = house.as_nobody(method, path, None).await;
            assert!(!["not-found", "method-not-allowed"].contains(&answer.code()), "{method} {path}: {answer:?}");
        }
        let template = include_str!("../../../../account-api.yaml");
        for (method, path) in operations {
            assert!(
                template.contains(&format!("RouteKey: {method} {path}\n")),
                "account-api.yaml lacks {method} {path}"
            );
        }
    }
}

#[test]
fn who_needs_a_token_is_in_the_description() {
    for (mode, invites) in [("public", false), ("members", true)] {
        let description = of(mode);
        let secured =
            |path: &str, method: &str| description["paths"][path][method]["security"][0].get("accessToken").is_some();
        assert!(secured("/email-change", "get") && secured("/email-change/verify", "post"));
        assert_eq!(secured("/invitations", "post"), invites);
        for (path, method) in [
            ("/invitations", "get"),
            ("/invitations/{id}", "get"),
            ("/invitations/{id}", "delete"),
            ("/invitations/{id}/resend", "post"),
        ] {
            assert_eq!(secured(path, method), invites, "{method} {path}");
        }
        assert!(!secured("/invitations/complete", "post"));
    }
}

#[test]
fn a_program_finds_the_token_the_stages_and_who_refuses_in_the_description() {
    let description = of("members");
    let parts = &description["components"];
    let token = &parts["securitySchemes"]["accessToken"];
    assert_eq!(
        (&token["type"], &token["scheme"], &token["bearerFormat"]),
        (&json!("http"), &json!("bearer"), &json!("JWT"))
    );
    let stages = |schema: &str| parts["schemas"][schema]["properties"]["stage"]["enum"].clone();
    assert_eq!(stages("EmailChange"), json!(["current", "new"]));
    assert_eq!((stages("NoEmailChange"), stages("EmailChanged")), (json!(["none"]), json!(["done"])));
    let answers =
        description["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    for (status, answer) in answers.flat_map(|operation| operation["responses"].as_object().unwrap()) {
        // API Gateway itself refuses whoever has no token.
        let is_gateways =
            answer["content"]["application/json"]["schema"]["$ref"] == "#/components/schemas/GatewayRefusal";
        assert_eq!(is_gateways, status == "401", "{status} {answer}");
    }
}

/// Texts just outside what a schema allows.
fn outside(schema: &Value) -> Vec<String> {
    let limit = |name: &str| schema[name].as_u64().map(|limit| usize::try_from(limit).unwrap());
    let mut texts = Vec::new();
    if let Some(most) = limit("maxLength") {
        texts.extend([most + 1, 3_000].map(|length| "x".repeat(length)));
        texts.push(format!("{}@example.com", "x".repeat(most)));
        texts.push("é".repeat(most + 1));
    }
    texts.extend(limit("minLength").map(|least| "x".repeat(least - 1)));
    if schema["pattern"].is_string() {
        texts.extend(["", "12345", "1234567", "12345x"].map(str::to_owned));
    }
    texts
}

#[tokio::test(start_paused = true)]
async fn every_limit_in_the_description_is_kept_before_anything_is_asked() {
    const ADA: &str = "ada@example.com";
    let description = of("public");
    let mut checked = 0;
    for (path, item) in description["paths"].as_object().unwrap() {
        let schema = &item["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        let Some(name) = schema.as_str().and_then(|reference| reference.rsplit('/').next()) else { continue };
        let properties = description["components"]["schemas"][name]["properties"].as_object().unwrap();
        let texts = || properties.iter().filter(|(_, schema)| schema["type"] == "string");
        for (field, schema) in texts() {
            let wrong = outside(schema);
            assert!(!wrong.is_empty(), "{path} {field} has no limit");
            for text in wrong {
                let house = House::set([native(ADA)], &[("SELF_SERVICE_LINKING", "any")]);
                let mut body: Value = texts().map(|(name, _)| (name.clone(), json!("x"))).collect();
                body[field] = json!(text);
                let answer = house.call(Some(&access_token(ADA)), "POST", path, Some(body)).await.unwrap();
                assert_eq!(answer.status, 400, "{path} {field} {}: {answer:?}", text.chars().count());
                assert!(house.pool.calls().is_empty() && house.store.text().is_empty(), "{path} {field}");
                checked += 1;
            }
        }
    }
    assert!(checked > 20, "{checked}");
}
