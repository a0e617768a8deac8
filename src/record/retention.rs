//! Old runs go, running ones never; and runs whose engine died are found, so that their processes can be
//! swept.

use std::{
    fs, io,
    path::Path,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use super::{
    EngineInfo, RecordError, RunState,
    anchor::open_lock,
    paths::{self, write_atomically},
    reader::{PastRun, Runs, folder_size},
};

/// How a folder is called while it is deleted.
const TRASH: &str = ".trash-";

/// A folder that says nothing about its engine is being made, unless it is older than this.
const MAKING: Duration = Duration::from_secs(3600);

/// A run of which nobody here can tell whether it goes on is over when its files were not touched for so long.
const UNTOUCHED: Duration = Duration::from_secs(30 * 24 * 3600);

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// At most so many runs that are over.
    pub runs: usize,
    /// At most so many bytes of all runs that are over, together.
    pub bytes: u64,
}

impl Default for Limits {
    /// 200 runs, 5 GiB.
    fn default() -> Self {
        Self {
            runs: 200,
            bytes: 5 << 30,
        }
    }
}

/// What was pruned.
#[derive(Debug, Default)]
pub struct Pruned {
    /// The ids of the runs that are gone, oldest first.
    pub runs: Vec<String>,
    /// Their bytes.
    pub bytes: u64,
    /// What could not be deleted, and why.
    pub problems: Vec<RecordError>,
}

/// What is left of a run whose engine died on this host.
#[derive(Debug, Clone)]
pub struct StaleRun {
    /// Its id.
    pub id: String,
    /// What its engine said about itself; `mark` is what its processes carry.
    pub engine: EngineInfo,
}

/// Says that a run which died was cleaned up after; it keeps the size, so that it is counted once.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Swept {
    /// When, in seconds since 1970.
    at: u64,
    /// The size of the folder.
    pub(super) size: u64,
}

impl Runs {
    /// Deletes the oldest runs that are over until both limits hold for those. Never one that runs, is being made, is on
    /// another host without having ended (unless nobody has touched it for 30 days), or died and has not been swept;
    /// these do not count either. Two of these at once do no harm: a run is renamed first, and only one of them can
    /// do that.
    pub fn prune(&self, limits: Limits, now: SystemTime) -> Result<Pruned, RecordError> {
        self.prune_but("", limits, now)
    }

    /// As [`Runs::prune`], and never this run, which counts.
    pub fn prune_but(
        &self,
        own: &str,
        limits: Limits,
        now: SystemTime,
    ) -> Result<Pruned, RecordError> {
        let mut pruned = Pruned::default();
        self.empty_trash(&mut pruned);
        // Newest first.
        let mut over: Vec<(String, u64)> = Vec::new();
        for id in self.ids()? {
            match self.look(id.clone()) {
                Some(run) if may_go(&run, now) => over.push((id, run.size())),
                // Never furnished: it is nobody's run, and goes at once.
                None if is_old(&self.root().join(&id), now) => self.note(&id, 0, now, &mut pruned),
                _ => {}
            }
        }
        let mut count = over.len();
        let mut bytes: u64 = over.iter().map(|(_, size)| size).sum();
        while (count > limits.runs || bytes > limits.bytes)
            && let Some((id, size)) = over.pop()
        {
            if id != own {
                self.note(&id, size, now, &mut pruned);
                count -= 1;
                bytes -= size;
            }
        }
        Ok(pruned)
    }

    /// Deletes a run if that is allowed, and notes what became of it.
    fn note(&self, id: &str, size: u64, now: SystemTime, pruned: &mut Pruned) {
        match self.delete(id, now) {
            Ok(true) => {
                pruned.bytes += size;
                pruned.runs.push(id.to_owned());
            }
            Ok(false) => {}
            Err(problem) => pruned.problems.push(problem),
        }
    }

    /// Deletes a run if that is allowed: whether it is gone. One that runs, is on another host without having ended, or
    /// died and has not been swept stays.
    pub fn delete(&self, id: &str, now: SystemTime) -> Result<bool, RecordError> {
        let path = self.root().join(id);
        match self.look(id.to_owned()) {
            Some(run) if !may_go(&run, now) => return Ok(false),
            None if !is_old(&path, now) => return Ok(false),
            _ => {}
        }
        // Held until the folder has its other name, so that no engine can take it in between.
        let lock = open_lock(&path, false);
        match &lock {
            Ok(lock) if matches!(lock.try_lock(), Err(fs::TryLockError::WouldBlock)) => {
                return Ok(false);
            }
            _ => {}
        }
        let trash = self.root().join(format!("{TRASH}{id}"));
        match fs::rename(&path, &trash) {
            Ok(()) => {}
            // Somebody else was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(RecordError::io("delete", path)(error)),
        }
        drop(lock);
        remove(&trash)?;
        Ok(true)
    }

    /// Deletes what an earlier pruning left half deleted.
    fn empty_trash(&self, pruned: &mut Pruned) {
        let entries = fs::read_dir(self.root()).into_iter().flatten();
        for entry in entries.filter_map(Result::ok) {
            let is_trash = entry.file_name().to_string_lossy().starts_with(TRASH)
                && entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_trash && let Err(problem) = remove(&entry.path()) {
                pruned.problems.push(problem);
            }
        }
    }

    /// The runs that died on this host and have not been swept: processes of theirs may still live.
    pub fn stale_runs(&self) -> Result<Vec<StaleRun>, RecordError> {
        let ids = self.ids()?.into_iter();
        // The cheap questions first: nearly all runs have ended.
        let open = ids.filter(|id| {
            let path = self.root().join(id);
            !path.join(paths::SUMMARY).exists() && !path.join(paths::SWEPT).exists()
        });
        Ok(open
            .filter_map(|id| self.look(id))
            .filter(|run| run.state == RunState::Died && !run.engine.mark.is_empty())
            .map(|run| StaleRun {
                id: run.id,
                engine: run.engine,
            })
            .collect())
    }

    /// Says that nothing of a stale run lives any more.
    pub fn mark_swept(&self, id: &str, now: SystemTime) -> Result<(), RecordError> {
        let folder = self.root().join(id);
        let path = folder.join(paths::SWEPT);
        let at = now.duration_since(SystemTime::UNIX_EPOCH);
        let swept = Swept {
            at: at.unwrap_or_default().as_secs(),
            size: folder_size(&folder),
        };
        let write = || write_atomically(&path, &serde_json::to_vec(&swept)?);
        match write() {
            // Pruned in the meantime.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.map_err(RecordError::io("write", &path)),
        }
    }
}

fn may_go(run: &PastRun, now: SystemTime) -> bool {
    match run.state {
        RunState::Ended => true,
        // Nobody knows whose it was: a free lock says that he is gone, and without one only time does.
        RunState::Died if run.engine.mark.is_empty() => {
            run.path.join(paths::LOCK).exists() || is_untouched(&run.path, now)
        }
        RunState::Died => run.path.join(paths::SWEPT).exists(),
        RunState::RunningHere => false,
        RunState::OnHost(_) => is_untouched(&run.path, now),
    }
}

/// Whether nobody changed anything in a folder for so long that its engine must be gone.
fn is_untouched(folder: &Path, now: SystemTime) -> bool {
    is_older(folder, UNTOUCHED, now)
        && newest(folder).is_some_and(|changed| age(changed, now) > UNTOUCHED)
}

fn is_old(path: &Path, now: SystemTime) -> bool {
    is_older(path, MAKING, now)
}

/// Whether a file or folder was last changed longer ago than this.
fn is_older(path: &Path, limit: Duration, now: SystemTime) -> bool {
    let changed = fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
    changed.is_ok_and(|changed| age(changed, now) > limit)
}

/// What is yet to come has no age.
fn age(changed: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(changed).unwrap_or_default()
}

/// When anything in a folder or below changed last. Links are not followed.
fn newest(folder: &Path) -> Option<SystemTime> {
    let own = fs::symlink_metadata(folder).and_then(|metadata| metadata.modified());
    let inner = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let inner = inner.filter_map(|entry| {
        let metadata = entry.metadata().ok()?;
        if metadata.is_dir() {
            newest(&entry.path())
        } else {
            metadata.modified().ok()
        }
    });
    inner.chain(own.ok()).max()
}

/// Deletes a folder and what is in it, without following links. Another one doing the same is no error.
fn remove(path: &Path) -> Result<(), RecordError> {
    let mut last = None;
    for _ in 0..100 {
        match fs::remove_dir_all(path) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Of the folder, or of something in it that the other one deleted first.
                if fs::symlink_metadata(path).is_err() {
                    return Ok(());
                }
                last = Some(error);
            }
            Err(error) => return Err(RecordError::io("delete", path)(error)),
        }
    }
    last.map_or(Ok(()), |error| Err(RecordError::io("delete", path)(error)))
}
