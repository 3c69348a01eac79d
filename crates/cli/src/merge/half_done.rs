//! What a run says that stops with something deleted and the rest not done.

/// What is half done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HalfDone {
    /// A registration that was never confirmed is deleted, and nothing made in its place.
    Registration,
    /// A stand-alone profile is deleted, and its identity not linked.
    Profile,
    /// The identity is linked, and groups are missing.
    Groups,
}

impl HalfDone {
    /// The message, with the person's line in the plan and the attributes that a new native profile would lack. Names
    /// nobody.
    pub(super) fn message(self, line: usize, why: &str, missing: &[&str]) -> String {
        let state = match self {
            Self::Registration => {
                "a registration that was never confirmed is deleted, and nothing is made in its place"
            }
            Self::Profile => {
                "a profile is deleted and its identity is not linked; until it is, its owner's next sign-in finds an \
                 empty account, or is linked by pre-sign-up if that is attached"
            }
            Self::Groups => "a profile is deleted and its identity linked, but not all groups are copied",
        };
        let remedy = if missing.is_empty() {
            match why {
                "email_held_by_federated_profile" => {
                    "Merge or delete the other stand-alone profile of the address".to_owned()
                }
                _ if why.starts_with("AdminCreateUser") => {
                    "The pool does not take the native profile: a pre-sign-up function may refuse it; or create it by hand, \
                     with the address verified"
                        .to_owned()
                }
                _ => "Remove the cause".to_owned(),
            }
        } else {
            let names = missing.join(",");
            format!("The pool requires {names}: add --copy-attributes {names}, or create the native profile by hand")
        };
        format!(
            "line {line} of the plan: {state} ({why}). {remedy}, and start the same command again: it finishes this person \
             first. Without the line it goes on with the others; the journal keeps everything that was known"
        )
    }
}
