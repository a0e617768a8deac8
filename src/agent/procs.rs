//! What runs on this host, read from `/proc`.
//!
//! Owns the reading of processes, their parents and their environments. Never signals any.
//! Start at [`Snapshot::take`].

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
    io,
    os::unix::fs::MetadataExt,
};

use rustix::{
    fd::OwnedFd,
    fs::{Mode, OFlags},
};

use super::wire::MARK_VARIABLE;

/// What `/proc` says of a kernel thread among the flags of a process (PF_KTHREAD).
const KERNEL_THREAD: u64 = 0x0020_0000;

/// One process of the host at the time of a snapshot. A zombie is none, unless only its first thread has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// Its parent.
    pub parent: i32,
    /// Its process group.
    pub group: i32,
    /// Its session.
    pub session: i32,
    /// Its state as proc(5) names it; `D` cannot be killed now, `Z` has other threads that live.
    pub state: u8,
    /// Whether it is a part of the kernel.
    pub kernel: bool,
    /// When it began, in clock ticks since boot: with the id it names one process for ever.
    pub start: u64,
    /// Clock ticks of cpu time it used, in user and system mode.
    pub ticks: u64,
    /// Resident pages.
    pub pages: u64,
}

impl Process {
    /// Whether this process still has its id.
    pub fn is_there(&self) -> bool {
        let stat = std::fs::read(format!("/proc/{}/stat", self.pid));
        let now = stat.ok().and_then(|stat| parse_stat(self.pid, &stat));
        now.is_some_and(|now| now.start == self.start)
    }

    /// Whether it waits in the kernel, maybe with its memory locked: then who reads its environment waits with it.
    /// Others' are refused to us before that.
    pub fn is_stuck(&self) -> bool {
        let may_be_read = || {
            let own = rustix::process::geteuid().as_raw();
            let owner = std::fs::metadata(format!("/proc/{}", self.pid)).map(|it| it.uid());
            own == 0 || owner.is_ok_and(|owner| owner == own)
        };
        self.state == b'D' && !self.kernel && may_be_read()
    }
}

/// The processes of the host at about one time: one that forks meanwhile may be missed.
#[derive(Debug, Default)]
pub struct Snapshot {
    processes: HashMap<i32, Process>,
}

impl Snapshot {
    /// Reads `/proc`; 4 to 10 microseconds a process.
    pub fn take() -> io::Result<Self> {
        let proc = open_proc()?;
        let mut processes = HashMap::new();
        let (mut buffer, mut path) = (Vec::with_capacity(1024), String::new());
        for entry in rustix::fs::Dir::read_from(&proc)? {
            let entry = entry?;
            let Ok(Ok(pid)) = entry.file_name().to_str().map(str::parse::<i32>) else {
                continue;
            };
            // It may be gone by now.
            path.clear();
            let _ = write!(path, "{pid}/stat");
            if read_file(&proc, &path, &mut buffer).is_ok()
                && let Some(process) = parse_stat(pid, &buffer)
            {
                processes.insert(pid, process);
            }
        }
        Ok(Self { processes })
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Process> {
        self.processes.values()
    }

    /// The process itself, its parent, and so on up to the first one that is not known.
    pub fn line(&self, pid: i32) -> impl Iterator<Item = &Process> {
        let mut next = pid;
        // Ids that are used again while we read could make a ring.
        let mut left = self.processes.len();
        std::iter::from_fn(move || {
            let process = self.processes.get(&next)?;
            left = left.checked_sub(1)?;
            next = process.parent;
            Some(process)
        })
    }

    /// Whether a process descends from another one, or is it.
    pub fn descends(&self, pid: i32, ancestor: i32) -> bool {
        self.line(pid)
            .any(|p| p.pid == ancestor || p.parent == ancestor)
    }
}

fn parse_stat(pid: i32, stat: &[u8]) -> Option<Process> {
    // The name stands in parentheses and may hold any byte, `)` too: the last one ends it.
    let end = memchr::memrchr(b')', stat)?;
    let mut fields = std::str::from_utf8(&stat[end + 1..])
        .ok()?
        .split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?;
    let mut ids = || fields.next()?.parse().ok();
    let (parent, group, session) = (ids()?, ids()?, ids()?);
    // proc(5) counts from 1 and calls them flags (9), utime (14), stime (15), num_threads (20), starttime (22) and
    // rss (24); the session was number 6.
    let mut skip = |skipped: usize| fields.nth(skipped)?.parse::<u64>().ok();
    let flags = skip(2)?;
    let ticks = skip(4)? + skip(0)?;
    let (threads, start, pages) = (skip(4)?, skip(1)?, skip(1)?);
    let is_over = match state {
        // Its first thread ended; the others hold all that it had.
        b'Z' => threads <= 1,
        b'X' | b'x' => true,
        _ => false,
    };
    (!is_over).then_some(Process {
        pid,
        parent,
        group,
        session,
        state,
        kernel: flags & KERNEL_THREAD != 0,
        start,
        ticks,
        pages,
    })
}

fn open_proc() -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open("/proc", flags, Mode::empty())?)
}

fn read_file(folder: &OwnedFd, path: &str, buffer: &mut Vec<u8>) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, path, flags, Mode::empty())?;
    buffer.clear();
    loop {
        buffer.reserve(1024);
        let room = buffer.capacity() - buffer.len();
        // Files of `/proc` come in one piece if that fits: a short read is the end.
        if rustix::io::read(&file, rustix::buffer::spare_capacity(buffer))? < room {
            return Ok(());
        }
    }
}

/// Reads environments of processes.
pub struct Environs {
    proc: OwnedFd,
    buffer: Vec<u8>,
}

impl Environs {
    /// Opens `/proc`.
    pub fn open() -> io::Result<Self> {
        Ok(Self {
            proc: open_proc()?,
            buffer: Vec::new(),
        })
    }

    /// The environment that a process was started with; absent when it is gone or another user's.
    /// Waits as long as the kernel holds its memory: see [`Process::is_stuck`].
    pub fn of(&mut self, process: &Process) -> Option<Environ<'_>> {
        let pid = process.pid;
        if process.state == b'Z' {
            // Its first thread has none any more, the others have.
            self.of_threads(pid)?;
        } else {
            read_file(&self.proc, &format!("{pid}/environ"), &mut self.buffer).ok()?;
        }
        Some(Environ(&self.buffer))
    }

    fn of_threads(&mut self, pid: i32) -> Option<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let path = format!("{pid}/task");
        let tasks = rustix::fs::openat(&self.proc, path, flags, Mode::empty()).ok()?;
        for entry in rustix::fs::Dir::read_from(&tasks).ok()? {
            let Ok(name) = entry.ok()?.file_name().to_str().map(str::to_owned) else {
                continue;
            };
            let read = read_file(&tasks, &format!("{name}/environ"), &mut self.buffer);
            if read.is_ok() && !self.buffer.is_empty() {
                return Some(());
            }
        }
        None
    }
}

/// The environment of a process: `NAME=value`, each ended by a zero byte.
pub struct Environ<'a>(&'a [u8]);

impl<'a> Environ<'a> {
    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.0
            .split(|&byte| byte == 0)
            .find_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
    }

    /// Whether a run started it: its mark is one of the marks.
    pub fn carries(&self, mark: &str) -> bool {
        self.get(MARK_VARIABLE).is_some_and(|marks| {
            marks
                .split(|&byte| byte == b':')
                .any(|one| one == mark.as_bytes())
        })
    }

    /// Whether a run started it, and no run inside that run did: its mark is the last of the marks.
    /// The names of groups and tasks in an environment belong to that run.
    pub fn belongs_to(&self, mark: &str) -> bool {
        self.get(MARK_VARIABLE)
            .is_some_and(|marks| marks.rsplit(|&byte| byte == b':').next() == Some(mark.as_bytes()))
    }
}

/// Those whose environment was read and carries no mark of ours, so that it need not be read again in the next round.
/// To be forgotten before a round that is to prove that nobody is left: a process may become another program.
#[derive(Debug, Default)]
pub struct Strangers(HashSet<(i32, u64)>);

impl Strangers {
    /// Whether a process carries the mark. One that cannot be read does not.
    pub fn carries(&mut self, process: &Process, environs: &mut Environs, mark: &str) -> bool {
        let name = (process.pid, process.start);
        if mark.is_empty() || process.kernel || self.0.contains(&name) {
            return false;
        }
        let carries = environs.of(process).is_some_and(|it| it.carries(mark));
        if !carries {
            self.0.insert(name);
        }
        carries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With this state, so many threads, and a name that is made to confuse.
    fn stat(state: char, threads: u32) -> Vec<u8> {
        let rest = format!("3 4 5 0 -1 4194304 9 9 9 9 100 20 9 9 20 0 {threads} 0 777 9 33 9");
        format!("7 (a) S 1 (b) {state} {rest}").into_bytes()
    }

    #[test]
    fn a_name_with_parentheses_and_spaces_does_not_shift_the_fields() {
        let process = parse_stat(7, &stat('R', 1)).unwrap();
        assert_eq!(
            process,
            Process {
                pid: 7,
                parent: 3,
                group: 4,
                session: 5,
                state: b'R',
                kernel: false,
                start: 777,
                ticks: 120,
                pages: 33,
            }
        );
        assert!(parse_stat(7, &stat('Z', 1)).is_none(), "zombies are gone");
        assert!(parse_stat(7, &stat('Z', 2)).is_some(), "its threads live");
        assert!(parse_stat(7, b"7 (x").is_none());
    }

    #[test]
    fn a_mark_is_a_whole_component_and_the_inner_run_owns_the_names() {
        let environ = Environ(b"A=1\0DRAGON_TUI_MARK=outer:inner\0DRAGON_TASK=g/t.0\0");
        assert!(environ.carries("outer") && environ.carries("inner"));
        assert!(!environ.carries("out") && !environ.carries("outer:inner"));
        assert!(environ.belongs_to("inner") && !environ.belongs_to("outer"));
        assert_eq!(environ.get("DRAGON_TASK"), Some(&b"g/t.0"[..]));
        assert_eq!(environ.get("DRAGON"), None);
    }

    #[test]
    fn we_find_ourselves_and_our_parent() {
        let own = rustix::process::getpid().as_raw_nonzero().get();
        let snapshot = Snapshot::take().unwrap();
        let process = *snapshot.line(own).next().unwrap();
        assert!(process.pid == own && process.is_there());
        let another = Process {
            start: process.start + 1,
            ..process
        };
        assert!(!another.is_there());
        let parent = rustix::process::getppid().map_or(0, |p| p.as_raw_nonzero().get());
        assert!(snapshot.descends(own, parent));
        assert!(Environs::open().unwrap().of(&process).is_some());
    }
}
