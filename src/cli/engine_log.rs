//! Where the engine tells what it does itself: a file in the folder of the run, when asked for by `--log-level`.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use tracing::level_filters::LevelFilter;

/// Lines that are kept until there is a folder, in bytes; what exceeds them is dropped.
const EARLY_MAX: usize = 256 << 10;

/// What is written before the run has a folder, and the file afterwards.
#[derive(Debug)]
enum Sink {
    Early(Vec<u8>),
    File(File),
}

/// The log of the engine itself.
#[derive(Debug, Clone)]
pub struct EngineLog(Arc<Mutex<Sink>>);

impl EngineLog {
    /// Begins to log what is at least as important as `level`.
    pub fn begin(level: LevelFilter) -> Self {
        let log = Self(Arc::new(Mutex::new(Sink::Early(Vec::new()))));
        let writer = log.clone();
        // A second call in one process would be a test; the first log stays.
        let _ = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .try_init();
        log
    }

    /// Goes on in `engine.log` of this folder.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn move_to(&self, folder: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(folder.join("engine.log"))?;
        let mut sink = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Sink::Early(early) = &*sink {
            file.write_all(early)?;
        }
        *sink = Sink::File(file);
        Ok(())
    }
}

impl Write for EngineLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Sink::Early(early) => {
                if early.len() + bytes.len() <= EARLY_MAX {
                    early.extend_from_slice(bytes);
                }
                Ok(bytes.len())
            }
            Sink::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_logged_before_there_was_a_folder_is_in_the_file() {
        let place = tempfile::tempdir().unwrap();
        let mut log = EngineLog(Arc::new(Mutex::new(Sink::Early(Vec::new()))));
        log.write_all(b"early\n").unwrap();
        log.move_to(place.path()).unwrap();
        log.write_all(b"late\n").unwrap();
        assert_eq!(
            std::fs::read(place.path().join("engine.log")).unwrap(),
            b"early\nlate\n"
        );
    }
}
