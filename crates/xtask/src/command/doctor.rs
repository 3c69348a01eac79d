//! `cargo xtask doctor`: which programs of the toolchain are there, and what the others are for.

use std::path::PathBuf;

use anyhow::{Result, bail};
use console::style;
use local_cloud::process::run as output_of;
use local_cloud::{browser, toolbox};
use tokio::process::Command;

use self::Sought::{Browser, Program, Python};

/// A part of the toolchain.
struct Part {
    name: &'static str,
    /// The work that needs it.
    serves: &'static str,
    /// How to get it, on Debian and Ubuntu where that differs.
    install: &'static str,
    sought: Sought,
}

/// How a part is looked for.
enum Sought {
    /// Python with its module for virtual environments. The only part that the demo cannot do without.
    Python,
    /// A browser and its driver.
    Browser,
    /// A program, by a command that does nothing.
    Program(&'static str),
}

const fn part(name: &'static str, sought: Sought, serves: &'static str, install: &'static str) -> Part {
    Part { name, serves, install, sought }
}

const PARTS: [Part; 12] = [
    part("Python 3.10, venv", Python, "demo, test, local, pool", "apt install python3-venv, or name one in PYTHON"),
    part(
        "Chromium, its driver",
        Browser,
        "tests of the pages and messages (or: test --no-browser)",
        "apt install chromium chromium-driver",
    ),
    part("rustfmt", Program("cargo fmt --version"), ".ci/run", "rustup component add rustfmt"),
    part("clippy", Program("cargo clippy --version"), ".ci/run", "rustup component add clippy"),
    part(
        "cargo-deny",
        Program("cargo deny --version"),
        ".ci/run, which installs it",
        "cargo install --locked cargo-deny",
    ),
    part(
        "Valgrind",
        Program("valgrind --version"),
        "counting instructions: bench --instructions",
        "apt install valgrind",
    ),
    part("Node.js, npm", Program("npm --version"), "tests of the CDK construct", "apt install nodejs npm"),
    part(
        "Terraform",
        Program("terraform version"),
        "tests of the Terraform module",
        "see developer.hashicorp.com/terraform/install",
    ),
    part(
        "cargo-lambda",
        Program("cargo lambda --version"),
        "sam build, single events, packages for another processor",
        "pip install cargo-lambda",
    ),
    part("AWS SAM CLI", Program("sam --version"), "sam build, sam deploy to AWS", "pip install aws-sam-cli"),
    part("AWS CLI", Program("aws --version"), "the manual's aws commands (version 2)", "see docs.aws.amazon.com/cli"),
    part("mdBook", Program("mdbook --version"), "the manual as a site: mdbook build", "cargo install --locked mdbook"),
];

/// Looks for every part and says what is missing.
///
/// # Errors
///
/// Fails if the part is missing without which nothing here runs.
pub(crate) async fn run() -> Result<()> {
    let mut stops = None;
    for part in &PARTS {
        let why_not = missing(&part.sought).await;
        println!("{}", line(part, why_not.is_none()));
        if let (Python, Some(why_not)) = (&part.sought, why_not) {
            stops = Some(why_not);
        }
    }
    if let Some(why_not) = stops {
        bail!("without Python, only `cargo test` runs: {why_not:#}");
    }
    println!("\n`cargo xtask demo` can run. A test that lacks its program says so.");
    Ok(())
}

/// Why a part cannot be used, or `None` if it can.
async fn missing(sought: &Sought) -> Option<anyhow::Error> {
    match sought {
        Python => toolbox::check_python().await.err(),
        Browser => browser::check("--no-browser").err(),
        Program(command) => {
            let mut words = command.split(' ');
            let program = match words.next()? {
                // The one that runs this.
                "cargo" => std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from),
                other => other.into(),
            };
            output_of(Command::new(program).args(words)).await.err()
        }
    }
}

fn line(part: &Part, is_there: bool) -> String {
    if is_there {
        return format!("{} {:<22}{}", style("✓").green(), part.name, part.serves);
    }
    format!("{} {:<22}{}\n  {:<22}{}", style("–").yellow(), part.name, part.serves, "", style(part.install).bold())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_that_is_not_there_is_missing_and_one_that_is_there_is_not() {
        assert!(missing(&Program("no-such-program-anywhere --version")).await.is_some());
        assert!(missing(&Program("cargo --version")).await.is_none());
    }

    #[test]
    fn what_is_missing_says_how_to_get_it_and_every_line_fits_a_terminal() {
        for part in &PARTS {
            let (there, missing) = (line(part, true), line(part, false));
            assert!(missing.contains(part.install) && !there.contains(part.install), "{missing}");
            let longest = missing.lines().map(console::measure_text_width).max();
            assert!(longest <= Some(80), "{missing}");
        }
    }
}
