//! Files of one JSON value per line: the events of a run and the samples of its queues.

use std::{fs::File, io, marker::PhantomData, path::PathBuf, sync::Arc};

use memchr::memchr_iter;
use serde::Serialize;

use crate::model::event::Stamped;

use super::{RecordNotice, anchor::Anchor, logs::write_some, paths::append_to};

/// The events of a run, `events.jsonl`.
pub type EventLog = JsonLines<Stamped>;

/// The samples of the queues of a run, `queues.jsonl`; what a sample is, is not known here.
pub type QueueLog = JsonLines<serde_json::Value>;

/// A file of one JSON value per line, only ever appended to.
#[derive(Debug)]
pub struct JsonLines<T> {
    anchor: Arc<Anchor>,
    path: PathBuf,
    file: Option<File>,
    generation: u32,
    buffer: Vec<u8>,
    /// The file ends inside a line that could not be written to its end.
    torn: bool,
    /// Lines lost since writing paused, and in all.
    paused: Option<u64>,
    lost: u64,
    kind: PhantomData<fn(&T)>,
}

impl<T: Serialize> JsonLines<T> {
    pub(super) fn new(anchor: Arc<Anchor>, name: &str) -> Self {
        Self {
            path: anchor.path.join(name),
            generation: anchor.generation(),
            anchor,
            file: None,
            buffer: Vec::new(),
            torn: false,
            paused: None,
            lost: 0,
            kind: PhantomData,
        }
    }

    /// How many values could not be written, in all.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Appends values with one write(2). A failure is said once, and so is that it is over; in between
    /// the values are counted and lost.
    pub fn append<'a>(&mut self, values: impl IntoIterator<Item = &'a T>) -> Option<RecordNotice>
    where
        T: 'a,
    {
        self.buffer.clear();
        self.buffer.shrink_to(1 << 20);
        if self.torn {
            self.buffer.push(b'\n');
        }
        let mut count = 0;
        for value in values {
            let before = self.buffer.len();
            // Into a Vec this fails only for values that JSON cannot hold: those are lost alone.
            match serde_json::to_writer(&mut self.buffer, value) {
                Ok(()) => {
                    self.buffer.push(b'\n');
                    count += 1;
                }
                Err(_) => {
                    self.buffer.truncate(before);
                    self.lost += 1;
                }
            }
        }
        if count == 0 {
            return None;
        }
        let result = self.write();
        match result {
            Ok(restored) => match self.paused.take() {
                Some(lost) => Some(RecordNotice::Resumed {
                    path: self.path.clone(),
                    lost,
                    unit: "lines",
                }),
                None => restored.then(|| RecordNotice::Restored {
                    path: self.anchor.path.clone(),
                }),
            },
            Err((written, error)) => {
                self.file = None;
                let missing = memchr_iter(b'\n', &self.buffer[written..]).count() as u64;
                let missing = missing.min(count);
                self.lost += missing;
                let first = self.paused.is_none();
                *self.paused.get_or_insert(0) += missing;
                first.then(|| RecordNotice::Paused {
                    path: self.path.clone(),
                    error,
                })
            }
        }
    }

    /// Writes the buffer: whether the folder had to be made again for it; else how much was written, and
    /// why not all.
    fn write(&mut self) -> Result<bool, (usize, io::Error)> {
        // Out of reach (an error here) is told by the write itself, if it matters.
        let restored = self.anchor.ensure().unwrap_or(false);
        if self.generation != self.anchor.generation() {
            self.generation = self.anchor.generation();
            self.file = None;
            self.torn = false;
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(append_to(&self.path).map_err(|error| (0, error))?),
        };
        let (written, error) = write_some(file, &self.buffer);
        if written > 0 {
            self.torn = self.buffer[written - 1] != b'\n';
        }
        error.map_or(Ok(restored), |error| Err((written, error)))
    }
}
