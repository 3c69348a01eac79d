//! The write-ahead journal: what is about to be done, stored before it is done.

use cognito_core::provider::SourceIdentity;
use cognito_core::user_pool::ProfileRecord;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Where entries are stored. An implementation may be a file or a table.
pub trait Journal: Send {
    /// Stores an entry. After it returns, the entry survives a crash and a loss of power.
    ///
    /// # Errors
    ///
    /// Returns [`JournalError`] if the entry may not be stored. The caller must not do what the entry says then.
    fn write(&mut self, entry: Entry) -> impl Future<Output = Result<(), JournalError>> + Send;

    /// Everything stored so far, by earlier runs, too.
    fn history(&self) -> &History;
}

/// An entry could not be stored.
#[derive(Debug, thiserror::Error)]
#[error("the journal cannot be written")]
pub struct JournalError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// A profile is about to be deleted, with everything known of it.
    Begin(Box<Begin>),
    /// One of its linked identities is about to be taken from it, and linked to the other profile.
    Moving {
        /// Its user name.
        user_name: String,
        /// The identity.
        identity: SourceIdentity,
    },
    /// It is deleted.
    Deleted {
        /// Its user name.
        user_name: String,
        /// Its `sub`.
        sub: String,
    },
    /// Its identity signs in to the native profile.
    Linked(Box<Linked>),
    /// Groups are copied, too: nothing is left to do.
    Done {
        /// The deleted profile.
        user_name: String,
    },
    /// Nothing was changed, because the situation is not the planned one.
    Skipped {
        /// The profile.
        user_name: String,
        /// A stable name, or a text that names nobody.
        why: String,
    },
    /// Not finished. A later run tries again.
    Failed {
        /// The profile.
        user_name: String,
        /// A stable name, or a text that names nobody.
        why: String,
    },
    /// Taken back, as far as Cognito allows.
    Undone(Undone),
}

/// What is about to happen to a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// The decision's name.
    pub decision: String,
    /// The native profile, if it exists already.
    pub into: Option<String>,
    /// Its `sub`, because somebody else may register the name again. Journals of earlier versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into_sub: Option<String>,
    /// What is linked after the deletion; `None` if a native profile goes, or if nothing is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<SourceIdentity>,
    /// Identities that are linked to the profile, and that move before the deletion.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<SourceIdentity>,
    /// The profile to delete; for a group repair the one that joins.
    pub profile: ProfileRecord,
    /// The groups of the profile to delete.
    pub groups: Vec<String>,
    /// A native profile that the decision deletes and creates again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<WholeProfile>,
    /// Groups that the native profile joins.
    #[serde(default)]
    pub add_groups: Vec<String>,
    /// Attributes that the native profile gets.
    #[serde(default)]
    pub add_attributes: BTreeMap<String, String>,
    /// Attributes for the native profile that the pool did not accept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

impl Begin {
    /// Whether a profile of the native profile's name is still that profile.
    #[must_use]
    pub fn is_into(&self, record: &ProfileRecord) -> bool {
        self.into.as_deref() == Some(record.user_name.as_str())
            && self.into_sub.as_deref().is_none_or(|sub| sub == record.sub())
    }

    /// Every identity that the native profile gets.
    pub fn identities(&self) -> impl Iterator<Item = &SourceIdentity> {
        self.identity.iter().chain(&self.moves)
    }
}

/// A profile as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WholeProfile {
    /// Everything known of it.
    pub profile: ProfileRecord,
    /// Its groups.
    pub groups: Vec<String>,
}

/// A link that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    /// The deleted profile.
    pub user_name: String,
    /// The decision that was carried out in the end.
    pub decision: String,
    /// The native profile.
    pub into: String,
    /// The native profile's `sub`.
    pub into_sub: String,
    /// Attributes for the native profile that the pool did not accept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// What an undo did to one merge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Undone {
    /// The profile that was merged.
    pub user_name: String,
    /// What was restored.
    #[serde(default)]
    pub restored: Vec<String>,
    /// What cannot be restored.
    #[serde(default)]
    pub lost: Vec<String>,
}

/// How far a profile's merge has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergeState {
    /// One entry for each time that a profile of this name was about to be deleted. It comes back if its owner signs in
    /// before the link is made.
    pub attempts: Vec<Begin>,
    /// The linked identities whose move has begun. Nobody else's hand is known to have touched these.
    pub moved: Vec<SourceIdentity>,
    /// Whether it was deleted at least once.
    pub deleted: bool,
    /// The link, once it is made.
    pub linked: Option<Linked>,
    /// Whether nothing is left to do.
    pub done: bool,
    /// What an undo did.
    pub undone: Option<Undone>,
}

/// What was done, by user name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The user names in the order of their first attempts.
    pub order: Vec<String>,
    /// How far each merge has come.
    pub merges: BTreeMap<String, MergeState>,
}

/// An old `sub` and the one that replaced it, for the application's own database.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReplacedSub {
    /// The deleted profile's `sub`.
    pub old_sub: String,
    /// The native profile's `sub`.
    pub new_sub: String,
    /// The deleted profile.
    pub old_user_name: String,
    /// The native profile.
    pub new_user_name: String,
}

impl fmt::Debug for ReplacedSub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplacedSub({} by {})", self.old_sub, self.new_sub)
    }
}

impl MergeState {
    /// Whether the profile is deleted, or gave identities away, and not all of them are linked.
    #[must_use]
    pub const fn is_half_done(&self) -> bool {
        (self.deleted || !self.moved.is_empty()) && self.linked.is_none()
    }
}

impl History {
    /// How far the merge of a profile has come.
    #[must_use]
    pub fn merge_of(&self, user_name: &str) -> Option<&MergeState> {
        self.merges.get(user_name)
    }

    /// The number of profiles that are deleted, or gave identities away, while not all of these are linked.
    #[must_use]
    pub fn incomplete(&self) -> u64 {
        let incomplete = self.merges.values().filter(|state| state.is_half_done());
        u64::try_from(incomplete.count()).unwrap_or(u64::MAX)
    }

    /// Adds an entry. Adding the same entry twice in a row changes nothing.
    pub fn add(&mut self, entry: &Entry) {
        match entry {
            Entry::Skipped { .. } | Entry::Failed { .. } => {}
            Entry::Begin(begin) => {
                let name = &begin.profile.user_name;
                if !self.merges.contains_key(name) {
                    self.order.push(name.clone());
                }
                let attempts = &mut self.state(name).attempts;
                if attempts.last() != Some(begin) {
                    attempts.push((**begin).clone());
                }
            }
            Entry::Moving { user_name, identity } => {
                let moved = &mut self.state(user_name).moved;
                if !moved.contains(identity) {
                    moved.push(identity.clone());
                }
            }
            Entry::Deleted { user_name, .. } => self.state(user_name).deleted = true,
            Entry::Linked(linked) => self.state(&linked.user_name).linked = Some((**linked).clone()),
            Entry::Done { user_name } => self.state(user_name).done = true,
            Entry::Undone(undone) => self.state(&undone.user_name).undone = Some(undone.clone()),
        }
    }

    /// The `sub`s that the merge of one profile replaced: its own, those of profiles that came back, and that of a
    /// replaced registration. Empty before the link is made.
    #[must_use]
    pub fn replaced_subs(&self, user_name: &str) -> Vec<ReplacedSub> {
        let Some(state) = self.merges.get(user_name) else { return Vec::new() };
        let Some(linked) = &state.linked else { return Vec::new() };
        let deleted = |begin: &'_ Begin| -> Vec<ProfileRecord> {
            let replaced = begin.replaces.iter().map(|replaced| replaced.profile.clone());
            replaced.chain([begin.profile.clone()]).collect()
        };
        let gone = state.attempts.iter().flat_map(deleted).filter(|record| record.sub() != linked.into_sub);
        gone.map(|record| ReplacedSub {
            old_sub: record.sub().to_owned(),
            new_sub: linked.into_sub.clone(),
            old_user_name: record.user_name,
            new_user_name: linked.into.clone(),
        })
        .collect()
    }

    fn state(&mut self, user_name: &str) -> &mut MergeState {
        self.merges.entry(user_name.to_owned()).or_default()
    }
}
