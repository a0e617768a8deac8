//! What outlives the screens: changes that were not saved, and which sessions were open of late.
//!
//! Owns where both are on the disk and what their text means. A swap file lies beside its session (`.NAME.ron.swp`) from
//! some seconds after the first change until the session is saved or left on purpose. Start at [`swap_of`].

use std::{
    ffi::OsString,
    fs,
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::model::session::SIZE_MAX;

/// How long after the last change it is kept.
pub const AFTER: Duration = Duration::from_secs(3);

/// Sessions that are remembered.
const RECENT_MAX: usize = 50;

/// The greatest size of the list of them in bytes.
const LIST_MAX: u64 = 1 << 20;

/// The swap file of a session, or of the one without a file that is composed in a folder.
pub fn swap_of(session: Option<&Path>, folder: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    match session.and_then(Path::file_name) {
        Some(file) => name.push(file),
        None => name.push("untitled.ron"),
    }
    name.push(".swp");
    let beside = session.and_then(Path::parent);
    folder.join(beside.unwrap_or(Path::new(""))).join(name)
}

/// What is in a swap file, if there is one and it says something else than the session.
pub fn unsaved(swap: &Path, session: &str) -> Option<String> {
    read(swap, SIZE_MAX).filter(|text| text != session && !text.trim().is_empty())
}

fn read(path: &Path, most: u64) -> Option<String> {
    let about = fs::symlink_metadata(path).ok()?;
    // Whoever may write in the folder could have put anything there.
    if !about.is_file() || about.len() > most {
        return None;
    }
    let mut text = String::new();
    let file = fs::File::open(path).ok()?;
    file.take(most).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Where the list of recent sessions is, by the XDG rules: below `$XDG_STATE_HOME` if that is absolute, else
/// `~/.local/state`.
pub fn recent_file(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let absolute = |name: &str| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
    Some(base.join("dragon-tui").join("recent"))
}

/// The sessions that were open of late and are still there, the last one first.
pub fn recent(file: &Path) -> Vec<PathBuf> {
    let text = read(file, LIST_MAX).unwrap_or_default();
    let paths = text.lines().map(PathBuf::from);
    paths
        .filter(|path| path.is_absolute() && path.is_file())
        .take(RECENT_MAX)
        .collect()
}

/// Puts a session first. False: it was.
pub fn remember(recent: &mut Vec<PathBuf>, path: &Path) -> bool {
    if recent.first().is_some_and(|first| first == path) {
        return false;
    }
    recent.retain(|known| known != path);
    recent.insert(0, path.to_owned());
    recent.truncate(RECENT_MAX);
    true
}

/// The list as it is in its file. A path with an end of line in it is left out.
pub fn list(recent: &[PathBuf]) -> String {
    recent
        .iter()
        .filter_map(|path| path.to_str())
        .filter(|path| !path.contains('\n'))
        .map(|path| format!("{path}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_file_lies_hidden_beside_its_session() {
        let here = Path::new("/here");
        let of = |path: &str| swap_of(Some(Path::new(path)), here);
        assert_eq!(of("/a/b.ron"), Path::new("/a/.b.ron.swp"));
        assert_eq!(of("b.ron"), Path::new("/here/.b.ron.swp"));
        assert_eq!(swap_of(None, here), Path::new("/here/.untitled.ron.swp"));
    }

    #[test]
    fn only_what_is_not_in_the_session_is_unsaved() {
        let folder = tempfile::tempdir().unwrap();
        let swap = folder.path().join(".a.ron.swp");
        assert_eq!(unsaved(&swap, "x"), None);
        fs::write(&swap, "new").unwrap();
        assert_eq!(unsaved(&swap, "new"), None);
        assert_eq!(unsaved(&swap, "old").as_deref(), Some("new"));
    }

    #[test]
    fn the_last_session_comes_first_and_only_those_that_are_there_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = ["a.ron", "b.ron"]
            .map(|name| folder.path().join(name))
            .into();
        for path in &paths {
            fs::write(path, "").unwrap();
        }
        let mut known = Vec::new();
        for path in paths.iter().chain([&folder.path().join("gone.ron")]) {
            assert!(remember(&mut known, path));
        }
        assert!(remember(&mut known, &paths[0]));
        assert!(!remember(&mut known, &paths[0]));
        let file = folder.path().join("recent");
        fs::write(&file, list(&known)).unwrap();
        assert_eq!(recent(&file), paths);
    }
}
