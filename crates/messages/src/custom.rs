//! Custom templates: the files of `TEMPLATE_DIR`.

use std::path::Path;
use std::{fmt, fs};

/// Largest file that is read, in bytes. An e-mail may have 20,000 characters, so no useful template is larger.
const FILE_LIMIT: u64 = 256 * 1024;

/// Directory names that belong to the built-in templates.
const RESERVED: [&str; 2] = ["built-in", "strings"];

/// A file of `TEMPLATE_DIR` that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Path below `TEMPLATE_DIR`.
    pub file: String,
    /// What is wrong. It continues a sentence that begins with the file's name.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the template {:?} {}", self.file, self.reason)
    }
}

/// The path below the directory and the text of each file, and the files that could not be read.
#[derive(Debug, Default)]
pub(crate) struct CustomFiles {
    pub(crate) files: Vec<(String, String)>,
    pub(crate) problems: Vec<Problem>,
}

impl CustomFiles {
    /// Reads `*.html` and `*.txt` in `directory` and in its direct subdirectories.
    pub(crate) fn read(directory: &Path) -> Self {
        let mut found = Self::default();
        found.read_directory(directory, "");
        // File systems list a directory in any order. The log should always have the same one.
        found.files.sort();
        found.problems.sort_by(|a, b| a.file.cmp(&b.file));
        found
    }

    fn read_directory(&mut self, directory: &Path, prefix: &str) {
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) => return self.problem(prefix, &error.to_string()),
        };
        for entry in entries {
            let path = match entry {
                Ok(entry) => entry.path(),
                Err(error) => return self.problem(prefix, &error.to_string()),
            };
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            let below = format!("{prefix}{name}");
            if path.is_dir() && prefix.is_empty() && RESERVED.contains(&name) {
                self.problem(&below, "has a name that belongs to the built-in templates");
            } else if path.is_dir() && prefix.is_empty() {
                self.read_directory(&path, &format!("{name}/"));
            } else if path.extension().is_some_and(|extension| extension == "html" || extension == "txt") {
                self.read_file(&path, below);
            }
        }
    }

    fn read_file(&mut self, path: &Path, below: String) {
        let text = fs::metadata(path).and_then(|metadata| {
            if metadata.len() > FILE_LIMIT {
                return Err(std::io::Error::other(format!("larger than {FILE_LIMIT} bytes")));
            }
            fs::read_to_string(path)
        });
        match text {
            Ok(text) => self.files.push((below, text)),
            Err(error) => self.problem(&below, &format!("cannot be read: {error}")),
        }
    }

    fn problem(&mut self, file: &str, reason: &str) {
        self.problems.push(Problem { file: file.to_owned(), reason: reason.to_owned() });
    }
}
