//! Starts children, reaps them and signals them: every raw system call of the agent.
//!
//! Owns the vfork-like clone and what the child does between clone and exec. Never decides what to start, and never
//! allocates or locks in the child, which shares our memory while we are suspended. Start at [`Launcher::launch`].
//!
//! Why not std or portable-pty: fork copies the page tables of the parent, and their children list the
//! descriptor folder. Measured: 1,000 children in 0.9 s this way, 1.2 to 1.6 s theirs, and theirs grows with
//! the number of living children and the memory of the agent.
//!
//! No pidfd is asked for at a start: one thread both signals and reaps children, so the number of one that is not reaped
//! is still its own. This works on kernels without `CLONE_PIDFD` too, and saves a descriptor per child. Whoever was only
//! found in `/proc` is not ours to reap: `aim` signals those.

// The one file that may: a child between clone and exec can only use raw system calls.
#![allow(unsafe_code)]

use std::{
    ffi::{CStr, CString, c_char, c_int, c_long, c_void},
    io,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
    ptr,
    sync::atomic::{AtomicI32, Ordering::Relaxed},
};

use rustix::process::Rlimit;

use super::wire::Exit;
use crate::model::event::Usage;

/// Bytes of the stack that children use until they exec. They call a dozen functions of libc, none of them deep.
const STACK: usize = 64 << 10;

/// The greatest signal number on Linux.
const SIGNAL_MAX: c_long = 64;

/// The size of the kernel's signal set in bytes.
const KERNEL_SIGSET: c_long = 8;

/// Room for the kernel's signal action in words, whatever the architecture's layout: at most 64 bytes. Its first
/// word is the handler; zeros are the default action.
const KERNEL_SIGACTION: usize = 8;

/// What of a start failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// No process could be made.
    Clone = 1,
    /// setsid(2), or its parent was gone already.
    Session,
    /// Taking the pty as controlling terminal.
    Terminal,
    /// Binding to cpus.
    Affinity,
    /// Restoring the limit of descriptors.
    Limit,
    /// Connecting standard input, output and error.
    Stdio,
    /// Entering the working folder.
    Folder,
    /// Running the program.
    Exec,
}

impl Step {
    fn from_number(number: i32) -> Self {
        [
            Step::Session,
            Step::Terminal,
            Step::Affinity,
            Step::Limit,
            Step::Stdio,
            Step::Folder,
            Step::Exec,
        ]
        .into_iter()
        .find(|&step| step as i32 == number)
        .unwrap_or(Step::Clone)
    }
}

/// Everything a child needs, prepared before it exists.
pub struct Launch<'a> {
    /// Paths to try in this order, as execvp(3) does.
    pub candidates: &'a [CString],
    /// The arguments, the program's name first.
    pub argv: &'a [CString],
    /// The environment: `NAME=value`.
    pub envp: &'a [&'a CStr],
    /// The working folder.
    pub cwd: &'a CStr,
    /// Standard input, output and error; numbers above 2.
    pub stdio: [BorrowedFd<'a>; 3],
    /// The slave side of the pty that becomes the controlling terminal.
    pub terminal: Option<BorrowedFd<'a>>,
    /// The cpus it may use; empty: no change.
    pub cpus: &'a [u32],
}

/// What the child reads and writes in our memory.
struct Shared {
    candidates: *const *const c_char,
    argv: *const *const c_char,
    /// `/bin/sh`, a place for the script's path, the arguments.
    script: *mut *const c_char,
    envp: *const *const c_char,
    cwd: *const c_char,
    stdio: [c_int; 3],
    terminal: c_int,
    cpus: *const u8,
    cpus_len: usize,
    nofile: libc::rlimit,
    parent: libc::pid_t,
    ignored: u64,
    step: AtomicI32,
    errno: AtomicI32,
}

/// Starts children, one after the other.
pub struct Launcher {
    /// 16-byte units, for the alignment that both ABIs ask for.
    stack: Box<[u128]>,
    nofile: libc::rlimit,
    parent: libc::pid_t,
    /// The signals that this process ignores: bit 0 is signal 1. Exec resets handlers, but not these.
    ignored: u64,
}

impl Launcher {
    /// A launcher whose children get this limit of descriptors. What this process ignores must not change any more:
    /// asking once saves every child sixty system calls while its parent is suspended.
    pub fn new(nofile: Rlimit) -> Self {
        let limit = |value: Option<u64>| value.unwrap_or(libc::RLIM_INFINITY);
        Self {
            stack: vec![0; STACK / size_of::<u128>()].into_boxed_slice(),
            nofile: libc::rlimit {
                rlim_cur: limit(nofile.current),
                rlim_max: limit(nofile.maximum),
            },
            parent: rustix::process::getpid().as_raw_nonzero().get(),
            ignored: ignored(),
        }
    }

    /// Starts a child in a session and process group of its own, with default signals and none blocked, which the kernel kills
    /// when the calling thread ends. Returns its process id once its exec succeeded; else what failed, and
    /// nothing is left of it.
    pub fn launch(&mut self, launch: &Launch<'_>) -> Result<i32, (Step, io::Error)> {
        let pointers = |strings: &mut dyn Iterator<Item = *const c_char>| {
            let mut list: Vec<*const c_char> = strings.collect();
            list.push(ptr::null());
            list
        };
        let candidates = pointers(&mut launch.candidates.iter().map(|s| s.as_ptr()));
        let argv = pointers(&mut launch.argv.iter().map(|s| s.as_ptr()));
        let envp = pointers(&mut launch.envp.iter().map(|s| s.as_ptr()));
        let shell = [c"/bin/sh".as_ptr(), ptr::null()];
        let rest = launch.argv.iter().skip(1).map(|s| s.as_ptr());
        let mut script = pointers(&mut shell.into_iter().chain(rest));
        let mut cpus = Vec::new();
        for &cpu in launch.cpus {
            let byte = cpu as usize / 8;
            if cpus.len() <= byte {
                // The kernel takes whole words.
                cpus.resize((byte / 8 + 1) * 8, 0u8);
            }
            // Bits of a native word: on the little-endian machines we build for, byte by byte.
            cpus[byte] |= 1 << (cpu % 8);
        }
        let shared = Shared {
            candidates: candidates.as_ptr(),
            argv: argv.as_ptr(),
            script: script.as_mut_ptr(),
            envp: envp.as_ptr(),
            cwd: launch.cwd.as_ptr(),
            stdio: launch.stdio.map(|fd| fd.as_raw_fd()),
            terminal: launch.terminal.map_or(-1, |fd| fd.as_raw_fd()),
            cpus: cpus.as_ptr(),
            cpus_len: cpus.len(),
            nofile: self.nofile,
            parent: self.parent,
            ignored: self.ignored,
            step: AtomicI32::new(0),
            errno: AtomicI32::new(0),
        };
        debug_assert!(shared.stdio.iter().all(|&fd| fd > 2));
        let (all, mut before) = (u64::MAX, 0u64);
        // SAFETY: both sets are live 8-byte kernel signal sets.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigprocmask,
                libc::SIG_SETMASK,
                &raw const all,
                &raw mut before,
                KERNEL_SIGSET,
            )
        };
        // SAFETY: the stack is ours, its end is 16-byte aligned, and nobody else uses it, for CLONE_VFORK suspends
        // this thread until the child has left our memory (exec or exit). `child` takes a `Shared`, which
        // outlives the call, with all that it points to.
        let pid = unsafe {
            libc::clone(
                child,
                self.stack.as_mut_ptr_range().end.cast(),
                libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD,
                (&raw const shared).cast_mut().cast(),
            )
        };
        let refused = io::Error::last_os_error();
        // SAFETY: as above; restores what the first call saved.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigprocmask,
                libc::SIG_SETMASK,
                &raw const before,
                ptr::null_mut::<u64>(),
                KERNEL_SIGSET,
            )
        };
        // The child wrote through these pointers: they must have lived until here.
        drop((candidates, argv, envp, script, cpus));
        if pid < 0 {
            return Err((Step::Clone, refused));
        }
        let errno = shared.errno.load(Relaxed);
        if errno != 0 {
            // SAFETY: a null status is allowed; this is a child of ours that has already exited.
            unsafe { libc::waitpid(pid, ptr::null_mut(), 0) };
            let step = Step::from_number(shared.step.load(Relaxed));
            return Err((step, io::Error::from_raw_os_error(errno)));
        }
        Ok(pid)
    }
}

/// The signals that this process ignores: bit 0 is signal 1.
fn ignored() -> u64 {
    let is_ignored = |signal: c_long| {
        let mut action = [0u64; KERNEL_SIGACTION];
        // SAFETY: a null new action is allowed; `action` is live and not smaller than what the kernel writes.
        let asked = unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                ptr::null::<u64>(),
                action.as_mut_ptr(),
                KERNEL_SIGSET,
            )
        };
        asked == 0 && action[0] == libc::SIG_IGN as u64
    };
    (1..=SIGNAL_MAX)
        .filter(|&signal| is_ignored(signal))
        .fold(0, |set, signal| set | 1 << (signal - 1))
}

/// What the child does until it is another program. Only system calls; no allocation, no lock, no panic.
extern "C" fn child(argument: *mut c_void) -> c_int {
    // SAFETY: `launch` passes a live `Shared` and is suspended; its pointers are live, null-terminated lists.
    unsafe {
        let shared = &*argument.cast::<Shared>();
        become_program(shared);
        let errno = match *libc::__errno_location() {
            0 => libc::EIO,
            errno => errno,
        };
        shared.errno.store(errno, Relaxed);
        libc::_exit(127)
    }
}

/// Returns only when a step failed, with errno set.
///
/// # Safety
/// As [`child`].
unsafe fn become_program(shared: &Shared) {
    let at = |step: Step| shared.step.store(step as i32, Relaxed);
    // SAFETY: see above; every pointer that is passed on is live and of the type that the call asks for.
    unsafe {
        at(Step::Session);
        if libc::setsid() < 0 {
            return;
        }
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as c_long, 0, 0, 0);
        // It may have died before the line above.
        if libc::getppid() != shared.parent {
            *libc::__errno_location() = libc::ESRCH;
            return;
        }
        at(Step::Terminal);
        if shared.terminal >= 0 && libc::ioctl(shared.terminal, libc::TIOCSCTTY, 0) < 0 {
            return;
        }
        at(Step::Affinity);
        if shared.cpus_len > 0
            && libc::syscall(libc::SYS_sched_setaffinity, 0, shared.cpus_len, shared.cpus) < 0
        {
            return;
        }
        let default = [0u64; KERNEL_SIGACTION];
        let mut ignored = shared.ignored;
        while ignored != 0 {
            libc::syscall(
                libc::SYS_rt_sigaction,
                c_long::from(ignored.trailing_zeros()) + 1,
                default.as_ptr(),
                ptr::null_mut::<u64>(),
                KERNEL_SIGSET,
            );
            ignored &= ignored - 1;
        }
        let none = 0u64;
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const none,
            ptr::null_mut::<u64>(),
            KERNEL_SIGSET,
        );
        at(Step::Stdio);
        for (to, &from) in (0..).zip(&shared.stdio) {
            if libc::dup2(from, to) < 0 {
                return;
            }
        }
        // All of ours close on exec; this is for what our own parent left open. Kernels before 5.9 lack it.
        libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0);
        at(Step::Limit);
        if libc::setrlimit(libc::RLIMIT_NOFILE, &raw const shared.nofile) < 0 {
            return;
        }
        at(Step::Folder);
        if libc::chdir(shared.cwd) < 0 {
            return;
        }
        at(Step::Exec);
        execute(shared);
    }
}

/// Tries the candidates as execvp(3) does.
///
/// # Safety
/// As [`child`].
unsafe fn execute(shared: &Shared) {
    let mut denied = false;
    // SAFETY: `candidates` and `script` are null-terminated lists of live strings; `script` has a place at 1.
    unsafe {
        let mut next = shared.candidates;
        while !(*next).is_null() {
            libc::execve(*next, shared.argv, shared.envp);
            if *libc::__errno_location() == libc::ENOEXEC {
                *shared.script.add(1) = *next;
                libc::execve(*shared.script, shared.script, shared.envp);
                return;
            }
            match *libc::__errno_location() {
                libc::EACCES => denied = true,
                libc::ENOENT | libc::ENOTDIR | libc::ESTALE | libc::ENODEV | libc::ETIMEDOUT => {}
                _ => return,
            }
            next = next.add(1);
        }
        *libc::__errno_location() = if denied { libc::EACCES } else { libc::ENOENT };
    }
}

/// A child or grandchild that ended.
pub struct Reaped {
    /// Its process id, free to be used again from now on.
    pub pid: i32,
    /// How it ended.
    pub exit: Exit,
    /// What it used.
    pub usage: Usage,
}

/// Reaps one ended child, if there is one.
pub fn reap() -> Option<Reaped> {
    let mut status = 0;
    // SAFETY: rusage is plain integers, for which zeros are valid.
    let mut used: libc::rusage = unsafe { std::mem::zeroed() };
    let pid = loop {
        // SAFETY: both pointers are live and of the right types.
        let pid = unsafe { libc::wait4(-1, &raw mut status, libc::WNOHANG, &raw mut used) };
        if pid >= 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            break pid;
        }
    };
    if pid <= 0 {
        return None;
    }
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    Some(Reaped {
        pid,
        exit: if libc::WIFSIGNALED(status) {
            Exit::Signal(libc::WTERMSIG(status), libc::WCOREDUMP(status))
        } else {
            Exit::Code(libc::WEXITSTATUS(status))
        },
        usage: Usage {
            cpu_seconds: seconds(used.ru_utime) + seconds(used.ru_stime),
            // getrusage(2): kilobytes.
            peak_memory: used.ru_maxrss.max(0) as u64 * 1024,
        },
    })
}

/// Sends a signal to a process, or to a process group when `pid` is negative: of a child that is not reaped.
/// Refuses 0 and -1, which would mean ourselves and everyone.
pub fn kill(pid: i32, signal: i32) -> io::Result<()> {
    if matches!(pid, 0 | -1) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: plain numbers.
    match unsafe { libc::kill(pid, signal) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Blocks SIGCHLD and SIGTERM in this thread and returns a descriptor that tells of them instead.
pub fn signals() -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised by sigemptyset; the descriptor is new and ours.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGCHLD);
        libc::sigaddset(&raw mut set, libc::SIGTERM);
        let errno = libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut());
        if errno != 0 {
            return Err(io::Error::from_raw_os_error(errno));
        }
        match libc::signalfd(-1, &raw const set, libc::SFD_NONBLOCK | libc::SFD_CLOEXEC) {
            -1 => Err(io::Error::last_os_error()),
            fd => Ok(OwnedFd::from_raw_fd(fd)),
        }
    }
}

/// Whether a SIGTERM came since the last call; empties the descriptor of [`signals`].
pub fn take_signals(signals: BorrowedFd<'_>) -> bool {
    /// The size of the kernel's signalfd_siginfo; its first field is the signal's number (signalfd(2)).
    const RECORD: usize = 128;
    let mut terminate = false;
    let mut records = [0u8; 8 * RECORD];
    while let Ok(read) = rustix::io::read(signals, &mut records) {
        if read == 0 {
            break;
        }
        terminate |= records[..read].chunks_exact(RECORD).any(|record| {
            record.first_chunk::<4>().map(|n| i32::from_ne_bytes(*n)) == Some(libc::SIGTERM)
        });
    }
    terminate
}

/// Ignores these signals from now on; children get the default back.
pub fn ignore(signals: &[i32]) {
    for &signal in signals {
        // SAFETY: SIG_IGN is a valid disposition; a wrong number is refused by the call.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// Closes every descriptor above 2: what our parent left open is not for us, and whoever waits for its end would wait for
/// ours. Only at the very start, before anything of ours is open.
pub fn close_inherited() {
    // SAFETY: plain numbers; nothing owns these descriptors yet.
    if unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) } == 0 {
        return;
    }
    // Kernels before 5.9.
    let listed = std::fs::read_dir("/proc/self/fd").into_iter().flatten();
    let open: Vec<RawFd> = listed
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    for fd in open.into_iter().filter(|&fd| fd > 2) {
        // SAFETY: as above; that of the listing is closed already.
        unsafe { libc::close(fd) };
    }
}

/// A descriptor of our own for the same open file, closed on exec and above 2.
pub fn duplicate(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: fcntl checks the number; what it returns is new and ours.
    unsafe {
        match libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3) {
            -1 => Err(io::Error::last_os_error()),
            fd => Ok(OwnedFd::from_raw_fd(fd)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_and_everybody_cannot_be_signalled() {
        assert!(kill(0, 0).is_err());
        assert!(kill(-1, 0).is_err());
        assert!(kill(rustix::process::getpid().as_raw_nonzero().get(), 0).is_ok());
    }

    #[test]
    fn every_step_that_a_child_reports_is_read_back() {
        for step in [Step::Session, Step::Terminal, Step::Affinity, Step::Limit] {
            assert_eq!(Step::from_number(step as i32), step);
        }
        for step in [Step::Stdio, Step::Folder, Step::Exec] {
            assert_eq!(Step::from_number(step as i32), step);
        }
    }
}
