//! Reads the deployable templates and prepares them for a local deployment.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use zip::CompressionMethod;

use crate::archive::{self, BOOTSTRAP};
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
        self.parse(&self.text()?)
    }

    /// Another text of the template as data, in the same way.
    ///
    /// # Errors
    ///
    /// Fails if it is not YAML.
    pub fn parse(self, text: &str) -> Result<Value> {
        serde_saphyr::from_str(text).with_context(|| format!("{} is not YAML", self.file()))
    }

    /// Writes what `sam deploy` takes without a build, from binaries that cargo has built: the template, and next to it an
    /// archive for each of its functions. Returns the path of the template.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be read or written, or if the template has no function for one of the binaries.
    pub fn stage(self, folder: &Path, binaries: &Binaries) -> Result<PathBuf> {
        self.stage_text(self.text()?, folder, binaries)
    }

    /// The same for another text of the template.
    ///
    /// # Errors
    ///
    /// Fails for the same reasons as [`TemplateFile::stage`].
    pub fn stage_text(self, mut template: String, folder: &Path, binaries: &Binaries) -> Result<PathBuf> {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        for name in self.functions() {
            let file = format!("{name}.zip");
            template = with_code(&template, name, &file)?;
            // Of a folder, `sam` would make a compressed archive, which takes seconds.
            let code = archive::pack(binaries.path(name)?, BOOTSTRAP, CompressionMethod::Stored)?;
            write(&folder.join(file), code)?;
        }
        let path = folder.join(self.file());
        write(&path, template)?;
        Ok(path)
    }

    /// The template that `sam deploy` takes without a build: each function from the archive `NAME-ARCHITECTURE.zip` beside
    /// it, on that processor unless somebody says otherwise.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read, or is not as it should be.
    pub fn packed(self, architecture: &str) -> Result<String> {
        let mut template = self.text()?;
        for name in self.functions() {
            template = with_code(&template, name, &format!("./{name}-{architecture}.zip"))?;
            let build = format!(
                "    Metadata:\n      BuildMethod: rust-cargolambda\n      BuildProperties: {{ Binary: {name} }}\n"
            );
            template = replaced(&template, &build, "")?;
        }
        let default = |name: &str| format!("  Architecture:\n    Type: String\n    Default: {name}\n");
        replaced(&template, &default("arm64"), &default(architecture))
    }
}

fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    fs::write(path, content).with_context(|| format!("{} cannot be written", path.display()))
}

/// Points one function at its built code instead of its sources.
fn with_code(template: &str, name: &str, code: &str) -> Result<String> {
    replaced(template, &format!("CodeUri: crates/{name}\n"), &format!("CodeUri: {code}\n"))
}

/// The template with another text in the place of one that it must have once.
fn replaced(template: &str, old: &str, new: &str) -> Result<String> {
    if template.matches(old).count() != 1 {
        bail!("a template should have exactly once: {old}");
    }
    Ok(template.replace(old, new))
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
                staged = with_code(&staged, name, name).unwrap();
            }
            assert!(!staged.contains("CodeUri: crates/"));
            assert_eq!(staged.replace("CodeUri: ", "CodeUri: crates/"), original);
        }
    }

    #[test]
    fn a_packed_template_names_an_archive_of_one_processor_for_each_function_and_builds_nothing() {
        for template in TemplateFile::ALL {
            for architecture in ["arm64", "x86_64"] {
                let packed = template.packed(architecture).unwrap();
                for name in template.functions() {
                    assert!(packed.contains(&format!("CodeUri: ./{name}-{architecture}.zip\n")), "{name}");
                }
                assert!(!packed.contains("CodeUri: crates/") && !packed.contains("BuildMethod"));
                assert!(packed.contains(&format!("  Architecture:\n    Type: String\n    Default: {architecture}\n")));
            }
        }
    }

    #[test]
    fn a_function_the_template_lacks_is_an_error() {
        assert!(with_code(&TemplateFile::Pool.text().unwrap(), "no-such-function", "code").is_err());
    }
}
