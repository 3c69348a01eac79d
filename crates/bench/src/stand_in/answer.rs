//! The stand-in's answer to each call.

use serde_json::{Value, json};

use super::KNOWN_EMAIL;

/// The status and body of the answer.
pub(super) fn to(operation: &str, body: &[u8]) -> (u16, String) {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let answer = match operation {
        // A function that leaves the event as it is.
        "Invoke" => request,
        "ListUsers" => {
            let filter = request["Filter"].as_str().unwrap_or_default();
            let email = filter.strip_prefix("email = \"").and_then(|rest| rest.strip_suffix('"'));
            let known: Vec<_> = email.filter(|email| *email == KNOWN_EMAIL).map(person).into_iter().collect();
            json!({ "Users": known })
        }
        "AdminCreateUser" => json!({ "User": person(request["Username"].as_str().unwrap_or_default()) }),
        "GetSecretValue" => json!({ "SecretString": "a secret of more than thirty-two bytes" }),
        // `GetItem` finds an empty table.
        "GetItem"
        | "AdminLinkProviderForUser"
        | "AdminSetUserPassword"
        | "AdminAddUserToGroup"
        | "AdminUpdateUserAttributes"
        | "AdminUserGlobalSignOut" => json!({}),
        _ => return (400, json!({ "__type": "InvalidParameterException", "message": "not played here" }).to_string()),
    };
    (200, answer.to_string())
}

fn person(email: &str) -> Value {
    json!({
        "Username": email,
        "Enabled": true,
        "UserStatus": "CONFIRMED",
        "UserCreateDate": 1_700_000_000.123,
        "UserLastModifiedDate": 1_700_000_000.123,
        "Attributes": [
            { "Name": "sub", "Value": "3f1f7d5e-2c8b-4a55-9d0e-6b7a3c1e9f42" },
            { "Name": "email", "Value": email },
            { "Name": "email_verified", "Value": "true" },
            { "Name": "name", "Value": "Ada Lovelace" },
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_person_in_the_pool_is_listed() {
        let listed = |email: &str| {
            let filter = json!({ "Filter": format!("email = \"{email}\"") }).to_string();
            let (status, body) = to("ListUsers", filter.as_bytes());
            assert_eq!(status, 200);
            serde_json::from_str::<Value>(&body).unwrap()["Users"].as_array().unwrap().len()
        };
        assert_eq!((listed(KNOWN_EMAIL), listed("ada@example.com")), (1, 0));
    }
}
