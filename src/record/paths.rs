//! Where runs are kept, and how private files are made.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::model::ids::ProcessId;

use super::RecordError;

pub(super) const LOCK: &str = "lock";
pub(super) const ENGINE: &str = "engine.json";
pub(super) const SESSION: &str = "session.ron";
pub(super) const EVENTS: &str = "events.jsonl";
pub(super) const QUEUES: &str = "queues.jsonl";
pub(super) const GROWTH: &str = "growth.jsonl";
pub(super) const LOGS: &str = "logs";
pub(super) const SUMMARY: &str = "summary.json";
pub(super) const SWEPT: &str = "swept";

/// The folder of all runs, by the XDG base directory specification: a relative `XDG_STATE_HOME` does
/// not count.
pub(super) fn runs_folder(
    state_home: Option<PathBuf>,
    home: Option<PathBuf>,
) -> Result<PathBuf, RecordError> {
    let state = state_home
        .filter(|path| path.is_absolute())
        .or_else(|| {
            home.filter(|path| path.is_absolute())
                .map(|home| home.join(".local/state"))
        })
        .ok_or(RecordError::NoHome)?;
    Ok(state.join("dragon-tui").join("runs"))
}

/// The log of a process below the folder of its run.
pub fn log_path(run: &Path, process: &ProcessId) -> PathBuf {
    let mut path = run.join(LOGS);
    path.push(process.group.as_str());
    path.push(process.template.as_str());
    path.push(format!("{}.log", process.rank));
    path
}

/// Makes a folder that only its owner enters. It must not exist.
pub(super) fn create_private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)?;
    // The umask may have taken more away than others' rights.
    if fs::symlink_metadata(path)?.mode() & 0o777 != 0o700 {
        fs::set_permissions(path, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Makes a folder and the missing ones above it, each 0700; those that exist stay as they are.
pub(super) fn create_private_folders(path: &Path) -> io::Result<()> {
    match create_private_folder(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = path.parent().ok_or(error)?;
            create_private_folders(parent)?;
            match create_private_folder(path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                other => other,
            }
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Opens a file for appending, made 0600 if it does not exist.
pub(super) fn append_to(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    make_private(&file)?;
    Ok(file)
}

/// Gives a file that umask took rights from its 0600 back. What is no regular file is left alone.
pub(super) fn make_private(file: &File) -> io::Result<()> {
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.mode() & 0o777 != 0o600 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// Replaces a file as a whole: a reader sees the old content or the new one, never half of it.
pub(super) fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)?;
        make_private(&file)?;
        file.write_all(content)?;
        fs::rename(&temporary, path)
    };
    write().inspect_err(|_| {
        // Only an attempt to leave nothing behind; the error that counts is the first one.
        let _ = fs::remove_file(&temporary);
    })
}
