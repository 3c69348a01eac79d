//! What the HTML of a mail is made of. Mail clients support far less than browsers, so everything that is used is listed
//! here with what happens where it is not supported (published tables: caniemail.com). Whatever is not listed is refused.

use std::collections::BTreeSet;

use messages::gallery::samples;
use messages::{LOCALES, Settings};

/// Elements that every client shows, or passes over without loss.
const ELEMENTS: [&str; 20] = [
    "a",
    "bdi",
    "body",
    "div",
    "h1",
    "head",
    "html",
    "img",
    "meta",
    "p",
    "style",
    "table",
    "tbody",
    "td",
    "title",
    "tr",
    // Only in the comments that Outlook for Windows reads, and which are checked below.
    "xml",
    "o:OfficeDocumentSettings",
    "o:PixelsPerInch",
    "![endif]--",
];

/// Properties in style attributes, with what is lost where a client does not know them.
const INLINE: [(&str, &str); 34] = [
    ("-ms-text-size-adjust", "old Windows phones enlarge the text"),
    ("-webkit-text-size-adjust", "iPhones may enlarge the text in landscape"),
    ("background-color", "supported everywhere; the button's cell says it with bgcolor as well"),
    ("border", "supported everywhere"),
    ("border-collapse", "supported everywhere"),
    ("border-radius", "square corners in Outlook for Windows"),
    ("border-top", "supported everywhere"),
    ("color", "supported everywhere"),
    ("display", "inline-block is inline in Outlook for Windows, where the button's cell has the padding"),
    ("font-family", "supported everywhere; an unknown family is passed over"),
    ("font-size", "supported everywhere"),
    ("font-weight", "600 is bold where only 400 and 700 are known"),
    ("height", "the attribute says it for Outlook"),
    ("letter-spacing", "the digits of a code stand closer"),
    ("line-height", "supported everywhere in pixels"),
    ("margin", "supported for blocks of text everywhere"),
    ("max-height", "the preview text is hidden by its other properties"),
    ("max-width", "Outlook for Windows reads the width of the table around it"),
    ("mso-hide", "Outlook for Windows alone knows it"),
    ("mso-padding-alt", "Outlook for Windows alone knows it"),
    ("opacity", "the preview text is hidden by its other properties"),
    ("overflow", "the preview text is hidden by its other properties"),
    ("overflow-wrap", "word-break does the same for what can be long"),
    ("padding", "on cells supported everywhere; on the button see mso-padding-alt"),
    ("padding-top", "a little less air"),
    ("text-align", "supported everywhere"),
    ("text-decoration", "supported everywhere"),
    ("text-indent", "the digits of a code stand a few pixels to the left"),
    ("width", "the attribute says it for Outlook"),
    ("word-break", "a long address runs out of the card in Outlook for Windows"),
    ("border-color", "supported everywhere"),
    ("border-top-color", "supported everywhere"),
    ("color-scheme", "the client chooses light or dark by itself"),
    ("supported-color-schemes", "the client chooses light or dark by itself"),
];

fn rendered() -> Vec<String> {
    let lookup = |name: &str| {
        let value = match name {
            "APP_NAME" => "Harbour",
            "APP_URL" => "https://app.example.com",
            "SUPPORT_EMAIL" => "help@example.com",
            "LEGAL_FOOTER" => "Harbour Ltd, 1 Quay Street, Hamburg",
            "TERMS_URL" => "https://app.example.com/terms",
            "PRIVACY_URL" => "https://app.example.com/privacy",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let with_name = samples(&Settings::from_lookup(&lookup).unwrap());
    let logo =
        |name: &str| if name == "LOGO_URL" { Some("https://example.com/a.png".to_owned()) } else { lookup(name) };
    let with_logo = samples(&Settings::from_lookup(&logo).unwrap());
    with_name.into_iter().chain(with_logo).map(|sample| sample.html).collect()
}

/// The names of all elements, those in Outlook's comments included.
fn elements(html: &str) -> BTreeSet<String> {
    let name = |rest: &str| {
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        rest.split(|c: char| c.is_whitespace() || c == '>' || c == '/').next().unwrap_or_default().to_owned()
    };
    html.split('<').skip(1).map(name).filter(|name| !name.starts_with("!--[if") && name != "!DOCTYPE").collect()
}

/// The names of the properties in a list of declarations.
fn properties(declarations: &str) -> impl Iterator<Item = String> {
    declarations.split(';').filter_map(|one| one.split_once(':')).map(|(name, _)| name.trim().to_owned())
}

#[test]
fn a_mail_uses_only_elements_and_properties_whose_support_is_known() {
    let (mut used_elements, mut used_properties) = (BTreeSet::new(), BTreeSet::new());
    for html in rendered() {
        used_elements.extend(elements(&html));
        for declarations in html.split("style=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            used_properties.extend(properties(declarations));
        }
        let sheet = html.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        for rule in sheet.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
            used_properties.extend(properties(rule));
        }
    }
    let known: BTreeSet<_> = ELEMENTS.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(used_elements.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(used_elements.contains("table") && used_elements.contains("a"), "{used_elements:?}");
    let known: BTreeSet<_> = INLINE.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(used_properties.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new());
    let unused: Vec<_> = known.difference(&used_properties).collect();
    assert_eq!(unused, Vec::<&String>::new(), "a property that is listed is used");
}

#[test]
fn outlook_for_windows_gets_a_width_and_a_button_with_colour_and_padding() {
    for html in rendered() {
        assert_eq!(html.matches("<!--[if mso]><table role=\"presentation\" width=\"560\"").count(), 1);
        assert_eq!(html.matches("<!--[if mso]></td></tr></table><![endif]-->").count(), 1);
        assert_eq!(html.matches("<!--[if mso]>").count(), html.matches("<![endif]-->").count());
        let document = scraper::Html::parse_document(&html);
        for button in document.select(&scraper::Selector::parse("a.button").unwrap()) {
            let cell = button.parent().and_then(scraper::ElementRef::wrap).unwrap().value();
            assert_eq!(cell.attr("bgcolor"), Some("#2f5bd3"));
            assert!(cell.attr("style").unwrap().contains("mso-padding-alt: 15px 32px"), "{:?}", cell.attr("style"));
            assert!(button.value().attr("style").unwrap().contains("mso-padding-alt: 0"));
        }
    }
}

#[test]
fn an_sms_is_one_segment_for_names_of_up_to_twenty_characters() {
    let name = "Harbour & Sons Ltd.!";
    assert_eq!(name.chars().count(), 20);
    let mut seen = 0;
    for sample in ["", "de:informal,es:informal,fr:informal"].into_iter().flat_map(|forms| {
        let lookup = |asked: &str| match asked {
            "APP_NAME" => Some(name.to_owned()),
            "FORM_OF_ADDRESS" => Some(forms.to_owned()),
            _ => None,
        };
        samples(&Settings::from_lookup(&lookup).unwrap())
    }) {
        let Some(sms) = sample.sms else { continue };
        let (alphabet, segments) = messages::sms::segments(&sms);
        // A user name and a temporary password fill an SMS in UCS-2 by themselves.
        if sample.message == "admin-create-user" && alphabet == messages::sms::Alphabet::Ucs2 {
            assert!(["ja", "ar"].contains(&sample.locale), "{} in {alphabet}: {sms}", sample.locale);
            continue;
        }
        assert_eq!(segments, 1, "{} {} in {alphabet}: {sms}", sample.message, sample.locale);
        seen += 1;
    }
    assert_eq!(seen, 2 * (7 * LOCALES.len() - 2));
}
