/// An address for a person who may not know it: its first character, and the domain.
pub(crate) fn masked(email: &str) -> String {
    let (local, domain) = email.rsplit_once('@').unwrap_or((email, ""));
    let first: String = local.chars().take(1).collect();
    format!("{first}***@{domain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_character_and_the_domain_are_left() {
        assert_eq!(masked("ada@example.com"), "a***@example.com");
        assert_eq!(masked("a@example.com"), "a***@example.com");
        assert_eq!(masked("\"a@b\"@example.com"), "\"***@example.com");
    }
}
