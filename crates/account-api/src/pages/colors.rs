//! The style sheet that carries the brand colour.

use messages::Color;

/// Lowest contrast of text with its background (WCAG 2.2, success criterion 1.4.3).
const READABLE: f64 = 4.5;
/// The backgrounds of text in `pages.css`, light and dark.
const PAPER: [&str; 2] = ["#ffffff", "#1d2029"];

/// The colours of buttons and links, as custom properties. Links and the edges of buttons have the brand colour,
/// darkened or lightened until the contrast is high enough.
pub(super) fn style_sheet(brand: Color) -> String {
    let text = brand.text_on();
    let [light, dark] = on_papers(brand, READABLE);
    let [edge, dark_edge] = on_papers(brand, Color::EDGE_CONTRAST);
    format!(
        ":root {{ --brand: {brand}; --brand-text: {text}; --brand-edge: {edge}; --accent: {light}; }}\n\
         @media (prefers-color-scheme: dark) {{ :root {{ --brand-edge: {dark_edge}; --accent: {dark}; }} }}\n"
    )
}

/// The brand colour on each background, changed only if it is too close to it.
fn on_papers(brand: Color, contrast: f64) -> [Color; 2] {
    PAPER.map(|paper| paper.parse().map_or(brand, |paper| brand.until_seen(paper, contrast)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_can_be_read_and_edges_seen_in_light_and_dark_whatever_the_brand_colour_is() {
        for brand in ["#2f5bd3", "#ffff00", "#000000", "#ffffff", "#808080", "#ff0000", "#00ff88"] {
            let brand: Color = brand.parse().unwrap();
            for least in [READABLE, Color::EDGE_CONTRAST] {
                for (shown, paper) in on_papers(brand, least).into_iter().zip(PAPER) {
                    let contrast = shown.contrast(paper.parse().unwrap());
                    assert!(contrast >= least, "{brand} on {paper}: {contrast}");
                }
            }
        }
    }

    #[test]
    fn a_colour_that_can_be_read_stays_as_it_is() {
        let brand: Color = "#2f5bd3".parse().unwrap();
        let sheet = style_sheet(brand);
        for set in ["--brand: #2f5bd3;", "--brand-text: #ffffff;", "--brand-edge: #2f5bd3;", "--accent: #2f5bd3;"] {
            assert!(sheet.contains(set), "{sheet}");
        }
    }

    #[test]
    fn the_papers_are_those_of_the_style_sheet() {
        let sheet = include_str!("../../pages/pages.css");
        for paper in PAPER {
            assert!(sheet.contains(&format!("--paper: {paper};")), "{paper}");
        }
    }
}
