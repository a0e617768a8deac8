//! What each process printed, byte for byte.
//!
//! Owns [`LogFiles`]: any number of logs, few of them open. Never looks at the bytes and never copies
//! them: a chunk is one write(2). What cannot be written is counted, and a line in the log says where.

use std::{
    fs::File,
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::model::ids::ProcessId;

use super::{
    RecordNotice,
    anchor::Anchor,
    growth::Growth,
    open_files::{NONE, OpenFiles},
    paths::{append_to, create_private_folders, log_path},
};

/// How many log files are open at once, unless said otherwise. A quarter of the usual limit of descriptors: when
/// more ranks than this write in turn, each write opens a file.
pub const OPEN_FILES: usize = 256;

/// So many files must have been opened without trouble before one more may be open than there could be last.
const OPENED_WELL: u32 = 16;

/// How long a log that could not be written waits before the next try, and how often is looked whether
/// the folder still exists.
const PAUSE: Duration = Duration::from_secs(1);

/// Stands for a process in [`LogFiles`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId(u32);

#[derive(Debug)]
struct Log {
    process: ProcessId,
    slot: u32,
    /// The length of its file, and where in it the bytes of the latest write begin.
    end: u64,
    began: u64,
    written: u64,
    lost: u64,
    /// It could not be written: how much is missing at its end, and when it is tried again.
    gap: Option<Gap>,
}

#[derive(Debug)]
struct Gap {
    bytes: u64,
    reason: String,
    retry: Instant,
}

/// The logs of a run.
#[derive(Debug)]
pub struct LogFiles {
    anchor: Arc<Anchor>,
    generation: u32,
    logs: Vec<Log>,
    open: OpenFiles,
    growth: Growth,
    /// How many may be open when others leave us enough descriptors, and how many were opened since they last did not.
    wanted: usize,
    opened: u32,
    looked: Option<Instant>,
    /// How many logs have a gap at their end, and the bytes lost since the first of them failed.
    paused: usize,
    lost_in_pause: u64,
}

impl LogFiles {
    pub(super) fn new(anchor: Arc<Anchor>) -> Self {
        Self {
            generation: anchor.generation(),
            growth: Growth::new(Arc::clone(&anchor)),
            anchor,
            logs: Vec::new(),
            open: OpenFiles::new(OPEN_FILES),
            wanted: OPEN_FILES,
            opened: 0,
            looked: None,
            paused: 0,
            lost_in_pause: 0,
        }
    }

    /// At most so many log files are open from now on (at least 1).
    pub fn set_open_files(&mut self, limit: usize) {
        self.wanted = limit.max(1);
        self.limit_open_files(limit);
    }

    /// As [`Self::set_open_files`], for as long as others leave us no more.
    pub(super) fn limit_open_files(&mut self, limit: usize) {
        self.opened = 0;
        self.open.set_limit(limit);
        while self.open.len() > limit.max(1) {
            self.evict();
        }
    }

    /// Seconds of the run count from here; else from when these logs were made.
    pub fn count_from(&mut self, zero: Instant) {
        self.growth.count_from(zero);
    }

    /// The log of a process, for all its lives. No file exists before its first byte. Each process is
    /// to be added once.
    pub fn add(&mut self, process: ProcessId) -> LogId {
        self.logs.push(Log {
            process,
            slot: NONE,
            end: 0,
            began: 0,
            written: 0,
            lost: 0,
            gap: None,
        });
        LogId(u32::try_from(self.logs.len() - 1).unwrap_or(NONE))
    }

    #[cfg(test)]
    pub(super) fn open_now(&self) -> usize {
        self.open.len()
    }

    /// Where the log of a process is, or would be.
    pub fn path(&self, id: LogId) -> Option<PathBuf> {
        let log = self.logs.get(id.0 as usize)?;
        Some(log_path(&self.anchor.path, &log.process))
    }

    /// Bytes written to a log, and bytes that could not be.
    pub fn bytes(&self, id: LogId) -> (u64, u64) {
        self.logs
            .get(id.0 as usize)
            .map_or((0, 0), |log| (log.written, log.lost))
    }

    /// Where in its file the bytes of the latest write to a log begin; where it ended then, if they could not be written.
    pub fn began(&self, id: LogId) -> u64 {
        self.logs.get(id.0 as usize).map_or(0, |log| log.began)
    }

    /// Bytes written to all logs, and bytes that could not be.
    pub fn total_bytes(&self) -> (u64, u64) {
        self.logs.iter().fold((0, 0), |(written, lost), log| {
            (written + log.written, lost + log.lost)
        })
    }

    /// Appends bytes to a log. A failure never stops the run: it is said once, for the first log that
    /// fails, and once again when all logs can be written.
    pub fn write(&mut self, id: LogId, bytes: &[u8], now: Instant) -> Option<RecordNotice> {
        let log = self.logs.get_mut(id.0 as usize)?;
        if bytes.is_empty() {
            return None;
        }
        log.began = log.end;
        if let Some(gap) = &mut log.gap
            && now < gap.retry
        {
            let count = bytes.len() as u64;
            gap.bytes += count;
            log.lost += count;
            self.lost_in_pause += count;
            return None;
        }
        let restored = self.look(now);
        let outcome = self.try_write(id.0, bytes);
        let changed = self.settle(id.0, outcome, bytes.len() as u64, now);
        self.grew(id.0, now);
        changed.or_else(|| {
            restored.then(|| RecordNotice::Restored {
                path: self.anchor.path.clone(),
            })
        })
    }

    /// Closes the log of a process that ended: if bytes are missing at its end, a last try to say so is
    /// made. It may be written again (a restart).
    pub fn close(&mut self, id: LogId, now: Instant) -> Option<RecordNotice> {
        let log = self.logs.get(id.0 as usize)?;
        let mut notice = None;
        if log.gap.is_some() {
            let outcome = self.try_write(id.0, b"");
            notice = self.settle(id.0, outcome, 0, now);
            // Nobody writes it any more: it must not keep the others from being said to go on.
            if let Some(log) = self.logs.get_mut(id.0 as usize)
                && log.gap.take().is_some()
            {
                self.paused = self.paused.saturating_sub(1);
            }
        }
        self.forget(id.0);
        notice
    }

    /// Closes all logs.
    pub fn finish(&mut self, now: Instant) -> Option<RecordNotice> {
        let mut notice = None;
        for index in 0..self.logs.len() {
            let id = LogId(u32::try_from(index).unwrap_or(NONE));
            notice = self.close(id, now).or(notice);
        }
        let logs = &self.logs;
        self.growth.finish(|number| whose(logs, number));
        notice
    }

    /// Notes when a log grew.
    fn grew(&mut self, index: u32, now: Instant) {
        let logs = &self.logs;
        if let Some(log) = logs.get(index as usize) {
            let whose = |number| whose(logs, number);
            self.growth.grew(index, log.end, now, whose);
        }
    }

    /// Looks now and then whether the folder is still there: whether it had to be made again.
    fn look(&mut self, now: Instant) -> bool {
        let due = self.looked.is_none_or(|at| now >= at + PAUSE);
        let mut restored = false;
        if due {
            self.looked = Some(now);
            restored = self.anchor.ensure().unwrap_or(false);
        }
        if self.generation != self.anchor.generation() {
            self.generation = self.anchor.generation();
            while self.open.len() > 0 {
                self.evict();
            }
        }
        restored
    }

    /// Writes what is owed about a gap, then the bytes: how many of the bytes were written, and why not
    /// all.
    fn try_write(&mut self, index: u32, bytes: &[u8]) -> (usize, Option<io::Error>) {
        let Some(log) = self.logs.get(index as usize) else {
            return (0, None);
        };
        let slot = log.slot;
        if slot == NONE
            && let Err(error) = self.open(index)
        {
            return (0, Some(error));
        }
        let Some(log) = self.logs.get_mut(index as usize) else {
            return (0, None);
        };
        let Some(file) = self.open.touch(log.slot) else {
            return (0, None);
        };
        if let Some(gap) = &log.gap {
            // As a terminal needs it; who reads a pipe's log as lines does not mind.
            let mark = format!(
                "\r\n[dragon-tui: {} bytes lost here: {}]\r\n",
                gap.bytes, gap.reason
            );
            if let (part, Some(error)) = write_some(file, mark.as_bytes()) {
                // Half a mark would look like output. Only this engine writes here.
                if part > 0
                    && let Ok(metadata) = file.metadata()
                {
                    let _ = file.set_len(metadata.len().saturating_sub(part as u64));
                }
                return (0, Some(error));
            }
            log.end += mark.len() as u64;
            log.gap = None;
            self.paused = self.paused.saturating_sub(1);
        }
        log.began = log.end;
        let outcome = write_some(file, bytes);
        log.end += outcome.0 as u64;
        outcome
    }

    /// Books the outcome of a try.
    fn settle(
        &mut self,
        index: u32,
        (written, error): (usize, Option<io::Error>),
        size: u64,
        now: Instant,
    ) -> Option<RecordNotice> {
        let log = self.logs.get_mut(index as usize)?;
        log.written += written as u64;
        let Some(error) = error else {
            if self.paused == 0 && self.lost_in_pause > 0 {
                return Some(RecordNotice::Resumed {
                    path: log_path(&self.anchor.path, &log.process),
                    lost: std::mem::take(&mut self.lost_in_pause),
                    unit: "bytes",
                });
            }
            return None;
        };
        let missing = size - written as u64;
        log.lost += missing;
        let first = self.paused == 0 && self.lost_in_pause == 0;
        self.lost_in_pause += missing;
        match &mut log.gap {
            Some(gap) => {
                gap.bytes += missing;
                gap.retry = now + PAUSE;
            }
            none => {
                *none = Some(Gap {
                    bytes: missing,
                    reason: reason(&error),
                    retry: now + PAUSE,
                });
                self.paused += 1;
            }
        }
        let path = log_path(&self.anchor.path, &log.process);
        // The next try opens it anew: a handle may be stale (NFS).
        self.forget(index);
        first.then_some(RecordNotice::Paused { path, error })
    }

    fn open(&mut self, index: u32) -> io::Result<()> {
        let Some(log) = self.logs.get(index as usize) else {
            return Ok(());
        };
        let path = log_path(&self.anchor.path, &log.process);
        while self.open.is_full() {
            self.evict();
        }
        let mut opened = append_to(&path);
        if let Err(error) = &opened
            && error.kind() == io::ErrorKind::NotFound
            && let Some(folder) = path.parent()
        {
            create_private_folders(folder)?;
            opened = append_to(&path);
        }
        if let Err(error) = &opened
            && is_out_of_files(error)
            && self.open.len() > 0
        {
            // Others need files as well: from now on with half of those that could be had.
            self.limit_open_files(self.open.len() / 2);
            opened = append_to(&path);
        }
        let file = opened?;
        // Not what was written: the folder may have been removed, or the end of the file.
        let end = file.metadata()?.len();
        let slot = self.open.insert(index, file);
        self.opened += 1;
        if self.opened >= OPENED_WELL && self.open.limit() < self.wanted {
            // They may need fewer by now.
            self.limit_open_files(self.open.limit() + 1);
        }
        if let Some(log) = self.logs.get_mut(index as usize) {
            (log.slot, log.end, log.began) = (slot, end, end);
        }
        Ok(())
    }

    fn evict(&mut self) {
        if let Some(owner) = self.open.evict()
            && let Some(log) = self.logs.get_mut(owner as usize)
        {
            log.slot = NONE;
        }
    }

    fn forget(&mut self, index: u32) {
        if let Some(log) = self.logs.get_mut(index as usize) {
            self.open.remove(std::mem::replace(&mut log.slot, NONE));
        }
    }
}

fn whose(logs: &[Log], index: u32) -> Option<ProcessId> {
    logs.get(index as usize).map(|log| log.process.clone())
}

/// EMFILE or ENFILE.
fn is_out_of_files(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NFILE)
    )
}

/// What went wrong, for a line in a log: "no space left on device".
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// Writes as much as can be written: how much that is, and why it is not all. Usually one write(2).
pub(super) fn write_some(mut file: &File, bytes: &[u8]) -> (usize, Option<io::Error>) {
    let mut written = 0;
    while written < bytes.len() {
        match file.write(&bytes[written..]) {
            Ok(0) => return (written, Some(io::ErrorKind::WriteZero.into())),
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (written, Some(error)),
        }
    }
    (written, None)
}
