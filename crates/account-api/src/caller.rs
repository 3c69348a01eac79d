//! Who is calling, according to API Gateway's JWT authorizer.

use crate::clock::DAY;
use crate::code::Sealer;
use crate::problem::{Code, Problem};
use aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use cognito_core::user_pool::UserName;
use http::Extensions;
use lambda_http::request::RequestContext;
use std::net::IpAddr;

/// A person with a valid access token of the pool.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The pool's own id of the person. For an operator who calls the function without API Gateway, who they are in AWS:
    /// `id_in_log` is what may be logged.
    pub sub: String,
    /// The profile's exact user name.
    pub user_name: UserName,
    /// The languages that the person reads, best first.
    pub locales: Vec<String>,
    groups: Vec<String>,
    /// When the person signed in, in seconds since 1970. A refreshed token keeps this time.
    signed_in_at: Option<u64>,
    /// The token does not come from Cognito's own sign-in calls (`InitiateAuth`), which know no provider.
    may_be_federated: bool,
}

/// How many seconds a sign-in is fresh.
pub(crate) const FRESH: u64 = 10 * 60;

/// How many seconds Cognito's clock may be ahead of this one.
pub(crate) const AHEAD: u64 = 60;

/// The only scope of tokens from Cognito's own sign-in calls.
const OWN_SCOPE: &str = "aws.cognito.signin.user.admin";

impl Caller {
    /// Reads the claims that the authorizer has checked. They say nothing of languages.
    ///
    /// # Errors
    ///
    /// Returns [`Code::Unauthorized`] if there are no claims, which happens if the API was deployed without the
    /// authorizer. Returns it too if the claims are of another kind of token: applications receive ID tokens without
    /// the right to act for the person.
    pub fn from_extensions(extensions: &Extensions) -> Result<Self, Problem> {
        let Some(RequestContext::ApiGatewayV2(context)) = extensions.get::<RequestContext>() else {
            return Err(Code::Unauthorized.into());
        };
        Self::from_context(context).ok_or_else(|| Code::Unauthorized.into())
    }

    fn from_context(context: &ApiGatewayV2httpRequestContext) -> Option<Self> {
        let claims = &context.authorizer.as_ref()?.jwt.as_ref()?.claims;
        let text = |name: &str| claims.get(name).map(String::as_str).filter(|text| !text.is_empty());
        if text("token_use") != Some("access") {
            return None;
        }
        Some(Self {
            sub: text("sub")?.to_owned(),
            user_name: UserName::new(text("username")?),
            locales: Vec::new(),
            groups: text("cognito:groups").map(parse_list).unwrap_or_default(),
            signed_in_at: text("auth_time").and_then(|time| time.parse().ok()),
            may_be_federated: text("scope").is_some_and(|scope| scope != OWN_SCOPE),
        })
    }

    /// Who this is in a line of the log. An operator's name in AWS may hold an address.
    pub(crate) fn id_in_log(&self) -> &str {
        id_in_log(&self.sub)
    }

    /// When the person signed in, if that was within the last minutes. Somebody who stole an older session must not
    /// change how its owner signs in.
    ///
    /// # Errors
    ///
    /// Returns [`Code::SignInAgain`] if it was not.
    pub(crate) fn fresh(&self, now: u64) -> Result<u64, Problem> {
        let is_fresh = |at: &u64| *at <= now + AHEAD && now <= at.saturating_add(FRESH);
        self.signed_in_at.filter(is_fresh).ok_or_else(|| Code::SignInAgain.into())
    }

    /// When the person signed in, however long ago. A token that does not say so counts as older than any other.
    pub(crate) fn signed_in_at(&self) -> u64 {
        self.signed_in_at.unwrap_or_default()
    }

    /// Whether the person may have signed in with a provider. Cognito's sign-in pages make such tokens for passwords,
    /// too; its sign-in calls never make one for a provider.
    pub(crate) fn may_be_federated(&self) -> bool {
        self.may_be_federated
    }

    /// Whether the person is in a group.
    #[must_use]
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|own| own == group)
    }

    /// Returns the caller if they are in the group.
    ///
    /// # Errors
    ///
    /// Returns [`Code::NotAnAdmin`] if they are not.
    pub(crate) fn member_of(self, group: &str) -> Result<Self, Problem> {
        if self.is_in(group) { Ok(self) } else { Err(Code::NotAnAdmin.into()) }
    }
}

/// The app client of a request's access token. `None` without one.
pub(crate) fn client_of(extensions: &Extensions) -> Option<String> {
    let Some(RequestContext::ApiGatewayV2(context)) = extensions.get::<RequestContext>() else { return None };
    context.authorizer.as_ref()?.jwt.as_ref()?.claims.get("client_id").cloned()
}

/// A `sub` as it may be logged.
pub(crate) fn id_in_log(sub: &str) -> &str {
    if sub.starts_with("arn:") { "operator" } else { sub }
}

/// The network address that a request comes from. It has no `Debug`, so that no log shows it.
pub(crate) struct Origin(Option<IpAddr>);

impl Origin {
    pub(crate) fn from_extensions(extensions: &Extensions) -> Self {
        let Some(RequestContext::ApiGatewayV2(context)) = extensions.get::<RequestContext>() else { return Self(None) };
        Self(context.http.source_ip.as_deref().and_then(|ip| ip.parse().ok()))
    }

    /// A name for the log, which shows that many requests have one sender. It stays the same for a day (UTC), and
    /// nobody can find the address without the secret key. An IPv6 sender usually has a network of 64 bits to itself,
    /// so only the prefix of 64 bits counts.
    pub(crate) fn pseudonym(&self, sealer: &Sealer, now: u64) -> String {
        let network = match self.0 {
            None => return "unknown".to_owned(),
            Some(IpAddr::V4(ip)) => ip.to_string(),
            Some(IpAddr::V6(ip)) => format!("{:?}", &ip.segments()[..4]),
        };
        let day = (now / DAY).to_string();
        sealer.seal(&["sender", &day], &network).as_str().chars().take(16).collect()
    }
}

/// Reads a claim that is a list. API Gateway writes its items in square brackets, separated by one space. A group's
/// name has no white space (API model, `GroupNameType`) but may have brackets, so only the outer two are removed.
fn parse_list(claim: &str) -> Vec<String> {
    let inner = claim.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or_default();
    inner.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(authorizer: &Value) -> Option<Caller> {
        let context = json!({ "authorizer": authorizer, "http": { "method": "GET", "path": "/" } });
        let mut extensions = Extensions::new();
        extensions.insert(RequestContext::ApiGatewayV2(serde_json::from_value(context).unwrap()));
        Caller::from_extensions(&extensions).ok()
    }

    fn claims(groups: &str) -> Value {
        let claims = json!({ "sub": "s", "username": "u", "token_use": "access", "cognito:groups": groups });
        json!({ "jwt": { "claims": claims } })
    }

    #[test]
    fn an_access_token_is_read() {
        let caller = read(&claims("[admins users]")).unwrap();
        assert_eq!((caller.sub.as_str(), caller.user_name.as_str()), ("s", "u"));
        assert!(caller.is_in("admins") && caller.is_in("users") && !caller.is_in("admins users"));
    }

    #[test]
    fn nobody_is_a_caller_without_claims_of_an_access_token() {
        assert!(Caller::from_extensions(&Extensions::new()).is_err());
        assert!(read(&Value::Null).is_none());
        for (name, value) in [("token_use", "id"), ("sub", ""), ("username", "")] {
            let mut authorizer = claims("[]");
            authorizer["jwt"]["claims"][name] = json!(value);
            assert!(read(&authorizer).is_none(), "{name}");
            authorizer["jwt"]["claims"].as_object_mut().unwrap().remove(name);
            assert!(read(&authorizer).is_none(), "no {name}");
        }
        assert!(read(&json!({ "lambda": { "sub": "s", "username": "u", "token_use": "access" } })).is_none());
    }

    #[test]
    fn only_a_sign_in_of_the_last_minutes_is_fresh() {
        let at = |auth_time: &str, now| {
            let mut authorizer = claims("[]");
            authorizer["jwt"]["claims"]["auth_time"] = json!(auth_time);
            read(&authorizer).unwrap().fresh(now).is_ok()
        };
        assert!(at("1000", 1000) && at("1000", 1000 + FRESH) && at("1000", 1000 - AHEAD));
        assert!(!at("1000", 1001 + FRESH) && !at("1000", 999 - AHEAD));
        assert!(!at("", 0) && !at("soon", 0) && !at("18446744073709551615", 1000));
        assert!(read(&claims("[]")).unwrap().fresh(0).is_err(), "a token without the time");
    }

    #[test]
    fn a_token_of_a_sign_in_call_is_nobodys_who_came_from_a_provider() {
        let with = |scope: Value| {
            let mut authorizer = claims("[]");
            authorizer["jwt"]["claims"]["scope"] = scope;
            read(&authorizer).unwrap().may_be_federated()
        };
        assert!(with(json!("openid email")) && with(json!("aws.cognito.signin.user.admin openid")));
        assert!(!with(json!("aws.cognito.signin.user.admin")) && !with(json!("")));
        assert!(!read(&claims("[]")).unwrap().may_be_federated());
    }

    #[test]
    fn a_sender_has_one_name_a_day_that_does_not_show_the_address() {
        let sealer = Sealer::new(&[7; 32]).unwrap();
        let named = |ip: &str, now| Origin(ip.parse().ok()).pseudonym(&sealer, now);
        assert_eq!(named("192.0.2.1", 0), named("192.0.2.1", DAY - 1));
        assert_ne!(named("192.0.2.1", 0), named("192.0.2.1", DAY));
        assert_ne!(named("192.0.2.1", 0), named("192.0.2.2", 0));
        assert_eq!(named("2001:db8::1", 0), named("2001:db8::2", 0), "one network");
        assert_ne!(named("2001:db8::1", 0), named("2001:db8:0:1::1", 0));
        assert_eq!(named("nonsense", 0), "unknown");
    }

    #[test]
    fn an_operator_has_no_name_in_the_log() {
        let mut operator = claims("[admins]");
        operator["jwt"]["claims"]["sub"] = json!("arn:aws:sts::123456789012:assumed-role/R/ada@example.com");
        assert_eq!(read(&operator).unwrap().id_in_log(), "operator");
        assert_eq!(read(&claims("[]")).unwrap().id_in_log(), "s");
    }

    #[test]
    fn a_groups_name_is_taken_whole() {
        let is_admin = |groups: &str| read(&claims(groups)).is_some_and(|caller| caller.is_in("admins"));
        assert!(is_admin("[admins]") && is_admin("[users admins]"));
        for groups in ["", "[]", "admins", "[[admins]]", "[not-admins]", "[admins,users]", "[admins", "[Admins]"] {
            assert!(!is_admin(groups), "{groups}");
        }
        assert!(read(&claims("[[odd]]")).unwrap().is_in("[odd]"));
    }
}
