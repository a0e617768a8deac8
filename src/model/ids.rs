//! The names of things: groups, templates, queues, hosts, processes.
//!
//! Owns the rules of names and the textual form of a process id (`group/template.rank`). Never looks
//! anything up: that a name exists is the business of [`Session::validate`](super::session::Session).
//! Start at [`ProcessId`].

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// The greatest length of a name, in bytes.
pub const NAME_MAX: usize = 64;

/// Why a piece of text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {text:?} is not valid: use 1 to {NAME_MAX} of the characters A-Z a-z 0-9 _ -")]
pub struct NameError {
    what: &'static str,
    text: String,
}

/// Whether `text` follows the rule of names: `[A-Za-z0-9_-]{1,64}`.
pub fn is_name(text: &str) -> bool {
    (1..=NAME_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name itself, or [`NameError`] when the text breaks the rule of names.
            pub fn new(text: &str) -> Result<Self, NameError> {
                if is_name(text) { Ok(Self(text.into())) } else {
                    Err(NameError { what: $what, text: text.to_owned() })
                }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.as_ref().to_owned()
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name_type!(
    /// The name of a ProcessGroup, unique in its session.
    GroupName,
    "group name"
);
name_type!(
    /// The name of a ProcessTemplate, unique in its group.
    TemplateName,
    "template name"
);
name_type!(
    /// The name of a Queue, unique in its session.
    QueueName,
    "queue name"
);

/// The name of a host as the session, the command line or Slurm writes it.
///
/// Unlike the names above it may hold dots, and it is compared without regard to case, as DNS does.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct HostName(Arc<str>);

impl From<String> for HostName {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl From<HostName> for String {
    fn from(name: HostName) -> String {
        name.0.as_ref().to_owned()
    }
}

impl HostName {
    /// The machine that the engine runs on; any of its own names stands for it too.
    pub const LOCALHOST: &'static str = "localhost";

    /// A host name, in lower case. The text is not checked here; the loader of sessions does.
    pub fn new(text: &str) -> Self {
        Self(text.to_ascii_lowercase().into())
    }

    /// The name of the engine's own host.
    pub fn localhost() -> Self {
        Self(Self::LOCALHOST.into())
    }

    /// The name as text, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the engine's own host.
    pub fn is_localhost(&self) -> bool {
        &*self.0 == Self::LOCALHOST
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// Counts the lives of a rank: 0 for the first, one more for each restart.
///
/// A message about an older incarnation than the present one is ignored.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Incarnation(pub u32);

impl Incarnation {
    /// The one that follows.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// One process of a session: a rank (0-based) of a template of a group, written `group/template.rank`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId {
    /// The group it belongs to.
    pub group: GroupName,
    /// The template it is a replica of.
    pub template: TemplateName,
    /// 0-based index among the replicas of its template.
    pub rank: u32,
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}.{}", self.group, self.template, self.rank)
    }
}

impl FromStr for ProcessId {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        match text.parse()? {
            Selector {
                group,
                template: Some(template),
                rank: Some(rank),
            } => Ok(Self {
                group,
                template,
                rank,
            }),
            _ => Err(SelectorError(text.to_owned())),
        }
    }
}

impl Serialize for ProcessId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ProcessId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Some processes of a session: a group, a template of it, or one rank.
///
/// Written `group`, `group/template` or `group/template.rank`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Selector {
    /// The group.
    pub group: GroupName,
    /// Only this template of it.
    pub template: Option<TemplateName>,
    /// Only this rank (0-based) of the template.
    pub rank: Option<u32>,
}

/// Why a piece of text selects no process.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no process: write group, group/template or group/template.rank")]
pub struct SelectorError(String);

impl Selector {
    /// Every process of a group.
    pub fn group(group: GroupName) -> Self {
        Self {
            group,
            template: None,
            rank: None,
        }
    }

    /// Whether the process is one of those selected.
    pub fn selects(&self, process: &ProcessId) -> bool {
        self.group == process.group
            && self
                .template
                .as_ref()
                .is_none_or(|template| *template == process.template)
            && self.rank.is_none_or(|rank| rank == process.rank)
    }
}

impl From<ProcessId> for Selector {
    fn from(id: ProcessId) -> Self {
        Self {
            group: id.group,
            template: Some(id.template),
            rank: Some(id.rank),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.group)?;
        if let Some(template) = &self.template {
            write!(f, "/{template}")?;
        }
        if let Some(rank) = self.rank {
            write!(f, ".{rank}")?;
        }
        Ok(())
    }
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let fail = || SelectorError(text.to_owned());
        let (group, rest) = match text.split_once('/') {
            Some((group, rest)) => (group, Some(rest)),
            None => (text, None),
        };
        let group = GroupName::new(group).map_err(|_| fail())?;
        let Some(rest) = rest else {
            return Ok(Self::group(group));
        };
        let (template, rank) = match rest.split_once('.') {
            Some((template, rank)) => (template, Some(rank_in(rank).ok_or_else(fail)?)),
            None => (rest, None),
        };
        let template = TemplateName::new(template).map_err(|_| fail())?;
        Ok(Self {
            group,
            template: Some(template),
            rank,
        })
    }
}

/// A rank as it is printed: `+1` and `01` are none, as two texts would mean one process.
fn rank_in(text: &str) -> Option<u32> {
    let plain = text == "0" || !text.starts_with(['0', '+']);
    text.parse().ok().filter(|_| plain)
}

impl Serialize for Selector {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_names_a_group_a_template_or_a_rank_and_prints_as_it_was_written() {
        for text in ["demo", "demo/generator", "demo/generator.12"] {
            assert_eq!(text.parse::<Selector>().unwrap().to_string(), text);
        }
        for text in [
            "", "/x", "a/", "a/b.", "a/b.x", "a/b.-1", "a/b.+0", "a/b.007", "a/b.00", "a/b/c",
            "a b",
        ] {
            assert!(text.parse::<Selector>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_name_has_one_to_sixty_four_plain_characters() {
        assert!(GroupName::new(&"x".repeat(64)).is_ok());
        assert!(GroupName::new(&"x".repeat(65)).is_err());
        assert!(GroupName::new("").is_err());
        assert!(
            GroupName::new("ä")
                .unwrap_err()
                .to_string()
                .contains("group name")
        );
    }

    #[test]
    fn a_host_name_has_no_case_wherever_it_comes_from() {
        let read: HostName = serde_json::from_str("\"Node02.Site\"").unwrap();
        assert_eq!(read, HostName::new("node02.site"));
        assert_eq!(serde_json::to_string(&read).unwrap(), "\"node02.site\"");
    }

    #[test]
    fn a_process_id_survives_json() {
        let id: ProcessId = "a/b.3".parse().unwrap();
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, "\"a/b.3\"");
        assert_eq!(serde_json::from_str::<ProcessId>(&json).unwrap(), id);
        assert!("a/b".parse::<ProcessId>().is_err());
    }
}
