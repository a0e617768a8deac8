//! The rules of files: what one process writes, no other one writes over, and none reads what it is writing.
//!
//! Goes by the text of the paths: which of them mean the same file on a host is not known here.

use std::{
    collections::HashMap,
    path::{Component, Path, PathBuf},
};

use super::{FieldPath, Rules};
use crate::model::{
    session::decode::grouped,
    template::{ProcessTemplate, Stderr, Stdin, Stdout},
};

/// The files that a template writes, each with its field.
fn outputs(template: &ProcessTemplate) -> impl Iterator<Item = (&'static str, &str)> {
    let stdout = match &template.stdout {
        Stdout::File(file) => Some(("stdout", file.as_str())),
        _ => None,
    };
    let stderr = match &template.stderr {
        Stderr::File(file) => Some(("stderr", file.as_str())),
        _ => None,
    };
    stdout.into_iter().chain(stderr)
}

/// The path without what changes nothing: `./` and doubled slashes.
fn plain(file: &str) -> PathBuf {
    Path::new(file)
        .components()
        .filter(|part| *part != Component::CurDir)
        .collect()
}

/// A device takes what any number of processes write.
fn is_device(file: &Path) -> bool {
    file.starts_with("/dev")
}

/// Whether this placeholder is filled in; a doubled one is plain text.
fn has(file: &str, placeholder: &str) -> bool {
    file.replace(&format!("{{{placeholder}}}"), "")
        .contains(placeholder)
}

impl<'s> Rules<'s> {
    pub(super) fn files(&mut self) {
        let session = self.session;
        let mut writers: HashMap<PathBuf, (&'s str, &'s str)> = HashMap::new();
        for (group, spec) in &session.groups {
            for (name, template) in &spec.templates {
                if self.problems.is_full() {
                    return;
                }
                let (group, name) = (group.as_str(), name.as_str());
                let path = FieldPath::template(group, name);
                self.own_files(&path, self.most_ranks(group, name, template), template);
                for (field, file) in outputs(template) {
                    let file = plain(file);
                    if is_device(&file) {
                        continue;
                    }
                    let (other_group, other) = *writers.entry(file).or_insert((group, name));
                    if (other_group, other) != (group, name) {
                        // On another host it may be another file.
                        let message = format!(
                            "{other_group}/{other} writes the same file: one may overwrite the other"
                        );
                        self.warn(path.name(field), message);
                    }
                }
            }
        }
    }

    /// The files of one template.
    fn own_files(&mut self, path: &FieldPath, ranks: u32, template: &ProcessTemplate) {
        for (field, file) in outputs(template) {
            let written = plain(file);
            if is_device(&written) {
                continue;
            }
            if ranks > 1 && !has(file, "{rank}") && !has(file, "{host}") {
                let ranks = grouped(u64::from(ranks));
                self.error_with(
                    path.name(field),
                    format!("{ranks} ranks would overwrite one file"),
                    "write {rank} somewhere in its name, such as File(\"out-{rank}.txt\")",
                );
            }
            if let Some(Stdin::File(input)) = &template.stdin
                && plain(input) == written
            {
                let message = "the process would empty the file that it reads";
                self.error(path.name(field), message);
            }
        }
    }
}
