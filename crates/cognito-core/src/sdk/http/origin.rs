//! The server of a URL.

use hyper::Uri;

/// Scheme, host and port of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sdk) struct Origin {
    /// Whether it uses TLS.
    pub(in crate::sdk) tls: bool,
    /// Name or address. An IPv6 address has no brackets here.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Origin {
    /// The server of a URL. `None` if the URL is not `http` or `https`.
    pub(in crate::sdk) fn parse(url: &str) -> Option<Self> {
        Self::of(&url.parse().ok()?)
    }

    pub(super) fn of(url: &Uri) -> Option<Self> {
        let tls = match url.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = url.host()?.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return None;
        }
        let port = url.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Some(Self { tls, host: host.to_owned(), port })
    }

    /// The value of the `Host` header, as the SDK signs it: without the scheme's default port.
    pub(super) fn host_header(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == if self.tls { 443 } else { 80 } { host } else { format!("{host}:{}", self.port) }
    }

    /// Whether the server is surely on this machine.
    pub(in crate::sdk) fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host_header(url: &str) -> Option<String> {
        Origin::parse(url).map(|origin| origin.host_header())
    }

    #[test]
    fn the_host_header_leaves_the_usual_port_away() {
        assert_eq!(
            host_header("https://cognito-idp.eu-central-1.amazonaws.com/").unwrap(),
            "cognito-idp.eu-central-1.amazonaws.com"
        );
        assert_eq!(host_header("https://localhost:443").unwrap(), "localhost");
        assert_eq!(host_header("http://127.0.0.1:4566/path").unwrap(), "127.0.0.1:4566");
        assert_eq!(host_header("http://[::1]:80/").unwrap(), "[::1]");
    }

    #[test]
    fn only_web_addresses_name_a_server() {
        for url in ["ftp://localhost", "localhost:4566", "/path", "https://", "", "data:text/plain,x"] {
            assert_eq!(host_header(url), None, "{url}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (url, is) in [
            ("http://127.0.0.1:9001", true),
            ("http://[::1]/", true),
            ("http://localhost", true),
            ("http://localhost.example.com", false),
            ("http://127.0.0.1.example.com", false),
            ("http://169.254.170.23", false),
        ] {
            assert_eq!(Origin::parse(url).unwrap().is_loopback(), is, "{url}");
        }
    }
}
