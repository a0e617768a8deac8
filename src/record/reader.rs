//! Runs as they are read: the list, one run, its events.

use std::{
    borrow::Cow,
    fs::{self, TryLockError},
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, de::DeserializeOwned};

use crate::model::{
    event::{Outcome, PROTOCOL, Stamped},
    ids::ProcessId,
};

use super::{
    EngineInfo, Grown, RecordError, Summary, Tally,
    anchor::{open_lock, this_host},
    lines::{JsonReader, Lines},
    paths::{self, log_path, runs_folder},
    run_id::is_run_id,
    summary,
};

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunState {
    /// Its engine lives on this host.
    RunningHere,
    /// Its engine is, or was, on another host: only that one can tell.
    OnHost(String),
    /// It has ended and says how.
    Ended,
    /// Its engine is gone without a summary.
    Died,
}

impl RunState {
    /// How it stands with the run, in a word or two: the same wherever runs are listed.
    pub fn word(&self, outcome: Option<Outcome>) -> Cow<'static, str> {
        Cow::Borrowed(match (self, outcome) {
            (Self::RunningHere, _) => "running",
            (Self::OnHost(host), _) => return Cow::Owned(format!("on {host}")),
            (Self::Died, _) | (Self::Ended, None) => "died",
            (Self::Ended, Some(outcome)) => match outcome {
                Outcome::Succeeded => "succeeded",
                Outcome::Failed => "failed",
                Outcome::Unplaceable => "unplaceable",
                Outcome::HostLost => "host lost",
                Outcome::Walltime => "walltime",
                Outcome::Interrupted => "stopped",
            },
        })
    }
}

/// All runs of a user.
#[derive(Debug, Clone)]
pub struct Runs {
    root: PathBuf,
}

impl Runs {
    /// Those of this user: in `$XDG_STATE_HOME/dragon-tui/runs`, else `$HOME/.local/state/…`. Creates
    /// nothing.
    pub fn of_this_user() -> Result<Self, RecordError> {
        let folder = |name| std::env::var_os(name).map(PathBuf::from);
        Ok(Self::at(runs_folder(
            folder("XDG_STATE_HOME"),
            folder("HOME"),
        )?))
    }

    /// Those in a folder, which need not exist.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder that they are in.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The ids of all runs, newest first. Links and anything else that is no folder do not count.
    pub fn ids(&self) -> Result<Vec<String>, RecordError> {
        let entries = match fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(RecordError::io("read", &self.root)(error)),
        };
        let mut ids: Vec<String> = entries
            .filter_map(Result::ok)
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| is_run_id(name))
            .collect();
        ids.sort_unstable_by(|a, b| b.cmp(a));
        Ok(ids)
    }

    /// The newest runs, newest first, at most `limit` of them.
    pub fn list(&self, limit: usize) -> Result<Vec<PastRun>, RecordError> {
        let ids = self.ids()?;
        let known = ids.into_iter().filter_map(|id| self.look(id));
        Ok(known.take(limit).collect())
    }

    /// The run of this name: its id, the begin of it, the begin of its part after the dash, or `last`.
    pub fn open(&self, name: &str) -> Result<PastRun, RecordError> {
        let missing = || RecordError::NoSuchRun {
            name: name.to_owned(),
            root: self.root.clone(),
        };
        if name == "last" {
            return self.list(1)?.pop().ok_or_else(missing);
        }
        if name.is_empty() {
            return Err(missing());
        }
        let fits = |id: &String| id.starts_with(name) || id[7..].starts_with(name);
        let mut matches: Vec<String> = self.ids()?.into_iter().filter(fits).collect();
        match (matches.pop(), matches.is_empty()) {
            (Some(id), true) => self.look(id).ok_or_else(missing),
            (Some(id), false) => {
                matches.push(id);
                Err(RecordError::Ambiguous {
                    name: name.to_owned(),
                    matches,
                })
            }
            (None, _) => Err(missing()),
        }
    }

    /// What is known of a run; nothing if it is being made at this moment.
    pub(super) fn look(&self, id: String) -> Option<PastRun> {
        let path = self.root.join(&id);
        let summary: Option<Summary> = read_json(&path.join(paths::SUMMARY));
        let engine: Option<EngineInfo> = read_json(&path.join(paths::ENGINE));
        let state = match (&summary, &engine) {
            (Some(_), _) => RunState::Ended,
            (None, Some(engine)) if engine.host != this_host() => {
                RunState::OnHost(engine.host.clone())
            }
            (None, Some(engine)) if is_running(&path, engine) => RunState::RunningHere,
            (None, Some(_)) => RunState::Died,
            (None, None) if path.join(paths::EVENTS).exists() => RunState::Died,
            (None, None) => return None,
        };
        Some(PastRun {
            id,
            path,
            engine: engine.unwrap_or_default(),
            summary,
            state,
        })
    }
}

/// Whether the engine of a run on this host lives: it holds the lock. A shared lock is tried, so that
/// two readers do not take each other for an engine. A lock that cannot be opened says nothing: somebody may have
/// deleted it under a living engine, whose process is looked for then.
fn is_running(run: &Path, engine: &EngineInfo) -> bool {
    match open_lock(run, false).map(|lock| lock.try_lock_shared()) {
        Ok(Ok(())) => false,
        Ok(Err(TryLockError::WouldBlock)) => true,
        // A file system without locks, or no lock.
        Ok(Err(TryLockError::Error(_))) | Err(_) => engine.is_alive_here(),
    }
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// A run on disk.
#[derive(Debug, Clone)]
pub struct PastRun {
    /// Its id.
    pub id: String,
    /// Its folder.
    pub path: PathBuf,
    /// Where its engine is or was; empty if that cannot be read.
    pub engine: EngineInfo,
    /// How it went, once it has ended.
    pub summary: Option<Summary>,
    /// Where it stands.
    pub state: RunState,
}

impl PastRun {
    /// The session as run.
    pub fn session_text(&self) -> Result<String, RecordError> {
        let path = self.path.join(paths::SESSION);
        fs::read_to_string(&path).map_err(RecordError::io("read", &path))
    }

    /// What happened, from the begin. None recorded: none.
    pub fn events(&self) -> Result<EventReader, RecordError> {
        EventReader::open(self.path.join(paths::EVENTS))
    }

    /// The samples of the queues, from the begin; lines that cannot be read are left out.
    pub fn queue_samples<T: DeserializeOwned>(&self) -> Result<JsonReader<T>, RecordError> {
        JsonReader::open(self.path.join(paths::QUEUES))
    }

    /// When the logs grew, from the begin. An older version did not write it: none.
    pub fn growth(&self) -> Result<JsonReader<Grown>, RecordError> {
        growth_of(&self.path)
    }

    /// Bytes of what is read line by line: events, queues, logs that grew.
    pub fn lines_size(&self) -> u64 {
        let size = |name| fs::metadata(self.path.join(name)).map_or(0, |found| found.len());
        size(paths::EVENTS) + size(paths::QUEUES) + size(paths::GROWTH)
    }

    /// Where the log of a process is; it exists if the process printed anything.
    pub fn log_path(&self, process: &ProcessId) -> PathBuf {
        log_path(&self.path, process)
    }

    /// The folder of the logs.
    pub fn logs_folder(&self) -> PathBuf {
        self.path.join(paths::LOGS)
    }

    /// The processes that printed something, with the sizes of their logs, in order.
    pub fn logs(&self) -> Vec<(ProcessId, u64)> {
        let mut logs = Vec::new();
        for group in entries(&self.logs_folder()) {
            for template in entries(&group.path()) {
                for log in entries(&template.path()) {
                    let name = log.file_name();
                    let rank = name.to_str().and_then(|name| name.strip_suffix(".log"));
                    let (Some(rank), Ok(metadata)) = (rank, log.metadata()) else {
                        continue;
                    };
                    let (group, template) = (group.file_name(), template.file_name());
                    let process = format!("{}/{}.{rank}", group.display(), template.display());
                    if let Ok(process) = process.parse() {
                        logs.push((process, metadata.len()));
                    }
                }
            }
        }
        logs.sort_unstable();
        logs
    }

    /// A summary made of the events: for a run that died, or that runs.
    pub fn tally(&self) -> Result<Summary, RecordError> {
        let engine = &self.engine;
        let mut tally = Tally::new(&self.id, &engine.session, engine.started, engine.ranks);
        for event in self.events()? {
            tally.see(&event?);
        }
        Ok(tally.summary())
    }

    /// The size of its folder in bytes: from its summary, else counted.
    pub fn size(&self) -> u64 {
        match &self.summary {
            Some(summary) if summary.size > 0 => summary.size,
            _ => read_json::<super::retention::Swept>(&self.path.join(paths::SWEPT))
                .map_or_else(|| folder_size(&self.path), |swept| swept.size),
        }
    }
}

/// When the logs of the run in this folder grew.
pub fn growth_of(run: &Path) -> Result<JsonReader<Grown>, RecordError> {
    JsonReader::open(run.join(paths::GROWTH))
}

/// What is in a folder; nothing if it cannot be read.
fn entries(folder: &Path) -> impl Iterator<Item = fs::DirEntry> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
}

/// The sizes of all files in a folder and below. Links are not followed.
pub(super) fn folder_size(folder: &Path) -> u64 {
    entries(folder)
        .filter_map(|entry| Some((entry.metadata().ok()?, entry.path())))
        .map(|(metadata, path)| {
            if metadata.is_dir() {
                folder_size(&path)
            } else {
                metadata.len()
            }
        })
        .sum()
}

/// The events of a run, in order. At the end of a run that goes on, `next` gives nothing now and the
/// events that came since when it is asked again.
#[derive(Debug)]
pub struct EventReader {
    lines: Lines,
    damaged: u64,
}

/// What is looked at before an event is read, in case it was written by a newer version.
#[derive(Deserialize)]
struct Header {
    protocol: Option<u32>,
}

impl EventReader {
    fn open(path: PathBuf) -> Result<Self, RecordError> {
        Ok(Self {
            lines: Lines::open(path)?,
            damaged: 0,
        })
    }

    /// Where in the file the event begins that is read next.
    pub fn offset(&self) -> u64 {
        self.lines.offset()
    }

    /// Reads on from a place that [`Self::offset`] gave.
    pub fn seek(&mut self, offset: u64) -> Result<(), RecordError> {
        self.lines.seek(offset)
    }

    /// How many lines could not be understood so far (a disk that was full leaves such lines).
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    fn read(&mut self) -> Result<Option<Stamped>, RecordError> {
        while let Some(line) = self.lines.next_line()? {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let begins = memchr::memmem::find(line, b"\"run_started\"").is_some();
            if begins
                && let Ok(Header {
                    protocol: Some(found),
                }) = serde_json::from_slice(line)
                && found > PROTOCOL
            {
                return Err(RecordError::Newer {
                    path: self.lines.path().to_owned(),
                    found,
                    known: PROTOCOL,
                });
            }
            match serde_json::from_slice(line) {
                Ok(event) => return Ok(Some(event)),
                Err(_) => self.damaged += 1,
            }
        }
        Ok(None)
    }
}

impl Iterator for EventReader {
    type Item = Result<Stamped, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

impl Summary {
    /// Whether a newer version wrote it, so that some of it may be missing here.
    pub fn is_newer(&self) -> bool {
        self.version > summary::VERSION
    }
}
