//! The claims to store where the team's own function has changed them.

use crate::Settings;
use crate::sign_in::{EMAIL, EMAIL_VERIFIED, SUBJECTS, SignIn};
use cognito_core::event::is_true;
use serde_json::{Map, Value};

/// Their claims, but ours where ours is about who the person is: the address and its proof, because linking relies on
/// them, and the subject, because it names the account. Theirs may say that an address is not proven, and never that it
/// is. What ours left out of these stays out, so that the account keeps
/// what it has.
///
/// An empty answer would undo what ours decided, since Cognito then stores everything as it came. So it says nothing.
pub(crate) fn claims(
    sign_in: Option<SignIn<'_>>,
    ours: Map<String, Value>,
    theirs: &Value,
    settings: &Settings,
) -> Map<String, Value> {
    let Some(theirs) = theirs.as_object().filter(|theirs| !theirs.is_empty()) else { return ours };
    let mut claims = theirs.clone();
    let Some(sign_in) = sign_in else {
        // Ours could read nothing, so there is nothing that proves the address.
        claims.retain(|name, _| ![EMAIL, EMAIL_VERIFIED].contains(&name.as_str()));
        return if claims.is_empty() { ours } else { claims };
    };
    let own = |name: &str| sign_in.is_email(name) || Some(name) == settings.subject_attribute.as_deref();
    // Ours is empty if there is nothing to correct; then Cognito would store what came.
    let subjects = if ours.is_empty() { &sign_in.claims } else { &ours };
    let denies = |name: &str| theirs.get(name).is_some_and(|claim| !claim.is_null() && !is_true(claim));
    claims.retain(|name, _| !own(name) && (!sign_in.is_proof(name) || (denies(name) && ours.contains_key(name))));
    for (name, value) in &ours {
        if own(name) || (sign_in.is_proof(name) && !denies(name)) {
            claims.insert(name.clone(), value.clone());
        }
    }
    for name in SUBJECTS {
        if let Some(subject) = subjects.get(name) {
            claims.insert(name.to_owned(), subject.clone());
        }
    }
    if claims.is_empty() { ours } else { claims }
}
