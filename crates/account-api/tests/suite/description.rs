use crate::house::House;
use account_api::description;
use account_api::invitation::Mode;
use serde_json::Value;

fn operations(description: &Value) -> Vec<(String, String)> {
    let paths = description["paths"].as_object().unwrap();
    let methods = |path: &String, item: &Value| -> Vec<_> {
        item.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())).collect()
    };
    paths.iter().flat_map(|(path, item)| methods(path, item)).collect()
}

#[tokio::test(start_paused = true)]
async fn the_description_is_served_and_names_exactly_the_routes_there_are() {
    for (mode, count) in [("public", 7), ("members", 7), ("off", 5)] {
        let house = House::set([], &[("INVITATIONS", mode)]);
        let served = house.as_nobody("GET", "/openapi.json", None).await;
        assert_eq!((served.status.as_u16(), &served.body["openapi"]), (200, &Value::from("3.1.0")));
        let operations = operations(&served.body);
        assert_eq!(operations.len(), count, "{operations:?}");
        for (method, path) in &operations {
            let answer = house.as_nobody(method, path, None).await;
            assert!(!["not-found", "method-not-allowed"].contains(&answer.code()), "{method} {path}: {answer:?}");
        }
        let template = include_str!("../../../../template.yaml");
        for (method, path) in operations {
            assert!(template.contains(&format!("RouteKey: {method} {path}\n")), "template.yaml lacks {method} {path}");
        }
    }
}

#[test]
fn every_refusal_an_operation_names_is_a_code_with_that_status() {
    let description = serde_json::to_value(description(&Mode::Members("admins".into()))).unwrap();
    let mut named = 0;
    for item in description["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                if status.starts_with('2') {
                    continue;
                }
                assert!(response["content"]["application/problem+json"].is_object(), "{response}");
                for name in response["description"].as_str().unwrap().split(", ") {
                    let code = account_api::problem::Code::ALL.iter().find(|code| code.name() == name);
                    assert_eq!(code.map(|code| code.status().as_str().to_owned()).as_ref(), Some(status), "{name}");
                    named += 1;
                }
            }
        }
    }
    assert!(named > 40, "{named}");
}

#[test]
fn who_needs_a_token_is_in_the_description() {
    for (mode, invites) in [(Mode::Public, false), (Mode::Members("admins".into()), true)] {
        let description = serde_json::to_value(description(&mode)).unwrap();
        let secured =
            |path: &str, method: &str| description["paths"][path][method]["security"][0].get("accessToken").is_some();
        assert!(secured("/email-change", "get") && secured("/email-change/verify", "post"));
        assert_eq!(secured("/invitations", "post"), invites);
        assert!(!secured("/invitations/complete", "post"));
    }
}
