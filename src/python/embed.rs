//! The Python package's files inside the binary, and their way into a folder on a host.
//!
//! Every version of the package lives in a folder named after the hash of its contents, so two
//! versions of dragon-tui share a cache without disturbing each other's running ranks. Never
//! decides where the cache is and never removes an older version. Start at [`unpack`].

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What calls a rank's Python function, below the folder [`unpack`] returns.
///
/// Start it as a file (`python3 FOLDER/dragon/run.py TARGET`) rather than with `-m`, which would
/// let a `dragon` folder or a `json.py` in the current folder take the place of the real one.
pub const RUNNER: &str = "dragon/run.py";

/// What checks Python targets without importing them, below the folder [`unpack`] returns.
pub const PREFLIGHT: &str = "dragon/preflight.py";

macro_rules! package {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("dragon/", $path)))),*]
    };
}

/// Every file of the package: its path below `dragon/`, its text.
const FILES: &[(&str, &str)] = package![
    "__init__.py",
    "_missing.py",
    "infrastructure/__init__.py",
    "infrastructure/policy.py",
    "native/__init__.py",
    "native/_server.py",
    "native/machine.py",
    "native/process.py",
    "native/process_group.py",
    "native/queue.py",
    "preflight.py",
    "run.py",
];

/// The package's files as (path below the unpacked folder, text), in the order of their paths.
pub fn files() -> impl Iterator<Item = (String, &'static str)> {
    FILES
        .iter()
        .map(|(path, text)| (format!("dragon/{path}"), *text))
}

/// The hash of the package: 32 hexadecimal digits, the same on every machine for the same
/// contents, another for any change of a name or a byte.
///
/// FNV-1a with 128 bits. It names a version, it does not protect: who may write to the user's
/// cache needs no collision.
pub fn hash() -> String {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let mut hash = OFFSET;
    let mut eat = |bytes: &[u8]| {
        for &byte in bytes {
            hash = (hash ^ u128::from(byte)).wrapping_mul(PRIME);
        }
    };
    for (path, text) in FILES {
        // Lengths first, so that no byte can move from one file to its neighbour unnoticed.
        eat(&(path.len() as u64).to_le_bytes());
        eat(path.as_bytes());
        eat(&(text.len() as u64).to_le_bytes());
        eat(text.as_bytes());
    }
    format!("{hash:032x}")
}

/// Puts the package below `cache_root` and returns the folder to put on `PYTHONPATH`:
/// `<cache_root>/python-<hash>`, mode 0700, which contains `dragon/`.
///
/// A folder that is complete is used as it is; one that lost files (a cleaner of old files) is
/// repaired. Any number of processes, also on other hosts that share the file system, may do this
/// at once: the folder appears whole, by one `rename`.
///
/// # Errors
///
/// What the file system says: `cache_root` cannot be made or written to, is full, and so on. A
/// folder in our place that is another user's or that others may write to is refused with `PermissionDenied`, for what lies
/// in it is run.
pub fn unpack(cache_root: &Path) -> io::Result<PathBuf> {
    let home = cache_root.join(format!("python-{}", hash()));
    if !home.try_exists()? {
        private_folder().recursive(true).create(cache_root)?;
        let fresh = fresh_folder(cache_root)?;
        let moved = write_all(&fresh).and_then(|()| fs::rename(&fresh, &home));
        if let Err(error) = moved {
            // Nothing more can be done about a folder that cannot be removed.
            let _ = fs::remove_dir_all(&fresh);
            if !home.is_dir() {
                return Err(error);
            }
            // Another process was quicker: its folder is as good as ours.
        }
    }
    let found = fs::symlink_metadata(&home)?;
    let ours = found.uid() == rustix::process::geteuid().as_raw();
    if !ours || !found.is_dir() || found.permissions().mode() & 0o022 != 0 {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!(
                "{} is not a folder of ours that only we can write to",
                home.display()
            ),
        ));
    }
    repair(&home)?;
    Ok(home)
}

/// Writes what is missing or was cut short. The length decides: it costs a rank's start a look
/// at a dozen inodes instead of reading all files.
fn repair(home: &Path) -> io::Result<()> {
    for (path, text) in files() {
        let place = home.join(&path);
        let whole = fs::symlink_metadata(&place)
            .is_ok_and(|found| found.is_file() && found.len() == text.len() as u64);
        if whole {
            continue;
        }
        if let Some(folder) = place.parent() {
            private_folder().recursive(true).create(folder)?;
        }
        // Renamed into place: a rank that imports it meanwhile sees all of it or nothing.
        let fresh = home.join(format!(".{}", unique()));
        let written = write_file(&fresh, text).and_then(|()| fs::rename(&fresh, &place));
        if written.is_err() {
            let _ = fs::remove_file(&fresh);
        }
        written?;
    }
    Ok(())
}

fn write_all(folder: &Path) -> io::Result<()> {
    for (path, text) in files() {
        let place = folder.join(path);
        if let Some(parent) = place.parent() {
            private_folder().recursive(true).create(parent)?;
        }
        write_file(&place, text)?;
    }
    Ok(())
}

fn write_file(place: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(place)?
        .write_all(text.as_bytes())
}

/// A new, empty folder beside the one to be made: `rename` works only within one file system.
fn fresh_folder(cache_root: &Path) -> io::Result<PathBuf> {
    loop {
        let fresh = cache_root.join(format!(".python-{}", unique()));
        match private_folder().create(&fresh) {
            Ok(()) => return Ok(fresh),
            // A process of another host with our number, or one that died: take the next.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// A name nobody else on this host makes at this time.
fn unique() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let nanos = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos());
    format!("{}-{count}-{nanos:08x}.new", std::process::id())
}

fn private_folder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}
