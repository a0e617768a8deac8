//! Files that restart a template when they change.
//!
//! Owns what each watched file looked like last. Looked at on the engine's own host once a second, and only when a
//! session watches anything; no notification service works on the network file systems of a cluster. Decides
//! nothing: it names the templates whose files changed.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::model::{document::Session, ids::Selector};

/// How often the files are looked at.
const PACE: Duration = Duration::from_secs(1);

/// What tells one content from another: modification time (seconds, nanoseconds), size, inode.
type Look = Option<(i64, i64, u64, u64)>;

#[derive(Debug)]
struct Watched {
    template: Selector,
    path: PathBuf,
    last: Look,
}

/// All watched files of a session.
#[derive(Debug)]
pub struct Watches {
    files: Vec<Watched>,
    next: Instant,
}

fn look(path: &Path) -> Look {
    let found = std::fs::metadata(path).ok()?;
    Some((found.mtime(), found.mtime_nsec(), found.size(), found.ino()))
}

impl Watches {
    /// Looks at the files of a session for the first time; `resolve` makes their paths absolute.
    pub fn new(session: &Session, resolve: impl Fn(&str) -> String, now: Instant) -> Self {
        let mut files = Vec::new();
        for (group, spec) in &session.groups {
            for (name, template) in &spec.templates {
                for path in &template.watch {
                    let path = PathBuf::from(resolve(path));
                    let template = Selector {
                        template: Some(name.clone()),
                        ..Selector::group(group.clone())
                    };
                    files.push(Watched {
                        template,
                        last: look(&path),
                        path,
                    });
                }
            }
        }
        Self {
            files,
            next: now + PACE,
        }
    }

    /// When to look again; never when nothing is watched.
    pub fn deadline(&self) -> Option<Instant> {
        (!self.files.is_empty()).then_some(self.next)
    }

    /// The templates whose files changed since the last look, each once, with the first file that did. A file that
    /// is away (an editor replaces it) changes when it is back.
    pub fn changed(&mut self, now: Instant) -> Vec<(Selector, PathBuf)> {
        let mut changed: Vec<(Selector, PathBuf)> = Vec::new();
        if now < self.next {
            return changed;
        }
        self.next = now + PACE;
        for file in &mut self.files {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::template::{ProcessGroup, ProcessTemplate, Target};

    #[test]
    fn a_file_that_was_written_or_replaced_restarts_its_template_once_and_one_that_is_away_does_not()
     {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("model.py");
        std::fs::write(&file, "1").unwrap();
        let template = ProcessTemplate {
            watch: vec!["model.py".to_owned(), "model.py".to_owned()],
            ..ProcessTemplate::new(Target::Shell("x".to_owned()))
        };
        let group = ProcessGroup {
            templates: [("t".parse().unwrap(), template)].into_iter().collect(),
            ..ProcessGroup::default()
        };
        let session = Session {
            groups: [("g".parse().unwrap(), group)].into_iter().collect(),
            ..Session::default()
        };
        let mut now = Instant::now();
        let mut watches = Watches::new(
            &session,
            |path| place.path().join(path).to_string_lossy().into_owned(),
            now,
        );
        let mut changes = |watches: &mut Watches| {
            now += PACE;
            watches.changed(now).len()
        };
        assert_eq!(changes(&mut watches), 0);
        std::fs::write(&file, "22").unwrap();
        assert_eq!(changes(&mut watches), 1);
        assert_eq!(changes(&mut watches), 0);
        std::fs::rename(&file, place.path().join("away")).unwrap();
        assert_eq!(changes(&mut watches), 0);
        std::fs::write(&file, "333").unwrap();
        assert_eq!(changes(&mut watches), 1);
    }
}
