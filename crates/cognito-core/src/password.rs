//! Passwords: random ones that nobody sees, and those that people choose.

use rand::seq::IndexedRandom;
use std::fmt;
use zeroize::Zeroizing;

/// The longest minimum length that a password policy can require (API model, `PasswordPolicyMinLengthType`). So a
/// password of this length is long enough for every pool.
const LENGTH: usize = 99;

const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &[u8] = b"0123456789";
/// The symbols of Cognito's password policy, without the space.
const SYMBOLS: &[u8] = b"^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+-";

/// A password on its way into the pool. `Debug` hides it, and dropping it wipes it from memory.
pub struct Password(Zeroizing<String>);

impl Password {
    /// Draws a permanent password that satisfies every password policy that Cognito allows. It has 99 characters of all
    /// four classes, drawn uniformly from a cryptographically secure generator.
    ///
    /// It replaces a password that somebody else may know. It is never shown or stored. The owner sets a new one with
    /// "forgot password".
    #[must_use]
    pub fn random() -> Self {
        let classes = [LOWER, UPPER, DIGITS, SYMBOLS];
        let alphabet = Zeroizing::new(classes.concat());
        let mut rng = rand::rng();
        loop {
            let mut text = Zeroizing::new(String::with_capacity(LENGTH));
            text.extend((0..LENGTH).filter_map(|_| alphabet.choose(&mut rng)).map(|byte| char::from(*byte)));
            // Drawing the whole password again, instead of adding the missing classes, keeps every valid password
            // equally likely.
            if classes.into_iter().all(|class| text.bytes().any(|byte| class.contains(&byte))) {
                return Self(text);
            }
        }
    }

    /// A password that a person chose, or the token of an invitation that came back.
    #[must_use]
    pub fn chosen(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The password itself, for the API call that sets it or the link that carries it.
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
        const DRAWS: u32 = 4000;
        let mut counts = [0_u32; 128];
        for _ in 0..DRAWS {
            Password::random().expose().bytes().for_each(|byte| counts[usize::from(byte)] += 1);
        }
        let alphabet = [LOWER, UPPER, DIGITS, SYMBOLS].concat();
        let expected = f64::from(DRAWS) * 99.0 / 94.0;
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
