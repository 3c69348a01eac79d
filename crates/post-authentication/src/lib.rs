//! post-authentication
