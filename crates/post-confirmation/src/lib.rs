//! post-confirmation
