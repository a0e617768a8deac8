//! Files that restart a template when they change.
//!
//! Owns what each watched file looked like last, and the thread that looks: a file system that hangs holds up this
//! thread and nothing else. Looked at on the engine's own host once a second, and only when a session watches anything;
//! no notification service works on the network file systems of a cluster. Decides nothing: it names the templates
//! whose files changed. Start at [`watch`].

use std::{
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::Duration,
};

use tokio::sync::mpsc;

use crate::model::{document::Session, ids::Selector};

/// How often the files are looked at.
const PACE: Duration = Duration::from_secs(1);

/// How long the start of a run waits for the first look, so that a change right after it counts.
const FIRST_LOOK: Duration = Duration::from_millis(500);

/// Changes that may wait for the engine; then no more are looked for.
const CHANGES_MAX: usize = 64;

/// What tells one content from another: modification time (seconds, nanoseconds), size, inode.
type Look = Option<(i64, i64, u64, u64)>;

/// A template whose file changed, and which file.
pub type Change = (Selector, PathBuf);

#[derive(Debug)]
struct Watched {
    template: Selector,
    path: PathBuf,
    last: Look,
}

/// The thread that looks at files, from the engine's side. It ends when this is dropped, unless a file system holds it.
#[derive(Debug)]
pub struct Watches {
    changes: mpsc::Receiver<Change>,
    _stop: SyncSender<()>,
}

fn look(path: &Path) -> Look {
    let found = std::fs::metadata(path).ok()?;
    Some((found.mtime(), found.mtime_nsec(), found.size(), found.ino()))
}

/// Watches the files of a session; `None` when it has none. `resolve` makes their paths absolute.
///
/// # Errors
/// When the system has no thread to spare.
pub fn watch(session: &Session, resolve: impl Fn(&str) -> String) -> io::Result<Option<Watches>> {
    watch_every(PACE, session, resolve)
}

fn watch_every(
    pace: Duration,
    session: &Session,
    resolve: impl Fn(&str) -> String,
) -> io::Result<Option<Watches>> {
    let mut files = files(session, resolve);
    if files.is_empty() {
        return Ok(None);
    }
    let (tell, changes) = mpsc::channel(CHANGES_MAX);
    let (stop, stopped) = sync_channel(0);
    let (looked, first_look) = sync_channel(1);
    thread::Builder::new()
        .name("watches".to_owned())
        .spawn(move || {
            for file in &mut files {
                file.last = look(&file.path);
            }
            let _ = looked.send(());
            while stopped.recv_timeout(pace) == Err(RecvTimeoutError::Timeout) {
                for change in changed(&mut files) {
                    if tell.blocking_send(change).is_err() {
                        return;
                    }
                }
            }
        })?;
    let _ = first_look.recv_timeout(FIRST_LOOK);
    Ok(Some(Watches {
        changes,
        _stop: stop,
    }))
}

fn files(session: &Session, resolve: impl Fn(&str) -> String) -> Vec<Watched> {
    let mut files = Vec::new();
    for (group, spec) in &session.groups {
        for (name, template) in &spec.templates {
            for path in &template.watch {
                files.push(Watched {
                    template: Selector {
                        template: Some(name.clone()),
                        ..Selector::group(group.clone())
                    },
                    path: PathBuf::from(resolve(path)),
                    last: None,
                });
            }
        }
    }
    files
}

/// The templates whose files changed since the last look, each once, with the first file that did. A file that
/// is away (an editor replaces it) changes when it is back.
fn changed(files: &mut [Watched]) -> Vec<Change> {
    let mut changed: Vec<Change> = Vec::new();
    for file in files {
        let seen = look(&file.path);
        if seen.is_none() || seen == file.last {
            continue;
        }
        file.last = seen;
        if !changed
            .iter()
            .any(|(template, _)| *template == file.template)
        {
            changed.push((file.template.clone(), file.path.clone()));
        }
    }
    changed
}

impl Watches {
    /// The next change; never again once the thread is gone.
    pub async fn next(&mut self) -> Change {
        match self.changes.recv().await {
            Some(change) => change,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::template::{ProcessGroup, ProcessTemplate, Target};

    fn session(watch: &[&str]) -> Session {
        let template = ProcessTemplate {
            watch: watch.iter().map(|&path| path.to_owned()).collect(),
            ..ProcessTemplate::new(Target::Shell("x".to_owned()))
        };
        let group = ProcessGroup {
            templates: [("t".parse().unwrap(), template)].into_iter().collect(),
            ..ProcessGroup::default()
        };
        Session {
            groups: [("g".parse().unwrap(), group)].into_iter().collect(),
            ..Session::default()
        }
    }

    #[test]
    fn a_file_that_was_written_or_replaced_restarts_its_template_once_and_one_that_is_away_does_not()
     {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("model.py");
        std::fs::write(&file, "1").unwrap();
        let session = session(&["model.py", "model.py"]);
        let resolve = |path: &str| place.path().join(path).to_string_lossy().into_owned();
        let mut files = files(&session, resolve);
        assert_eq!(changed(&mut files).len(), 1, "seen for the first time");
        assert_eq!(changed(&mut files).len(), 0);
        std::fs::write(&file, "22").unwrap();
        assert_eq!(changed(&mut files).len(), 1);
        assert_eq!(changed(&mut files).len(), 0);
        std::fs::rename(&file, place.path().join("away")).unwrap();
        assert_eq!(changed(&mut files).len(), 0);
        std::fs::write(&file, "333").unwrap();
        assert_eq!(changed(&mut files).len(), 1);
    }

    #[test]
    fn a_change_is_told() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("model.py");
        std::fs::write(&file, "1").unwrap();
        let session = session(&["model.py"]);
        let resolve = |path: &str| place.path().join(path).to_string_lossy().into_owned();
        let pace = Duration::from_millis(1);
        let mut watches = watch_every(pace, &session, resolve).unwrap().unwrap();
        std::fs::write(&file, "22").unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let next = async { tokio::time::timeout(Duration::from_secs(30), watches.next()).await };
        let (template, path) = runtime.block_on(next).unwrap();
        assert_eq!((template.to_string(), path), ("g/t".to_owned(), file));
    }

    #[test]
    fn nothing_looks_where_nothing_is_watched() {
        assert!(watch(&session(&[]), str::to_owned).unwrap().is_none());
    }
}
