//! The agent's guardian: kills what a run started when its agent dies without cleaning up.
//!
//! Owns the kill by mark, for a guardian and for the start after one ([`sweep`]). Never carries the mark itself,
//! and never acts while the agent lives. Start at [`run_stdio`].
//!
//! It misses what clears its environment, changes its user, or is not dumpable: that is left to the death signal of
//! direct children, and to a control group where the site has one.

use std::{
    collections::HashSet,
    io::{self, BufRead, Read},
    os::fd::OwnedFd,
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use rustix::pipe::{PipeFlags, pipe_with};

use super::{
    aim,
    procs::{Environs, Process, Snapshot, Strangers},
    spawn,
};

/// How long a guardian tries before it leaves alone what does not die.
const LONGEST: Duration = Duration::from_secs(10);

/// Between scans at first, doubled up to the second.
const PAUSE: Duration = Duration::from_millis(2);
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// What a guardian lives through: it must be the last to go.
const IGNORED: [i32; 6] = [
    libc::SIGINT,
    libc::SIGTERM,
    libc::SIGHUP,
    libc::SIGQUIT,
    libc::SIGPIPE,
    libc::SIGTSTP,
];

/// The guardian itself: reads the mark and a newline from standard input, waits for its end, and sweeps.
pub fn run_stdio() -> ExitCode {
    spawn::close_inherited();
    spawn::ignore(&IGNORED);
    // Refused only for the leader of a group, which is nobody's member to be signalled with.
    let _ = rustix::process::setsid();
    let mut input = io::stdin().lock();
    let mut mark = String::new();
    if input.read_line(&mut mark).is_err() || !mark.ends_with('\n') {
        // It comes in one piece, before we start: this is no agent of ours.
        return ExitCode::SUCCESS;
    }
    let mut rest = [0; 64];
    loop {
        match input.read(&mut rest) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    sweep_with(mark.trim_end(), true);
    ExitCode::SUCCESS
}

/// What a sweep achieved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// How many processes were killed.
    pub killed: u32,
    /// Whether certainly nothing is left: everybody could be looked at, and whoever carried the mark is gone.
    pub clean: bool,
}

/// Kills every process of this host whose environment carries the mark, until none is left or ten seconds
/// have passed. The caller itself is spared. Who waits in the kernel is not looked at, for the caller could have to
/// wait with it.
pub fn sweep(mark: &str) -> Swept {
    sweep_with(mark, false)
}

/// As [`sweep`]; who waits in the kernel is looked at too, when nobody else is left, by who has time to wait with it.
fn sweep_with(mark: &str, waits: bool) -> Swept {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let begin = Instant::now();
    let mut killed = HashSet::new();
    let mut strangers = Strangers::default();
    let mut clean = true;
    let (mut empty, mut pause) = (0, PAUSE);
    // An empty mark would be carried by whoever has an empty component.
    while !mark.is_empty() && empty < 2 {
        clean = false;
        if begin.elapsed() >= LONGEST {
            break;
        }
        let (Ok(snapshot), Ok(mut environs)) = (Snapshot::take(), Environs::open()) else {
            std::thread::sleep(PAUSE_MAX);
            continue;
        };
        let mut found = false;
        let mut left = false;
        let mut look = |process: &Process| {
            if !strangers.carries(process, &mut environs, mark) {
                return false;
            }
            // One that may not be killed is not waited for.
            let hit = aim::signal(process, libc::SIGKILL).is_ok();
            if hit {
                killed.insert((process.pid, process.start));
            } else {
                left |= process.is_there();
            }
            hit
        };
        let others = snapshot.iter().filter(|process| process.pid != own);
        let (stuck, free): (Vec<_>, Vec<_>) = others.partition(|process| process.is_stuck());
        for process in free {
            found |= look(process);
        }
        if waits && !found {
            for process in &stuck {
                found |= look(process);
            }
        }
        // One that forks while we look is missed with its child: only the second empty scan is proof.
        if found {
            empty = 0;
        } else {
            empty += 1;
            strangers = Strangers::default();
        }
        clean = !found && !left && (waits || stuck.is_empty());
        std::thread::sleep(pause);
        pause = (pause * 2).min(PAUSE_MAX);
    }
    Swept {
        killed: killed.len() as u32,
        clean,
    }
}

/// A running guardian, as its agent sees it. Dropping it lets the guardian sweep and end.
pub struct Guardian {
    /// Its process id.
    pub pid: i32,
    /// Held open: its end is what the guardian waits for.
    _link: OwnedFd,
}

impl Guardian {
    /// Starts a guardian for this mark from our own binary. The agent's reaper reaps it.
    pub fn start(mark: &str) -> io::Result<Self> {
        let (theirs, link) = pipe_with(PipeFlags::CLOEXEC)?;
        // Before it starts: were we killed between the two, it would not know what to sweep.
        rustix::io::write(&link, format!("{mark}\n").as_bytes())?;
        let child = Command::new("/proc/self/exe")
            .arg("guardian")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/")
            .spawn()?;
        Ok(Self {
            pid: child.id() as i32,
            _link: link,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;
    use crate::agent::wire::MARK_VARIABLE;

    #[test]
    fn a_sweep_kills_what_carries_the_mark_and_nothing_else() {
        let mark = format!("sweep-test-{}", std::process::id());
        let start = |marks: String| {
            let mut sleep = Command::new("sleep");
            sleep.arg("600").env(MARK_VARIABLE, marks).spawn().unwrap()
        };
        let mut ours = start(format!("outer:{mark}"));
        let mut other = start(format!("{mark}x"));
        assert_eq!(sweep(&mark).killed, 1);
        assert_eq!(ours.wait().unwrap().signal(), Some(libc::SIGKILL));
        assert!(other.try_wait().unwrap().is_none());
        assert_eq!(sweep(&mark).killed, 0);
        let nothing = Swept {
            killed: 0,
            clean: true,
        };
        assert_eq!(sweep(""), nothing);
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
