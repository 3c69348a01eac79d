//! What is known of providers by name: does the pool expect claims that they do not send, or trust what they do not check?

use super::email_claims::email_claims;
use super::{Facts, Finding, Provider};
use crate::trigger::Trigger;
use cognito_core::provider::{ClaimNames, Providers, Trust};
use cognito_core::settings::PROVIDERS;
use http::Uri;

/// What is known of a provider. `docs/providers` has the sources.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Entra ID with people of one tenant.
    Entra,
    /// Entra ID with people of any tenant, or with personal accounts.
    EntraOfAnyTenant,
    /// Azure AD B2C, and External ID.
    MicrosoftCustomers,
    Apple,
    /// Facebook, Login with Amazon, LINE: an address and no word about it.
    WithoutProof,
    /// Google, LinkedIn: an address, and whether it is verified.
    WithProof,
    /// Okta, Auth0: the same, from a tenant that may have a domain of its own.
    Tenant,
    /// GitHub: no OpenID Connect for people.
    NoOpenId,
}

/// How a provider is recognised.
#[derive(Clone, Copy)]
enum By {
    /// Cognito's own type.
    Kind(&'static str),
    /// The issuer's host.
    Host(&'static str),
    /// A host below this domain.
    HostBelow(&'static str),
    /// The operator's name for it, in any case: the issuer has a domain of its own.
    Name(&'static str),
}

/// What is known of providers, and the scopes without which they send no address. The first row that fits counts.
const PROVIDERS_BY_NAME: &[(By, Known, &[&str])] = &[
    (By::Kind("Google"), Known::WithProof, &["openid", "email"]),
    (By::Kind("SignInWithApple"), Known::Apple, &["email"]),
    (By::Kind("Facebook"), Known::WithoutProof, &["email"]),
    (By::Kind("LoginWithAmazon"), Known::WithoutProof, &["profile"]),
    (By::Host("access.line.me"), Known::WithoutProof, &["openid", "email"]),
    (By::Host("www.linkedin.com"), Known::WithProof, &["openid", "email"]),
    (By::Host("github.com"), Known::NoOpenId, &[]),
    (By::Host("api.github.com"), Known::NoOpenId, &[]),
    (By::Host("token.actions.githubusercontent.com"), Known::NoOpenId, &[]),
    (By::Host("login.microsoftonline.com"), Known::Entra, &[]),
    (By::Host("login.microsoftonline.us"), Known::Entra, &[]),
    (By::Host("login.partner.microsoftonline.cn"), Known::Entra, &[]),
    (By::Host("login.chinacloudapi.cn"), Known::Entra, &[]),
    (By::Host("sts.windows.net"), Known::Entra, &[]),
    (By::Host("sts.chinacloudapi.cn"), Known::Entra, &[]),
    (By::HostBelow("b2clogin.com"), Known::MicrosoftCustomers, &[]),
    (By::HostBelow("b2clogin.cn"), Known::MicrosoftCustomers, &[]),
    (By::HostBelow("ciamlogin.com"), Known::MicrosoftCustomers, &[]),
    (By::HostBelow("okta.com"), Known::Tenant, &["openid", "email"]),
    (By::HostBelow("oktapreview.com"), Known::Tenant, &["openid", "email"]),
    (By::HostBelow("okta-emea.com"), Known::Tenant, &["openid", "email"]),
    (By::HostBelow("auth0.com"), Known::Tenant, &["openid", "email"]),
    (By::Name("Okta"), Known::Tenant, &["openid", "email"]),
    (By::Name("Auth0"), Known::Tenant, &["openid", "email"]),
];

/// The issuer's path for people of any tenant, and the tenant of personal accounts.
const ANY_TENANT: [&str; 4] = ["common", "organizations", "consumers", "9188040d-6c67-4c5b-b112-36a304b66dad"];

impl By {
    fn fits(self, provider: &Provider) -> bool {
        let host = host(&provider.issuer);
        match self {
            Self::Kind(kind) => provider.kind == kind,
            Self::Host(known) => host.is_some_and(|host| host == known),
            Self::HostBelow(domain) => {
                host.is_some_and(|host| host.strip_suffix(domain).is_some_and(|below| below.ends_with('.')))
            }
            Self::Name(name) => provider.kind == "OIDC" && provider.name.eq_ignore_ascii_case(name),
        }
    }
}

/// The host of a URL, in lower case and without a port.
fn host(url: &str) -> Option<String> {
    let url: Uri = url.parse().ok()?;
    let host = url.host().filter(|host| !host.is_empty() && url.scheme_str() == Some("https"))?;
    Some(host.trim_end_matches('.').to_ascii_lowercase())
}

/// Whether the issuer's path names people of any tenant.
fn is_of_any_tenant(issuer: &str) -> bool {
    let is_any = |tenant: &str| ANY_TENANT.iter().any(|any| any.eq_ignore_ascii_case(tenant));
    issuer.parse::<Uri>().is_ok_and(|url| url.path().split('/').any(is_any))
}

/// What is known of the provider, and the scopes that it needs.
fn known(provider: &Provider) -> Option<(Known, &'static [&'static str])> {
    let (_, known, scopes) = PROVIDERS_BY_NAME.iter().find(|(by, ..)| by.fits(provider))?;
    let of_any_tenant = *known == Known::Entra && is_of_any_tenant(&provider.issuer);
    let known = if of_any_tenant { Known::EntraOfAnyTenant } else { *known };
    Some((known, scopes))
}

/// Whether the provider may send `email_verified`.
pub(super) fn sends_email_verified(provider: &Provider) -> bool {
    use Known::{Entra, EntraOfAnyTenant, MicrosoftCustomers, WithoutProof};
    let known = known(provider).map(|(known, _)| known);
    !matches!(known, Some(Entra | EntraOfAnyTenant | MicrosoftCustomers | WithoutProof))
}

/// Whether the issuer is one tenant of Entra ID.
pub(super) fn is_one_tenant(provider: &Provider) -> bool {
    matches!(known(provider), Some((Known::Entra, _)))
}

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let providers = facts.providers.iter().flatten();
    let of_one = |provider| {
        let (known, needed) = known(provider)?;
        let mut found: Vec<_> = scopes(provider, needed).into_iter().chain(issuer(provider, known)).collect();
        found.extend(of(facts, provider, known));
        Some(found)
    };
    providers.filter_map(of_one).flatten().collect()
}

/// Does the pool ask for the address? Google's scopes may be URLs that end with `userinfo.email`.
fn scopes(provider: &Provider, needed: &[&'static str]) -> Option<Finding> {
    let asked: Vec<_> = provider.scopes.split([' ', ',']).filter(|scope| !scope.is_empty()).collect();
    let has = |needed: &str| asked.iter().any(|scope| scope.rsplit("/userinfo.").next() == Some(needed));
    let lacking: Vec<_> = needed.iter().filter(|needed| !has(needed)).copied().collect();
    // Scopes that cannot be seen say nothing.
    if asked.is_empty() || lacking.is_empty() {
        return None;
    }
    let retired = asked.iter().any(|scope| ["r_emailaddress", "r_liteprofile", "r_basicprofile"].contains(scope));
    let why = if retired {
        "LinkedIn gives these scopes to no new application, and they are not OpenID Connect: there is no ID token, and no \
         claim about the address"
    } else {
        "The pool does not ask this provider for the address, so people arrive without one, or cannot sign in"
    };
    let wanted = if retired { "openid profile email".to_owned() } else { lacking.join(" ") };
    let verb = if retired { "Replace them with" } else { "Add" };
    let remedy = format!("{verb} {wanted} in the authorised scopes of {}", provider.name);
    Some(Finding::warning("scope_missing", &provider.name, why, remedy))
}

/// Can the provider's ID token name the issuer that the pool expects?
fn issuer(provider: &Provider, known: Known) -> Option<Finding> {
    let name = &provider.name;
    if known == Known::NoOpenId {
        let why = "GitHub has no OpenID Connect for people: it sends no ID token, so nobody can sign in";
        let remedy =
            format!("Put a bridge between the two, and make it the issuer of {name}: docs/providers/github.md");
        return Some(Finding::error("issuer_without_openid", name, why, remedy));
    }
    let own = host(&provider.issuer)?;
    let other = provider.endpoints.iter().filter_map(|url| host(url)).find(|host| *host != own)?;
    if known != Known::Tenant {
        return None;
    }
    let why = format!(
        "People sign in at {other}, and the issuer is {own}. Okta and Auth0 name the domain of the sign-in in their tokens, \
         unless they are set up otherwise, and Cognito refuses the token of another issuer"
    );
    let remedy = format!(
        "Look at iss in an ID token, or in /.well-known/openid-configuration at {other}. If it is not {}, set the issuer \
         and every endpoint of {name} to one domain",
        provider.issuer
    );
    Some(Finding::warning("issuer_differs", name, &why, remedy))
}

fn of(facts: &Facts, provider: &Provider, known: Known) -> Vec<Finding> {
    let name = &provider.name;
    let claims = email_claims(facts).unwrap_or_default();
    let own = claims.of(name);
    let expects = |attribute: &str| provider.mapping.get(attribute).is_some_and(|claim| claim == attribute);
    let expects_list = expects("email") && own.is_none_or(|own| own.email.is_none());
    let has_proof = provider.mapping.contains_key("email_verified")
        && (!expects("email_verified") || own.is_some_and(|own| own.email_verified != ClaimNames::EMAIL_VERIFIED));
    let listed = Trigger::ALL.iter().find_map(|trigger| facts.setting(*trigger, PROVIDERS)).and_then(Providers::parse);
    let trust = listed.as_ref().and_then(|listed| listed.named(name)).map(|listed| listed.trust);
    let microsoft = "With inbound federation, also add";
    let not_sent = |why: &str, remedy: String| Finding::warning("claim_not_sent", name, why, remedy);
    match known {
        Known::Apple => {
            let why = "People may hide their address. They arrive as …@privaterelay.appleid.com and get an account beside \
                       the one that they have. Mail to such an address arrives only from senders that Apple knows";
            let remedy = "Register the sender of your mails with Apple (Sign in with Apple for Email Communication), and \
                          tell people to share their address if they have an account: docs/providers/apple.md";
            vec![Finding::note("apple_hides_addresses", name, why, remedy)]
        }
        Known::EntraOfAnyTenant if trust == Some(Trust::Always) => {
            let why = "An administrator of any Microsoft tenant can give people any address, so whoever makes a tenant \
                       reaches every account";
            let remedy = format!("List {name} with claim, and let xms_edov be the proof: docs/providers/microsoft.md");
            vec![Finding::error("any_tenant_trusted", name, why, remedy)]
        }
        Known::Entra | Known::EntraOfAnyTenant if trust == Some(Trust::Claim) && !has_proof => {
            let why = "Entra ID sends no email_verified. Its proof is the optional claim xms_edov, so nobody from this \
                       provider proves an address";
            let remedy = format!(
                "Add the optional claims email and xms_edov to the ID token of the app registration, and map xms_edov to \
                 email_verified. {microsoft} {name}:email_verified=xms_edov to its EMAIL_CLAIMS"
            );
            vec![not_sent(why, remedy)]
        }
        Known::MicrosoftCustomers if expects_list => {
            let why = "Azure AD B2C and External ID send the address as a list, emails, so that people from this provider \
                       arrive without one";
            let remedy = format!(
                "Map emails to email. {microsoft} {name}:email=emails to its EMAIL_CLAIMS. If your tenant sends email, do \
                 nothing"
            );
            vec![Finding::note("claim_not_sent", name, why, remedy)]
        }
        Known::WithoutProof | Known::MicrosoftCustomers if trust == Some(Trust::Claim) && !has_proof => {
            let why = "This provider sends no email_verified, so with claim nobody from it proves an address";
            let remedy =
                format!("List {name} with always if its addresses are good enough for you, otherwise with never");
            vec![not_sent(why, remedy)]
        }
        _ => vec![],
    }
}
