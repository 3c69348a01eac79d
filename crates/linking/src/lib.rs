//! The heart: what a federated sign-in means for the accounts of a pool.
//!
//! [`decide`] is data in, data out: the [`Arrival`] (who signs in, with what proof), the
//! [`Owners`] (every profile that has the address) and the [`Policy`] go in, one [`Decision`]
//! comes out. [`Linker`] gathers the facts over the user-pool port, decides, and carries the
//! decision out in steps that may each have happened already, may run twice at once, and may be
//! cut off anywhere.
//!
//! What holds, whatever happens in between:
//!
//! - an identity is tied to a native profile only with proof of the address on both sides;
//! - nothing that was in a profile before its address was proven survives the proof: no password,
//!   token, identity or phone number (the cookie of Cognito's hosted pages cannot be ended);
//! - an unknown state never means yes.

mod apply;
mod arrival;
mod decision;
mod owners;
mod policy;
mod refusal;
mod repair;

pub use apply::{LinkError, Linker, NativeUserName, Settlement};
pub use arrival::{Arrival, StoredAddress, SubjectRule, Unlinkable};
pub use decision::{Continued, Decision, Destination, decide};
pub use owners::{NEW_PROFILE, Owner, Owners};
pub use policy::{NativeProfile, Newcomers, Policy, UnprovenEmail, UnverifiedProfile};
pub use refusal::Refusal;
pub use repair::{REPAIR, RepairScope, SignIn, needs_repair, proved_nothing, repair_email_verified, repair_scope};
