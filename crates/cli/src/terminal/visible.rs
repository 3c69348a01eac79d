//! Shows characters that a terminal would obey, or that nobody sees, as escapes.

use std::borrow::Cow;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// The text, with escapes for every character that a terminal acts on or does not show: `\u{1b}` for ESC, `\n` for a
/// new line, `\u{202e}` for "right to left".
///
/// Without this, the name in somebody's profile could overwrite what an operator reads before answering a question.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_shown) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_shown(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_default());
        }
    }
    Cow::Owned(shown)
}

/// `Other` are control characters (C0, DEL, C1), format characters (bidirectional marks, zero-width ones, tags),
/// and what Unicode has not assigned.
pub(super) fn is_shown(character: char) -> bool {
    let separates_lines =
        matches!(character.general_category(), GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator);
    !separates_lines && !is_blank(character) && character.general_category_group() != GeneralCategoryGroup::Other
}

/// Letters and marks that are drawn as nothing: those with Default_Ignorable_Code_Point beside the format characters
/// (Unicode 16, `DerivedCoreProperties.txt`), and the empty Braille cell.
fn is_blank(character: char) -> bool {
    matches!(
        character,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_or_hides_is_shown_as_an_escape() {
        let bidirectional = ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}').chain(['\u{200e}', '\u{61c}']);
        let hidden = ['\u{200b}', '\u{200d}', '\u{2028}', '\u{2060}', '\u{feff}', '\u{ad}', '\u{e0041}', '\u{e000}'];
        let blank = "\u{34f}\u{115f}\u{1160}\u{17b4}\u{180b}\u{2800}\u{3164}\u{fe0f}\u{ffa0}\u{e0100}".chars();
        let controls = ('\0'..='\u{1f}').chain('\u{7f}'..='\u{9f}');
        for character in controls.chain(bidirectional).chain(hidden).chain(blank) {
            let shown = visible(&format!("A{character}z")).into_owned();
            assert!(shown.starts_with("A\\") && shown.ends_with('z') && !shown.contains(character), "{shown}");
        }
        assert_eq!(visible("Ada\u{1b}[2J\u{7}\nyes"), "Ada\\u{1b}[2J\\u{7}\\nyes");
    }

    #[test]
    fn names_of_all_scripts_stay_as_they_are() {
        for name in ["Ada", "O'Brien \"x\" \\", "Zoë", "Zoe\u{308}", "Ελένη", "محمد", "नेहा", "山田太郎", "👩", "–│ →"]
        {
            assert_eq!(visible(name), name);
        }
    }
}
