//! The files of sessions: the only place of this layer that touches the disk.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use super::{FieldPath, Problem, Saved, Session, saved};
use crate::model::ron_text::{Lines, Span};

/// The greatest size of a session's file in bytes.
pub const SIZE_MAX: u64 = 16 * 1024 * 1024;

fn problem(path: &Path, message: impl Into<String>, help: &str) -> Problem {
    Problem::error(FieldPath::root(), message)
        .with_help(help)
        .in_file(path)
}

/// The text of a file, or why there is none.
pub(super) fn read(path: &Path) -> Result<String, Problem> {
    let cannot = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => problem(
            path,
            "there is no such file",
            "check the path; a new session can be composed without a file",
        ),
        io::ErrorKind::PermissionDenied => problem(
            path,
            "the file may not be read",
            "ask its owner for permission, or change it with chmod",
        ),
        _ => problem(
            path,
            format!("the file cannot be read: {error}"),
            "check the disk, or copy the file to another one",
        ),
    };
    let too_large = || {
        problem(
            path,
            format!(
                "the file is larger than {} MiB, the most a session may have",
                SIZE_MAX >> 20
            ),
            "is it a session at all?",
        )
    };
    let about = fs::metadata(path).map_err(cannot)?;
    if about.is_dir() {
        return Err(problem(
            path,
            "this is a folder, not a session",
            "name a file in it, such as session.ron",
        ));
    }
    if about.len() > SIZE_MAX {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    // A pipe or device has no size to look at before.
    File::open(path)
        .and_then(|file| file.take(SIZE_MAX + 1).read_to_end(&mut bytes))
        .map_err(cannot)?;
    if bytes.len() as u64 > SIZE_MAX {
        return Err(too_large());
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let byte = error.as_bytes().get(good).copied().unwrap_or_default();
        let text =
            String::from_utf8_lossy(error.as_bytes().get(..good).unwrap_or_default()).into_owned();
        problem(
            path,
            format!("the file is not UTF-8: byte {good} is {byte:#04x}"),
            "save it as UTF-8 in your editor",
        )
        .at_span(&text, &Lines::new(&text), Span::new(good, good))
    })
}

/// Writes a session to a file as [`save`](super::save) does, so that the file has either its old content or the new one.
///
/// A temporary file in the same folder is written, flushed to the disk and renamed. A symbolic link is
/// followed; the mode of the file stays as it is.
///
/// # Errors
/// When the folder or the disk refuses; the file is then as it was, unless the message says that it was written.
pub fn save_to(path: &Path, session: &Session, original: Option<&str>) -> Result<Saved, Problem> {
    let saved = saved(session, original);
    write_text(path, &saved.text)?;
    Ok(saved)
}

/// Writes any text as [`save_to`] writes a session.
///
/// # Errors
/// As those of [`save_to`].
pub fn write_text(path: &Path, text: &str) -> Result<(), Problem> {
    let target = followed(path);
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    write(&target, &folder, text).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => problem(
            path,
            "there is no such folder",
            "make the folder first, or choose another one",
        ),
        io::ErrorKind::PermissionDenied => problem(
            path,
            "the file may not be written",
            "choose another folder, or change its permissions",
        ),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => problem(
            path,
            "the disk is full",
            "make room, or choose another folder; the file is as it was",
        ),
        _ => problem(
            path,
            format!("the file cannot be written: {error}"),
            "choose another folder; the file is as it was",
        ),
    })?;
    // The file has its new content by now.
    sync(&folder).map_err(|error| {
        problem(
            path,
            format!("the file was written, but the disk may not have it yet: {error}"),
            "save once more, or look after the disk",
        )
    })
}

/// The file that a path means in the end; a link may point to one that does not exist yet.
fn followed(path: &Path) -> PathBuf {
    /// As many as the kernel follows (path_resolution(7)).
    const LINKS_MAX: usize = 40;
    let mut target = path.to_owned();
    for _ in 0..LINKS_MAX {
        match fs::read_link(&target) {
            Ok(link) => target = target.parent().unwrap_or(Path::new("")).join(link),
            Err(_) => break,
        }
    }
    target
}

fn write(target: &Path, folder: &Path, text: &str) -> io::Result<()> {
    let mode = match fs::metadata(target) {
        Ok(about) if about.is_dir() => {
            return Err(io::Error::new(
                io::ErrorKind::IsADirectory,
                "this is a folder",
            ));
        }
        // The rename would pass over it, but who takes the right to write away means it.
        Ok(about) if about.permissions().readonly() => {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(about) => Some(about.permissions()),
        Err(_) => None,
    };
    let (temporary, mut file) = create_beside(target, folder)?;
    let written = mode
        .map_or(Ok(()), |mode| file.set_permissions(mode))
        .and_then(|()| file.write_all(text.as_bytes()))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&temporary, target));
    if written.is_err() {
        // What failed before is the news; that this may fail too is not.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// A rename is on the disk only when its folder is. Some network file systems cannot do that.
fn sync(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error)
            if error.kind() != io::ErrorKind::InvalidInput
                && error.kind() != io::ErrorKind::PermissionDenied =>
        {
            Err(error)
        }
        _ => Ok(()),
    }
}

/// A new file in the folder, with a name that nobody else has.
fn create_beside(target: &Path, folder: &Path) -> io::Result<(PathBuf, File)> {
    let name = target
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))?;
    let mut attempt = 0;
    loop {
        let mut temporary = OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}-{attempt}.tmp", std::process::id()));
        let temporary = folder.join(temporary);
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary)
        {
            Ok(file) => return Ok((temporary, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 100 => {
                attempt += 1
            }
            Err(error) => return Err(error),
        }
    }
}
