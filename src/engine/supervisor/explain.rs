//! Why a process is not running: one sentence, from what the supervisor knows.

use serde::{Deserialize, Serialize};

use super::{Supervisor, table::At};
use crate::model::{ids::ProcessId, lifecycle::ProcessState};

/// Where a process stands and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Its state.
    pub state: ProcessState,
    /// Why, in a sentence.
    pub because: String,
}

impl Supervisor {
    /// Why this process runs or does not; `None` when the session has no such process.
    pub fn explain(&self, process: &ProcessId) -> Option<Explanation> {
        let at = self.selected(&process.clone().into()).first().copied()?;
        let rank = self.rank(at)?;
        let because = match rank.state {
            ProcessState::Idle => format!("group {} was not started", process.group),
            ProcessState::Waiting => self.why_waiting(at),
            ProcessState::Starting => {
                "its host was asked to start it and has not answered yet".to_owned()
            }
            ProcessState::Running if self.groups[at.group].templates[at.template].ready_rule => {
                "it runs and has not shown that it is ready".to_owned()
            }
            ProcessState::Running | ProcessState::Ready => "it runs".to_owned(),
            ProcessState::Stopping => match rank.ladder {
                Some(0) => "it was asked to end and has its grace".to_owned(),
                Some(1) => "it did not end when asked; it got TERM".to_owned(),
                _ => "it did not end in time; it was killed".to_owned(),
            },
            ProcessState::Draining => "it ended; the rest of its output is on the way".to_owned(),
            ProcessState::BackingOff => format!(
                "it ended ({}) and is started again soon: restart {} of this rank",
                rank.status
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                rank.restarts
            ),
            ProcessState::Ended | ProcessState::Lost => match &rank.status {
                Some(status) if rank.stop_asked.is_some() => {
                    format!("it was asked to end: {status}")
                }
                Some(status) => format!("it ended: {status}"),
                None => "it ended".to_owned(),
            },
            ProcessState::Unknown => "its host does not answer".to_owned(),
        };
        Some(Explanation {
            state: rank.state,
            because,
        })
    }

    fn why_waiting(&self, at: At) -> String {
        let group = &self.groups[at.group];
        if !group.placed {
            for after in &group.after {
                match self.group_condition(after) {
                    Ok(true) => {}
                    Ok(false) => return format!("its group waits for {after:?}"),
                    Err(why) => return why,
                }
            }
        }
        let template = &group.templates[at.template];
        if template.held {
            for (after, condition) in template
                .after
                .iter()
                .zip(group.template_conditions(at.template))
            {
                match condition {
                    Ok(true) => {}
                    Ok(false) => return format!("it waits for {after:?}"),
                    Err(why) => return why,
                }
            }
        }
        let before = self
            .queue
            .iter()
            .position(|waiting| *waiting == at)
            .unwrap_or(0);
        format!("its turn to start comes after {before} others")
    }
}
