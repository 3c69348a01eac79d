//! Reads AWS settings from a Lambda function's environment.

use super::container::ContainerSource;
use super::http::Origin;
use crate::settings::{self, Lookup, SettingError};
use aws_credential_types::Credentials;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

const REGION: &str = "AWS_REGION";
const DEFAULT_REGION: &str = "AWS_DEFAULT_REGION";
const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
const CONTAINER_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const CONTAINER_TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const CONTAINER_TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
const ENDPOINT: &str = "AWS_ENDPOINT_URL";
const USE_FIPS: &str = "AWS_USE_FIPS_ENDPOINT";
const USE_DUAL_STACK: &str = "AWS_USE_DUALSTACK_ENDPOINT";

/// The services with an endpoint variable of their own: the service's id in the API model, and the variable.
const SERVICES: [(&str, &str); 6] = [
    ("Cognito Identity Provider", "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER"),
    ("DynamoDB", "AWS_ENDPOINT_URL_DYNAMODB"),
    ("EventBridge", "AWS_ENDPOINT_URL_EVENTBRIDGE"),
    ("Lambda", "AWS_ENDPOINT_URL_LAMBDA"),
    ("Secrets Manager", "AWS_ENDPOINT_URL_SECRETS_MANAGER"),
    ("SESv2", "AWS_ENDPOINT_URL_SESV2"),
];

#[derive(Debug)]
pub(super) struct Environment {
    pub(super) region: String,
    pub(super) credentials: CredentialSource,
    pub(super) endpoints: Endpoints,
    pub(super) fips: Option<bool>,
    pub(super) dual_stack: Option<bool>,
}

#[derive(Debug)]
pub(super) enum CredentialSource {
    /// The execution environment's credentials. It does not outlive them.
    Fixed(Credentials),
    /// Fetched when needed, because a snapshot of a process must not contain any.
    Container(ContainerSource),
}

impl Environment {
    pub(super) fn read(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        Ok(Self {
            region: region(lookup)?,
            credentials: credentials(lookup)?,
            endpoints: Endpoints::read(lookup)?,
            fips: flag(lookup, USE_FIPS)?,
            dual_stack: flag(lookup, USE_DUAL_STACK)?,
        })
    }
}

fn region(lookup: Lookup<'_>) -> Result<String, SettingError> {
    let allowed = "an AWS Region such as eu-central-1";
    let parse = |text: &str| {
        // It becomes part of a host name.
        let fits = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        fits.then(|| text.to_owned())
    };
    let region = match settings::optional(lookup, REGION, allowed, parse)? {
        Some(region) => Some(region),
        None => settings::optional(lookup, DEFAULT_REGION, allowed, parse)?,
    };
    region.ok_or_else(|| missing(REGION, allowed))
}

fn credentials(lookup: Lookup<'_>) -> Result<CredentialSource, SettingError> {
    let text = |name| lookup(name).filter(|value| !value.trim().is_empty());
    match (text(ACCESS_KEY_ID), text(SECRET_ACCESS_KEY)) {
        (Some(id), Some(secret)) => {
            Ok(CredentialSource::Fixed(Credentials::new(id, secret, text(SESSION_TOKEN), None, "Environment")))
        }
        (Some(_), None) => Err(missing(SECRET_ACCESS_KEY, "the secret that belongs to AWS_ACCESS_KEY_ID")),
        (None, _) => container(lookup)?.map(CredentialSource::Container).ok_or_else(|| {
            missing(
                ACCESS_KEY_ID,
                "an access key's id, as Lambda sets it, unless AWS_CONTAINER_CREDENTIALS_FULL_URI is set",
            )
        }),
    }
}

fn container(lookup: Lookup<'_>) -> Result<Option<ContainerSource>, SettingError> {
    let token = lookup(CONTAINER_TOKEN).filter(|value| !value.is_empty());
    let file = lookup(CONTAINER_TOKEN_FILE).filter(|value| !value.is_empty());
    settings::optional(lookup, CONTAINER_URI, ContainerSource::ALLOWED, |url| ContainerSource::new(url, token, file))
}

fn flag(lookup: Lookup<'_>, name: &'static str) -> Result<Option<bool>, SettingError> {
    settings::optional(lookup, name, "true or false", |text| text.to_ascii_lowercase().parse().ok())
}

fn missing(name: &'static str, allowed: &str) -> SettingError {
    SettingError { name, value: String::new(), allowed: allowed.to_owned() }
}

/// Endpoints that replace those of AWS.
#[derive(Debug)]
pub(super) struct Endpoints {
    all: Option<String>,
    /// By the service's id.
    by_service: Vec<(&'static str, String)>,
}

impl Endpoints {
    fn read(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        let endpoint = |name| {
            let parse = |text: &str| Origin::parse(text).map(|_| text.to_owned());
            settings::optional(lookup, name, "an http or https URL", parse)
        };
        let mut by_service = Vec::new();
        for (service, name) in SERVICES {
            by_service.extend(endpoint(name)?.map(|url| (service, url)));
        }
        Ok(Self { all: endpoint(ENDPOINT)?, by_service })
    }

    pub(super) fn url_of_all(&self) -> Option<String> {
        self.all.clone()
    }

    /// The endpoint of a service in `endpoints`. `service` is the service's id in the API model.
    pub(super) fn url_of(endpoints: &dyn LoadServiceConfig, service: &str) -> Option<String> {
        let key = ServiceConfigKey::builder().service_id(service).env(ENDPOINT).profile("endpoint_url").build();
        key.ok().and_then(|key| endpoints.load_config(key))
    }
}

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let own = self.by_service.iter().find(|(service, _)| *service == key.service_id());
        own.filter(|_| key.env() == ENDPOINT).map(|(_, url)| url.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::lookup;

    fn read(pairs: &[(&str, &str)]) -> Result<Environment, SettingError> {
        Environment::read(&lookup(pairs))
    }

    const KEYS: [(&str, &str); 3] =
        [(REGION, "eu-central-1"), (ACCESS_KEY_ID, "AKIDEXAMPLE"), (SECRET_ACCESS_KEY, "very-secret-key")];

    fn with(more: &[(&'static str, &'static str)]) -> Result<Environment, SettingError> {
        read(&[more, &KEYS].concat())
    }

    #[test]
    fn lambdas_own_variables_are_enough() {
        let environment = with(&[(SESSION_TOKEN, "a-token")]).unwrap();
        assert_eq!(environment.region, "eu-central-1");
        let CredentialSource::Fixed(credentials) = environment.credentials else { panic!("fetched") };
        assert_eq!((credentials.access_key_id(), credentials.session_token()), ("AKIDEXAMPLE", Some("a-token")));
        assert_eq!((environment.fips, environment.endpoints.url_of_all()), (None, None));
    }

    #[test]
    fn a_missing_region_or_credential_is_named() {
        let error = |pairs: &[(&str, &str)]| read(pairs).unwrap_err().name;
        assert_eq!(error(&KEYS[1..]), REGION);
        assert_eq!(error(&KEYS[..1]), ACCESS_KEY_ID);
        assert_eq!(error(&KEYS[..2]), SECRET_ACCESS_KEY);
        assert_eq!(read(&[(DEFAULT_REGION, "us-east-1"), KEYS[1], KEYS[2]]).unwrap().region, "us-east-1");
    }

    #[test]
    fn a_wrong_value_stops_the_start() {
        for (name, value) in [
            (REGION, "example.com/#"),
            (ENDPOINT, "localhost:4566"),
            ("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", "ftp://localhost"),
            (USE_FIPS, "perhaps"),
        ] {
            assert!(with(&[(name, value)]).is_err(), "{name}={value}");
        }
    }

    #[test]
    fn a_services_own_endpoint_comes_before_that_of_all() {
        let endpoints = with(&[
            (ENDPOINT, "http://127.0.0.1:4566"),
            ("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", "https://localhost:8443"),
        ])
        .unwrap()
        .endpoints;
        assert_eq!(
            Endpoints::url_of(&endpoints, "Cognito Identity Provider").as_deref(),
            Some("https://localhost:8443")
        );
        assert_eq!(Endpoints::url_of(&endpoints, "DynamoDB"), None);
        assert_eq!(endpoints.url_of_all().as_deref(), Some("http://127.0.0.1:4566"));
    }

    #[test]
    fn no_error_and_no_debug_text_holds_the_secret() {
        let environment = with(&[]).unwrap();
        assert!(!format!("{environment:?}").contains("very-secret-key"));
        let error = read(&[KEYS[2], (REGION, "eu-central-1")]).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("very-secret-key"));
    }

    #[test]
    fn credentials_of_a_snapshot_are_fetched() {
        let environment =
            read(&[KEYS[0], (CONTAINER_URI, "http://127.0.0.1:9001/credentials"), (CONTAINER_TOKEN, "t")]);
        assert!(matches!(environment.unwrap().credentials, CredentialSource::Container(_)));
        assert_eq!(read(&[KEYS[0], (CONTAINER_URI, "http://example.com/")]).unwrap_err().name, CONTAINER_URI);
    }
}
