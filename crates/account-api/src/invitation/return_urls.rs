//! Where guests may go after they have chosen a password.

use http::Uri;

/// The longest address, in bytes.
const LIMIT: usize = 2048;

/// Reads one entry of `INVITATION_RETURN_URLS`: an `https` URL without user and fragment, or an `http` URL of this
/// machine.
pub(super) fn parse(entry: &str) -> Option<String> {
    let uri: Uri = is_plain(entry).then(|| entry.parse().ok()).flatten()?;
    let authority = uri.authority()?.as_str();
    let local = matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let scheme = uri.scheme_str() == Some("https") || (uri.scheme_str() == Some("http") && local);
    let fits = scheme && !uri.host()?.is_empty() && !authority.contains('@') && !entry.contains('#');
    fits.then(|| entry.to_owned())
}

/// Whether a guest may go to this address. An entry that ends with `/` allows everything below it, any other entry
/// allows itself. As an entry has its host and the slash after it, no address leads to another host.
pub(super) fn allow(entries: &[String], address: &str) -> bool {
    let is_below = |entry: &String| {
        let rest = address.strip_prefix(entry.as_str()).filter(|_| entry.ends_with('/'));
        rest.is_some_and(|rest| !climbs(rest))
    };
    is_plain(address) && entries.iter().any(|entry| entry == address || is_below(entry))
}

/// Browsers drop tabs and line breaks from a URL, and read `\\` as `/`.
fn is_plain(text: &str) -> bool {
    let odd = |byte: u8| !byte.is_ascii_graphic() || b"\\\"'<>{}`".contains(&byte);
    !text.is_empty() && text.len() <= LIMIT && !text.bytes().any(odd)
}

/// Whether a path has a segment that leads up, as browsers read it (URL standard, "double-dot URL path segment").
fn climbs(rest: &str) -> bool {
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    path.split('/').any(|segment| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_allowed_only_below_an_entry_or_as_one() {
        let entries = ["https://app.example.com/teams/", "https://app.example.com/start?from=mail"].map(str::to_owned);
        for good in [
            "https://app.example.com/teams/",
            "https://app.example.com/teams/7?tab=a#b",
            "https://app.example.com/teams/a..b",
            "https://app.example.com/start?from=mail",
        ] {
            assert!(allow(&entries, good), "{good}");
        }
        for bad in [
            "",
            "/teams/7",
            "//app.example.com/teams/7",
            "https://app.example.com/",
            "https://app.example.com/teams",
            "https://app.example.com/teamsters/",
            "https://app.example.com/start",
            "https://app.example.com/start?from=mail&next=https://evil.example",
            "https://app.example.com/teams/../admin",
            "https://app.example.com/teams/%2E%2e/admin",
            "https://app.example.com/teams/.%2e",
            "https://app.example.com/teams/..\\admin",
            "https://app.example.com/teams/\t../admin",
            "https://app.example.com.evil.example/teams/",
            "https://app.example.com@evil.example/teams/",
            "HTTPS://app.example.com/teams/",
            "http://app.example.com/teams/",
            "javascript:alert(1)//https://app.example.com/teams/",
        ] {
            assert!(!allow(&entries, bad), "{bad}");
        }
        let long = |length: usize| format!("{}{}", entries[0], "a".repeat(length - entries[0].len()));
        assert!(allow(&entries, &long(LIMIT)) && !allow(&entries, &long(LIMIT + 1)));
        assert!(!allow(&[], "https://app.example.com/"));
        let host_only = ["https://app.example.com".to_owned()];
        assert!(allow(&host_only, &host_only[0]) && !allow(&host_only, "https://app.example.com.evil.example"));
    }

    #[test]
    fn an_entry_is_a_whole_https_address() {
        for good in ["https://app.example.com", "https://app.example.com:8443/a/?b=c", "http://localhost:3000/"] {
            assert_eq!(parse(good).as_deref(), Some(good));
        }
        for bad in [
            "",
            "app.example.com",
            "/a/",
            "http://app.example.com/",
            "https://u@app.example.com/",
            "https:///a/",
            "https://a/#b",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
