//! Every message in a browser. `cargo xtask pictures` makes pictures of each, one file for each message, language and screen.

use cognito_core::testing::lookup;
use messages::gallery::{self, Sample, samples};
use messages::{LOCALES, Settings};
use serde_json::{Value, json};

use crate::reader::{Reader, SMALLEST, Screen, pictures};

const PHONE: Screen = Screen { width: 375, height: 400, dark: false };
const DESKTOP: Screen = Screen { width: 1200, ..PHONE };
const SCREENS: [(&str, Screen); 4] =
    [("375-light", PHONE), ("375-dark", PHONE.dark()), ("1200-light", DESKTOP), ("1200-dark", DESKTOP.dark())];

/// The logo's address, and what stands in for the file: dark letters on nothing.
const LOGO: &str = "https://app.example.com/logo.svg";
const DRAWN: &str = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='150' height='36'>\
    <circle cx='18' cy='18' r='16' fill='%230b6e4f'/>\
    <text x='44' y='26' font-family='sans-serif' font-size='24' fill='%2314161c'>Harbour</text></svg>";

/// Settings that change the words of some messages.
const WORDS: [(&str, (&str, &str)); 2] =
    [("informal", ("FORM_OF_ADDRESS", "de:informal,es:informal,fr:informal")), ("no-support", ("SUPPORT_EMAIL", ""))];

/// Settings that change the look of every message. One message shows it.
const LOOKS: [(&str, (&str, &str)); 3] = [
    ("logo", ("LOGO_URL", LOGO)),
    ("white-brand", ("BRAND_COLOR", "#ffffff")),
    ("black-brand", ("BRAND_COLOR", "#000000")),
];

/// A message and the screens on which it has a picture.
struct Shown {
    name: String,
    sample: Sample,
    screens: &'static [(&'static str, Screen)],
}

impl Shown {
    fn new(sample: Sample, variant: &str, screens: &'static [(&'static str, Screen)]) -> Self {
        let Sample { message, locale, style, .. } = sample;
        let inviter = if sample.inviter.is_some() { "-inviter" } else { "" };
        Self { name: format!("{message}-{locale}-{style}{inviter}{variant}"), sample, screens }
    }
}

fn settings(changed: (&str, &str)) -> Settings {
    let usual = [
        ("APP_NAME", "Harbour"),
        ("APP_URL", "https://app.example.com"),
        ("SUPPORT_EMAIL", "help@example.com"),
        ("LEGAL_FOOTER", "Harbour Ltd, 1 Quay Street, Hamburg"),
        ("TERMS_URL", "https://app.example.com/terms"),
        ("PRIVACY_URL", "https://app.example.com/privacy"),
    ];
    Settings::from_lookup(&lookup([&[changed][..], &usual].concat())).unwrap()
}

fn usual() -> Vec<Sample> {
    samples(&settings(("", "")))
}

/// A mail's HTML without what stands below its card.
fn card(sample: &Sample) -> &str {
    sample.html.split("class=\"footer\"").next().unwrap_or_default()
}

fn is_sign_up(sample: &Sample) -> bool {
    (sample.message, sample.locale, sample.style) == ("sign-up", "en", "link")
}

/// Every message, and those with other words.
fn everything() -> Vec<Shown> {
    let usual = usual();
    let mut shown: Vec<_> = usual.iter().map(|sample| Shown::new(sample.clone(), "", &SCREENS)).collect();
    for (name, changed) in WORDS {
        let changed = samples(&settings(changed)).into_iter().zip(&usual);
        let changed = changed.filter(|(changed, usual)| card(changed) != card(usual));
        shown.extend(changed.map(|(changed, _)| Shown::new(changed, &format!("-{name}"), &SCREENS[..1])));
    }
    shown
}

/// One message in every look.
fn looks() -> Vec<Shown> {
    let look = |(name, changed)| {
        let mut sample = samples(&settings(changed)).into_iter().find(is_sign_up).unwrap();
        sample.html = sample.html.replace(LOGO, DRAWN);
        Shown::new(sample, &format!("-{name}"), &SCREENS)
    };
    LOOKS.into_iter().map(look).collect()
}

#[tokio::test]
async fn no_message_in_any_language_has_to_be_scrolled_sideways_on_the_smallest_phone() {
    let reader = Reader::sits_down(SMALLEST).await.unwrap();
    let everything = everything();
    let documents: Vec<_> = everything.iter().map(|shown| shown.sample.html.as_str()).collect();
    for (Shown { name, .. }, width) in everything.iter().zip(reader.shows(&documents).await.unwrap()) {
        assert_eq!(width, SMALLEST.width, "{name} has to be scrolled sideways");
    }
    if pictures().is_some() {
        keep(&reader, &everything).await;
    }
    reader.leaves().await.unwrap();
}

/// Makes every picture, and for each language a sheet of the usual messages on a phone.
async fn keep(reader: &Reader, everything: &[Shown]) {
    let looks = looks();
    for (screen_name, screen) in SCREENS {
        reader.turns_to(screen).await.unwrap();
        for Shown { name, sample, screens } in everything.iter().chain(&looks) {
            if screens.iter().any(|(name, _)| *name == screen_name) {
                reader.shows(&[&sample.html]).await.unwrap();
                reader.keeps(&format!("messages/{name}-{screen_name}")).await.unwrap();
            }
        }
    }
    for locale in LOCALES {
        // Those with other words have one screen.
        let usual = everything.iter().filter(|shown| shown.screens.len() > 1 && shown.sample.locale == locale.tag);
        let kept: Vec<_> =
            usual.map(|shown| (shown.name.as_str(), format!("messages/{}-375-light", shown.name))).collect();
        reader.lays_out(&format!("messages/sheet-{}", locale.tag), 340, &kept).await.unwrap();
    }
}

#[tokio::test]
async fn light_and_dark_differ_and_the_card_is_centred_at_both_widths() {
    let reader = Reader::sits_down(PHONE).await.unwrap();
    let message = usual().into_iter().find(is_sign_up).unwrap();
    // Mean brightness from 0 to 255, and columns beside the card.
    let script = "const brightness = (colour) => colour.match(/\\d+/g).slice(0, 3).reduce((sum, one) => sum + Number(one), 0) / 3; \
                  const card = document.querySelector('.card'), { left, right } = card.getBoundingClientRect(); \
                  return { page: brightness(getComputedStyle(document.querySelector('table.page')).backgroundColor), \
                    card: brightness(getComputedStyle(card).backgroundColor), \
                    title: brightness(getComputedStyle(document.querySelector('.title')).color), \
                    uneven: Math.abs(left - (innerWidth - right)) }";
    for (name, screen) in SCREENS {
        reader.turns_to(screen).await.unwrap();
        assert_eq!(reader.shows(&[&message.html]).await.unwrap(), [screen.width], "{name}");
        let look = reader.runs(script).await.unwrap();
        let is = |what: &str, bright: bool| {
            let found = look[what].as_f64().unwrap();
            assert!(if bright { found > 215.0 } else { found < 60.0 }, "{name}: {what} has brightness {found}");
        };
        is("page", !screen.dark);
        is("card", !screen.dark);
        is("title", screen.dark);
        assert!(look["uneven"].as_f64().unwrap() <= 1.0, "{name}: {look}");
    }
    reader.leaves().await.unwrap();
}

#[tokio::test]
async fn a_right_to_left_message_begins_on_the_right() {
    let reader = Reader::sits_down(PHONE).await.unwrap();
    let all = usual();
    // Columns from the left edge and to the right edge, of the application's initial and of the title's text.
    let script = "const range = document.createRange(); range.selectNodeContents(document.querySelector('.title')); \
                  return [document.querySelector('.initial'), range].map((part) => part.getBoundingClientRect()) \
                    .map(({ left, right }) => [Math.round(left), Math.round(innerWidth - right)])";
    for (name, screen) in SCREENS {
        reader.turns_to(screen).await.unwrap();
        let mut places = Vec::new();
        for locale in ["ar", "en"] {
            let message = all.iter().find(|one| (one.message, one.locale) == ("admin-create-user", locale)).unwrap();
            reader.shows(&[&message.html]).await.unwrap();
            let place: [[u32; 2]; 2] = serde_json::from_value(reader.runs(script).await.unwrap()).unwrap();
            places.push(place);
        }
        let [arabic, english] = places.try_into().unwrap();
        for (part, arabic, english) in [("initial", arabic[0], english[0]), ("title", arabic[1], english[1])] {
            assert_eq!(arabic[1], english[0], "{name}: the {part} begins as far from its side as in English");
            assert!(arabic[1] < arabic[0], "{name}: the {part} is {arabic:?} from left and right");
        }
    }
    reader.leaves().await.unwrap();
}

#[tokio::test]
async fn the_preview_shows_every_message_on_two_widths_in_two_schemes() {
    let reader = Reader::sits_down(DESKTOP).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("messages.html");
    gallery::write(&settings(("", "")), &file).unwrap();
    reader.opens(&format!("file://{}", file.display())).await.unwrap();
    let english = usual().iter().filter(|sample| sample.locale == "en").count();
    let frames = reader.runs("return document.querySelectorAll('iframe').length").await.unwrap();
    assert_eq!(frames, json!(english * 4));
    assert_eq!(reader.runs("return document.querySelectorAll('.bad').length").await.unwrap(), Value::from(0));
    reader.leaves().await.unwrap();
}
