//! Files of one JSON value per line, as they are read.
//!
//! Owns the place in the file: whoever comes back to it reads on from there. Never takes a line that has no end yet.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    marker::PhantomData,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;

use super::RecordError;

/// No line of a record is longer; what is, is damaged.
const LINE_MAX: u64 = 64 << 20;

/// The lines of a file that may still grow. A last line without its end is kept until it has one.
#[derive(Debug)]
pub(super) struct Lines {
    path: PathBuf,
    file: Option<BufReader<File>>,
    line: Vec<u8>,
    complete: bool,
    /// Where the line begins that is read next, or was read in part.
    offset: u64,
}

impl Lines {
    pub(super) fn open(path: PathBuf) -> Result<Self, RecordError> {
        let file = match File::open(&path) {
            Ok(file) => Some(BufReader::with_capacity(128 * 1024, file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(RecordError::io("read", &path)(error)),
        };
        Ok(Self {
            path,
            file,
            line: Vec::new(),
            complete: true,
            offset: 0,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where in the file the line begins that is read next.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads on from a place that [`Self::offset`] gave.
    pub(super) fn seek(&mut self, offset: u64) -> Result<(), RecordError> {
        if let Some(file) = &mut self.file {
            file.seek(SeekFrom::Start(offset))
                .map_err(RecordError::io("read", &self.path))?;
        }
        self.line.clear();
        self.complete = true;
        self.offset = offset;
        Ok(())
    }

    pub(super) fn next_line(&mut self) -> Result<Option<&[u8]>, RecordError> {
        let Some(file) = &mut self.file else {
            return Ok(None);
        };
        if std::mem::take(&mut self.complete) {
            self.line.clear();
        }
        let room = LINE_MAX.saturating_sub(self.line.len() as u64);
        file.take(room)
            .read_until(b'\n', &mut self.line)
            .map_err(RecordError::io("read", &self.path))?;
        // A line without end is over where it is too long to be one.
        if self.line.last() == Some(&b'\n') || self.line.len() as u64 >= LINE_MAX {
            self.complete = true;
            self.offset += self.line.len() as u64;
            return Ok(Some(&self.line));
        }
        Ok(None)
    }
}

/// The values of a file in order. Lines that cannot be understood are left out; at the end of a file that grows, `next`
/// gives nothing now and what came since when it is asked again.
#[derive(Debug)]
pub struct JsonReader<T> {
    lines: Lines,
    kind: PhantomData<fn() -> T>,
}

impl<T> JsonReader<T> {
    pub(super) fn open(path: PathBuf) -> Result<Self, RecordError> {
        Ok(Self {
            lines: Lines::open(path)?,
            kind: PhantomData,
        })
    }

    /// Where in the file the value begins that is read next.
    pub fn offset(&self) -> u64 {
        self.lines.offset()
    }

    /// Reads on from a place that [`Self::offset`] gave.
    pub fn seek(&mut self, offset: u64) -> Result<(), RecordError> {
        self.lines.seek(offset)
    }
}

impl<T: DeserializeOwned> Iterator for JsonReader<T> {
    type Item = Result<T, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.lines.next_line() {
                Ok(Some(line)) => {
                    if let Ok(value) = serde_json::from_slice(line) {
                        return Some(Ok(value));
                    }
                }
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
