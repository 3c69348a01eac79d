use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::stack::Stack;

/// The variable that tells the end-to-end tests where the stack, the providers and the app are: [`Address`] as JSON.
pub const VARIABLE: &str = "LOCAL_STACK";

/// The addresses of a running local stack.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Address {
    /// The deployed stack.
    pub stack: Stack,
    /// The issuer that plays Google and every other OpenID provider.
    pub google: String,
    /// The issuer that plays Facebook.
    pub facebook: String,
    /// The app's address, without a slash at its end.
    pub app: String,
}

impl Address {
    /// Reads the address that `cargo xtask test` passes to the tests.
    ///
    /// # Errors
    ///
    /// Fails if the variable is not set, or if `cargo xtask test` did not set it.
    pub fn from_environment() -> Result<Self> {
        let text = std::env::var(VARIABLE)
            .with_context(|| format!("{VARIABLE} is not set; run these tests with `cargo xtask test`"))?;
        serde_json::from_str(&text).with_context(|| format!("{VARIABLE} is not what `cargo xtask test` sets"))
    }

    /// The address as a variable's value.
    #[must_use]
    pub fn to_variable(&self) -> String {
        json!(self).to_string()
    }
}
