//! Keeps Cognito's placeholders apart from everything that a person can write.
//!
//! While a message is rendered, private-use characters stand for the placeholders. Values that people chose never
//! contain them (see `personal`). Anything that looks like a placeholder after rendering comes from a person and is
//! disarmed. Only then are the real placeholders inserted. So no value, no combination of values and no `|safe` in a
//! custom template can make Cognito insert a code where the template did not ask for it.

/// Stands for the code (for an administrator's invitation, the temporary password).
pub(crate) const CODE: char = '\u{e000}';
/// Stands for the user name.
pub(crate) const USERNAME: char = '\u{e001}';
/// Stands for Cognito's own verification link.
pub(crate) const LINK: char = '\u{e002}';

/// The placeholders that replace the stand-ins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placeholders<'a> {
    /// `codeParameter` of the event, or the code itself.
    pub(crate) code: &'a str,
    /// `usernameParameter` of the event. Empty if the event has none.
    pub(crate) username: &'a str,
    /// `linkParameter` of the event. Empty if the event has none.
    pub(crate) link: &'a str,
}

impl Placeholders<'_> {
    /// Breaks everything that Cognito would replace. The opening brace becomes a character reference in HTML and a
    /// full-width brace in plain text, so that people still read what was written.
    pub(crate) fn disarm(&self, rendered: &str, html: bool) -> String {
        let brace = if html { "&#123;" } else { "\u{ff5b}" };
        let mut text = rendered.to_owned();
        for placeholder in ["{#", "{username}", self.code, self.username, self.link] {
            if let Some(rest) = placeholder.strip_prefix('{')
                && text.contains(placeholder)
            {
                text = text.replace(placeholder, &format!("{brace}{rest}"));
            }
        }
        text
    }

    /// A finished text with the stand-ins in the place of the placeholders: the way back. Cognito takes any words between
    /// the hash signs of its link.
    pub(crate) fn find(&self, text: &str) -> String {
        let mut found: String =
            text.chars().map(|c| if matches!(c, CODE | USERNAME | LINK) { '\u{fffd}' } else { c }).collect();
        for (placeholder, stand_in) in [(self.link, LINK), (self.code, CODE), (self.username, USERNAME)] {
            if !placeholder.is_empty() {
                found = found.replace(placeholder, stand_in.encode_utf8(&mut [0; 4]));
            }
        }
        if !self.link.is_empty()
            && let Some((before, rest)) = found.split_once("{##")
            && let Some((_, after)) = rest.split_once("##}")
        {
            found = format!("{before}{LINK}{after}");
        }
        found
    }

    /// Inserts the placeholders.
    pub(crate) fn fill(&self, rendered: &str) -> String {
        let mut text = String::with_capacity(rendered.len());
        for c in rendered.chars() {
            match c {
                CODE => text.push_str(self.code),
                USERNAME => text.push_str(self.username),
                LINK => text.push_str(self.link),
                other => text.push(other),
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COGNITO: Placeholders<'static> =
        Placeholders { code: "{####}", username: "{username}", link: "{##Click here##}" };

    #[test]
    fn a_placeholder_somebody_wrote_is_disarmed_and_ours_is_filled_in() {
        let text = COGNITO.disarm("{####} {username} {##Click here##} {##", false);
        assert_eq!(text, "\u{ff5b}####} \u{ff5b}username} \u{ff5b}##Click here##} \u{ff5b}##");
        assert_eq!(COGNITO.disarm("{####}", true), "&#123;####}");
        assert_eq!(COGNITO.fill("\u{e000} \u{e001} \u{e002}"), "{####} {username} {##Click here##}");
    }

    #[test]
    fn other_braces_stay_as_they_are() {
        assert_eq!(COGNITO.disarm("p{color:red} {{7*7}} {user}", true), "p{color:red} {{7*7}} {user}");
    }

    #[test]
    fn absent_placeholders_disarm_nothing() {
        let none = Placeholders { code: "{####}", username: "", link: "" };
        assert_eq!(none.disarm("{a}", true), "{a}");
    }
}
