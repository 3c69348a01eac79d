//! Links to the application's pages.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::placeholder::CODE;

/// Everything but RFC 3986's unreserved characters is encoded. Form decoders would read a `+` as a space, for example.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Longest address that is put into a link, in bytes (RFC 5321 4.5.3.1.3 allows 254 for a mailbox). The link can do
/// without it, because the user name identifies the account.
const EMAIL_LIMIT: usize = 254;

/// Builds one link below `APP_URL`.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    url: String,
    has_query: bool,
}

impl Link {
    /// A link to the page `path` below `app_url`. `path` begins with a slash, and `app_url` does not end with one.
    pub(crate) fn to(app_url: &str, path: &str) -> Self {
        Self { url: format!("{app_url}{path}"), has_query: false }
    }

    /// Adds a query parameter with a percent-encoded value.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.begin(name);
        self.url.extend(utf8_percent_encode(value, QUERY_VALUE));
        self
    }

    /// The finished link.
    pub(crate) fn into_url(self) -> String {
        self.url
    }

    /// Adds the stand-in for the code. Digits replace it later, so there is nothing to encode.
    pub(crate) fn with_code(mut self) -> Self {
        self.begin("code");
        self.url.push(CODE);
        self
    }

    pub(crate) fn with_username(self, username: Option<&str>) -> Self {
        match username {
            Some(username) if !username.is_empty() => self.with("username", username),
            _ => self,
        }
    }

    pub(crate) fn with_email(self, email: Option<&str>) -> Self {
        match email {
            Some(email) if !email.is_empty() && email.len() <= EMAIL_LIMIT => self.with("email", email),
            _ => self,
        }
    }

    /// Names the app client whose application the pages lead back to.
    pub(crate) fn with_client(self, client: Option<&str>) -> Self {
        match client.filter(|id| !id.is_empty()) {
            Some(id) => self.with("client", id),
            None => self,
        }
    }

    fn begin(&mut self, name: &str) {
        self.url.push(if self.has_query { '&' } else { '?' });
        self.url.push_str(name);
        self.url.push('=');
        self.has_query = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_percent_encoded_and_the_code_is_left_for_cognito() {
        let link = Link::to("https://app.example.com", "/complete-registration")
            .with_code()
            .with_username(Some("a&b=c"))
            .with_email(Some("ada+news@example.com"));
        assert_eq!(
            link.into_url(),
            "https://app.example.com/complete-registration?code=\u{e000}&username=a%26b%3Dc&email=ada%2Bnews%40example.com"
        );
    }

    #[test]
    fn absent_and_over_long_values_leave_no_parameter() {
        let long = format!("{}@example.com", "a".repeat(300));
        let link = Link::to("https://a.example", "/login").with_username(None).with_email(Some(&long));
        assert_eq!(link.into_url(), "https://a.example/login");
    }
}
