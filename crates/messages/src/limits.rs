//! The limits of Cognito's messages, and how their length is counted.
//!
//! Sources: the developer guide ("Custom message Lambda trigger", "Quotas in Amazon Cognito") and the API model of
//! `cognito-idp` (`EmailVerificationMessageType`, `EmailVerificationSubjectType`, `SmsVerificationMessageType`). The
//! limits count the placeholder and the text that replaces it.

use crate::placeholder::{CODE, LINK, USERNAME};
use crate::skipped::Reason;

/// Most characters of a subject.
pub const SUBJECT_LIMIT: usize = 140;
/// Most characters of an e-mail body.
pub const EMAIL_LIMIT: usize = 20_000;
/// Most characters of an SMS.
pub const SMS_LIMIT: usize = 140;
/// Fewest characters of an e-mail body or SMS.
pub const BODY_MINIMUM: usize = 6;

/// Digits of a code that Cognito sends.
pub const CODE_LENGTH: usize = 6;
/// Longest password that Cognito accepts (`PasswordType`). An e-mail must have room for it.
pub const PASSWORD_LENGTH: usize = 256;
/// The room for a temporary password in an SMS. Cognito does not say how long the passwords it generates are. 20 is
/// enough for the pool's default minimum of 8 and most stricter ones. 256 would leave no room for words.
pub const SMS_PASSWORD_LENGTH: usize = 20;

/// Counts characters. Cognito's documents do not say how Cognito counts them. This counts UTF-16 units, as Java does.
/// They are never fewer than Unicode characters, so a text that passes here passes in either count.
#[must_use]
pub fn characters(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The length of each stand-in: that of the placeholder or of the text that replaces it, whichever is longer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lengths {
    pub(crate) code: usize,
    pub(crate) username: usize,
    pub(crate) link: usize,
}

impl Lengths {
    pub(crate) fn count(self, rendered: &str) -> usize {
        rendered
            .chars()
            .map(|c| match c {
                CODE => self.code,
                USERNAME => self.username,
                LINK => self.link,
                other => other.len_utf16(),
            })
            .sum()
    }
}

/// What a body must contain.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Needs {
    pub(crate) code: bool,
    pub(crate) username: bool,
    /// Cognito's own link may replace the code (in an e-mail of a pool that verifies by link).
    pub(crate) link_will_do: bool,
}

pub(crate) fn check_subject(rendered: &str, lengths: Lengths) -> Result<(), Reason> {
    at_least(lengths.count(rendered), 1)?;
    at_most(lengths.count(rendered), SUBJECT_LIMIT)
}

pub(crate) fn check_body(rendered: &str, needs: Needs, lengths: Lengths, limit: usize) -> Result<(), Reason> {
    if needs.code && !rendered.contains(CODE) && !(needs.link_will_do && rendered.contains(LINK)) {
        return Err(Reason::NoCode);
    }
    if needs.username && !rendered.contains(USERNAME) {
        return Err(Reason::NoUsername);
    }
    let length = lengths.count(rendered);
    at_least(length, BODY_MINIMUM)?;
    at_most(length, limit)
}

fn at_least(length: usize, limit: usize) -> Result<(), Reason> {
    if length < limit { Err(Reason::TooShort { length, limit }) } else { Ok(()) }
}

fn at_most(length: usize, limit: usize) -> Result<(), Reason> {
    if length > limit { Err(Reason::TooLong { length, limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTHS: Lengths = Lengths { code: CODE_LENGTH, username: 36, link: 20 };

    #[test]
    fn characters_outside_the_basic_plane_count_twice() {
        assert_eq!(characters("aé日"), 3);
        assert_eq!(characters("🦀"), 2);
    }

    #[test]
    fn what_replaces_a_placeholder_is_counted() {
        assert_eq!(LENGTHS.count("\u{e000} \u{e001} \u{e002}"), 6 + 1 + 36 + 1 + 20);
    }

    #[test]
    fn a_length_on_the_limit_passes_and_one_more_does_not() {
        let sms = |count: usize| format!("{CODE}{}", "x".repeat(count - CODE_LENGTH));
        let needs = Needs { code: true, ..Needs::default() };
        assert_eq!(check_body(&sms(140), needs, LENGTHS, SMS_LIMIT), Ok(()));
        assert_eq!(check_body(&sms(141), needs, LENGTHS, SMS_LIMIT), Err(Reason::TooLong { length: 141, limit: 140 }));
        assert_eq!(check_subject(&"x".repeat(140), LENGTHS), Ok(()));
        assert_eq!(check_subject(&"x".repeat(141), LENGTHS), Err(Reason::TooLong { length: 141, limit: 140 }));
        assert_eq!(check_subject("", LENGTHS), Err(Reason::TooShort { length: 0, limit: 1 }));
        assert_eq!(
            check_body("short", Needs::default(), LENGTHS, SMS_LIMIT),
            Err(Reason::TooShort { length: 5, limit: 6 })
        );
    }

    #[test]
    fn cognitos_own_link_replaces_the_code_only_where_it_is_allowed_to() {
        let body = format!("please open {LINK}");
        let needs = Needs { code: true, link_will_do: true, ..Needs::default() };
        assert_eq!(check_body(&body, needs, LENGTHS, EMAIL_LIMIT), Ok(()));
        let needs = Needs { link_will_do: false, ..needs };
        assert_eq!(check_body(&body, needs, LENGTHS, EMAIL_LIMIT), Err(Reason::NoCode));
    }

    #[test]
    fn an_invitation_without_the_user_name_is_refused() {
        let needs = Needs { code: true, username: true, ..Needs::default() };
        assert_eq!(check_body("password \u{e000}", needs, LENGTHS, SMS_LIMIT), Err(Reason::NoUsername));
    }
}
