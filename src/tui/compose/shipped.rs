//! The sessions that come with the program, and the files that they run.
//!
//! Owns their text, as it was when the program was built, and where it is unpacked to. A file that is there already is
//! left as it is: it may have been changed. Start at [`unpack`].

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

macro_rules! files {
    ($($path:literal,)*) => {
        &[$(($path, include_str!(concat!("../../../", $path))),)*]
    };
}

/// Every file, by its path from the root of the repository.
const FILES: &[(&str, &str)] = files![
    "examples/flood.py",
    "examples/generator_consumer.py",
    "examples/hello.py",
    "examples/mixed.py",
    "examples/primes.py",
    "examples/train.py",
    "sessions/flood.ron",
    "sessions/generator_consumer.ron",
    "sessions/hello.ron",
    "sessions/mixed.ron",
    "sessions/primes.ron",
    "sessions/sleepers.ron",
    "sessions/thousand.ron",
    "sessions/train.ron",
];

/// The names of the sessions, the simplest first.
pub const SESSIONS: &[&str] = &[
    "generator_consumer",
    "hello",
    "primes",
    "mixed",
    "train",
    "sleepers",
    "flood",
    "thousand",
];

/// The one to begin with.
pub const EXAMPLE: &str = "generator_consumer";

/// Where they are unpacked to, by the XDG rules: below `$XDG_DATA_HOME` if that is absolute, else `~/.local/share`. One
/// folder for each version of the program.
pub fn folder(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let absolute = |name: &str| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base = absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))?;
    let name = concat!("examples-", env!("CARGO_PKG_VERSION"));
    Some(base.join("dragon-tui").join(name))
}

/// Writes all files that are not there yet; gives the file of a session.
///
/// # Errors
/// When the disk refuses.
pub fn unpack(folder: &Path, session: &str) -> io::Result<PathBuf> {
    for (path, text) in FILES {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        match std::fs::File::create_new(&path) {
            Ok(mut file) => file.write_all(text.as_bytes())?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(folder.join("sessions").join(format!("{session}.ron")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_can_be_opened_where_it_was_unpacked_and_keeps_what_was_changed() {
        let folder = tempfile::tempdir().unwrap();
        for name in SESSIONS {
            let path = unpack(folder.path(), name).unwrap();
            let loaded = crate::model::document::Session::open(&path).unwrap();
            assert!(loaded.session.process_count() > 0, "{name}");
        }
        assert!(SESSIONS.contains(&EXAMPLE));
        let path = unpack(folder.path(), EXAMPLE).unwrap();
        std::fs::write(&path, "mine").unwrap();
        unpack(folder.path(), EXAMPLE).unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "mine");
    }

    #[test]
    fn every_session_of_the_repository_is_shipped() {
        for (folder, known) in [("sessions", "ron"), ("examples", "py")] {
            let files = std::fs::read_dir(folder).unwrap();
            for file in files.map(|file| file.unwrap().file_name().into_string().unwrap()) {
                let path = format!("{folder}/{file}");
                if file.ends_with(known) {
                    assert!(FILES.iter().any(|(name, _)| *name == path), "{path}");
                }
            }
        }
    }
}
