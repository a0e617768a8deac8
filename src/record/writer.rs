//! The folder of a run that this process writes.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
    time::SystemTime,
};

use super::{
    EventLog, QueueLog, RecordError, Summary,
    anchor::{Anchor, EngineInfo},
    logs::LogFiles,
    paths::{self, create_private_folder, create_private_folders, write_atomically},
    reader::Runs,
    run_id,
};
use crate::model::ids::ProcessId;

/// The folder of a run that this process writes. It is locked as long as this value, or a writer made
/// by it, exists.
#[derive(Debug)]
pub struct RunFolder {
    id: String,
    anchor: Arc<Anchor>,
}

impl RunFolder {
    /// Makes the folder of a new run. `session` is the text of the session as run; `describe` gets the
    /// id and says where the engine is (the mark and the socket usually contain the id). `started` is
    /// filled in if it is 0.
    pub fn create(
        runs: &Runs,
        session: &str,
        describe: impl FnOnce(&str) -> EngineInfo,
    ) -> Result<Self, RecordError> {
        let root = runs.root();
        create_private_folders(root).map_err(RecordError::io("create", root))?;
        let (id, now) = make_folder(root)?;
        let path = root.join(&id);
        let mut engine = describe(&id);
        if engine.started == 0 {
            engine.started = now.as_secs();
        }
        let anchor = Anchor::take(path.clone(), session.to_owned(), engine)
            .map_err(RecordError::io("write the record of a run in", path))?;
        Ok(Self {
            id,
            anchor: Arc::new(anchor),
        })
    }

    /// The id of the run, at most 12 characters.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.anchor.path
    }

    /// Where the log of a process is, or would be.
    pub fn log_path(&self, process: &ProcessId) -> PathBuf {
        paths::log_path(self.path(), process)
    }

    /// Takes back a run that never started: nothing of it stays on disk.
    ///
    /// # Errors
    /// When its folder cannot be removed.
    pub fn discard(self) -> Result<(), RecordError> {
        fs::remove_dir_all(self.path()).map_err(RecordError::io("remove", self.path()))
    }

    /// The log of events. To be made once.
    pub fn events(&self) -> EventLog {
        EventLog::new(Arc::clone(&self.anchor), paths::EVENTS)
    }

    /// The history of the queues. To be made once.
    pub fn queues(&self) -> QueueLog {
        QueueLog::new(Arc::clone(&self.anchor), paths::QUEUES)
    }

    /// What the processes print. To be made once; it may go to a thread of its own.
    pub fn logs(&self) -> LogFiles {
        LogFiles::new(Arc::clone(&self.anchor))
    }

    /// Writes the summary: from now on the run has ended. Fills in its size, which is that of the logs
    /// (`bytes.shown`) and of the files beside them.
    pub fn finish(&self, summary: &mut Summary) -> Result<(), RecordError> {
        let path = self.anchor.path.join(paths::SUMMARY);
        let mut write = || -> io::Result<()> {
            self.anchor.ensure()?;
            summary.size = summary.bytes.shown;
            for entry in fs::read_dir(&self.anchor.path)? {
                let metadata = entry?.metadata()?;
                if metadata.is_file() {
                    summary.size += metadata.len();
                }
            }
            let mut text = serde_json::to_vec_pretty(summary)?;
            text.push(b'\n');
            write_atomically(&path, &text)
        };
        write().map_err(RecordError::io("write", &path))
    }

    #[cfg(test)]
    pub(super) fn lock_inode(&self) -> u64 {
        self.anchor.lock_inode()
    }
}

/// Makes a folder that nobody else has: its name and the time that went into it.
fn make_folder(root: &Path) -> Result<(String, Duration), RecordError> {
    for _ in 0..1000 {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let id = run_id::at(now);
        match create_private_folder(&root.join(&id)) {
            Ok(()) => return Ok((id, now)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // Another run began in the same step of the clock.
                thread::sleep(Duration::from_millis(3));
            }
            Err(error) => return Err(RecordError::io("create", root.join(&id))(error)),
        }
    }
    let taken = io::Error::from(io::ErrorKind::AlreadyExists);
    Err(RecordError::io("find a free name in", root)(taken))
}
