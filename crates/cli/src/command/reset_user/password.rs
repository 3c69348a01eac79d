//! The password of the new registration.

use crate::terminal::secret;
use anyhow::{Context, Result, bail};
use cognito_core::password::Password;
use cognito_core::user_pool::PasswordPolicy;
use std::io::{self, BufRead};
use zeroize::Zeroizing;

/// The longest password Cognito takes, in characters (API model, `PasswordType`).
const LONGEST: usize = 256;

/// A password somebody chose, or a random one that is thrown away.
pub(super) enum NewPassword {
    Chosen(Zeroizing<String>),
    Random(Password),
}

impl NewPassword {
    /// The first line of standard input, for a password that another program holds.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is empty.
    pub(super) fn from_stdin() -> Result<Self> {
        let mut line = Zeroizing::new(String::new());
        io::stdin().lock().read_line(&mut line).context("the password cannot be read from standard input")?;
        let password = line.trim_end_matches(['\r', '\n']);
        if password.is_empty() {
            bail!("--password-stdin expects a password on the first line of standard input");
        }
        Ok(Self::Chosen(Zeroizing::new(password.to_owned())))
    }

    /// The answer on the terminal, if somebody is asked; otherwise, and for an empty answer, a random password.
    ///
    /// # Errors
    ///
    /// The terminal cannot be read.
    pub(super) fn obtain(is_asked: bool) -> Result<Self> {
        if !is_asked {
            return Ok(Self::Random(Password::random()));
        }
        let answer = secret("New password (empty for a random one that nobody learns): ")?;
        Ok(if answer.is_empty() { Self::Random(Password::random()) } else { Self::Chosen(answer) })
    }

    /// The password itself, for the one call that sets it.
    pub(super) fn expose(&self) -> &str {
        match self {
            Self::Chosen(text) => text,
            Self::Random(password) => password.expose(),
        }
    }

    /// Whether nobody knows it.
    pub(super) fn is_random(&self) -> bool {
        matches!(self, Self::Random(_))
    }

    /// Whether the pool will take it: asked before anything is deleted.
    ///
    /// # Errors
    ///
    /// What the policy asks for and the password lacks.
    pub(super) fn check(&self, policy: &PasswordPolicy) -> Result<(), String> {
        let password = self.expose();
        let length = password.chars().count();
        let least = usize::try_from(policy.minimum_length).unwrap_or(usize::MAX);
        let has = |class: fn(&char) -> bool| password.chars().any(|c| class(&c));
        let lacks = [
            (length < least, format!("at least {least} characters")),
            (length > LONGEST, format!("at most {LONGEST} characters")),
            (has(|c| c.is_whitespace()), "no white space".to_owned()),
            (policy.uppercase && !has(char::is_ascii_uppercase), "an upper-case letter".to_owned()),
            (policy.lowercase && !has(char::is_ascii_lowercase), "a lower-case letter".to_owned()),
            (policy.numbers && !has(char::is_ascii_digit), "a digit".to_owned()),
            (policy.symbols && !has(char::is_ascii_punctuation), "a symbol".to_owned()),
        ];
        let lacks: Vec<_> = lacks.into_iter().filter_map(|(lacking, what)| lacking.then_some(what)).collect();
        if lacks.is_empty() {
            return Ok(());
        }
        Err(format!("the pool's password policy asks for {}", lacks.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: PasswordPolicy =
        PasswordPolicy { minimum_length: 12, lowercase: true, uppercase: true, numbers: true, symbols: true };

    fn check(password: &str) -> Result<(), String> {
        NewPassword::Chosen(Zeroizing::new(password.to_owned())).check(&STRICT)
    }

    #[test]
    fn a_password_the_policy_refuses_is_noticed_with_everything_it_lacks() {
        assert_eq!(check("Correct-Horse-7"), Ok(()));
        let why = check("short").unwrap_err();
        for lack in ["at least 12 characters", "an upper-case letter", "a digit", "a symbol"] {
            assert!(why.contains(lack), "{why}");
        }
        assert!(!why.contains("a lower-case letter") && !why.contains("short"), "{why}");
        assert!(check("Correct Horse-7").unwrap_err().contains("white space"));
        assert!(check(&"Aa1-".repeat(65)).unwrap_err().contains("at most 256"));
    }

    #[test]
    fn a_random_password_fits_the_strictest_policy() {
        let strictest = PasswordPolicy { minimum_length: 99, ..STRICT };
        assert_eq!(NewPassword::Random(Password::random()).check(&strictest), Ok(()));
    }
}
