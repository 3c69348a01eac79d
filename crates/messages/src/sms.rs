//! The alphabet of an SMS, and the number of its segments. A carrier bills each segment.
//!
//! Source: 3GPP TS 23.038, 6.2.1 (the GSM 7-bit alphabet and its extension) and TS 23.040, 9.2.3.24.1 (the header that
//! joins segments takes seven septets or three UTF-16 units of each).

use std::fmt;

/// The GSM 7-bit alphabet. One letter outside it turns the whole message into UCS-2.
const GSM: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                   ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// The extension of the alphabet. Each of these characters takes two places.
const GSM_EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// The alphabet that an SMS is sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// Seven bits a letter: 160 places in one segment, 153 in each of several.
    Gsm,
    /// Sixteen bits a letter: 70 places in one segment, 67 in each of several.
    Ucs2,
}

impl fmt::Display for Alphabet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gsm => "GSM-7",
            Self::Ucs2 => "UCS-2",
        })
    }
}

/// The alphabet of a text, and the number of segments that it takes.
#[must_use]
pub fn segments(text: &str) -> (Alphabet, usize) {
    let septets = |c: char| match (GSM.contains(c), GSM_EXTENSION.contains(c)) {
        (true, _) => Some(1),
        (_, true) => Some(2),
        _ => None,
    };
    let (alphabet, places, one, of_several) = match text.chars().map(septets).sum::<Option<usize>>() {
        Some(places) => (Alphabet::Gsm, places, 160, 153),
        None => (Alphabet::Ucs2, text.encode_utf16().count(), 70, 67),
    };
    (alphabet, if places <= one { 1 } else { places.div_ceil(of_several) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_letter_outside_the_gsm_alphabet_more_than_halves_the_room() {
        assert_eq!(segments(&"e".repeat(160)), (Alphabet::Gsm, 1));
        assert_eq!(segments(&"é".repeat(161)), (Alphabet::Gsm, 2));
        assert_eq!(segments(&"ó".repeat(70)), (Alphabet::Ucs2, 1));
        assert_eq!(segments(&"ó".repeat(71)), (Alphabet::Ucs2, 2));
        assert_eq!(segments(&"€".repeat(80)), (Alphabet::Gsm, 1));
        assert_eq!(segments(&"€".repeat(81)), (Alphabet::Gsm, 2));
        assert_eq!(segments(&"x".repeat(307)), (Alphabet::Gsm, 3));
    }
}
