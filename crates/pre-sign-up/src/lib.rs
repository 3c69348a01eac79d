//! pre-sign-up
