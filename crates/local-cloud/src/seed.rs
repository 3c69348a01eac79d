//! The local pool of the sample events: the same pool id, the same app client, the same people.

use serde_json::{Map, Value, json};

use crate::user_pool::{CALLBACK, Kind, REGION};

/// The pool id in every file under `events/`.
pub const POOL_ID: &str = "eu-central-1_EXAMPLE01";

/// The app client id in every file under `events/`.
pub const CLIENT_ID: &str = "1example23456789abcdefghij";

/// The group new accounts are put into.
pub const GROUP: &str = "Users";

/// The password of every seeded native account; it opens nothing but the local pool.
pub const PASSWORD: &str = "Correct-Horse-7-Battery";

/// Somebody in the seeded pool.
#[derive(Debug)]
pub struct Person {
    /// The pool's name for the profile.
    pub username: &'static str,
    /// The immutable id.
    pub sub: &'static str,
    /// The e-mail address.
    pub email: &'static str,
    /// Whether the pool holds the address as verified.
    pub email_verified: bool,
    /// First and last name.
    pub name: (&'static str, &'static str),
    /// The profile's status.
    pub status: &'static str,
    /// For a stand-alone federated profile: provider and subject.
    pub identity: Option<(&'static str, &'static str)>,
    /// What the person stands for.
    pub role: &'static str,
}

/// Who is in the pool at its start. The names and ids are those of the events.
pub const PEOPLE: [Person; 5] = [
    Person {
        username: "5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e11",
        sub: "5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e11",
        email: "ada@example.com",
        email_verified: true,
        name: ("Ada", "Lovelace"),
        status: "CONFIRMED",
        identity: None,
        role: "native account, confirmed and verified",
    },
    Person {
        username: "b8d1c6f4-2a70-4e95-8c3b-6f04d9e7a215",
        sub: "b8d1c6f4-2a70-4e95-8c3b-6f04d9e7a215",
        email: "mary@example.com",
        email_verified: false,
        name: ("Mary", "Somerville"),
        status: "UNCONFIRMED",
        identity: None,
        role: "registered, never confirmed",
    },
    Person {
        username: "e27a9b03-74cd-4f18-a6e5-0d3b81c5f962",
        sub: "e27a9b03-74cd-4f18-a6e5-0d3b81c5f962",
        email: "hedy@example.com",
        email_verified: false,
        name: ("Hedy", "Lamarr"),
        status: "FORCE_CHANGE_PASSWORD",
        identity: None,
        role: "invited, has not answered",
    },
    Person {
        username: "Google_114477225588336699001",
        sub: "3e95c7a1-08d2-4b6f-9c47-61f8d0b2e5a4",
        email: "dorothy@example.com",
        email_verified: false,
        name: ("Dorothy", "Vaughan"),
        status: "EXTERNAL_PROVIDER",
        identity: Some(("Google", "114477225588336699001")),
        role: "stand-alone Google profile",
    },
    Person {
        username: "Facebook_10998877665544332",
        sub: "d27b90c5-6e14-4f38-8a02-b9c35f7e1a60",
        email: "katherine@example.org",
        email_verified: false,
        name: ("Katherine", "Johnson"),
        status: "EXTERNAL_PROVIDER",
        identity: Some(("Facebook", "10998877665544332")),
        role: "stand-alone Facebook profile",
    },
];

/// The providers the events come from, by name and type.
const PROVIDERS: [(&str, &str); 5] = [
    ("Google", "Google"),
    ("Facebook", "Facebook"),
    ("SignInWithApple", "SignInWithApple"),
    ("Okta", "OIDC"),
    ("CorpSAML", "SAML"),
];

/// The seeded pool in the shape of MiniStack's saved state, version 3.
///
/// It goes in as a file because the API gives every pool, client and account a random id.
#[must_use]
pub fn saved_pool(kind: Kind) -> Value {
    let users: Map<_, _> = PEOPLE.iter().map(|person| (person.username.to_owned(), saved_user(person))).collect();
    let providers: Map<_, _> =
        PROVIDERS.iter().map(|(name, kind)| ((*name).to_owned(), saved_provider(name, kind))).collect();
    let mut pool = kind.configuration("local");
    pool["Id"] = json!(POOL_ID);
    pool["Name"] = json!("local");
    pool["Arn"] = json!(format!("arn:aws:cognito-idp:{REGION}:000000000000:userpool/{POOL_ID}"));
    pool["CreationDate"] = json!(0.0);
    pool["LastModifiedDate"] = json!(0.0);
    pool["EstimatedNumberOfUsers"] = json!(users.len());
    pool["_users"] = users.into();
    pool["_groups"] = json!({ GROUP: {
        "GroupName": GROUP, "UserPoolId": POOL_ID, "CreationDate": 0.0, "LastModifiedDate": 0.0, "_members": [],
    } });
    pool["_clients"] = json!({ CLIENT_ID: saved_client() });
    pool["_identity_providers"] = providers.into();
    pool["_resource_servers"] = json!({});
    json!({ "__ministack_format__": 3, "payload": { "user_pools": { POOL_ID: pool } } })
}

fn saved_user(person: &Person) -> Value {
    let mut attributes = vec![
        json!({ "Name": "sub", "Value": person.sub }),
        json!({ "Name": "email", "Value": person.email }),
        json!({ "Name": "email_verified", "Value": person.email_verified.to_string() }),
        json!({ "Name": "given_name", "Value": person.name.0 }),
        json!({ "Name": "family_name", "Value": person.name.1 }),
    ];
    if let Some((provider, subject)) = person.identity {
        let identities = json!([{
            "userId": subject, "providerName": provider, "providerType": provider,
            "issuer": null, "primary": true, "dateCreated": 1_790_000_000_000_u64,
        }]);
        attributes.push(json!({ "Name": "identities", "Value": identities.to_string() }));
    }
    json!({
        "Username": person.username,
        "Attributes": attributes,
        "UserCreateDate": 0.0,
        "UserLastModifiedDate": 0.0,
        "Enabled": true,
        "UserStatus": person.status,
        "MFAOptions": [],
        "_password": if person.identity.is_some() { "" } else { PASSWORD },
        "_groups": [],
        "_tokens": [],
    })
}

fn saved_client() -> Value {
    json!({
        "UserPoolId": POOL_ID,
        "ClientName": "app",
        "ClientId": CLIENT_ID,
        "CreationDate": 0.0,
        "LastModifiedDate": 0.0,
        "RefreshTokenValidity": 30,
        "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        "SupportedIdentityProviders": ["COGNITO"],
        "AllowedOAuthFlowsUserPoolClient": true,
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthScopes": ["openid", "email", "profile"],
        "CallbackURLs": [CALLBACK],
        "TokenValidityUnits": {},
    })
}

fn saved_provider(name: &str, kind: &str) -> Value {
    json!({
        "UserPoolId": POOL_ID,
        "ProviderName": name,
        "ProviderType": kind,
        "ProviderDetails": {},
        "AttributeMapping": { "email": "email", "email_verified": "email_verified" },
        "IdpIdentifiers": [],
        "CreationDate": 0.0,
        "LastModifiedDate": 0.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout;
    use std::path::PathBuf;

    fn events() -> Vec<(PathBuf, Value)> {
        let mut found = Vec::new();
        for folder in std::fs::read_dir(layout::events()).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
            for file in std::fs::read_dir(folder.path()).unwrap().flatten() {
                let text = std::fs::read_to_string(file.path()).unwrap();
                found.push((file.path(), serde_json::from_str(&text).unwrap()));
            }
        }
        assert!(!found.is_empty());
        found
    }

    #[test]
    fn every_event_names_the_pool_that_is_seeded() {
        for (path, event) in events() {
            assert_eq!(event["userPoolId"], POOL_ID, "{}", path.display());
            assert_eq!(event["region"], REGION, "{}", path.display());
        }
    }

    #[test]
    fn everybody_who_must_exist_for_an_event_is_seeded() {
        let triggers = ["post-confirmation", "post-authentication"];
        for (path, event) in events() {
            if triggers.iter().any(|trigger| path.parent().unwrap().ends_with(trigger)) {
                let known = |name: &Value| PEOPLE.iter().any(|person| name == person.username || name == person.sub);
                assert!(known(&event["userName"]), "{} names nobody in the pool", path.display());
            }
        }
    }
}
