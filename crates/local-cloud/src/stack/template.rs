//! Reads the deployable template and prepares it for a local deployment.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::function::{self, Binaries};
use crate::layout;

/// The template of the repository, as text.
///
/// # Errors
///
/// Fails if the file cannot be read.
pub fn text() -> Result<String> {
    let path = layout::root().join("template.yaml");
    fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))
}

/// The template as data, without CloudFormation's short tags: `!Ref Name` reads as `"Name"`, and `!If [Condition, one,
/// other]` as a list of three values.
///
/// # Errors
///
/// Fails if the file cannot be read or is not YAML.
pub fn document() -> Result<Value> {
    serde_saphyr::from_str(&text()?).context("template.yaml is not YAML")
}

/// Writes the same files as `sam build`, from binaries that cargo has built: the template, and next to it one folder
/// for each function with its `bootstrap`. Returns the path of the template.
///
/// # Errors
///
/// Fails if a file cannot be read or written, or if the template has no function for one of the binaries.
pub fn stage(folder: &Path, binaries: &Binaries) -> Result<PathBuf> {
    let mut template = text()?;
    for name in function::ALL {
        template = with_built_code(&template, name)?;
        let code = folder.join(name);
        fs::create_dir_all(&code).with_context(|| format!("{} cannot be made", code.display()))?;
        let (from, to) = (binaries.path(name)?, code.join("bootstrap"));
        fs::copy(from, &to).with_context(|| format!("{} cannot be copied to {}", from.display(), to.display()))?;
    }
    let path = folder.join("template.yaml");
    fs::write(&path, template).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(path)
}

/// Points one function at the folder of its built code instead of its sources.
fn with_built_code(template: &str, name: &str) -> Result<String> {
    let sources = format!("CodeUri: crates/{name}\n");
    if template.matches(&sources).count() != 1 {
        bail!("template.yaml should have exactly one function with CodeUri crates/{name}");
    }
    Ok(template.replace(&sources, &format!("CodeUri: {name}\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_deployed_from_its_built_code_and_nothing_else_changes() {
        let original = text().unwrap();
        let mut staged = original.clone();
        for name in function::ALL {
            staged = with_built_code(&staged, name).unwrap();
        }
        assert!(!staged.contains("CodeUri: crates/"));
        assert_eq!(staged.replace("CodeUri: ", "CodeUri: crates/"), original);
    }

    #[test]
    fn a_function_the_template_lacks_is_an_error() {
        assert!(with_built_code(&text().unwrap(), "no-such-function").is_err());
    }
}
