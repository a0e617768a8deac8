//! A run on disk: what was asked for, what happened, what was printed.
//!
//! Owns the folder of a run and everything in it, writing ([`RunFolder`], [`EventLog`], [`LogFiles`]),
//! reading ([`Runs`], [`PastRun`]) and pruning. Never starts a process and never fails a run: what
//! cannot be written is counted, and said once as a [`RecordNotice`]. Start at [`Runs`].
//!
//! ```text
//! $XDG_STATE_HOME/dragon-tui/runs/<run>/      0700; files 0600
//!   lock          held (flock) by the engine while it runs
//!   engine.json   where the engine is and by which mark its processes are known
//!   session.ron   the session as run
//!   events.jsonl  one event per line (a torn last line is no error)
//!   queues.jsonl  samples of the queues, one per line
//!   logs/<group>/<template>/<rank>.log          every byte, as the pty or pipe delivered it
//!   growth.jsonl  when the logs grew, one line now and then
//!   summary.json  once the run has ended
//!   swept         once a run that died has been cleaned up after, with its size
//! ```

use std::{fmt, io, path::PathBuf};

use crate::model::event::Level;

mod anchor;
pub mod civil;
mod growth;
mod json_lines;
mod lines;
mod logs;
mod open_files;
mod paths;
mod reader;
mod retention;
pub mod run_id;
mod summary;
mod tail;
#[cfg(test)]
mod tests;
mod writer;

pub use anchor::EngineInfo;
pub use growth::Grown;
pub use json_lines::{EventLog, JsonLines, QueueLog};
pub use lines::JsonReader;
pub use logs::{LogFiles, LogId, OPEN_FILES};
pub use paths::log_path;
pub use reader::{EventReader, PastRun, RunState, Runs, growth_of};
pub use retention::{Limits, Pruned, StaleRun};
pub use summary::{ByteCounts, FAILURES_MAX, Failure, LAST_LINES_MAX, RankCounts, Summary, Tally};
pub use tail::{tail, tail_lines};
pub use writer::RunFolder;

/// Why the record of a run cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Neither `XDG_STATE_HOME` nor `HOME` says where.
    #[error("no place for the records of runs: set HOME or XDG_STATE_HOME")]
    NoHome,
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// No run is called so.
    #[error("no run {name:?} in {root}: `dragon-tui runs` lists them", root = root.display())]
    NoSuchRun {
        /// What was asked for.
        name: String,
        /// Where it was looked for.
        root: PathBuf,
    },
    /// Several runs are called so.
    #[error("{name:?} may be any of {}: write more of it", .matches.join(", "))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// The runs that it fits.
        matches: Vec<String>,
    },
    /// A newer dragon-tui wrote it.
    #[error(
        "{path} was written by a newer dragon-tui (version {found} of the format, this one reads {known}): open it with that one",
        path = path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version that it says.
        found: u32,
        /// The newest version that is understood.
        known: u32,
    },
}

impl RecordError {
    fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}

/// Something about the record that the user should know, said once. The run goes on.
#[derive(Debug)]
pub enum RecordNotice {
    /// Nothing can be written at present; what comes is counted.
    Paused {
        /// What could not be written.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Everything is written again.
    Resumed {
        /// What was written again last.
        path: PathBuf,
        /// How much is lost since it paused: bytes of logs, or lines of events and samples.
        lost: u64,
        /// What is counted.
        unit: &'static str,
    },
    /// The folder of the run was removed while it ran, and made again.
    Restored {
        /// The folder.
        path: PathBuf,
    },
}

impl RecordNotice {
    /// How much it matters.
    pub fn level(&self) -> Level {
        match self {
            Self::Paused { .. } => Level::Error,
            Self::Resumed { .. } | Self::Restored { .. } => Level::Warning,
        }
    }
}

impl fmt::Display for RecordNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Paused { path, error } => write!(
                f,
                "the record of this run is paused: {}: {error}; the run goes on, what is lost is counted",
                path.display()
            ),
            Self::Resumed { path, lost, unit } => write!(
                f,
                "the record of this run goes on at {}; {lost} {unit} are lost",
                path.display()
            ),
            Self::Restored { path } => write!(
                f,
                "{} was removed while the run goes on: it was made again, what it held is lost",
                path.display()
            ),
        }
    }
}
