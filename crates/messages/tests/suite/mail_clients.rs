//! What the HTML of a mail is made of. Mail clients support far less than browsers, so everything that is used is listed here
//! with the clients that lack it and what their readers see. Whatever is not listed is refused.
//!
//! The support is that of the tables at caniemail.com in June 2026. They cover Apple Mail, Gmail, Outlook, Yahoo, AOL, Samsung
//! Email, Thunderbird, ProtonMail, Fastmail, HEY, Orange, SFR, LaPoste, Mail.ru, GMX, WEB.DE and 1&1. A client that a line does
//! not name supports the part as we use it, or its table does not know. "Outlook for Windows" is the one with Word's engine;
//! the new one is Outlook.com's.

use std::collections::BTreeSet;

use cognito_core::testing::lookup;
use messages::gallery::samples;
use messages::{LOCALES, Settings};

/// The name of a part, its table (caniemail.com/features/…, empty if there is none), who lacks it, and what is seen there.
type Part = (&'static str, &'static str, &'static str, &'static str);

const NOBODY: &str = "";
const NO_TABLE: &str = "";

const ELEMENTS: [Part; 20] = [
    ("a", NO_TABLE, NOBODY, "links to https and mailto work everywhere"),
    (
        "bdi",
        "html-bdi",
        "Gmail, Outlook, Yahoo, AOL, HEY, Orange, Mail.ru, GMX, WEB.DE, 1&1",
        "the text without the tag; so the paragraph of a password or an address says its direction, which GMX and WEB.DE drop",
    ),
    (
        "body",
        "html-body",
        "a div in Gmail, Outlook.com, Yahoo, Orange and HEY; gone in Outlook for Mac, ProtonMail, Fastmail, SFR, LaPoste, Mail.ru",
        "the same, because the div in it has its colour, language and direction, too",
    ),
    ("div", "html-div", NOBODY, ""),
    ("h1", "html-h1-h6", NOBODY, "LaPoste makes it white where no style says its colour; ours does"),
    ("head", NO_TABLE, NOBODY, "see meta and style"),
    ("html", NO_TABLE, NOBODY, "webmail drops it; the div in the body has its language and direction, too"),
    ("img", "html-img", NOBODY, "the alternative text until the reader allows pictures"),
    (
        "meta",
        "html-meta-color-scheme",
        "all but Apple Mail on macOS and Thunderbird",
        "light or dark as the client chooses",
    ),
    ("p", "html-p", NOBODY, ""),
    (
        "style",
        "html-style",
        "Gmail on the mobile web and with other accounts, SFR, LaPoste, GMX, WEB.DE, RainLoop",
        "the light mail of a desktop; what it needs is in style attributes",
    ),
    ("table", "html-table", NOBODY, ""),
    ("tbody", "html-table", NOBODY, ""),
    ("td", "html-table", NOBODY, ""),
    ("title", NO_TABLE, NOBODY, "no client shows it; screen readers read it"),
    ("tr", "html-table", NOBODY, ""),
    // Only in the comments that Outlook for Windows reads, and which are checked below.
    ("xml", "html-comments", "all but Outlook for Windows", "nothing: it stands in a comment"),
    ("o:OfficeDocumentSettings", "html-comments", "all but Outlook for Windows", "nothing: it stands in a comment"),
    ("o:PixelsPerInch", "html-comments", "all but Outlook for Windows", "nothing: it stands in a comment"),
    ("![endif]--", "html-comments", "all but Outlook for Windows", "nothing: it stands in a comment"),
];

/// The conditions of rules in the style sheet.
const CONDITIONS: [Part; 2] = [
    (
        "@media (max-width: 600px)",
        "css-at-media",
        "Gmail on the mobile web, Outlook for Windows, Thunderbird, SFR, LaPoste",
        "the spacing of a desktop; the width fits all the same",
    ),
    (
        "@media (prefers-color-scheme: dark)",
        "css-at-media-prefers-color-scheme",
        "Gmail, Outlook for Windows, Thunderbird, Yahoo, AOL, ProtonMail, HEY, SFR, LaPoste, Mail.ru, T-Online, GMX, WEB.DE",
        "a light mail, or one that the client makes dark by itself",
    ),
];

const OUTLOOK: &str = "Outlook for Windows";

/// Properties in style attributes and in the style sheet.
const PROPERTIES: [Part; 34] = [
    ("-ms-text-size-adjust", NO_TABLE, "all but old Windows phones", "nothing else is needed there"),
    ("-webkit-text-size-adjust", NO_TABLE, "all but iPhones", "nothing else is needed there"),
    ("background-color", "css-background-color", NOBODY, "Orange, GMX and WEB.DE know few names; ours are numbers"),
    ("border", "css-border", OUTLOOK, "none on text, and at most 8 px; ours are thin and on cells"),
    ("border-collapse", "css-border-collapse", NOBODY, ""),
    ("border-color", "css-border", NOBODY, ""),
    ("border-radius", "css-border-radius", "Outlook for Windows, Orange, GMX, WEB.DE", "square corners"),
    ("border-top", "css-border", NOBODY, ""),
    ("border-top-color", "css-border", NOBODY, ""),
    ("color", NO_TABLE, NOBODY, "every client has it"),
    (
        "color-scheme",
        "css-color-scheme",
        "Gmail, Outlook, Yahoo, AOL, ProtonMail, Fastmail, HEY, T-Online, Mail.ru, GMX, WEB.DE",
        "light or dark as the client chooses",
    ),
    ("display", "css-display", OUTLOOK, "the button is inline, and its cell has the padding"),
    ("font-family", NO_TABLE, OUTLOOK, "Times, if it lacks the first family of a list; ours begin with one of Windows"),
    ("font-size", "css-font-size", NOBODY, "some know no rem or percent; ours are pixels"),
    ("font-weight", "css-font-weight", OUTLOOK, "600 is as bold as 700"),
    (
        "height",
        "css-height",
        "Outlook for Windows, Yahoo, AOL",
        "on cells and pictures, where ours are, the attribute says it",
    ),
    ("letter-spacing", "css-letter-spacing", NOBODY, "Outlook for Windows miscounts em; ours are pixels"),
    ("line-height", "css-line-height", OUTLOOK, "a line is as high as said, or higher"),
    ("margin", "css-margin", OUTLOOK, "the colour of an element fills its margin, too; ours with a margin have none"),
    ("max-height", "css-max-height", OUTLOOK, "mso-hide hides the preview text there"),
    ("max-width", "css-max-width", OUTLOOK, "the table in its comment has the width"),
    ("mso-hide", NO_TABLE, "all but Outlook for Windows", "the preview text is hidden by its other properties"),
    ("mso-padding-alt", NO_TABLE, "all but Outlook for Windows", "the padding of the button is the link's"),
    (
        "opacity",
        "css-opacity",
        "Gmail on the mobile web, Outlook for Windows, AOL, Orange, Mail.ru, GMX, WEB.DE",
        "the preview text is hidden by its other properties",
    ),
    ("overflow", "css-overflow", OUTLOOK, "mso-hide hides the preview text there"),
    (
        "overflow-wrap",
        "css-overflow-wrap",
        "Gmail, Outlook, Yahoo, AOL",
        "Gmail breaks long words by itself; elsewhere one in a sentence runs out of the card",
    ),
    ("padding", "css-padding", OUTLOOK, "on cells only, where ours is but for the button: see mso-padding-alt"),
    ("padding-top", "css-padding", OUTLOOK, "two labels stand closer"),
    ("supported-color-schemes", NO_TABLE, "all but older Apple Mail", "see color-scheme"),
    ("text-align", "css-text-align", NOBODY, "some know no start and end; ours are left, right and center"),
    ("text-decoration", "css-text-decoration", "Orange, SFR and ProtonMail on iOS", "links as the client draws them"),
    ("text-indent", "css-text-indent", NOBODY, "some know no negative one; ours is positive"),
    ("width", "css-width", OUTLOOK, "on tables and cells only; where ours counts, the attribute says it"),
    (
        "word-break",
        "css-word-break",
        "Yahoo, AOL, Orange, GMX, WEB.DE; by css-word-wrap Outlook for Windows, too",
        "a long address may run out of the card; the button leads to the same place",
    ),
];

fn rendered() -> Vec<String> {
    let usual = [
        ("APP_NAME", "Harbour"),
        ("APP_URL", "https://app.example.com"),
        ("SUPPORT_EMAIL", "help@example.com"),
        ("LEGAL_FOOTER", "Harbour Ltd, 1 Quay Street, Hamburg"),
        ("TERMS_URL", "https://app.example.com/terms"),
        ("PRIVACY_URL", "https://app.example.com/privacy"),
    ];
    let logo = [("LOGO_URL", "https://example.com/a.png")];
    let with_name = samples(&Settings::from_lookup(&lookup(usual)).unwrap());
    let with_logo = samples(&Settings::from_lookup(&lookup([&logo[..], &usual].concat())).unwrap());
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

#[track_caller]
fn assert_listed(used: &BTreeSet<String>, parts: &[Part]) {
    let known: BTreeSet<_> = parts.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(used, &known, "what is used, and what is listed");
    for (name, _, lacking, seen) in parts {
        assert!(lacking.is_empty() || !seen.is_empty(), "what is seen where {name} is not supported?");
    }
}

#[test]
fn a_mail_uses_only_parts_whose_support_is_known() {
    let (mut elements_used, mut conditions, mut properties_used) = <(BTreeSet<_>, BTreeSet<_>, BTreeSet<_>)>::default();
    for html in rendered() {
        elements_used.extend(elements(&html));
        for declarations in html.split("style=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            properties_used.extend(properties(declarations));
        }
        let sheet = html.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        for rule in sheet.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
            properties_used.extend(properties(rule));
        }
        let at_rules = sheet.lines().filter(|line| line.starts_with('@'));
        conditions.extend(at_rules.map(|line| line.trim_end_matches('{').trim().to_owned()));
    }
    assert_listed(&elements_used, &ELEMENTS);
    assert_listed(&conditions, &CONDITIONS);
    assert_listed(&properties_used, &PROPERTIES);
}

#[test]
fn outlook_for_windows_gets_a_width_and_a_button_with_colour_edge_and_padding() {
    for html in rendered() {
        assert_eq!(html.matches("<!--[if mso]><table role=\"presentation\" width=\"560\"").count(), 1);
        assert_eq!(html.matches("<!--[if mso]></td></tr></table><![endif]-->").count(), 1);
        assert_eq!(html.matches("<!--[if mso]>").count(), html.matches("<![endif]-->").count());
        let document = scraper::Html::parse_document(&html);
        for button in document.select(&scraper::Selector::parse("a.button").unwrap()) {
            let cell = button.parent().and_then(scraper::ElementRef::wrap).unwrap().value();
            assert_eq!(cell.attr("bgcolor"), Some("#2f5bd3"));
            let style = cell.attr("style").unwrap();
            assert!(style.contains("mso-padding-alt: 14px 31px"), "{style}");
            assert!(style.contains("border: 1px solid #2f5bd3"), "{style}");
            assert!(!button.value().attr("style").unwrap().contains("border"), "Word draws no border of a link");
        }
    }
}

#[test]
fn only_cells_have_an_edge_and_nothing_with_a_margin_has_a_colour_for_outlook_to_spread() {
    let all = scraper::Selector::parse("[style]").unwrap();
    for html in rendered() {
        for element in scraper::Html::parse_document(&html).select(&all).map(|element| element.value()) {
            let style = element.attr("style").unwrap();
            let set = |property: &str| properties(style).any(|name| name == property);
            let edge = set("border") && !style.contains("border: 0");
            assert!(!edge || element.name() == "td", "{} with {style}", element.name());
            let margin = set("margin") && !style.contains("margin: 0;");
            assert!(!(margin && set("background-color")), "{} with {style}", element.name());
        }
    }
}

#[test]
fn a_password_or_an_address_reads_from_left_to_right_where_bdi_is_unknown() {
    let wanted = scraper::Selector::parse("p.value, p.code, p.address").unwrap();
    let mut seen = 0;
    for html in rendered().into_iter().filter(|html| html.contains("lang=\"ar\"")) {
        for value in scraper::Html::parse_document(&html).select(&wanted) {
            let text: String = value.text().collect();
            // A provider is a word, so its neighbours cannot move.
            assert!(value.value().attr("dir") == Some("ltr") || text == "Google", "{text}");
            seen += 1;
        }
    }
    assert!(seen > 20);
}

#[test]
fn an_sms_is_one_segment_for_names_of_up_to_twenty_characters() {
    let name = "Harbour & Sons Ltd.!";
    assert_eq!(name.chars().count(), 20);
    let mut seen = 0;
    for sample in ["", "de:informal,es:informal,fr:informal"].into_iter().flat_map(|forms| {
        let lookup = lookup([("APP_NAME", name), ("FORM_OF_ADDRESS", forms)]);
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
