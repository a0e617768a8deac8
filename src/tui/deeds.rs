//! What the screens ask of the disk and of other programs.
//!
//! Owns the blocking work: each deed on a thread of the runtime's pool, its answer a [`Msg`]. Never touches the
//! state. Start at [`begin`].

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
};

use tokio::sync::mpsc;

use super::{
    Planner,
    compose::{
        pick::{Entry, Listing},
        shipped,
    },
    message::{Effect, Hit, Msg},
    runs::reading,
};
use crate::{
    model::{document::Session, ids::ProcessId},
    term::plain_text,
};

/// What a search gives at most.
const HITS_MAX: usize = 1_000;

/// Lines shown before and after a hit.
const CONTEXT: usize = 2;

/// Bytes of a line that are looked at and shown.
const LINE_MAX: usize = 4 << 10;

/// Begins a deed; its answer comes by the channel.
pub fn begin(effect: Effect, answers: mpsc::Sender<Msg>) {
    blocking(answers, move || perform(effect));
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

/// Places a session on paper; the plan comes by the channel.
pub fn plan(session: Box<Session>, planner: Planner, answers: mpsc::Sender<Msg>) {
    blocking(answers, move || {
        Some(Msg::Planned(Box::new(planner(&session))))
    });
}

fn perform(effect: Effect) -> Option<Msg> {
    Some(match effect {
        Effect::ReadTail {
            process,
            path,
            from,
            bytes,
        } => {
            let (at, bytes) = tail(&path, from, bytes).unwrap_or_default();
            Msg::Tail {
                process,
                path,
                at,
                bytes,
            }
        }
        Effect::SearchLogs {
            ticket,
            pattern,
            logs,
        } => {
            let (hits, more) = search(&pattern, &logs);
            Msg::Found { ticket, hits, more }
        }
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
        Effect::Keep { path, text } => {
            // Nobody waits for it, and where it cannot be written there is nothing to be done.
            if let Err(error) = keep(&path, text.as_deref()) {
                tracing::debug!("{} is not kept: {error}", path.display());
            }
            return None;
        }
        Effect::Write { path, text } => Msg::Written(written(write(&path, &text), path)),
        Effect::CopyFile { from, to } => {
            Msg::Written(written(std::fs::copy(&from, &to).map(drop), to))
        }
        _ => return None,
    })
}

fn written(result: io::Result<()>, path: PathBuf) -> Result<PathBuf, String> {
    result
        .map(|()| path.clone())
        .map_err(|error| format!("{} cannot be written: {error}", path.display()))
}

/// A file of our own, or its end.
pub fn keep(path: &Path, text: Option<&str>) -> io::Result<()> {
    let Some(text) = text else {
        return std::fs::remove_file(path);
    };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    write(path, text)
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
pub fn edit(text: &str) -> Result<String, String> {
    let set = |name: &str| std::env::var(name).ok().filter(|it| !it.trim().is_empty());
    let editor = set("VISUAL")
        .or_else(|| set("EDITOR"))
        .unwrap_or_else(|| "vi".to_owned());
    let path = std::env::temp_dir().join(format!("dragon-tui-{}.ron", std::process::id()));
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    // A file that is there already is somebody else's.
    let mut file = std::os::unix::fs::OpenOptionsExt::mode(
        std::fs::OpenOptions::new().write(true).create_new(true),
        0o600,
    )
    .open(&path)
    .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    let status = Command::new("/bin/sh")
        .arg("-c")
        .arg(format!("{editor} \"$1\""))
        .arg("sh")
        .arg(&path)
        .status();
    let edited = std::fs::read_to_string(&path).map_err(failed);
    let _ = std::fs::remove_file(&path);
    match status {
        Ok(status) if status.success() => edited,
        Ok(status) => Err(format!(
            "`{editor}` ended with {status}: nothing was changed"
        )),
        Err(error) => Err(format!("`{editor}` cannot be started: {error}")),
    }
}

/// In one step: whoever reads it sees the old file or the new one.
fn write(path: &Path, text: &str) -> io::Result<()> {
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
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    })();
    if result.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    result
}

/// The last bytes of a file from a place on, and where they begin.
fn tail(path: &Path, from: u64, bytes: usize) -> io::Result<(u64, Vec<u8>)> {
    let file = match File::open(path) {
        Ok(file) => file,
        // Nothing was written yet.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((0, Vec::new())),
        Err(error) => return Err(error),
    };
    let size = file.metadata()?.len();
    let at = size.saturating_sub(bytes as u64).max(from.min(size));
    let mut end = vec![0; (size - at) as usize];
    let mut filled = 0;
    while filled < end.len() {
        match file.read_at(&mut end[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    end.truncate(filled);
    Ok((at, end))
}

/// Looks for a pattern, log after log; the first hits, and whether there are more.
fn search(pattern: &str, logs: &[(ProcessId, PathBuf)]) -> (Vec<Hit>, bool) {
    let Ok(pattern) = regex::Regex::new(pattern) else {
        return (Vec::new(), false);
    };
    let mut hits: Vec<Hit> = Vec::new();
    for (process, path) in logs {
        let Ok(file) = File::open(path) else { continue };
        let first = hits.len();
        let mut before: std::collections::VecDeque<String> = Default::default();
        let lines = Lines(BufReader::with_capacity(256 << 10, file));
        for (number, line) in (1..).zip(lines) {
            let text = plain_text::one_line(&line);
            // Lines after a hit belong to it, until it has enough.
            for hit in hits[first..].iter_mut().rev().take(CONTEXT) {
                if hit.text.len() < hit.at + 1 + CONTEXT {
                    hit.text.push(text.clone());
                }
            }
            if pattern.is_match(&text) {
                if hits.len() >= HITS_MAX {
                    return (hits, true);
                }
                let mut around: Vec<String> = before.iter().cloned().collect();
                let at = around.len();
                around.push(text.clone());
                hits.push(Hit {
                    process: process.clone(),
                    line: number,
                    text: around,
                    at,
                });
            }
            if before.len() >= CONTEXT {
                before.pop_front();
            }
            before.push_back(text);
        }
    }
    (hits, false)
}

/// The lines of a log, each cut to [`LINE_MAX`] bytes however long it is.
struct Lines<R>(R);

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

/// Shows a file in the user's pager; the terminal is not ours meanwhile.
pub fn page(path: &Path) -> Result<(), String> {
    let pager = std::env::var("PAGER")
        .ok()
        .filter(|pager| !pager.trim().is_empty());
    let pager = pager.unwrap_or_else(|| "less -R".to_owned());
    let status = Command::new("/bin/sh")
        .arg("-c")
        .arg(format!("{pager} \"$1\""))
        .arg("sh")
        .arg(path)
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{pager}` ended with {status}")),
        Err(error) => Err(format!("`{pager}` cannot be started: {error}")),
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
    fn a_search_gives_lines_with_those_around_them_and_says_whose_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0.log");
        std::fs::write(
            &path,
            "one\r\ntwo\r\n\x1b[31mthree\x1b[0m\r\nfour\nfive\nsix\n",
        )
        .unwrap();
        let process: ProcessId = "g/a.0".parse().unwrap();
        let gone = folder.path().join("none.log");
        let logs = [(process.clone(), gone), (process.clone(), path)];
        let (hits, more) = search("^three$", &logs);
        let hit = Hit {
            process,
            line: 3,
            text: ["one", "two", "three", "four", "five"]
                .map(str::to_owned)
                .to_vec(),
            at: 2,
        };
        assert_eq!((hits, more), (vec![hit], false));
    }

    #[test]
    fn more_hits_than_anybody_reads_are_not_all_given() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0.log");
        std::fs::write(&path, "x\n".repeat(HITS_MAX + 1)).unwrap();
        let (hits, more) = search("x", &[("g/a.0".parse().unwrap(), path)]);
        assert_eq!((hits.len(), more), (HITS_MAX, true));
    }

    #[test]
    fn the_end_of_a_log_says_where_it_begins() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0.log");
        std::fs::write(&path, "0123456789").unwrap();
        assert_eq!(tail(&path, 0, 4).unwrap(), (6, b"6789".to_vec()));
        assert_eq!(tail(&path, 0, 400).unwrap(), (0, b"0123456789".to_vec()));
        assert_eq!(tail(&path, 8, 4).unwrap(), (8, b"89".to_vec()));
        assert_eq!(tail(&path, 80, 4).unwrap(), (10, Vec::new()));
        assert_eq!(
            tail(&folder.path().join("none"), 0, 4).unwrap(),
            (0, Vec::new())
        );
    }

    #[test]
    fn a_file_is_written_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.ron");
        write(&path, "old").unwrap();
        write(&path, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert!(write(&folder.path().join("none/x"), "new").is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
