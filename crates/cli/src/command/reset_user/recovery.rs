//! The file that holds a deleted profile until it is signed up again. It is written before the deletion.

use crate::private_file::{self, write_new};
use anyhow::{Context, Result, bail};
use cognito_core::user_pool::{PoolSettings, ProfileRecord};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The version of the file.
const FORMAT: u32 = 1;

/// Attributes that Cognito sets itself, so that no registration can carry them.
const SET_BY_COGNITO: [&str; 4] = ["email_verified", "identities", "phone_number_verified", "sub"];

/// A deleted profile and the registration that takes its place. It holds no password and no client secret.
#[derive(Serialize, Deserialize)]
pub(super) struct Recovery {
    format: u32,
    pub(super) user_pool_id: String,
    pub(super) user_name: String,
    pub(super) sub: String,
    pub(super) groups: Vec<String>,
    /// The user name to register: the address or phone number in pools where that is the user name.
    pub(super) sign_up_name: String,
    /// The attributes that a registration can carry. Those of `--without` are included, because a resume may need them.
    pub(super) attributes: BTreeMap<String, String>,
    /// What the triggers are told.
    pub(super) client_metadata: BTreeMap<String, String>,
    /// The whole profile.
    pub(super) profile: ProfileRecord,
}

impl Recovery {
    /// Makes the registration that replaces a profile.
    ///
    /// # Errors
    ///
    /// Fails if the pool's user names are addresses or phone numbers, and the profile has none to register.
    pub(super) fn of(
        user_pool_id: &str,
        profile: ProfileRecord,
        groups: Vec<String>,
        client_metadata: BTreeMap<String, String>,
        settings: &PoolSettings,
        without: &[String],
    ) -> Result<Self, String> {
        let mut attributes = profile.attributes.clone();
        attributes.retain(|name, _| !SET_BY_COGNITO.contains(&name.as_str()) && !name.starts_with("cognito:"));
        let mut recovery = Self {
            format: FORMAT,
            user_pool_id: user_pool_id.to_owned(),
            user_name: profile.user_name.clone(),
            sub: profile.sub().to_owned(),
            groups,
            sign_up_name: profile.user_name.clone(),
            attributes,
            client_metadata,
            profile,
        };
        if !settings.user_name_attributes.is_empty() {
            let kept = recovery.attributes_without(without);
            let name = settings.user_name_attributes.iter().find_map(|name| kept.get(name).cloned());
            let names = settings.user_name_attributes.join(" or ");
            recovery.sign_up_name =
                name.ok_or(format!("the pool's user names are {names}, and the profile has none"))?;
        }
        Ok(recovery)
    }

    /// The attributes to sign up with.
    pub(super) fn attributes_without(&self, without: &[String]) -> BTreeMap<String, String> {
        let mut attributes = self.attributes.clone();
        attributes.retain(|name, _| !without.contains(name));
        attributes
    }

    /// Writes a new file that only its owner may read, and waits until it is on the disk.
    ///
    /// # Errors
    ///
    /// Fails if the file exists already, or cannot be written.
    pub(super) fn save(&self, file: Option<&Path>) -> Result<PathBuf> {
        let file = file.map_or_else(|| PathBuf::from(format!("reset-user-{}.json", self.sub)), Path::to_path_buf);
        let file = std::path::absolute(&file)?;
        write_new(&file, &serde_json::to_string_pretty(self)?)
            .context("the profile cannot be saved; nothing was changed")?;
        Ok(file)
    }

    /// Reads it back.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read, or if `reset-user` did not write it.
    pub(super) fn load(file: &Path) -> Result<Self> {
        let text = private_file::read(file)?.with_context(|| format!("there is no file {}", file.display()))?;
        // The cause would quote what is in the file.
        let Ok(recovery) = serde_json::from_slice::<Self>(&text) else {
            bail!("{} is not a file of this version of reset-user", file.display());
        };
        if recovery.format != FORMAT {
            bail!("{} is a file of another version of reset-user, format {}", file.display(), recovery.format);
        }
        Ok(recovery)
    }
}

/// Removes the file, which holds personal data, once nobody needs it.
pub(super) fn remove(file: &Path) {
    if let Err(error) = fs::remove_file(file) {
        note!("{} is no longer needed, but cannot be removed: {error}", file.display());
    }
}
