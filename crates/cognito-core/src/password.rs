//! Passwords nobody knows.

use rand::seq::IndexedRandom;
use std::fmt;
use zeroize::Zeroizing;

/// The longest minimum length a password policy can ask for (API model, `PasswordPolicyMinLengthType`),
/// so a password of this length is long enough for every pool.
const LENGTH: usize = 99;

const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &[u8] = b"0123456789";
/// Symbols that Cognito's password policy counts as such, without the space.
const SYMBOLS: &[u8] = b"^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+-";

/// A random permanent password that satisfies every password policy Cognito allows: 99 characters
/// of all four classes, from a cryptographically secure generator, each drawn uniformly.
///
/// It replaces passwords that somebody else may know. It is shown to nobody, kept nowhere and
/// wiped from memory when dropped; the owner sets an own one by "forgot password".
pub struct Password(Zeroizing<String>);

impl Password {
    /// Draws a new password.
    #[must_use]
    pub fn random() -> Self {
        let alphabet = Zeroizing::new([LOWER, UPPER, DIGITS, SYMBOLS].concat());
        let mut rng = rand::rng();
        loop {
            let mut text = Zeroizing::new(String::with_capacity(LENGTH));
            text.extend((0..LENGTH).filter_map(|_| alphabet.choose(&mut rng)).map(|byte| char::from(*byte)));
            // Drawing again instead of patching classes in keeps every valid password equally likely.
            if [LOWER, UPPER, DIGITS, SYMBOLS].iter().all(|class| text.bytes().any(|byte| class.contains(&byte))) {
                return Self(text);
            }
        }
    }

    /// The password itself, for the one API call that sets it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_password_satisfies_the_strictest_policy() {
        for _ in 0..500 {
            let password = Password::random();
            assert_eq!(password.expose().chars().count(), LENGTH);
            for class in [LOWER, UPPER, DIGITS, SYMBOLS] {
                assert!(password.expose().bytes().any(|byte| class.contains(&byte)));
            }
            assert!(!password.expose().contains(char::is_whitespace));
        }
    }

    #[test]
    fn characters_are_drawn_without_bias() {
        const ROUNDS: u32 = 4000;
        let mut counts = [0_u32; 128];
        for _ in 0..ROUNDS {
            Password::random().expose().bytes().for_each(|byte| counts[usize::from(byte)] += 1);
        }
        let alphabet = [LOWER, UPPER, DIGITS, SYMBOLS].concat();
        let expected = f64::from(ROUNDS) * 99.0 / 94.0;
        for byte in alphabet {
            // About 4,200 each; eight standard deviations apart is 520.
            let off = (f64::from(counts[usize::from(byte)]) - expected).abs();
            assert!(off < 8.0 * expected.sqrt(), "{} came {off} off", char::from(byte));
        }
    }

    #[test]
    fn a_password_does_not_show_itself() {
        let password = Password::random();
        assert!(!format!("{password:?}").contains(password.expose()));
    }
}
