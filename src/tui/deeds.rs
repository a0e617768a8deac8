//! What the screens ask of the disk and of other programs.
//!
//! Owns the blocking work: each deed on a thread of the runtime's pool, its answer a [`Msg`]. Never touches the
//! state. Start at [`begin`].

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use super::{
    Planner,
    compose::{
        pick::{Entry, Listing},
        shipped,
    },
    message::{Effect, LogPart, LogRead, Msg},
    runs::reading,
    search,
    viewer::{self, Shown},
};
use crate::model::document::Session;

/// How often it is told how far a search has come.
const PROGRESS: Duration = Duration::from_millis(250);

/// Bytes of a line that are looked at and shown.
const LINE_MAX: usize = 4 << 10;

/// Begins a deed; its answer comes by the channel.
pub fn begin(effect: Effect, answers: mpsc::Sender<Msg>) {
    // Here and not on the thread: a search that began before sees it at once.
    match &effect {
        Effect::SearchLogs { ticket, .. } => search::want(*ticket),
        Effect::StopSearch => return search::want(0),
        _ => {}
    }
    let told = answers.clone();
    blocking(answers, move || perform(effect, &told));
}

/// Does something that may take its time, on another thread; its answer comes by the channel. So does a word about it if it
/// panics: the screens go on.
fn blocking(answers: mpsc::Sender<Msg>, deed: impl FnOnce() -> Option<Msg> + Send + 'static) {
    let done = tokio::task::spawn_blocking(deed);
    tokio::spawn(async move {
        let answer = match done.await {
            Ok(answer) => answer,
            Err(error) if error.is_panic() => {
                Some(Msg::Told(format!("a defect of this program: {error}")))
            }
            Err(_) => None,
        };
        if let Some(answer) = answer {
            // The screens are gone: nobody waits for it.
            let _ = answers.send(answer).await;
        }
    });
}

/// Places a session on paper, its paths from a folder; the plan comes by the channel.
pub fn plan(session: Box<Session>, folder: PathBuf, planner: Planner, answers: mpsc::Sender<Msg>) {
    blocking(answers, move || {
        Some(Msg::Planned(Box::new(planner(&session, &folder))))
    });
}

fn perform(effect: Effect, answers: &mpsc::Sender<Msg>) -> Option<Msg> {
    Some(match effect {
        Effect::ReadTail {
            process,
            path,
            from,
            bytes,
            until,
        } => {
            let (at, bytes) = tail(&path, from, bytes, until).unwrap_or_default();
            Msg::Tail {
                process,
                path,
                at,
                bytes,
                until,
            }
        }
        Effect::Look(path) => {
            let exists = path.symlink_metadata().is_ok();
            Msg::Looked(path, exists)
        }
        Effect::SearchLogs {
            ticket,
            pattern,
            logs,
        } => {
            let mut told = Instant::now();
            let found = search::search(&pattern, &logs, &mut |logs| {
                if told.elapsed() >= PROGRESS {
                    told = Instant::now();
                    // The screens are gone: then it is not wanted either.
                    let _ = answers.blocking_send(Msg::Searched { ticket, logs });
                }
                search::is_wanted(ticket)
            });
            Msg::Found {
                ticket,
                found: found?,
            }
        }
        Effect::Prepare { source, with } => Msg::Prepared(viewer::prepare(&source, with)),
        Effect::ReadLogs { number, logs } => Msg::Logs {
            number,
            logs: read_parts(logs),
        },
        Effect::Runs(ask) => Msg::Runs(reading::perform(ask)),
        Effect::List { ticket, what, path } => {
            let entries = list(&path, what)
                .map_err(|error| format!("{} cannot be read: {error}", path.display()));
            Msg::Listed { ticket, entries }
        }
        Effect::Unpack {
            folder,
            name,
            start,
        } => {
            let path = shipped::unpack(&folder, name)
                .map_err(|error| format!("{} cannot be written: {error}", folder.display()));
            Msg::Unpacked { path, start }
        }
        Effect::CopyFile { from, to } => Msg::Written(written(copy(&from, &to), to)),
        _ => return None,
    })
}

fn written(result: io::Result<()>, path: PathBuf) -> Result<PathBuf, String> {
    result
        .map(|()| path.clone())
        .map_err(|error| format!("{} cannot be written: {error}", path.display()))
}

/// What is in a folder, folders first; or the functions of a Python file, in its order.
fn list(path: &Path, what: Listing) -> io::Result<Vec<Entry>> {
    const SHOWN: usize = 5_000;
    if what == Listing::Functions {
        let file = BufReader::new(File::open(path)?);
        let functions = Lines(file).filter_map(|line| {
            let line = line.strip_prefix("async ").unwrap_or(&line);
            let (name, _) = line.strip_prefix("def ")?.split_once('(')?;
            Some(Entry {
                name: name.trim().to_owned(),
                is_folder: false,
            })
        });
        return Ok(functions.take(SHOWN).collect());
    }
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(path)?.filter_map(Result::ok) {
        // A name that is no text cannot stand in a session.
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let is_folder = entry.path().is_dir();
        let fits = match what {
            Listing::Folders => is_folder,
            Listing::Sessions => is_folder || name.ends_with(".ron"),
            _ => true,
        };
        if fits && !name.starts_with('.') {
            entries.push(Entry { name, is_folder });
        }
    }
    entries.sort_by(|a, b| (!a.is_folder, &a.name).cmp(&(!b.is_folder, &b.name)));
    entries.truncate(SHOWN);
    Ok(entries)
}

/// Lets the user edit a text; the terminal is not ours meanwhile.
pub fn edit(text: &str) -> Msg {
    let set = |name: &str| std::env::var(name).ok().filter(|it| !it.trim().is_empty());
    let editor = set("VISUAL")
        .or_else(|| set("EDITOR"))
        .unwrap_or_else(|| "vi".to_owned());
    edit_by(&editor, text)
}

fn edit_by(editor: &str, text: &str) -> Msg {
    let path = std::env::temp_dir().join(format!("dragon-tui-{}.ron", std::process::id()));
    let failed = |error: io::Error| Msg::Told(format!("{}: {error}", path.display()));
    // A file that is there already is somebody else's.
    let new = std::os::unix::fs::OpenOptionsExt::mode(
        std::fs::OpenOptions::new().write(true).create_new(true),
        0o600,
    )
    .open(&path);
    let written = new.and_then(|mut file| file.write_all(text.as_bytes()));
    if let Err(error) = written {
        return failed(error);
    }
    let status = Command::new("/bin/sh")
        .arg("-c")
        .arg(format!("{editor} \"$1\""))
        .arg("sh")
        .arg(&path)
        .status();
    let edited = match std::fs::read_to_string(&path) {
        Ok(edited) => edited,
        // What is in it is the user's: it stays.
        Err(error) => return failed(error),
    };
    let _ = std::fs::remove_file(&path);
    let why = match status {
        Ok(status) if status.success() => return Msg::Edited(edited),
        Ok(status) => format!("`{editor}` ended with {status}"),
        Err(error) => format!("`{editor}` cannot be started: {error}"),
    };
    let text = Some(edited).filter(|edited| edited != text && !edited.trim().is_empty());
    Msg::EditFailed { why, text }
}

/// Copies a log, in one step too. Never over itself: it is the only one.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let source = File::open(from)?;
    let identity = |found: std::fs::Metadata| (found.dev(), found.ino());
    if let Ok(target) = std::fs::metadata(to)
        && identity(target) == identity(source.metadata()?)
    {
        return Err(io::Error::other("that is the log itself"));
    }
    replace(to, |file| io::copy(&mut &source, file).map(drop))
}

/// Fills a file beside the one of that name, and puts it in its place.
fn replace(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}", std::process::id()));
    let temporary = folder.unwrap_or(Path::new(".")).join(temporary);
    let result = (|| {
        let mut file = File::create(&temporary)?;
        fill(&mut file)?;
        std::fs::rename(&temporary, path)
    })();
    if result.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    result
}

/// The last bytes of a file from a place on, taken to end at `until`, and where they begin.
fn tail(path: &Path, from: u64, bytes: usize, until: Option<u64>) -> io::Result<(u64, Vec<u8>)> {
    let file = match File::open(path) {
        Ok(file) => file,
        // Nothing was written yet.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((0, Vec::new())),
        Err(error) => return Err(error),
    };
    let size = file.metadata()?.len().min(until.unwrap_or(u64::MAX));
    let at = size.saturating_sub(bytes as u64).max(from.min(size));
    Ok((at, read_at(&file, at, (size - at) as usize)?))
}

/// So many bytes from this place on, or fewer at the end of the file.
fn read_at(file: &File, at: u64, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    let mut filled = 0;
    while filled < count {
        match file.read_at(&mut bytes[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Parts of logs, the one that was written last at the end: what it says is the newest. One that is not there yet is empty.
fn read_parts(logs: Vec<LogPart>) -> Vec<LogRead> {
    let mut read: Vec<_> = logs
        .into_iter()
        .map(|log| {
            let (at, bytes) = part(&log).unwrap_or((log.from, Vec::new()));
            let written = std::fs::metadata(&log.path)
                .and_then(|it| it.modified())
                .ok();
            let read = LogRead {
                process: log.process,
                path: log.path,
                at,
                bytes,
            };
            (written, read)
        })
        .collect();
    read.sort_by_key(|(written, _)| *written);
    read.into_iter().map(|(_, read)| read).collect()
}

fn part(log: &LogPart) -> io::Result<(u64, Vec<u8>)> {
    let file = File::open(&log.path)?;
    let end = file.metadata()?.len().min(log.to);
    let at = log.from.max(end.saturating_sub(log.most as u64)).min(end);
    Ok((at, read_at(&file, at, (end - at) as usize)?))
}

/// The lines of a log, each cut to [`LINE_MAX`] bytes however long it is.
pub struct Lines<R>(pub R);

impl<R: BufRead> Iterator for Lines<R> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let mut any = false;
        loop {
            let bytes = match self.0.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return None,
            };
            if bytes.is_empty() {
                return any.then(|| String::from_utf8_lossy(&line).into_owned());
            }
            any = true;
            let end = memchr::memchr(b'\n', bytes);
            let part = &bytes[..end.unwrap_or(bytes.len())];
            let room = LINE_MAX - line.len();
            line.extend_from_slice(&part[..part.len().min(room)]);
            let used = part.len() + usize::from(end.is_some());
            self.0.consume(used);
            if end.is_some() {
                return Some(String::from_utf8_lossy(&line).into_owned());
            }
        }
    }
}

/// Shows output in a program of the user's; the terminal is not ours meanwhile.
pub fn page(shown: &Shown) -> Result<(), String> {
    let (program, path) = shown.command();
    let status = Command::new("/bin/sh")
        .arg("-c")
        .arg(format!("{program} \"$1\""))
        .arg("sh")
        .arg(path)
        .status();
    shown.end();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{program}` ended with {status}")),
        Err(error) => Err(format!("`{program}` cannot be started: {error}")),
    }
}

/// Stops this program until the user takes it to the foreground again.
pub fn suspend() {
    // Refused only where there is no such signal.
    let _ = rustix::process::kill_current_process_group(rustix::process::Signal::TSTP);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deed_that_panics_is_told_of_and_the_others_go_on() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let told = runtime.block_on(async {
            let (answers, mut answered) = mpsc::channel(4);
            blocking(answers.clone(), || panic!("so what"));
            let first = answered.recv().await;
            blocking(answers, || Some(Msg::Due));
            (first, answered.recv().await)
        });
        let (Some(Msg::Told(text)), Some(Msg::Due)) = told else {
            panic!("{told:?}");
        };
        assert!(text.contains("so what"), "{text}");
    }

    #[test]
    fn parts_of_logs_come_in_the_order_in_which_they_were_written_last() {
        let folder = tempfile::tempdir().unwrap();
        let part = |name: &str, from, to, most| LogPart {
            process: "g/a.0".parse().unwrap(),
            path: folder.path().join(name),
            from,
            to,
            most,
        };
        for (name, second) in [("new", 2), ("old", 1)] {
            let file = File::create(folder.path().join(name)).unwrap();
            (&file).write_all(b"0123456789").unwrap();
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(second);
            file.set_modified(time).unwrap();
        }
        let read = read_parts(vec![
            part("new", 2, u64::MAX, 100),
            part("old", 0, 6, 3),
            part("gone", 7, u64::MAX, 100),
            part("old", 50, u64::MAX, 100),
        ]);
        let read: Vec<_> = read.iter().map(|it| (it.at, &*it.bytes)).collect();
        let expected: [(u64, &[u8]); 4] = [(7, b""), (3, b"345"), (10, b""), (2, b"23456789")];
        assert_eq!(read, expected);
    }

    #[test]
    fn the_end_of_a_log_says_where_it_begins() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0.log");
        std::fs::write(&path, "0123456789").unwrap();
        assert_eq!(tail(&path, 0, 4, None).unwrap(), (6, b"6789".to_vec()));
        assert_eq!(tail(&path, 0, 4, Some(6)).unwrap(), (2, b"2345".to_vec()));
        assert_eq!(
            tail(&path, 0, 400, Some(99)).unwrap(),
            (0, b"0123456789".to_vec())
        );
        assert_eq!(tail(&path, 8, 4, None).unwrap(), (8, b"89".to_vec()));
        assert_eq!(tail(&path, 80, 4, None).unwrap(), (10, Vec::new()));
        assert_eq!(
            tail(&folder.path().join("none"), 0, 4, None).unwrap(),
            (0, Vec::new())
        );
    }

    #[test]
    fn what_was_written_in_an_editor_that_failed_is_given_back() {
        let failed = |editor: &str| match edit_by(editor, "before") {
            Msg::EditFailed { text, .. } => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            failed("echo after > \"$1\"; false"),
            Some("after\n".to_owned())
        );
        assert_eq!(failed("false"), None);
        let edited = edit_by("printf after > \"$1\"; :", "before");
        assert!(matches!(edited, Msg::Edited(text) if text == "after"));
    }

    #[test]
    fn a_log_is_copied_whole_and_never_over_itself() {
        let folder = tempfile::tempdir().unwrap();
        let [log, link, other] = ["0.log", "link", "other"].map(|name| folder.path().join(name));
        std::fs::write(&log, "all of it").unwrap();
        std::os::unix::fs::symlink(&log, &link).unwrap();
        std::fs::write(&other, "an older and longer text").unwrap();
        for itself in [&log, &link] {
            let error = copy(&log, itself).unwrap_err();
            assert!(error.to_string().contains("the log itself"), "{error}");
        }
        copy(&log, &other).unwrap();
        for path in [&log, &other] {
            assert_eq!(std::fs::read_to_string(path).unwrap(), "all of it");
        }
    }
}
