//! Reads the deployable templates and prepares them for a local deployment.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::function::{self, Binaries};
use crate::layout;

/// A template of the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateFile {
    /// `template.yaml`: the triggers and, if there is none yet, the user pool.
    Pool,
    /// `account-api.yaml`: the account API.
    AccountApi,
}

impl TemplateFile {
    /// Every template.
    pub const ALL: [Self; 2] = [Self::Pool, Self::AccountApi];

    /// The name of its file.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::Pool => "template.yaml",
            Self::AccountApi => "account-api.yaml",
        }
    }

    /// The functions that it makes.
    #[must_use]
    pub const fn functions(self) -> &'static [&'static str] {
        match self {
            Self::Pool => &function::TRIGGERS,
            Self::AccountApi => &[function::ACCOUNT_API],
        }
    }

    /// Where it lies.
    #[must_use]
    pub fn path(self) -> PathBuf {
        layout::root().join(self.file())
    }

    /// Its text.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read.
    pub fn text(self) -> Result<String> {
        let path = self.path();
        fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))
    }

    /// The template as data, without CloudFormation's short tags: `!Ref Name` reads as `"Name"`, and `!If [Condition,
    /// one, other]` as a list of three values.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read or is not YAML.
    pub fn document(self) -> Result<Value> {
        serde_saphyr::from_str(&self.text()?).with_context(|| format!("{} is not YAML", self.file()))
    }

    /// Writes the same files as `sam build`, from binaries that cargo has built: the template, and next to it one folder
    /// for each of its functions with its `bootstrap`. Returns the path of the template.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be read or written, or if the template has no function for one of the binaries.
    pub fn stage(self, folder: &Path, binaries: &Binaries) -> Result<PathBuf> {
        let mut template = self.text()?;
        for name in self.functions() {
            template = with_built_code(&template, name)?;
            let code = folder.join(name);
            fs::create_dir_all(&code).with_context(|| format!("{} cannot be made", code.display()))?;
            let (from, to) = (binaries.path(name)?, code.join("bootstrap"));
            fs::copy(from, &to).with_context(|| format!("{} cannot be copied to {}", from.display(), to.display()))?;
        }
        let path = folder.join(self.file());
        fs::write(&path, template).with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(path)
    }
}

/// Points one function at the folder of its built code instead of its sources.
fn with_built_code(template: &str, name: &str) -> Result<String> {
    let sources = format!("CodeUri: crates/{name}\n");
    if template.matches(&sources).count() != 1 {
        bail!("a template should have exactly one function with CodeUri crates/{name}");
    }
    Ok(template.replace(&sources, &format!("CodeUri: {name}\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_deployed_from_its_built_code_and_nothing_else_changes() {
        for template in TemplateFile::ALL {
            let original = template.text().unwrap();
            let mut staged = original.clone();
            for name in template.functions() {
                staged = with_built_code(&staged, name).unwrap();
            }
            assert!(!staged.contains("CodeUri: crates/"));
            assert_eq!(staged.replace("CodeUri: ", "CodeUri: crates/"), original);
        }
    }

    #[test]
    fn a_function_the_template_lacks_is_an_error() {
        assert!(with_built_code(&TemplateFile::Pool.text().unwrap(), "no-such-function").is_err());
    }
}
