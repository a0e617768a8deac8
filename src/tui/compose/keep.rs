//! What outlives the screens beside the sessions themselves: which of them were open of late.
//!
//! Owns where the list is on the disk and what its text means. Start at [`recent`].

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::swap;

/// How long after the first change that is not kept yet it is kept.
pub const AFTER: Duration = Duration::from_secs(3);

/// Sessions that are remembered.
const RECENT_MAX: usize = 50;

/// The greatest size of the list of them in bytes.
const LIST_MAX: u64 = 1 << 20;

/// Where the list of recent sessions is, by the XDG rules: below `$XDG_STATE_HOME` if that is absolute, else
/// `~/.local/state`.
pub fn recent_file(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    Some(state_folder(variable)?.join("recent"))
}

/// Where swap files are that cannot lie beside their sessions.
pub fn swap_folder(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    Some(state_folder(variable)?.join("swap"))
}

fn state_folder(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let absolute = |name: &str| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
    Some(base.join("dragon-tui"))
}

/// The sessions that were open of late and are still there, the last one first.
pub fn recent(file: &Path) -> Vec<PathBuf> {
    let text = swap::read(file, LIST_MAX).map(|(text, _)| text);
    let text = text.unwrap_or_default();
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
    use std::fs;

    use super::*;

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
