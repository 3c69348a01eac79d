use crate::email::Email;

/// Domains of addresses: those that a provider is trusted for, or that may get an account. None means every domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Domains(Vec<Domain>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Domain {
    /// `corp.example`: this domain and no other.
    Itself(String),
    /// `*.corp.example`: every domain below it, and not the domain itself.
    Below(String),
}

impl Domains {
    /// What a list may hold, for error messages.
    pub const ALLOWED: &'static str = "a comma list of domains, such as corp.example or *.corp.example (every domain below it, and not the domain itself)";

    /// Parses `corp.example,*.corp.example`. A list without a domain is refused.
    #[must_use]
    pub fn parse_list(text: &str) -> Option<Self> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let domains: Vec<_> = names.map(Domain::parse).collect::<Option<_>>()?;
        (!domains.is_empty()).then_some(Self(domains))
    }

    /// Parses `corp.example@*.corp.example`, domains between `@`. Letters are ASCII: a domain with others is written in
    /// its ASCII form (`xn--…`), as addresses carry it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        text.split('@').map(Domain::parse).collect::<Option<_>>().map(Self)
    }

    /// Whether this means every domain.
    #[must_use]
    pub fn is_every_domain(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the address is of one of them.
    #[must_use]
    pub fn contain(&self, email: &Email) -> bool {
        self.is_every_domain() || self.0.iter().any(|domain| domain.contains(email.domain()))
    }
}

impl Domain {
    fn parse(text: &str) -> Option<Self> {
        let (name, domain): (_, fn(String) -> Self) = match text.strip_prefix("*.") {
            Some(name) => (name, Self::Below),
            None => (text, Self::Itself),
        };
        let is_domain = name.is_ascii() && Email::parse(&format!("a@{name}")).is_ok_and(|email| email.domain() == name);
        is_domain.then(|| domain(name.to_ascii_lowercase()))
    }

    fn contains(&self, domain: &str) -> bool {
        let domain = domain.to_ascii_lowercase();
        match self {
            Self::Itself(own) => domain == *own,
            Self::Below(own) => domain.strip_suffix(own.as_str()).is_some_and(|below| below.ends_with('.')),
        }
    }
}
