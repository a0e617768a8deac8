//! How a run went, on one page; and the fold that makes it from events.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::model::{
    event::{Event, Outcome, Stamped},
    ids::{ProcessId, QueueName},
    lifecycle::ExitStatus,
};

/// The newest version of the summary that is written and read.
pub(super) const VERSION: u32 = 1;

/// A summary names so many failures; [`RankCounts::failed`] counts all.
pub const FAILURES_MAX: usize = 20;

/// So many last lines are kept of each failure.
pub const LAST_LINES_MAX: usize = 20;

/// How many ranks ended how. A rank that was started again counts by its last end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RankCounts {
    /// All ranks of the session.
    pub total: u64,
    /// Returned 0.
    pub succeeded: u64,
    /// Ended in a way that makes the run fail.
    pub failed: u64,
    /// Never started: what they wait for could not happen.
    pub skipped: u64,
    /// Ended otherwise, because they were asked to.
    pub killed: u64,
}

/// What became of the bytes that processes wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ByteCounts {
    /// Written to logs.
    pub shown: u64,
    /// Thrown away while muted.
    pub discarded: u64,
    /// Could not be written.
    pub lost: u64,
}

/// A rank that failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The rank.
    pub process: ProcessId,
    /// How it ended.
    pub status: ExitStatus,
    /// Seconds since the run began.
    #[serde(default)]
    pub at: f64,
    /// Its last lines as it wrote them (filter before showing), at most [`LAST_LINES_MAX`].
    #[serde(default)]
    pub last_lines: Vec<String>,
}

/// How a run went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The version of this page.
    pub version: u32,
    /// The id of the run.
    pub run: String,
    /// The name of the session.
    pub session: String,
    /// When it began: seconds since 1970.
    pub started: u64,
    /// Seconds from its begin to its end; a run of the screens ends when they are left.
    pub wall_seconds: f64,
    /// Seconds from its begin until its last rank ended; absent: none did, some lived to the end, or an older version
    /// wrote it. See [`took`](Self::took).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_seconds: Option<f64>,
    /// How it ended.
    pub outcome: Outcome,
    /// The exit code of a headless run, 0 to 255.
    pub exit_code: i32,
    /// Its ranks.
    #[serde(default)]
    pub ranks: RankCounts,
    /// The failure that came first.
    #[serde(default)]
    pub first_failure: Option<ProcessId>,
    /// The first failures, at most [`FAILURES_MAX`].
    #[serde(default)]
    pub failures: Vec<Failure>,
    /// How often ranks were started again, in all.
    #[serde(default)]
    pub restarts: u64,
    /// What became of the output.
    #[serde(default)]
    pub bytes: ByteCounts,
    /// Per queue: items put, items got, items left.
    #[serde(default)]
    pub queues: IndexMap<QueueName, (u64, u64, u64)>,
    /// The largest resident set of any one process, in bytes.
    #[serde(default)]
    pub peak_memory: u64,
    /// Cpu time of all processes, in seconds.
    #[serde(default)]
    pub cpu_seconds: f64,
    /// Events and samples that could not be written.
    #[serde(default)]
    pub lines_lost: u64,
    /// The size of the run's folder; set when it is written.
    #[serde(default)]
    pub size: u64,
}

impl Summary {
    /// How long it took, in seconds: until its last rank ended, whenever the run itself did.
    pub fn took(&self) -> f64 {
        self.took_seconds.unwrap_or(self.wall_seconds)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Succeeded,
    Failed,
    Skipped,
    Killed,
}

/// Counts events into a [`Summary`].
#[derive(Debug)]
pub struct Tally {
    summary: Summary,
    ends: HashMap<ProcessId, End>,
    discarded: HashMap<ProcessId, u64>,
    seen: f64,
    /// Who lives, and when the last one ended.
    alive: HashSet<ProcessId>,
    last_end: Option<f64>,
}

impl Tally {
    /// A run that began at `started` (seconds since 1970) with so many ranks; 0: those that are seen.
    pub fn new(run: &str, session: &str, started: u64, ranks: u64) -> Self {
        Self {
            summary: Summary {
                version: VERSION,
                run: run.to_owned(),
                session: session.to_owned(),
                started,
                wall_seconds: 0.0,
                took_seconds: None,
                outcome: Outcome::Interrupted,
                exit_code: 0,
                ranks: RankCounts {
                    total: ranks,
                    ..RankCounts::default()
                },
                first_failure: None,
                failures: Vec::new(),
                restarts: 0,
                bytes: ByteCounts::default(),
                queues: IndexMap::new(),
                peak_memory: 0,
                cpu_seconds: 0.0,
                lines_lost: 0,
                size: 0,
            },
            ends: HashMap::new(),
            discarded: HashMap::new(),
            seen: 0.0,
            alive: HashSet::new(),
            last_end: None,
        }
    }

    /// Takes the next event. Returns a failure that wants its last lines, at the moment it happens.
    pub fn see(&mut self, stamped: &Stamped) -> Option<&mut Failure> {
        self.seen = self.seen.max(stamped.at);
        match &stamped.event {
            Event::ProcessStarted {
                process,
                incarnation,
                ..
            } => {
                self.alive.insert(process.clone());
                self.summary.restarts += u64::from(incarnation.0 > 0);
                None
            }
            Event::ProcessEnded {
                process,
                status,
                failure,
                usage,
                restart_in,
                ..
            } => {
                self.alive.remove(process);
                // Who never ran took no time, however late that is told.
                if !matches!(status, ExitStatus::Skipped(_)) {
                    self.last_end = Some(stamped.at);
                }
                self.summary.cpu_seconds += usage.cpu_seconds;
                self.summary.peak_memory = self.summary.peak_memory.max(usage.peak_memory);
                if restart_in.is_some() {
                    return None;
                }
                let end = match status {
                    _ if *failure => End::Failed,
                    ExitStatus::Skipped(_) => End::Skipped,
                    status if status.is_success() => End::Succeeded,
                    _ => End::Killed,
                };
                self.ends.insert(process.clone(), end);
                if !failure {
                    return None;
                }
                self.summary
                    .first_failure
                    .get_or_insert_with(|| process.clone());
                if self.summary.failures.len() >= FAILURES_MAX {
                    return None;
                }
                self.summary.failures.push(Failure {
                    process: process.clone(),
                    status: status.clone(),
                    at: stamped.at,
                    last_lines: Vec::new(),
                });
                self.summary.failures.last_mut()
            }
            Event::MuteChanged {
                process, discarded, ..
            } => {
                self.discarded.insert(process.clone(), *discarded);
                None
            }
            Event::QueueTotals { queues } => {
                self.summary.queues.clone_from(queues);
                None
            }
            Event::RunEnded {
                outcome,
                first_failure,
            } => {
                self.summary.outcome = *outcome;
                if first_failure.is_some() {
                    self.summary.first_failure.clone_from(first_failure);
                }
                None
            }
            _ => None,
        }
    }

    /// The summary so far; the wall time is that of the last event. What events do not tell (exit code,
    /// bytes, sizes) is for the caller to fill in.
    pub fn summary(&self) -> Summary {
        let mut summary = self.summary.clone();
        summary.wall_seconds = self.seen;
        summary.took_seconds = self.last_end.filter(|_| self.alive.is_empty());
        let count = |wanted| self.ends.values().filter(|end| **end == wanted).count() as u64;
        summary.ranks.succeeded = count(End::Succeeded);
        summary.ranks.failed = count(End::Failed);
        summary.ranks.skipped = count(End::Skipped);
        summary.ranks.killed = count(End::Killed);
        summary.ranks.total = summary.ranks.total.max(self.ends.len() as u64);
        summary.bytes.discarded = self.discarded.values().sum();
        summary
    }
}
