//! Reads a whole pool and groups its profiles by address.

pub(crate) mod findings;
pub(crate) mod report;
mod scan;
mod store;

pub(crate) use scan::{Listed, Scan};
