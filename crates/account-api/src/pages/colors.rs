//! The style sheet that carries the brand colour.

use messages::Color;

/// Lowest contrast of text against what it stands on (WCAG 2.2, success criterion 1.4.3).
const READABLE: f64 = 4.5;
/// What text stands on in `pages.css`, light and dark.
const PAPER: [&str; 2] = ["#ffffff", "#1d2029"];

/// The colours of buttons and of links, as custom properties. Links are the brand colour, darkened or lightened
/// until they can be read.
pub(super) fn style_sheet(brand: Color) -> String {
    let text = brand.text_on();
    let [light, dark] = PAPER.map(|paper| readable(brand, paper));
    format!(
        ":root {{ --brand: {brand}; --brand-text: {text}; --accent: {light}; }}\n\
         @media (prefers-color-scheme: dark) {{ :root {{ --accent: {dark}; }} }}\n"
    )
}

fn readable(brand: Color, paper: &str) -> Color {
    let Ok(paper) = paper.parse::<Color>() else { return brand };
    let target = paper.text_on();
    let mut steps = (0..=20).map(|step| mix(brand, target, step));
    steps.find(|colour| colour.contrast(paper) >= READABLE).unwrap_or(target)
}

/// `step` twentieths of the way from one colour to another.
fn mix(from: Color, to: Color, step: u32) -> Color {
    let channels = |color: Color| u32::from_str_radix(&color.to_string()[1..], 16).unwrap_or_default().to_be_bytes();
    let ([_, from @ ..], [_, to @ ..]) = (channels(from), channels(to));
    let blend = |index: usize| (u32::from(from[index]) * (20 - step) + u32::from(to[index]) * step) / 20;
    format!("#{:02x}{:02x}{:02x}", blend(0), blend(1), blend(2)).parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_can_be_read_in_light_and_dark_whatever_the_brand_colour_is() {
        for brand in ["#2f5bd3", "#ffff00", "#000000", "#ffffff", "#808080", "#ff0000", "#00ff88"] {
            let brand: Color = brand.parse().unwrap();
            for paper in PAPER {
                let contrast = readable(brand, paper).contrast(paper.parse().unwrap());
                assert!(contrast >= READABLE, "{brand} on {paper}: {contrast}");
            }
        }
    }

    #[test]
    fn a_colour_that_can_be_read_stays_as_it_is() {
        let brand: Color = "#2f5bd3".parse().unwrap();
        assert_eq!(readable(brand, "#ffffff"), brand);
    }

    #[test]
    fn the_papers_are_those_of_the_style_sheet() {
        let sheet = include_str!("../../pages/pages.css");
        for paper in PAPER {
            assert!(sheet.contains(&format!("--paper: {paper};")), "{paper}");
        }
    }
}
