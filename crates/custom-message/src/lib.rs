//! custom-message
