//! Decides what a federated sign-in means for the accounts of a pool, and carries it out.
//!
//! [`decide`] only turns data into data: the [`Arrival`] (who signs in, with what proof), the
//! [`Owners`] (every profile that has the address) and the [`Policy`] become one [`Decision`].
//! [`Linker`] gathers the facts over the user-pool port, decides, and carries the decision out. Each
//! of its steps may be repeated, may run twice at once, and may be cut off anywhere.
//!
//! These rules hold even then:
//!
//! - An identity is linked to a native profile only if the address is proven on both sides.
//! - Every way in that was there before the address was proven is closed: password, tokens,
//!   identities and phone number. Only the cookie of Cognito's hosted pages cannot be ended.
//! - An unknown state never means yes.

mod apply;
mod arrival;
mod decision;
mod later;
mod observer;
mod owners;
mod policy;
mod refusal;
mod repair;

pub use apply::{LinkError, Linker, Settlement};
pub use arrival::{Arrival, StoredAddress, SubjectRule};
pub use decision::{Continued, Decision, Destination, MAX_IDENTITIES, decide};
pub use later::Later;
pub use observer::LinkObserver;
pub use owners::{NEW_PROFILE, Owner, Owners};
pub use policy::{LinkWithFactors, NativeProfile, Newcomers, Policy, SecondSubject, UnprovenEmail, UnverifiedProfile};
pub use refusal::{Refusal, Unlinkable};
pub use repair::{REPAIR, RepairScope, SignIn, needs_repair, proved_nothing, repair_email_verified, repair_scope};
