//! `cargo xtask doctor`: which programs of the toolchain are there, and what the others are for.

use std::path::PathBuf;

use anyhow::{Result, bail};
use console::style;
use local_cloud::process::run as output_of;
use local_cloud::{browser, toolbox};
use tokio::process::Command;

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
    /// A program and the arguments with which it does nothing.
    Program(&'static [&'static str]),
}

const PARTS: [Part; 12] = [
    Part {
        name: "Python 3.10, venv",
        serves: "demo, test, local, pool",
        install: "apt install python3-venv, or name one in PYTHON",
        sought: Sought::Python,
    },
    Part {
        name: "Chromium, its driver",
        serves: "tests of the pages and messages (or: test --no-browser)",
        install: "apt install chromium chromium-driver",
        sought: Sought::Browser,
    },
    Part {
        name: "rustfmt",
        serves: ".ci/run",
        install: "rustup component add rustfmt",
        sought: Sought::Program(&["cargo", "fmt", "--version"]),
    },
    Part {
        name: "clippy",
        serves: ".ci/run",
        install: "rustup component add clippy",
        sought: Sought::Program(&["cargo", "clippy", "--version"]),
    },
    Part {
        name: "cargo-deny",
        serves: ".ci/run, which installs it",
        install: "cargo install --locked cargo-deny",
        sought: Sought::Program(&["cargo", "deny", "--version"]),
    },
    Part {
        name: "Valgrind",
        serves: "counting instructions: bench --instructions",
        install: "apt install valgrind",
        sought: Sought::Program(&["valgrind", "--version"]),
    },
    Part {
        name: "Node.js, npm",
        serves: "tests of the CDK construct",
        install: "apt install nodejs npm",
        sought: Sought::Program(&["npm", "--version"]),
    },
    Part {
        name: "Terraform",
        serves: "tests of the Terraform module",
        install: "see developer.hashicorp.com/terraform/install",
        sought: Sought::Program(&["terraform", "version"]),
    },
    Part {
        name: "cargo-lambda",
        serves: "sam build, single events, packages for another processor",
        install: "pip install cargo-lambda",
        sought: Sought::Program(&["cargo", "lambda", "--version"]),
    },
    Part {
        name: "AWS SAM CLI",
        serves: "sam build, sam deploy to AWS",
        install: "pip install aws-sam-cli",
        sought: Sought::Program(&["sam", "--version"]),
    },
    Part {
        name: "AWS CLI",
        serves: "the manual's aws commands (version 2)",
        install: "see docs.aws.amazon.com/cli",
        sought: Sought::Program(&["aws", "--version"]),
    },
    Part {
        name: "mdBook",
        serves: "the manual as a site: mdbook build",
        install: "cargo install --locked mdbook",
        sought: Sought::Program(&["mdbook", "--version"]),
    },
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
        if let (Sought::Python, Some(why_not)) = (&part.sought, why_not) {
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
        Sought::Python => toolbox::check_python().await.err(),
        Sought::Browser => browser::check("--no-browser").err(),
        Sought::Program([program, arguments @ ..]) => {
            let program = match *program {
                // The one that runs this.
                "cargo" => std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from),
                other => other.into(),
            };
            output_of(Command::new(program).args(arguments)).await.err()
        }
        Sought::Program([]) => None,
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
        assert!(missing(&Sought::Program(&["no-such-program-anywhere", "--version"])).await.is_some());
        assert!(missing(&Sought::Program(&["cargo", "--version"])).await.is_none());
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
