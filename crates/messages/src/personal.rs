//! Cleans values that a person chose for use in a message.

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory as _};

/// Longest name in a greeting, in characters. Cognito allows 2,048, which is too long.
const NAME_LIMIT: usize = 60;

/// What programs write where they have no name.
const NO_NAMES: [&str; 6] = ["undefined", "null", "none", "nan", "n/a", "[object object]"];

/// What people write in a field that must not stay empty.
const MARKS: [char; 10] = [' ', '-', '–', '—', '_', '.', '…', '?', '*', '/'];

/// The most digits of a name, as in `Ada 2nd`. A telephone number has more.
const DIGIT_LIMIT: usize = 3;

/// Characters that mail clients read as the dot of a domain name.
const DOTS: [char; 4] = ['.', '\u{3002}', '\u{ff0e}', '\u{ff61}'];

/// Turns a value into one line of visible text. Runs of white space and control characters become one space. Characters
/// that Cognito's own pattern for messages does not allow are removed (Unicode categories C*: controls, bidi overrides,
/// zero-width, private use, unassigned). So a value cannot end a header line, reorder the text around it, or contain
/// the private-use characters that stand for Cognito's placeholders.
pub(crate) fn one_line(value: &str) -> String {
    one_line_with(value, |_| false)
}

/// Does the same as [`one_line`], but keeps the characters for which `keep` returns true.
pub(crate) fn one_line_with(value: &str, keep: impl Fn(char) -> bool) -> String {
    let mut line = String::with_capacity(value.len());
    for c in value.chars() {
        if c.is_whitespace() || c.is_control() {
            if !line.ends_with(' ') && !line.is_empty() {
                line.push(' ');
            }
        } else if keep(c) || c.general_category_group() != GeneralCategoryGroup::Other {
            line.push(c);
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// The name for a greeting, or `None` if there is none or it is not usable. A sign-up form lets anybody send a mail of
/// ours to any address, with a name of their choice. A name that is long, reads as a web address, or contains a
/// telephone number or a sum of money could turn the mail into an advertisement or a trap. The greeting leaves such a
/// name out.
pub(crate) fn greeting_name(value: &str) -> Option<String> {
    let name = one_line(value);
    let digits = name.chars().filter(|c| c.general_category_group() == GeneralCategoryGroup::Number).count();
    let money = name.chars().any(|c| c.general_category() == GeneralCategory::CurrencySymbol);
    let usable = !name.is_empty() && name.chars().count() <= NAME_LIMIT && digits <= DIGIT_LIMIT && !money;
    (usable && !reads_as_address(&name) && !stands_for_none(&name)).then_some(name)
}

/// Whether a program or a person wrote something in the place of a name that is not there: `undefined undefined`, `-`.
fn stands_for_none(name: &str) -> bool {
    let is_none = |text: &str| NO_NAMES.iter().any(|no| text.eq_ignore_ascii_case(no));
    is_none(name) || name.split_whitespace().all(is_none) || name.chars().all(|c| MARKS.contains(&c))
}

fn reads_as_address(name: &str) -> bool {
    if name.contains("://") || name.contains('@') {
        return true;
    }
    let parts: Vec<&str> = name.split(DOTS).collect();
    parts.windows(2).any(|pair| {
        let [before, after] = pair else { return false };
        before.chars().next_back().is_some_and(char::is_alphanumeric)
            && after.chars().take_while(|c| c.is_alphabetic()).count() >= 2
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_break_cannot_start_a_new_header() {
        assert_eq!(one_line("Ada\r\nBcc: eve@example.com\u{2028}x"), "Ada Bcc: eve@example.com x");
    }

    #[test]
    fn invisible_and_reordering_characters_are_dropped() {
        assert_eq!(one_line("A\u{202e}d\u{200b}a\u{e000}\u{0}"), "Ada");
    }

    #[test]
    fn names_of_many_scripts_are_kept() {
        for name in
            ["Ada", "Đặng Thị", "محمد", "山田 太郎", "O’Brien", "J. R. R.", "Ada 2nd", "<script>", "{{7*7}}", "🦀"]
        {
            assert_eq!(greeting_name(name).as_deref(), Some(name));
        }
    }

    #[test]
    fn a_telephone_number_or_a_sum_is_no_name() {
        for name in ["Call +1 900 555 0199, account locked", "ring ٠١٢٣٤٥", "win $ now", "€ waiting", "１２３４"]
        {
            assert_eq!(greeting_name(name), None, "{name}");
        }
    }

    #[test]
    fn what_a_program_writes_for_no_name_is_no_name() {
        for name in
            ["undefined", "null", " None ", "NaN", "n/a", "[object Object]", "undefined undefined", "-", "? …", "."]
        {
            assert_eq!(greeting_name(name), None, "{name}");
        }
        for name in ["Nonna", "Null Island", "A."] {
            assert_eq!(greeting_name(name).as_deref(), Some(name));
        }
    }

    #[test]
    fn an_advertisement_is_no_name() {
        let long = "x".repeat(NAME_LIMIT + 1);
        for name in ["", "  ", "https://evil", "win at evil.example", "Evil。com", "a@b", &long] {
            assert_eq!(greeting_name(name), None, "{name}");
        }
    }
}
