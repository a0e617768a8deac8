//! What holds a run's folder in place while its engine lives: the lock, and the way back when somebody
//! removes the folder under a running engine.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use serde::{Deserialize, Serialize};

use crate::model::ids::HostName;

use super::paths::{self, create_private_folders, make_private, write_atomically};

/// Where the engine of a run is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EngineInfo {
    /// Its process id.
    pub pid: u32,
    /// When that process began, in clock ticks since boot (field 22 of proc_pid_stat(5)): a pid alone
    /// may have been given to another process since.
    pub pid_start: u64,
    /// The name of its host, as uname(2) says it.
    pub host: String,
    /// Which start of which machine it runs on (`/proc/sys/kernel/random/boot_id`): hosts may be called the same, and
    /// numbers of processes begin anew. Empty in records of older versions.
    pub boot: String,
    /// By which its processes are known on every host.
    pub mark: String,
    /// The socket of the queues on the engine's host.
    pub queue_socket: String,
    /// The name of the session.
    pub session: String,
    /// The folder that relative paths of the session start from; empty in records of older versions.
    pub folder: String,
    /// The folder that it was started in, where ranks that name none run; empty in records of older versions.
    pub cwd: String,
    /// Names that stood for hosts, and for which.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub host_aliases: Vec<(HostName, HostName)>,
    /// How many ranks the session has.
    pub ranks: u64,
    /// When the run began: seconds since 1970.
    pub started: u64,
}

impl EngineInfo {
    /// This process on this host; what depends on the session is left empty.
    pub fn of_this_process() -> Self {
        let pid = std::process::id();
        Self {
            pid,
            pid_start: start_of(pid).unwrap_or(0),
            host: this_host(),
            boot: this_boot(),
            ..Self::default()
        }
    }

    /// Whether the process exists on this host. Only for where the lock does not tell.
    pub(super) fn is_alive_here(&self) -> bool {
        (self.boot.is_empty() || self.boot == this_boot())
            && start_of(self.pid).is_some_and(|start| start == self.pid_start)
    }
}

/// The name of this host as uname(2) says it.
pub(super) fn this_host() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}

/// Which start of which machine this is; empty where `/proc` does not tell.
fn this_boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim_end().to_owned())
        .unwrap_or_default()
}

/// When a process began, in clock ticks since boot.
fn start_of(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is a name in parentheses that may hold anything; the third follows the last one.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// The folder of a run that this process writes.
#[derive(Debug)]
pub(super) struct Anchor {
    pub(super) path: PathBuf,
    session: String,
    engine: EngineInfo,
    /// Counts how often the folder was made.
    generation: AtomicU32,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    /// Device and inode of the folder.
    identity: (u64, u64),
    /// Locked as long as it is open.
    lock: File,
}

impl Anchor {
    /// Takes an existing, empty folder.
    pub(super) fn take(path: PathBuf, session: String, engine: EngineInfo) -> io::Result<Self> {
        let held = furnish(&path, &session, &engine)?;
        Ok(Self {
            path,
            session,
            engine,
            generation: AtomicU32::new(0),
            held: Mutex::new(held),
        })
    }

    /// Which making of the folder is the present one. Files opened in an older one are lost.
    pub(super) fn generation(&self) -> u32 {
        self.generation.load(Ordering::Acquire)
    }

    /// Makes the folder again if it is gone: whether this very call did so. Makes only the lock again, and what says who
    /// we are, if that is gone: who cleans up scratch folders deletes files that nobody writes. Costs three stat(2).
    pub(super) fn ensure(&self) -> io::Result<bool> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match fs::metadata(&self.path) {
            Ok(found) if (found.dev(), found.ino()) == held.identity => {
                self.keep_lock(&mut held);
                if !self.path.join(paths::ENGINE).exists() {
                    describe(&self.path, &self.session, &self.engine)?;
                }
                return Ok(false);
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create_private_folders(&self.path)?;
            }
            // Out of reach is not gone.
            Err(error) => return Err(error),
        }
        *held = furnish(&self.path, &self.session, &self.engine)?;
        self.generation.fetch_add(1, Ordering::AcqRel);
        Ok(true)
    }

    /// Holds the lock that is in the folder now.
    fn keep_lock(&self, held: &mut Held) {
        let inode = |found: io::Result<fs::Metadata>| found.ok().map(|found| found.ino());
        if inode(fs::metadata(self.path.join(paths::LOCK))) == inode(held.lock.metadata()) {
            return;
        }
        // What fails here is tried at the next look; until then readers go by the process id.
        if let Ok(lock) = open_lock(&self.path, true)
            && lock.try_lock().is_ok()
        {
            held.lock = lock;
        }
    }

    /// Which file is the lock that is held; for tests.
    #[cfg(test)]
    pub(super) fn lock_inode(&self) -> u64 {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.lock.metadata().map_or(0, |m| m.ino())
    }
}

/// Locks the folder, then writes what a reader needs to know. Readers look for the lock only where
/// `engine.json` exists, so nobody else ever holds the lock of a run that is being made.
fn furnish(path: &Path, session: &str, engine: &EngineInfo) -> io::Result<Held> {
    let lock = open_lock(path, true)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(io::Error::other("another engine holds the lock"));
        }
        // A file system without locks: readers then go by the process id.
        Err(TryLockError::Error(_)) => {}
    }
    describe(path, session, engine)?;
    let metadata = fs::metadata(path)?;
    Ok(Held {
        identity: (metadata.dev(), metadata.ino()),
        lock,
    })
}

/// Writes what a reader needs to know.
fn describe(path: &Path, session: &str, engine: &EngineInfo) -> io::Result<()> {
    write_atomically(&path.join(paths::SESSION), session.as_bytes())?;
    let mut text = serde_json::to_vec(engine)?;
    text.push(b'\n');
    write_atomically(&path.join(paths::ENGINE), &text)
}

/// Opens the lock of a run; for writing too, because NFS wants that for an exclusive lock.
pub(super) fn open_lock(run: &Path, create: bool) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(create)
        .truncate(false)
        .mode(0o600)
        .open(run.join(paths::LOCK))?;
    if create {
        make_private(&file)?;
    }
    Ok(file)
}
