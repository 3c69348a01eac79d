//! Codes that prove a mailbox, and the digests of them that are stored.

use cognito_core::password::Password;
use hmac::{Hmac, KeyInit, Mac};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::fmt;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};
use zeroize::Zeroizing;

/// Digits of a code. That makes a million codes, of which somebody can try [five](crate::challenge::TRIES).
const DIGITS: usize = 6;

/// Draws a code for a mail: six digits from a cryptographically secure generator, each sequence equally likely.
#[must_use]
pub fn draw() -> Zeroizing<String> {
    Zeroizing::new(format!("{:06}", rand::rng().random_range(0..1_000_000)))
}

/// The most characters that an entered code may have: the digits, and what people and apps put between them.
pub const TYPED_LIMIT: usize = 64;

/// Signs that people type as a hyphen although Unicode does not class them as dashes: the minus sign, and the
/// long-vowel mark of a Japanese keyboard.
const LIKE_HYPHENS: [char; 2] = ['\u{2212}', '\u{30fc}'];

/// Reads a code that a person typed or pasted, and returns it in ASCII digits. Decimal digits of every script count,
/// such as full-width ones from a Japanese keyboard or Arabic-Indic ones. White space, hyphens and invisible marks,
/// such as those that change the direction of writing, are skipped. Returns `None` if the text contains anything else
/// or does not have six digits. The pages read codes in the same way (`pages/js/code.js`).
#[must_use]
pub fn typed(text: &str) -> Option<Zeroizing<String>> {
    let mut code = Zeroizing::new(String::with_capacity(DIGITS));
    for (position, c) in text.chars().enumerate() {
        match digit(c) {
            _ if position >= TYPED_LIMIT => return None,
            Some(digit) if code.len() < DIGITS => code.push(digit),
            None if is_passed_over(c) => {}
            _ => return None,
        }
    }
    (code.len() == DIGITS).then_some(code)
}

/// Reads a decimal digit of any script. In Unicode, the digits of a script are ten code points in a row, from zero to
/// nine.
fn digit(c: char) -> Option<char> {
    let is_digit =
        |code: u32| char::from_u32(code).is_some_and(|c| c.general_category() == GeneralCategory::DecimalNumber);
    let code_point = u32::from(c);
    is_digit(code_point).then_some(())?;
    let below = (1..=code_point).take_while(|steps| is_digit(code_point - steps)).count();
    char::from_digit(u32::try_from(below % 10).ok()?, 10)
}

fn is_passed_over(c: char) -> bool {
    let category = c.general_category();
    c.is_whitespace()
        || matches!(category, GeneralCategory::DashPunctuation | GeneralCategory::Format)
        || LIKE_HYPHENS.contains(&c)
}

/// What is stored instead of a code or token: an HMAC-SHA-256 in hexadecimal digits. Without the key, nobody can
/// compare a million codes with it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// A digest that a client sent. If the text is not a digest, it matches nothing.
    #[must_use]
    pub fn given(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The hexadecimal digits, for keys of the table.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

/// Makes and compares digests with one secret key.
#[derive(Clone)]
pub struct Sealer(Hmac<Sha256>);

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(…)")
    }
}

/// The secret key is shorter than 32 bytes, which is the length of the digest (RFC 2104 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret for codes has fewer than 32 bytes")]
pub struct ShortSecret;

impl Sealer {
    /// Uses a secret key of at least 32 bytes.
    ///
    /// # Errors
    ///
    /// Returns [`ShortSecret`] if it is shorter.
    pub fn new(secret: &[u8]) -> Result<Self, ShortSecret> {
        if secret.len() < 32 {
            return Err(ShortSecret);
        }
        Hmac::new_from_slice(secret).map(Self).map_err(|_| ShortSecret)
    }

    /// The digest of a text for one purpose, such as `["email-change", request id, stage]`. A digest for one purpose
    /// does not match for another.
    #[must_use]
    pub fn seal(&self, purpose: &[&str], text: &str) -> Digest {
        Digest(hex(&self.mac(purpose, text).finalize().into_bytes()))
    }

    /// A password that only the holder of the key can make again. It satisfies every password policy that Cognito
    /// allows: 99 characters (API model, `PasswordPolicyMinLengthType`) of all four classes.
    #[must_use]
    pub fn password(&self, purpose: &[&str], text: &str) -> Password {
        let digest = self.seal(purpose, text).0;
        Password::chosen(format!("Aa1-{digest}{}", &self.seal(&["password"], &digest).0[..31]))
    }

    /// Whether a digest was made from this text for this purpose. The comparison takes the same time wherever the two
    /// differ.
    #[must_use]
    pub fn matches(&self, purpose: &[&str], text: &str, digest: &Digest) -> bool {
        unhex(&digest.0).is_some_and(|bytes| self.mac(purpose, text).verify_slice(&bytes).is_ok())
    }

    /// A text for a client to keep and to hand in again, in hexadecimal digits and a dot. Everybody can read it.
    #[must_use]
    pub fn sign(&self, purpose: &[&str], text: &str) -> String {
        let text = hex(text.as_bytes());
        let digest = self.seal(purpose, &text);
        format!("{text}.{}", digest.as_str())
    }

    /// The text that was signed for this purpose; `None` for anything else.
    #[must_use]
    pub fn signed(&self, purpose: &[&str], signed: &str) -> Option<String> {
        let (text, digest) = signed.split_once('.')?;
        let is_ours = self.matches(purpose, text, &Digest::given(digest));
        String::from_utf8(unhex(text).filter(|_| is_ours)?).ok()
    }

    fn mac(&self, purpose: &[&str], text: &str) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for part in purpose.iter().chain([&text]) {
            // The length in front keeps ["ab", "c"] apart from ["a", "bc"].
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_six_digits_and_leading_zeros_are_as_likely_as_anything() {
        const DRAWS: u32 = 20_000;
        let mut counts = [[0_u32; 10]; DIGITS];
        for _ in 0..DRAWS {
            let code = draw();
            assert_eq!(typed(&code).as_ref(), Some(&code));
            for (place, digit) in code.bytes().enumerate() {
                counts[place][usize::from(digit - b'0')] += 1;
            }
        }
        let expected = f64::from(DRAWS) / 10.0;
        for count in counts.as_flattened() {
            // Standard deviation about 42: eight of them apart.
            assert!((f64::from(*count) - expected).abs() < 8.0 * expected.sqrt(), "{counts:?}");
        }
    }

    /// The pages read the same table (`tests/browser/pages.rs`).
    #[test]
    fn a_code_is_read_as_people_type_and_paste_it() {
        let cases: Vec<serde_json::Value> = serde_json::from_str(include_str!("../tests/codes.json")).unwrap();
        for case in &cases {
            let read = typed(case["typed"].as_str().unwrap());
            assert_eq!(read.as_deref().map(String::as_str), case["code"].as_str(), "{case}");
        }
    }

    #[test]
    fn a_digest_fits_its_key_its_purpose_and_its_text_only() {
        let (one, other) = (Sealer::new(&[1; 32]).unwrap(), Sealer::new(&[2; 32]).unwrap());
        let digest = one.seal(&["email-change", "id", "current"], "123456");
        assert!(one.matches(&["email-change", "id", "current"], "123456", &digest));
        assert!(!one.matches(&["email-change", "id", "current"], "123457", &digest));
        assert!(!one.matches(&["email-change", "id", "new"], "123456", &digest));
        assert!(!one.matches(&["email-change", "idc", "urrent"], "123456", &digest));
        assert!(!other.matches(&["email-change", "id", "current"], "123456", &digest));
        assert!(!one.matches(&["email-change", "id", "current"], "123456", &Digest("no hexadecimal".into())));
        assert!(!one.matches(&["email-change", "id", "current"], "123456", &Digest(String::new())));
    }

    #[test]
    fn a_password_is_the_same_again_for_its_text_only_and_satisfies_every_policy() {
        let sealer = Sealer::new(&[1; 32]).unwrap();
        let password = sealer.password(&["p"], "a@example.com");
        assert_eq!(password.expose(), sealer.password(&["p"], "a@example.com").expose());
        assert_ne!(password.expose(), sealer.password(&["p"], "b@example.com").expose());
        assert_eq!(password.expose().len(), 99);
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert!(Sealer::new(&[0; 31]).is_err());
    }

    #[test]
    fn a_signed_text_is_read_for_its_purpose_only_and_as_it_was() {
        let sealer = Sealer::new(&[7; 32]).unwrap();
        let signed = sealer.sign(&["offer"], "für Ada");
        assert_eq!(sealer.signed(&["offer"], &signed).as_deref(), Some("für Ada"));
        assert_eq!(sealer.signed(&["invitation"], &signed), None);
        assert_eq!(Sealer::new(&[8; 32]).unwrap().signed(&["offer"], &signed), None);
        for wrong in ["", ".", "00", &signed[2..], &signed[..signed.len() - 2], &signed.replace('.', ""), "é.é"] {
            assert_eq!(sealer.signed(&["offer"], wrong), None, "{wrong}");
        }
    }
}
