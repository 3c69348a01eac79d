//! `cargo xtask images`: makes the manual's pictures anew, from those that the tests keep.

use anyhow::{Context, Result, bail};
use local_cloud::{function, layout};

use super::test;

/// Every picture in `docs/images`, and the one below cargo's folder for temporary files of tests that it is.
const PICTURES: [(&str, &str); 5] = [
    ("message-invitation-arabic-dark.png", "messages/admin-create-user-ar-link-1200-dark.png"),
    ("message-sign-up-phone.png", "messages/sign-up-en-link-375-light.png"),
    ("pages-account-phone.png", "pages/ways-account-en-phone.png"),
    ("pages-activate-arabic-phone.png", "pages/activate-ar-phone.png"),
    ("pages-password-reset-phone-dark.png", "pages/complete-password-reset-en-phone-dark.png"),
];

/// The tests of the messages in a browser, and the features that they are compiled with.
const OF_MESSAGES: [&str; 6] =
    ["test", "--workspace", "--features", "cognito-messages/screenshots", "--test", "screenshots"];

/// The tests that keep pictures of the pages.
const OF_PAGES: [&str; 5] = ["--workspace", "--test", "pages", "--", "pictures"];

/// Runs the tests that keep pictures, and copies those of the manual.
///
/// # Errors
///
/// Fails if there is no browser, if a test fails, or if a picture cannot be copied.
pub(crate) async fn run() -> Result<()> {
    // Cargo builds this program into a folder of the target folder.
    let program = std::env::current_exe()?;
    let kept = program.ancestors().nth(2).context("this program lies in no target folder")?.join("tmp");
    if !function::cargo().args(OF_MESSAGES).status().await.context("cargo cannot be started")?.success() {
        bail!("the messages could not be shown in a browser");
    }
    test::run(test::Options::only(&OF_PAGES)).await?;
    for (picture, source) in PICTURES {
        let from = kept.join(source);
        std::fs::copy(&from, layout::root().join("docs/images").join(picture))
            .with_context(|| format!("{} cannot be copied to docs/images/{picture}", from.display()))?;
    }
    eprintln!("✓ The pictures in docs/images are current. Look at what changed before you commit them");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_picture_of_the_manual_is_made() {
        let folder = std::fs::read_dir(layout::root().join("docs/images")).unwrap();
        let there: BTreeSet<_> = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(there, PICTURES.map(|(picture, _)| picture.to_owned()).into());
    }
}
