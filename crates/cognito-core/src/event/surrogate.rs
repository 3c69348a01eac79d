/// Replaces, in JSON text, every escaped half of a surrogate pair without its other half by U+FFFD.
///
/// JavaScript and Python write and read such text, so a name may contain it. Rust's strings cannot.
pub(super) fn without_lone(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match code_unit(rest) {
            Some(0xd800..=0xdbff) if matches!(rest.get(6..).and_then(code_unit), Some(0xdc00..=0xdfff)) => 12,
            Some(0xd800..=0xdfff) => {
                text.push_str("\\ufffd");
                rest = &rest[6..];
                continue;
            }
            // Skips both characters of the escape, so that the second backslash of `\\\\` does not start another one.
            _ => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        };
        text.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    text.push_str(rest);
    text
}

/// The UTF-16 code unit of the `\uXXXX` that the text begins with.
fn code_unit(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_half_a_pair_is_replaced() {
        for (json, expected) in [
            (r#""a\ud800b""#, r#""a\ufffdb""#),
            (r#""\udc00""#, r#""\ufffd""#),
            (r#""\uD83D\uDE00""#, r#""\uD83D\uDE00""#),
            (r#""\ud800\ud83d\ude00\ud800""#, r#""\ufffd\ud83d\ude00\ufffd""#),
            (r#""\\ud800""#, r#""\\ud800""#),
            (r#""\\\ud800""#, r#""\\\ufffd""#),
            (r#""\u00e4\n\"ü""#, r#""\u00e4\n\"ü""#),
        ] {
            assert_eq!(without_lone(json), expected, "{json}");
        }
    }

    proptest! {
        #[test]
        fn sound_json_stays_as_it_is_and_any_units_become_readable(text in "\\PC{0,40}", units in proptest::collection::vec(any::<u16>(), 0..8)) {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(without_lone(&json), json);
            let escaped = units.iter().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>().concat();
            let read: String = serde_json::from_str(&without_lone(&format!("\"{escaped}\""))).unwrap();
            prop_assert_eq!(read, String::from_utf16_lossy(&units));
            let _ = without_lone(&text);
        }
    }
}
