//! Two runs side by side.
//!
//! Owns what is compared: how they went, per template how many ranks, how long, how much cpu and memory and how many
//! failures, and the lines in which their sessions differ. Reads two records to their end; draws nothing (that is
//! [`view`]). Start at [`read`].

mod lines;
pub mod view;

pub use lines::{Change, differences};

use std::collections::HashMap;

use indexmap::IndexMap;

use super::reading::{self, Listed, said};
use crate::{
    model::{
        event::{Event, Stamped},
        ids::{Incarnation, ProcessId},
        lifecycle::ExitStatus,
    },
    record::{RunState, Runs, Summary, Tally},
};

/// What the ranks of a template did, all together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sums {
    /// Ranks that were started.
    pub ranks: u64,
    /// Ranks whose last life ended well.
    pub well: u64,
    /// Ranks whose last life made the run fail.
    pub failed: u64,
    /// Starts beyond the first of each rank.
    pub restarts: u64,
    /// Seconds of the longest life.
    pub longest: f64,
    /// Seconds of all lives that have ended, and how many those are.
    pub lives: (f64, u64),
    /// Cpu seconds of all lives.
    pub cpu: f64,
    /// The largest resident set of one process, in bytes.
    pub memory: u64,
}

impl Sums {
    /// Seconds of a life, on average; absent: none has ended.
    pub fn mean(&self) -> Option<f64> {
        let (seconds, lives) = self.lives;
        (lives > 0).then(|| seconds / lives as f64)
    }
}

/// One of the two.
#[derive(Debug, Clone)]
pub struct Side {
    /// Which run.
    pub listed: Listed,
    /// How it went.
    pub summary: Summary,
    /// Its templates as `group/template`, in the order of the session.
    pub templates: IndexMap<String, Sums>,
}

/// Two runs.
#[derive(Debug, Clone)]
pub struct Compared {
    /// The older one, the newer one.
    pub sides: [Side; 2],
    /// Where the sessions differ; nothing: they are the same.
    pub changes: Vec<Change>,
}

impl Compared {
    /// Every template that one of them has, those of the newer run first.
    pub fn templates(&self) -> Vec<&str> {
        let [old, new] = &self.sides;
        let mut names: Vec<&str> = new.templates.keys().map(String::as_str).collect();
        let gone = old
            .templates
            .keys()
            .filter(|name| !new.templates.contains_key(*name));
        names.extend(gone.map(String::as_str));
        names
    }
}

/// Reads two runs.
///
/// # Errors
/// When one of them is not there or cannot be read, in words.
pub fn read(runs: &Runs, old: &str, new: &str, now: u64) -> Result<Compared, String> {
    let (old, old_text) = side(runs, old, now)?;
    let (new, new_text) = side(runs, new, now)?;
    Ok(Compared {
        changes: differences(&old_text, &new_text),
        sides: [old, new],
    })
}

fn side(runs: &Runs, id: &str, now: u64) -> Result<(Side, String), String> {
    let run = runs.open(id).map_err(said)?;
    let (session, text) = reading::session_of(&run)?;
    let mut templates = IndexMap::new();
    for (group, in_group) in &session.groups {
        for template in in_group.templates.keys() {
            templates.insert(format!("{group}/{template}"), Sums::default());
        }
    }
    let mut counting = Counting {
        templates,
        ranks: HashMap::new(),
    };
    let engine = &run.engine;
    let mut tally = Tally::new(&run.id, &engine.session, engine.started, engine.ranks);
    for event in run.events().map_err(said)? {
        let event = event.map_err(said)?;
        tally.see(&event);
        counting.see(&event);
    }
    let mut listed = reading::listed(&run, now);
    let summary = match run.summary {
        Some(summary) if run.state == RunState::Ended => summary,
        _ => tally.summary(),
    };
    listed.seconds = Some(summary.took());
    let side = Side {
        listed,
        summary,
        templates: counting.finish(),
    };
    Ok((side, text))
}

/// Where a rank stands while its events are counted.
#[derive(Default)]
struct Rank {
    began: f64,
    well: bool,
    failed: bool,
    /// The last life whose end was counted: a restart that is called off tells an end twice.
    counted: Option<Incarnation>,
}

struct Counting {
    templates: IndexMap<String, Sums>,
    ranks: HashMap<ProcessId, Rank>,
}

impl Counting {
    fn see(&mut self, stamped: &Stamped) {
        match &stamped.event {
            Event::ProcessStarted {
                process,
                incarnation,
                ..
            } => {
                let rank = self.ranks.entry(process.clone()).or_default();
                rank.began = stamped.at;
                (rank.well, rank.failed) = (false, false);
                sums(&mut self.templates, process).restarts += u64::from(incarnation.0 > 0);
            }
            Event::ProcessEnded {
                process,
                incarnation,
                status,
                failure,
                usage,
                ..
            } => {
                // What was never started has not lived.
                let Some(rank) = self.ranks.get_mut(process) else {
                    return;
                };
                rank.failed = *failure;
                rank.well = !*failure && matches!(status, ExitStatus::Code(0));
                if rank.counted.replace(*incarnation) == Some(*incarnation) {
                    return;
                }
                let lived = (stamped.at - rank.began).max(0.0);
                let sums = sums(&mut self.templates, process);
                sums.longest = sums.longest.max(lived);
                sums.lives.0 += lived;
                sums.lives.1 += 1;
                sums.cpu += usage.cpu_seconds;
                sums.memory = sums.memory.max(usage.peak_memory);
            }
            _ => {}
        }
    }

    fn finish(mut self) -> IndexMap<String, Sums> {
        for (process, rank) in &self.ranks {
            let sums = sums(&mut self.templates, process);
            sums.ranks += 1;
            sums.well += u64::from(rank.well);
            sums.failed += u64::from(rank.failed);
        }
        self.templates
    }
}

fn sums<'t>(templates: &'t mut IndexMap<String, Sums>, process: &ProcessId) -> &'t mut Sums {
    let name = format!("{}/{}", process.group, process.template);
    templates.entry(name).or_default()
}
