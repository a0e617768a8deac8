//! The states of processes and groups, and the only table of legal transitions.
//!
//! Owns [`ProcessState`], [`GroupState`] and [`ExitStatus`]. Never decides *when* a transition happens:
//! that is the supervisor.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// Where a rank stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessState {
    /// Composed, not asked to start.
    Idle,
    /// Waits for what its template or group comes after.
    Waiting,
    /// Its host was asked to start it.
    Starting,
    /// It runs, and is not ready yet.
    Running,
    /// It runs and is ready.
    Ready,
    /// It was asked to end.
    Stopping,
    /// Its main process was reaped; the rest of its output is on the way.
    Draining,
    /// It ended and will be started again.
    BackingOff,
    /// It ended.
    Ended,
    /// Its host does not answer: it may run or not.
    Unknown,
    /// Its host is lost.
    Lost,
}

impl ProcessState {
    /// Every state, for tables and tests.
    pub const ALL: [ProcessState; 11] = [
        ProcessState::Idle,
        ProcessState::Waiting,
        ProcessState::Starting,
        ProcessState::Running,
        ProcessState::Ready,
        ProcessState::Stopping,
        ProcessState::Draining,
        ProcessState::BackingOff,
        ProcessState::Ended,
        ProcessState::Unknown,
        ProcessState::Lost,
    ];

    /// Whether a process may pass from this state to that one.
    pub fn may_become(self, next: ProcessState) -> bool {
        use ProcessState::*;
        match self {
            Idle => matches!(next, Waiting | Starting | Ended),
            Waiting => matches!(next, Starting | Ended | Idle),
            Starting => matches!(
                next,
                Running | Ready | Stopping | Draining | BackingOff | Ended | Unknown | Lost
            ),
            Running => matches!(next, Ready | Stopping | Draining | Unknown | Lost),
            Ready => matches!(next, Stopping | Draining | Unknown | Lost),
            Stopping => matches!(next, Draining | Ended | Unknown | Lost),
            Draining => matches!(next, Ended | BackingOff | Starting | Lost),
            BackingOff => matches!(next, Starting | Ended),
            Ended | Lost => matches!(next, Waiting | Starting | Idle),
            Unknown => matches!(next, Running | Ready | Stopping | Draining | Ended | Lost),
        }
    }

    /// Whether a process of the operating system may exist for it.
    pub fn is_live(self) -> bool {
        use ProcessState::*;
        matches!(
            self,
            Starting | Running | Ready | Stopping | Draining | Unknown
        )
    }

    /// Whether nothing more happens without a new wish.
    pub fn is_over(self) -> bool {
        matches!(self, ProcessState::Ended | ProcessState::Lost)
    }
}

impl fmt::Display for ProcessState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ProcessState::*;
        f.pad(match self {
            Idle => "idle",
            Waiting => "waiting",
            Starting => "starting",
            Running => "running",
            Ready => "ready",
            Stopping => "stopping",
            Draining => "draining",
            BackingOff => "backing off",
            Ended => "ended",
            Unknown => "unknown",
            Lost => "lost",
        })
    }
}

/// Where a group stands; derived from its processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupState {
    /// Composed, nothing placed.
    Composed,
    /// Placed; nothing started.
    Idle,
    /// Waits for the groups it comes after.
    Waiting,
    /// Some of its processes have not started yet.
    Starting,
    /// All of its processes were started, some are alive.
    Running,
    /// Its processes were asked to end.
    Stopping,
    /// All ended as they should.
    Succeeded,
    /// All ended, none badly, and some because they were asked to.
    Stopped,
    /// All ended, at least one of them badly.
    Failed,
}

impl GroupState {
    /// Whether all its processes have ended.
    pub fn is_over(self) -> bool {
        matches!(
            self,
            GroupState::Succeeded | GroupState::Stopped | GroupState::Failed
        )
    }
}

/// Why a rank was skipped that was asked to end before it had started.
pub const STOPPED_EARLY: &str = "stopped before it started";

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitStatus {
    /// It returned this code, 0 to 255.
    Code(i32),
    /// A signal ended it.
    Signal {
        /// The signal's number.
        number: i32,
        /// Whether the kernel wrote a core file.
        core: bool,
    },
    /// It never ran: the reason.
    NotStarted(String),
    /// It was not started because what it waits for cannot happen any more.
    Skipped(String),
    /// Its host was lost.
    HostLost,
}

impl ExitStatus {
    /// Whether it returned 0.
    pub fn is_success(&self) -> bool {
        *self == ExitStatus::Code(0)
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExitStatus::Code(code) => write!(f, "exit {code}"),
            ExitStatus::Signal { number, core } => {
                match signal_name(*number) {
                    Some(name) => write!(f, "SIG{name}")?,
                    None => write!(f, "signal {number}")?,
                }
                if *core {
                    f.write_str(" (core dumped)")
                } else {
                    Ok(())
                }
            }
            ExitStatus::NotStarted(reason) => write!(f, "not started: {reason}"),
            ExitStatus::Skipped(reason) => write!(f, "skipped: {reason}"),
            ExitStatus::HostLost => f.write_str("host lost"),
        }
    }
}

/// The POSIX name of a signal number on Linux, without `SIG` (signal(7); the numbers of x86 and Arm).
pub fn signal_name(number: i32) -> Option<&'static str> {
    const NAMES: [&str; 31] = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
        "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
        "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];
    usize::try_from(number)
        .ok()?
        .checked_sub(1)
        .and_then(|index| NAMES.get(index))
        .copied()
}

/// How long a restart waits: 0.5 s, doubling with each restart in a row, at most 30 s.
pub fn back_off(restarts_in_a_row: u32) -> Duration {
    let doubled = Duration::from_millis(500).saturating_mul(1 << restarts_in_a_row.min(6));
    doubled.min(Duration::from_secs(30))
}

/// A rank that lived this long has its back-off reset.
pub const BACK_OFF_RESET: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_state_leads_to_itself_and_an_ended_process_never_runs_without_starting() {
        for state in ProcessState::ALL {
            assert!(!state.may_become(state), "{state}");
        }
        assert!(!ProcessState::Ended.may_become(ProcessState::Running));
        assert!(!ProcessState::Idle.may_become(ProcessState::Running));
    }

    #[test]
    fn every_state_can_be_left_and_reached() {
        for state in ProcessState::ALL {
            assert!(
                ProcessState::ALL.iter().any(|next| state.may_become(*next)),
                "{state} is a dead end"
            );
            assert!(
                ProcessState::ALL.iter().any(|from| from.may_become(state)),
                "{state} is never reached"
            );
        }
    }

    #[test]
    fn back_off_doubles_to_thirty_seconds() {
        let waits: Vec<_> = (0..8).map(|n| back_off(n).as_secs_f32()).collect();
        assert_eq!(waits, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]);
        assert_eq!(back_off(u32::MAX), Duration::from_secs(30));
    }

    #[test]
    fn an_exit_status_names_its_signal() {
        let killed = ExitStatus::Signal {
            number: 9,
            core: false,
        };
        assert_eq!(killed.to_string(), "SIGKILL");
        assert_eq!(
            ExitStatus::Signal {
                number: 11,
                core: true
            }
            .to_string(),
            "SIGSEGV (core dumped)"
        );
        assert_eq!(
            ExitStatus::Signal {
                number: 40,
                core: false
            }
            .to_string(),
            "signal 40"
        );
        assert_eq!(signal_name(0), None);
    }
}
