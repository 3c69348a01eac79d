//! `schema`

use super::{doctor, events, invitations, join, link, preview, reset_user, show, unlink, verify_email};
use crate::attachment;
use crate::audit::findings::Row;
use crate::audit::report::Whole;
use crate::terminal::{ExitStatus, Versioned, schema_of, stdout};
use anyhow::Result;
use clap::{Args, ValueEnum};
use schemars::JsonSchema;
use std::io::Write;

/// Print the JSON Schema of what a command writes with --output json
///
/// The schema (JSON Schema 2020-12) comes from the program itself, so it fits this version. Later versions may add
/// members: accept those that you do not know. The member `version` grows when one is renamed or removed, or means
/// something else.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cognito-triggers schema doctor > doctor.schema.json
  cognito-triggers schema audit-line")]
pub(crate) struct Schema {
    /// The command
    #[arg(value_name = "COMMAND")]
    of: Document,
}

/// Everything that has a schema.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Document {
    Attach,
    Audit,
    /// One line of audit --format jsonl
    AuditLine,
    Detach,
    Doctor,
    /// What events --list writes; an event itself is as Cognito sends it
    Events,
    Invitations,
    Join,
    /// The plan's totals, or what --apply or --undo did
    Link,
    Preview,
    ResetUser,
    Show,
    Unlink,
    VerifyEmail,
}

impl Schema {
    pub(super) fn run(&self) -> Result<ExitStatus> {
        let mut stdout = stdout();
        serde_json::to_writer_pretty(&mut stdout, &self.of.schema())?;
        writeln!(stdout)?;
        Ok(ExitStatus::Done)
    }
}

impl Document {
    fn schema(self) -> schemars::Schema {
        let mut schema = match self {
            Self::Attach | Self::Detach => schema_of::<attachment::Written>(),
            Self::Audit => document::<Whole>(),
            Self::AuditLine => document::<Row>(),
            Self::Doctor => schema_of::<doctor::Written>(),
            Self::Events => document::<events::List>(),
            Self::Invitations => document::<invitations::Shown>(),
            Self::Join => document::<join::Sides>(),
            Self::Link => schema_of::<link::Written>(),
            Self::Preview => document::<preview::Written>(),
            Self::ResetUser => document::<reset_user::Outcome>(),
            Self::Show => document::<show::Shown>(),
            Self::Unlink => document::<unlink::Outcome>(),
            Self::VerifyEmail => document::<verify_email::Outcome>(),
        };
        let name = self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        schema.insert("title".to_owned(), format!("cognito-triggers {name}").into());
        schema
    }
}

fn document<T: JsonSchema>() -> schemars::Schema {
    let mut schema = schema_of::<Versioned<T>>();
    if let Some(what) = schema_of::<T>().remove("description") {
        schema.insert("description".to_owned(), what);
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// Every member that a schema names, with whether it is described.
    fn members(schema: &Value, found: &mut Vec<(String, bool)>) {
        match schema {
            Value::Object(parts) => {
                let properties = parts.get("properties").and_then(Value::as_object);
                found.extend(
                    properties
                        .into_iter()
                        .flatten()
                        .map(|(name, member)| (name.clone(), member.get("description").is_some())),
                );
                parts.values().for_each(|part| members(part, found));
            }
            Value::Array(items) => items.iter().for_each(|item| members(item, found)),
            _ => {}
        }
    }

    #[test]
    fn every_document_has_one_style_a_version_and_says_what_each_member_is() {
        for document in Document::value_variants() {
            let schema = document.schema();
            let mut found = Vec::new();
            members(schema.as_value(), &mut found);
            assert!(found.iter().any(|(name, _)| name == "version"), "{document:?}");
            for (name, is_described) in found {
                assert!(is_described, "{document:?}: {name} has no description");
                assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{document:?}: {name}");
            }
        }
    }

    #[test]
    fn a_schema_says_what_it_is_of_and_in_which_language() {
        let schema = Document::VerifyEmail.schema();
        assert_eq!(schema.get("title").unwrap(), "cognito-triggers verify-email");
        assert_eq!(schema.get("$schema").unwrap(), "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema.pointer("/properties/version/const").unwrap(), 1);
        assert!(schema.get("required").unwrap().as_array().unwrap().contains(&"email".into()), "null is written");
    }
}
