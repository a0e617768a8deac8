//! The folder of a run's sockets on this host: `/tmp/dragon-tui-<uid>/<run>/`.
//!
//! Owns its creation and the checks that make it safe on a machine with other users: made with mode 0700, then
//! looked at without following links; a folder that is not ours alone is refused. In `/tmp` rather than in
//! `XDG_RUNTIME_DIR`, which goes away at logout while runs do not; never on a shared file system, where a
//! socket is visible on other hosts but dead.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

/// Where the folders of all runs of this user are.
fn root() -> PathBuf {
    let uid = rustix::process::getuid().as_raw();
    PathBuf::from(format!("/tmp/dragon-tui-{uid}"))
}

/// A folder for the sockets of one run; removed when dropped.
#[derive(Debug)]
pub struct SocketFolder {
    path: PathBuf,
}

impl SocketFolder {
    /// Makes the folder of a run.
    ///
    /// # Errors
    /// When it exists already, or the folder of this user is not ours alone.
    pub fn create(run: &str) -> io::Result<Self> {
        Self::create_in(&root(), run)
    }

    /// Removes what a run that was killed on this host could not. Where there is nothing, nothing happens.
    ///
    /// # Errors
    /// When the folder of this user is not ours alone, or the run's cannot be removed.
    pub fn remove_of_dead(run: &str) -> io::Result<()> {
        let path = root().join(run);
        if !path.exists() {
            return Ok(());
        }
        make_private(&root())?;
        fs::remove_dir_all(path)
    }

    fn create_in(root: &Path, run: &str) -> io::Result<Self> {
        make_private(root)?;
        let path = root.join(run);
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self { path })
    }

    /// The socket of the queues.
    pub fn queue_socket(&self) -> PathBuf {
        self.path.join("queue.sock")
    }
}

impl Drop for SocketFolder {
    fn drop(&mut self) {
        // Best effort: what stays is an empty folder of ours.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Makes a folder that only this user can enter, or sees that an existing one is such.
fn make_private(path: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(path)?;
    let uid = rustix::process::getuid().as_raw();
    let what = if found.file_type().is_symlink() {
        "is a link"
    } else if !found.is_dir() {
        "is no folder"
    } else if found.uid() != uid {
        "belongs to another user"
    } else if found.mode() & 0o077 != 0 {
        "is open to other users"
    } else {
        return Ok(());
    };
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!(
            "{} {what}: sockets are not safe there; remove it, or ask who made it",
            path.display()
        ),
    ))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn the_folder_is_private_and_goes_away_with_its_owner() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("root");
        let folder = SocketFolder::create_in(&root, "r1").unwrap();
        for path in [&root, &folder.path] {
            assert_eq!(fs::metadata(path).unwrap().mode() & 0o777, 0o700);
        }
        assert!(
            SocketFolder::create_in(&root, "r1").is_err(),
            "two runs never share one"
        );
        drop(folder);
        assert!(!root.join("r1").exists());
    }

    #[test]
    fn a_link_and_a_folder_open_to_others_are_refused() {
        let place = tempfile::tempdir().unwrap();
        let open = place.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        let error = SocketFolder::create_in(&open, "r1")
            .unwrap_err()
            .to_string();
        assert!(error.contains("open to other users"), "{error}");
        let link = place.path().join("link");
        symlink(&open, &link).unwrap();
        let error = SocketFolder::create_in(&link, "r1")
            .unwrap_err()
            .to_string();
        assert!(error.contains("is a link"), "{error}");
    }
}
