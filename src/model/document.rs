//! The whole of a session as a value.
//!
//! Owns [`Session`] and its timeline. How it is read from and written to a file is in
//! [`session`](super::session).

use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{
    host::HostSpec,
    ids::{GroupName, ProcessId, QueueName, Selector, TemplateName},
    policy::Policy,
    queue::{QueueServer, QueueSpec},
    template::{ProcessGroup, ProcessTemplate, humantime_text},
};

/// The newest version of the session format that this program reads and writes.
pub const VERSION: u32 = 1;

/// Something done at a moment of a session's timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Step {
    /// Start what is selected.
    Start(Selector),
    /// Stop it by its ladder.
    Stop(Selector),
    /// Kill it at once.
    Kill(Selector),
    /// Stop it if it runs, then start it again.
    Restart(Selector),
    /// Throw its output away at its source.
    Mute(Selector),
    /// Show its output again.
    Unmute(Selector),
    /// Change the number of replicas of a template (1 to 1,000,000).
    Scale(Selector, u32),
    /// Type this text into it.
    Send(Selector, String),
}

impl Step {
    /// The processes that the step is about.
    pub fn selector(&self) -> &Selector {
        match self {
            Step::Start(s) | Step::Stop(s) | Step::Kill(s) | Step::Restart(s) => s,
            Step::Mute(s) | Step::Unmute(s) => s,
            Step::Scale(s, _) | Step::Send(s, _) => s,
        }
    }
}

/// One entry of the timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimelineEntry {
    /// When, since the start of the run.
    #[serde(with = "humantime_text")]
    pub at: Duration,
    /// What.
    #[serde(rename = "do")]
    pub step: Step,
}

/// A session: queues, groups, hosts, settings and an optional timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Session {
    /// The version of the format, 1 to [`VERSION`].
    pub version: u32,
    /// What the session is called; absent: the name of its file.
    pub name: Option<String>,
    /// The Python interpreter; absent: that of `$VIRTUAL_ENV`, else `python3`.
    pub python: Option<String>,
    /// Where processes may run besides the engine's own host.
    pub hosts: Vec<HostSpec>,
    /// The queues, in the order of the file.
    pub queues: IndexMap<QueueName, QueueSpec>,
    /// What serves the queues.
    pub queue_server: QueueServer,
    /// What is done while it runs.
    pub timeline: Vec<TimelineEntry>,
    /// Wishes about placement, weaker than those of groups.
    pub policy: Policy,
    /// The groups, in the order of the file.
    pub groups: IndexMap<GroupName, ProcessGroup>,
}

impl Default for Session {
    /// An empty session of the newest version.
    fn default() -> Self {
        Self {
            version: VERSION,
            name: None,
            python: None,
            hosts: Vec::new(),
            queues: IndexMap::new(),
            queue_server: QueueServer::default(),
            timeline: Vec::new(),
            policy: Policy::default(),
            groups: IndexMap::new(),
        }
    }
}

impl Session {
    /// The template of a process, if the session has it.
    pub fn template(&self, group: &GroupName, template: &TemplateName) -> Option<&ProcessTemplate> {
        self.groups.get(group)?.templates.get(template)
    }

    /// The placement wishes of a template, merged with those of its group and session.
    pub fn policy_of(&self, group: &GroupName, template: &TemplateName) -> Policy {
        let Some(in_group) = self.groups.get(group) else {
            return self.policy.clone();
        };
        let own = in_group
            .templates
            .get(template)
            .map(|t| t.policy.clone())
            .unwrap_or_default();
        own.over(in_group.policy.clone()).over(self.policy.clone())
    }

    /// How many processes the session has in all.
    pub fn process_count(&self) -> u64 {
        self.groups
            .values()
            .flat_map(|g| g.templates.values())
            .map(|t| u64::from(t.replicas))
            .sum()
    }

    /// How a process is called on screen: without its group when the session has only one.
    pub fn label(&self, process: &ProcessId) -> String {
        if self.groups.len() == 1 {
            format!("{}.{}", process.template, process.rank)
        } else {
            process.to_string()
        }
    }
}
