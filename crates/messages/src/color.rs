//! The brand colour and the colour of text on it.

use std::fmt;
use std::str::FromStr;

/// An sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color {
    red: u8,
    green: u8,
    blue: u8,
}

impl Color {
    /// A deep blue on which white text is readable (contrast 6.2), and which stands out on dark grey.
    pub const DEFAULT: Self = Self { red: 0x2f, green: 0x5b, blue: 0xd3 };
    pub(crate) const ALLOWED: &'static str = "#rrggbb with six hexadecimal digits";

    /// Lowest contrast of a button's edge with its background (WCAG 2.2, success criterion 1.4.11).
    pub const EDGE_CONTRAST: f64 = 3.0;

    const WHITE: Self = Self { red: 255, green: 255, blue: 255 };
    const NEAR_BLACK: Self = Self { red: 0x14, green: 0x16, blue: 0x1c };

    /// White or near black, whichever is easier to read on this colour.
    #[must_use]
    pub fn text_on(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::NEAR_BLACK) { Self::WHITE } else { Self::NEAR_BLACK }
    }

    /// Contrast ratio from 1 to 21 (WCAG 2.2, "contrast ratio").
    #[must_use]
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// This colour, darkened or lightened in steps until its contrast with `ground` is high enough.
    #[must_use]
    pub fn until_seen(self, ground: Self, contrast: f64) -> Self {
        let target = ground.text_on();
        let mut steps = (0..=20).map(|step| self.mixed(target, step));
        steps.find(|color| color.contrast(ground) >= contrast).unwrap_or(target)
    }

    /// This colour, moved `step` twentieths of the way to another one.
    fn mixed(self, other: Self, step: u32) -> Self {
        let channel = |from: u8, to: u8| {
            let value = (u32::from(from) * (20 - step) + u32::from(to) * step) / 20;
            u8::try_from(value).unwrap_or(u8::MAX)
        };
        Self {
            red: channel(self.red, other.red),
            green: channel(self.green, other.green),
            blue: channel(self.blue, other.blue),
        }
    }

    /// Relative luminance from 0 to 1 (WCAG 2.2, "relative luminance").
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }
}

impl Default for Color {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl FromStr for Color {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6).ok_or(())?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(());
        }
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).map_err(|_| ())?.to_be_bytes();
        Ok(Self { red, green, blue })
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_on_any_brand_colour_can_be_read() {
        for step in 0..=0xff_u8 {
            for colour in [[step; 3], [step, 0, 0], [0, step, 0], [0, 0, step], [step, step, 0], [255, step, 64]] {
                let [red, green, blue] = colour;
                let brand = Color { red, green, blue };
                // With the better of near black and white, the contrast is never below 4.2. WCAG asks for 3 in bold
                // labels.
                assert!(brand.contrast(brand.text_on()) >= 4.2, "{brand}");
            }
        }
    }

    #[test]
    fn a_colour_is_six_hexadecimal_digits() {
        assert_eq!("#2F5bd3".parse::<Color>().map(|colour| colour.to_string()), Ok("#2f5bd3".to_owned()));
        for wrong in ["2f5bd3", "#fff", "#+12345", "#gggggg", "#2f5bd3;", "red", "#é1234"] {
            assert_eq!(wrong.parse::<Color>(), Err(()), "{wrong}");
        }
    }

    #[test]
    fn whatever_the_brand_colour_is_its_edge_can_be_seen_and_one_that_can_be_seen_stays() {
        for ground in ["#ffffff", "#181b21", "#1d2029"].map(|ground| ground.parse::<Color>().unwrap()) {
            for brand in ["#2f5bd3", "#ffff00", "#000000", "#ffffff", "#808080", "#fefefe", "#1d2029"] {
                let brand: Color = brand.parse().unwrap();
                for contrast in [Color::EDGE_CONTRAST, 4.5] {
                    let edge = brand.until_seen(ground, contrast);
                    assert!(edge.contrast(ground) >= contrast, "{brand} on {ground}: {edge}");
                    assert_eq!(edge == brand, brand.contrast(ground) >= contrast, "{brand} on {ground}");
                }
            }
        }
    }
}
