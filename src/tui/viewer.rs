//! Showing output in the user's pager or editor.
//!
//! Owns which program that is, and the copy that it is given: only `less` keeps what a rank wrote from the user's terminal,
//! every other one gets text without escape sequences. Never changes a log and starts nothing: that is a deed. Start at
//! [`prepare`].

use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use crate::term::plain_text::PlainText;

/// Bytes of the end of a log that are copied.
const COPY_MAX: u64 = 64 << 20;

/// Which program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer {
    /// `$PAGER`.
    Pager,
    /// `$VISUAL` or `$EDITOR`.
    Editor,
}

/// What is to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A log.
    Log(PathBuf),
    /// These lines.
    Lines(String),
}

/// A file that is ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    path: PathBuf,
    with: Viewer,
    /// It is a copy, to be deleted.
    is_copy: bool,
}

impl Viewer {
    /// Its command line, a part of one for the shell.
    fn program(self) -> String {
        let set = |name: &str| std::env::var(name).ok().filter(|it| !it.trim().is_empty());
        match self {
            Viewer::Pager => set("PAGER").unwrap_or_else(|| "less -R".to_owned()),
            Viewer::Editor => set("VISUAL")
                .or_else(|| set("EDITOR"))
                .unwrap_or_else(|| "vi".to_owned()),
        }
    }

    /// Whether it may be given what a rank wrote as it is.
    fn is_safe(self) -> bool {
        let program = self.program();
        let name = program.split_whitespace().next().unwrap_or_default();
        let raw = program
            .split_whitespace()
            .any(|it| it == "-r" || it == "--raw-control-chars");
        self == Viewer::Pager && Path::new(name).file_name().is_some_and(|it| it == "less") && !raw
    }
}

/// Makes a file of it that can be shown.
///
/// # Errors
/// A sentence, where there is nothing to be shown or it cannot be read or copied.
pub fn prepare(source: &Source, with: Viewer) -> Result<Shown, String> {
    let failed = |error: io::Error| format!("it cannot be shown: {error}");
    let path = match source {
        Source::Log(path) => {
            let size = std::fs::metadata(path).map_or(0, |log| log.len());
            if size == 0 {
                return Err("nothing was printed yet".to_owned());
            }
            if with.is_safe() {
                return Ok(Shown {
                    path: path.clone(),
                    with,
                    is_copy: false,
                });
            }
            copy_of(path).map_err(failed)?
        }
        Source::Lines(lines) => {
            let (path, mut file) = temporary().map_err(failed)?;
            file.write_all(lines.as_bytes()).map_err(failed)?;
            path
        }
    };
    Ok(Shown {
        path,
        with,
        is_copy: true,
    })
}

fn temporary() -> io::Result<(PathBuf, File)> {
    static COPIES: AtomicU32 = AtomicU32::new(0);
    let number = COPIES.fetch_add(1, Ordering::Relaxed);
    let name = format!("dragon-tui-{}-{number}.log", std::process::id());
    let path = std::env::temp_dir().join(name);
    // A file that is there already is somebody else's.
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    Ok((path, file))
}

fn copy_of(log: &Path) -> io::Result<PathBuf> {
    let mut log = File::open(log)?;
    let size = log.metadata()?.len();
    log.seek(SeekFrom::Start(size.saturating_sub(COPY_MAX)))?;
    let (path, file) = temporary()?;
    let result = clean(log.take(COPY_MAX), BufWriter::new(file));
    if result.is_err() {
        let _ = std::fs::remove_file(&path);
    }
    result.map(|()| path)
}

/// Copies lines without what would do something to a terminal.
fn clean(mut from: impl Read, mut to: impl Write) -> io::Result<()> {
    let mut plain = PlainText::new();
    let mut block = vec![0; 64 << 10];
    let mut result = Ok(());
    loop {
        let mut write = |line: &[u8], _| {
            if result.is_ok() {
                result = to.write_all(line).and_then(|()| to.write_all(b"\n"));
            }
        };
        match from.read(&mut block) {
            Ok(0) => {
                plain.finish(&mut write);
                break;
            }
            Ok(count) => plain.push(&block[..count], &mut write),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    result?;
    to.flush()
}

impl Shown {
    /// The command line to show it with, a part of one for the shell, and its file.
    pub fn command(&self) -> (String, &Path) {
        (self.with.program(), &self.path)
    }

    /// It was shown: a copy of it goes.
    pub fn end(&self) {
        if self.is_copy {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_editor_gets_is_a_copy_that_does_nothing_to_a_terminal() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("0.log");
        std::fs::write(&log, b"\x1b]0;title\x07one\r\n\x1b[31mtwo\x1b[0m").unwrap();
        let shown = prepare(&Source::Log(log.clone()), Viewer::Editor).unwrap();
        assert!(shown.is_copy && shown.path != log);
        assert_eq!(std::fs::read(&shown.path).unwrap(), b"one\ntwo\n");
        std::fs::remove_file(&shown.path).unwrap();
    }

    #[test]
    fn of_who_has_printed_nothing_nothing_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("0.log");
        assert!(prepare(&Source::Log(log.clone()), Viewer::Pager).is_err());
        std::fs::write(&log, b"").unwrap();
        assert!(prepare(&Source::Log(log), Viewer::Pager).is_err());
    }
}
