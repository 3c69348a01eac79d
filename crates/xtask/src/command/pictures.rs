//! `cargo xtask pictures`: a picture of every message and of every state of every page, beside the last one of each.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use local_cloud::function::{self, CHAINING};
use local_cloud::layout;

/// The options of the pictures.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Renew the pictures in docs/images, too.
    #[arg(long)]
    keep: bool,
}

/// The tests that make pictures.
const TESTS: [&str; 2] = ["no_state_of_a_page_breaks_a_rule", "no_message_in_any_language_has_to_be_scrolled_sideways"];

/// The manual's own pictures in `docs/images`, and which of the others they are. The rest there are contact sheets.
const MANUAL: [(&str, &str); 4] = [
    ("message-invitation-arabic-dark.png", "messages/admin-create-user-ar-link-1200-dark.png"),
    ("message-sign-up-phone.png", "messages/sign-up-en-link-375-light.png"),
    ("pages-account-phone.png", "pages/state-phone-account-linked.png"),
    ("pages-activate-arabic-phone.png", "pages/state-phone-dark-activate.png"),
];

/// Makes the pictures in `.local/pictures/now`, moves those of the last run to `.local/pictures/before`, and writes a page
/// that shows what differs. A run that fails leaves both as they were. Fonts differ from machine to machine, so pictures are compared on one machine only.
///
/// # Errors
///
/// Fails if a test that makes pictures fails, for example because there is no browser.
pub(crate) async fn run(options: Options) -> Result<()> {
    let folder = layout::local().join("pictures");
    let (next, now, before) = (folder.join("next"), folder.join("now"), folder.join("before"));
    if next.is_dir() {
        std::fs::remove_dir_all(&next)?;
    }
    std::fs::create_dir_all(&next).with_context(|| format!("{} cannot be made", next.display()))?;
    let features = format!("end-to-end/local-cloud,end-to-end/browser,{CHAINING}");
    let mut cargo = function::cargo();
    cargo.args(["test", "--workspace", "--features", &features, "--test", "browser", "--"]);
    let status = cargo.args(TESTS).env("PICTURES_FOLDER", &next).status().await.context("cargo cannot be started")?;
    if !status.success() {
        bail!("not every picture could be made; see above");
    }
    if now.is_dir() {
        if before.is_dir() {
            std::fs::remove_dir_all(&before)?;
        }
        std::fs::rename(&now, &before)?;
    }
    std::fs::rename(&next, &now)?;
    let compared = Compared::of(&now, &before)?;
    let page = folder.join("index.html");
    std::fs::write(&page, compared.page())?;
    println!("{}; see {}", compared.summary(), page.display());
    if options.keep {
        keep(&now)?;
    }
    Ok(())
}

/// The pictures of two runs, by name.
#[derive(Debug, Default)]
struct Compared {
    changed: Vec<String>,
    added: Vec<String>,
    gone: Vec<String>,
    same: Vec<String>,
}

impl Compared {
    fn of(now: &Path, before: &Path) -> Result<Self> {
        let (mut compared, mut earlier) = (Self::default(), names(before)?);
        for name in names(now)? {
            if !earlier.remove(&name) {
                compared.added.push(name);
            } else if std::fs::read(now.join(&name))? == std::fs::read(before.join(&name))? {
                compared.same.push(name);
            } else {
                compared.changed.push(name);
            }
        }
        compared.gone.extend(earlier);
        Ok(compared)
    }

    fn summary(&self) -> String {
        let [changed, added, gone, same] = [&self.changed, &self.added, &self.gone, &self.same].map(Vec::len);
        format!("{changed} pictures differ from the last ones, {added} are new, {gone} are gone, {same} are the same")
    }

    /// The page that shows them: what differs beside what it was, then the others. Names are those of our own tests, so
    /// nothing has to be escaped.
    fn page(&self) -> String {
        let picture = |folder: &str, name: &str| {
            format!("<a href=\"{folder}/{name}\"><img loading=\"lazy\" src=\"{folder}/{name}\" alt=\"{folder}\"></a>")
        };
        let section = |title: &str, names: &[String], folders: &[&str]| {
            let rows = names.iter().map(|name| {
                let pictures: String = folders.iter().map(|folder| picture(folder, name)).collect();
                format!("<figure><figcaption>{name}</figcaption>{pictures}</figure>")
            });
            let open = if title == "The same" { "" } else { " open" };
            format!(
                "<details{open}><summary>{title} ({})</summary>{}</details>\n",
                names.len(),
                rows.collect::<String>()
            )
        };
        format!(
            "<!DOCTYPE html><meta charset=\"utf-8\"><title>Pictures</title><style>body {{ font: 14px sans-serif; background: #999 }} \
             figure {{ display: inline-block; vertical-align: top; margin: 8px }} img {{ max-width: 420px; margin: 4px }} \
             summary {{ font-size: 20px }}</style>\n{}{}{}{}",
            section("Different: before, now", &self.changed, &["before", "now"]),
            section("New", &self.added, &["now"]),
            section("Gone", &self.gone, &["before"]),
            section("The same", &self.same, &["now"]),
        )
    }
}

/// The pictures of a run, as paths below its folder. None if the folder is not there.
fn names(folder: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for part in ["pages", "messages"] {
        let Ok(entries) = std::fs::read_dir(folder.join(part)) else { continue };
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if is_picture(Path::new(&name)) {
                found.insert(format!("{part}/{name}"));
            }
        }
    }
    Ok(found)
}

fn is_picture(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "png")
}

/// Copies the manual's pictures and the contact sheets, small pictures of all pictures, to the documentation.
fn keep(now: &Path) -> Result<()> {
    let images: PathBuf = layout::root().join("docs/images");
    for (picture, source) in MANUAL {
        std::fs::copy(now.join(source), images.join(picture)).with_context(|| format!("{source} cannot be copied"))?;
    }
    for part in ["pages", "messages"] {
        for entry in std::fs::read_dir(now.join(part))? {
            let path = entry?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if let Some(rest) =
                name.strip_prefix("sheet-").filter(|_| path.extension().is_some_and(|kind| kind == "webp"))
            {
                std::fs::copy(&path, images.join(format!("all-{part}-{rest}")))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_of_the_manual_is_made() {
        let made = |name: &str| name.starts_with("all-") || MANUAL.iter().any(|(picture, _)| *picture == name);
        for entry in std::fs::read_dir(layout::root().join("docs/images")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(made(&name), "nothing makes {name}");
        }
    }

    #[test]
    fn what_differs_is_shown_beside_what_it_was() {
        let folder = std::env::temp_dir().join(format!("pictures-{}", std::process::id()));
        let write = |run: &str, name: &str, bytes: &str| {
            let file = folder.join(run).join("pages").join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, bytes).unwrap();
        };
        for (run, name, bytes) in [
            ("before", "a.png", "1"),
            ("now", "a.png", "2"),
            ("before", "b.png", "1"),
            ("now", "b.png", "1"),
            ("before", "c.png", "1"),
            ("now", "d.png", "1"),
            ("now", "d.html", "no picture"),
        ] {
            write(run, name, bytes);
        }
        let compared = Compared::of(&folder.join("now"), &folder.join("before")).unwrap();
        assert_eq!(compared.summary(), "1 pictures differ from the last ones, 1 are new, 1 are gone, 1 are the same");
        let page = compared.page();
        assert!(page.contains("src=\"before/pages/a.png\"") && page.contains("src=\"now/pages/a.png\""), "{page}");
        assert!(!page.contains("before/pages/b.png"), "{page}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
