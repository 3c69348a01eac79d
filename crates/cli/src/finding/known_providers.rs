//! What is known of providers by name: does the pool expect claims that they do not send, or trust what they do not check?

use super::email_claims::email_claims;
use super::{Facts, Finding, Provider};
use crate::trigger::Trigger;
use cognito_core::provider::{ClaimNames, Providers, Trust};
use cognito_core::settings::PROVIDERS;

/// A provider that something is known of. `docs/providers` has the sources.
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
}

/// The issuer's path for people of any tenant, and the tenant of personal accounts.
const ANY_TENANT: [&str; 4] = ["common", "organizations", "consumers", "9188040d-6c67-4c5b-b112-36a304b66dad"];

fn known(provider: &Provider) -> Option<Known> {
    match provider.kind.as_str() {
        "SignInWithApple" => return Some(Known::Apple),
        "Facebook" | "LoginWithAmazon" => return Some(Known::WithoutProof),
        _ => {}
    }
    let mut parts = provider.issuer.strip_prefix("https://")?.split('/');
    let (host, tenant) = (parts.next()?, parts.next().unwrap_or_default());
    match host {
        "access.line.me" => Some(Known::WithoutProof),
        "login.microsoftonline.com" | "sts.windows.net" if ANY_TENANT.contains(&tenant) => {
            Some(Known::EntraOfAnyTenant)
        }
        "login.microsoftonline.com" | "sts.windows.net" => Some(Known::Entra),
        _ if host.ends_with(".b2clogin.com") || host.ends_with(".ciamlogin.com") => Some(Known::MicrosoftCustomers),
        _ => None,
    }
}

/// Whether the provider may send `email_verified`.
pub(super) fn sends_email_verified(provider: &Provider) -> bool {
    matches!(known(provider), None | Some(Known::Apple))
}

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let providers = facts.providers.iter().flatten();
    providers
        .filter_map(|provider| Some((provider, known(provider)?)))
        .flat_map(|(provider, known)| of(facts, provider, known))
        .collect()
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
