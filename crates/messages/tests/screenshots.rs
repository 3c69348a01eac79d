//! What the messages look like in a browser. Part of the tests only with the feature `screenshots`; then a missing
//! browser is a failure and not a reason to pass.
//!
//! The pictures are kept in cargo's directory for temporary files of tests, named by message, locale, width and
//! colours, to be looked at.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where its own fixture is wrong")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use messages::Settings;
use messages::gallery::{Sample, samples};

/// A picture: rows of RGB pixels.
struct Picture {
    width: usize,
    pixels: Vec<[u8; 3]>,
}

impl Picture {
    /// Mean brightness from 0 to 255.
    fn brightness(&self) -> f64 {
        let sum: f64 = self.pixels.iter().map(|&[r, g, b]| f64::from(u32::from(r) + u32::from(g) + u32::from(b))).sum();
        sum / 3.0 / f64::from(u32::try_from(self.pixels.len()).unwrap())
    }

    /// The uppermost rows.
    fn top(mut self, rows: usize) -> Self {
        self.pixels.truncate(rows * self.width);
        self
    }

    /// Columns from the left edge to the first pixel that `is` wanted, and from the last one to the right edge.
    fn margins(&self, is: impl Fn([u8; 3]) -> bool) -> (usize, usize) {
        let columns: Vec<_> =
            self.pixels.iter().enumerate().filter(|(_, p)| is(**p)).map(|(i, _)| i % self.width).collect();
        let (left, right) = (columns.iter().min().unwrap(), columns.iter().max().unwrap());
        (*left, self.width - 1 - *right)
    }
}

fn browser(profile: &Path) -> Command {
    let mut command = scaled(profile, "1");
    command.arg("--virtual-time-budget=4000");
    command
}

fn scaled(profile: &Path, scale: &str) -> Command {
    let mut command = Command::new("chromium");
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg("--hide-scrollbars")
        .arg(format!("--force-device-scale-factor={scale}"))
        .arg(format!("--user-data-dir={}", profile.display()))
        .stderr(Stdio::null());
    command
}

fn run(mut command: Command, page: &Path) -> Vec<u8> {
    let output = command.arg(format!("file://{}", page.display())).output().unwrap_or_else(|error| {
        panic!(
            "these tests need the browser `chromium` (Debian package of that name): {error}. \
             Leave out `--features screenshots` to test without a browser."
        )
    });
    assert!(output.status.success(), "chromium ended with {}", output.status);
    output.stdout
}

/// The colours are chosen by the page and not by the browser, so that one run shows both.
fn in_scheme(html: &str, dark: bool) -> String {
    html.replace("(prefers-color-scheme: dark)", if dark { "all" } else { "not all" })
        .replace("color-scheme: light dark", if dark { "color-scheme: dark" } else { "color-scheme: light" })
}

fn attribute(html: &str) -> String {
    html.replace('&', "&amp;").replace('"', "&quot;")
}

/// A page that shows `html` in a frame of the given size in its top left corner: a window cannot be made as narrow
/// as a phone.
fn framed(html: &str, width: usize, height: usize) -> String {
    format!("<!DOCTYPE html><body style=\"margin:0\">{}", frame(html, width, height))
}

fn frame(html: &str, width: usize, height: usize) -> String {
    let style = format!("display:block;border:0;width:{width}px;height:{height}px");
    format!("<iframe style=\"{style}\" srcdoc=\"{}\"></iframe>", attribute(html))
}

fn settings() -> Settings {
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
    Settings::from_lookup(&lookup).unwrap()
}

fn sample(message: &str, locale: &str, style: &str) -> Sample {
    let all = samples(&settings());
    all.into_iter().find(|s| (s.message, s.locale, s.style) == (message, locale, style)).unwrap()
}

/// `cargo xtask pictures` names another folder.
fn folder() -> PathBuf {
    let named = std::env::var_os("PICTURES_FOLDER").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR"))).join("messages");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn picture(sample: &Sample, width: usize, height: usize, dark: bool) -> Picture {
    let name = format!(
        "{}-{}-{}-{width}-{}",
        sample.message,
        sample.locale,
        sample.style,
        if dark { "dark" } else { "light" }
    );
    let page = folder().join(format!("{name}.html"));
    std::fs::write(&page, framed(&in_scheme(&sample.html, dark), width, height)).unwrap();
    let file = folder().join(format!("{name}.png"));
    let profile = tempfile::tempdir().unwrap();
    let mut command = browser(profile.path());
    command.arg(format!("--screenshot={}", file.display())).arg(format!("--window-size={},{height}", width.max(500)));
    run(command, &page);
    cropped(&file, width)
}

/// Reads the picture, keeps its left part and writes it back.
fn cropped(file: &Path, width: usize) -> Picture {
    let mut reader =
        png::Decoder::new(std::io::BufReader::new(std::fs::File::open(file).unwrap())).read_info().unwrap();
    let mut buffer = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut buffer).unwrap();
    let samples = info.color_type.samples();
    let rows = buffer.chunks(info.line_size).take(info.height as usize);
    let pixels: Vec<[u8; 3]> =
        rows.flat_map(|row| row.chunks(samples).take(width).map(|p| [p[0], p[1], p[2]]).collect::<Vec<_>>()).collect();
    let flat: Vec<u8> = pixels.iter().flatten().copied().collect();
    let mut encoder =
        png::Encoder::new(std::fs::File::create(file).unwrap(), u32::try_from(width).unwrap(), info.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::High);
    encoder.write_header().unwrap().write_image_data(&flat).unwrap();
    Picture { width, pixels }
}

#[test]
fn light_and_dark_differ_and_the_card_is_centred_at_both_widths() {
    let message = sample("sign-up", "en", "link");
    for (width, height) in [(375, 900), (1200, 900)] {
        let light = picture(&message, width, height, false);
        let dark = picture(&message, width, height, true);
        assert!(light.brightness() > 215.0, "light at {width}: {}", light.brightness());
        assert!(dark.brightness() < 60.0, "dark at {width}: {}", dark.brightness());
        let (left, right) = light.margins(|pixel| pixel == [255, 255, 255]);
        assert!(left.abs_diff(right) <= 1, "at {width} the card is {left} from the left and {right} from the right");
    }
}

#[test]
fn a_right_to_left_message_begins_on_the_right() {
    // The initial in the brand colour is what stands at the beginning of the topmost line.
    let brand = |pixel: [u8; 3]| pixel == [0x2f, 0x5b, 0xd3];
    for (width, height) in [(375, 900), (1200, 900)] {
        let [arabic, english] = ["ar", "en"].map(|locale| {
            let message = sample("admin-create-user", locale, "link");
            picture(&message, width, height, true);
            picture(&message, width, height, false).top(70).margins(brand)
        });
        assert!(arabic.1 < arabic.0, "Arabic at {width}: {arabic:?} columns from left and right");
        assert_eq!(english, (arabic.1, arabic.0), "at {width}");
    }
}

#[test]
fn no_message_in_any_locale_has_to_be_scrolled_sideways_on_a_phone() {
    let all = samples(&settings());
    let frames: Vec<String> = all
        .iter()
        .map(|sample| {
            let name = format!("{} {} {}", sample.message, sample.locale, sample.style);
            let source = attribute(&sample.html);
            format!(
                "<iframe title=\"{name}\" style=\"border:0;width:320px;height:700px\" srcdoc=\"{source}\"></iframe>"
            )
        })
        .collect();
    let mut page = format!("<!DOCTYPE html><body><pre id=out></pre>{}", frames.concat());
    page.push_str(
        "<script>addEventListener('load', () => { let count = 0; for (const f of document.querySelectorAll('iframe')) \
         { const w = f.contentDocument.documentElement.scrollWidth; count++; if (w > 320) out.textContent += \
         f.title + ' is ' + w + ' px wide\\n'; } out.textContent += 'measured ' + count; });</script>",
    );
    let file = folder().join("widths.html");
    std::fs::write(&file, page).unwrap();
    let profile = tempfile::tempdir().unwrap();
    let mut command = browser(profile.path());
    command.arg("--dump-dom");
    let dom = String::from_utf8(run(command, &file)).unwrap();
    let report = dom.split("<pre id=\"out\">").nth(1).unwrap().split("</pre>").next().unwrap();
    assert_eq!(report, format!("measured {}", all.len()));
}

/// Every message of a language on one picture, so that somebody can look at all of them: phone and desktop, light and dark.
#[test]
fn pictures_of_every_message_are_kept() {
    let all = samples(&settings());
    for locale in messages::LOCALES {
        let own: Vec<_> = all.iter().filter(|sample| sample.locale == locale.tag).collect();
        for (name, width, height, dark) in
            [("phone", 375, 900, false), ("phone-dark", 375, 900, true), ("desktop", 680, 860, false)]
        {
            let frames: String =
                own.iter().map(|sample| frame(&in_scheme(&sample.html, dark), width, height)).collect();
            let page = folder().join(format!("all-{}-{name}.html", locale.tag));
            let style = "margin:0;display:flex;flex-wrap:wrap;gap:8px;background:#888";
            std::fs::write(&page, format!("<!DOCTYPE html><body style=\"{style}\">{frames}")).unwrap();
            let columns = 5;
            let rows = own.len().div_ceil(columns);
            let file = page.with_extension("png");
            let profile = tempfile::tempdir().unwrap();
            let mut command = browser(profile.path());
            let size = format!("--window-size={},{}", columns * (width + 8), rows * (height + 8));
            command.arg(format!("--screenshot={}", file.display())).arg(size);
            run(command, &page);
            if name == "phone" {
                let profile = tempfile::tempdir().unwrap();
                let mut command = scaled(profile.path(), "0.4");
                let sheet = page.with_file_name(format!("sheet-{}.webp", locale.tag));
                let size = format!("--window-size={},{}", columns * (width + 8), rows * (height + 8));
                command.arg(format!("--screenshot={}", sheet.display())).arg(size);
                run(command, &page);
            }
            let picture = std::fs::metadata(&file).unwrap();
            assert!(picture.len() > 100_000, "{} shows something", file.display());
        }
    }
}

#[test]
fn the_gallery_shows_itself() {
    let file = folder().join("gallery.html");
    messages::gallery::write(&settings(), &file).unwrap();
    let profile = tempfile::tempdir().unwrap();
    let mut command = browser(profile.path());
    command.arg("--dump-dom");
    let dom = String::from_utf8(run(command, &file)).unwrap();
    // Every message in English and every style, on two widths in two schemes.
    let english = samples(&settings()).iter().filter(|sample| sample.locale == "en").count();
    assert_eq!(dom.matches("<iframe").count(), english * 4);
    let picture_file = folder().join("gallery.png");
    let profile = tempfile::tempdir().unwrap();
    let mut command = browser(profile.path());
    command.arg(format!("--screenshot={}", picture_file.display())).arg("--window-size=1200,1400");
    run(command, &file);
    assert!(picture_file.metadata().unwrap().len() > 20_000);
}
