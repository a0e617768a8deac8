//! Signals to processes that were found in `/proc`.
//!
//! Owns the care that a signal hits whom it was meant for: between the look and the signal a process may end and its
//! number become another one's. Never decides who is hit. Start at [`signal`].

use std::io;

use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

use super::{procs::Process, spawn};

/// Sends a signal to this very process; an error when it is gone, whoever has its number now.
pub fn signal(process: &Process, number: i32) -> io::Result<()> {
    let gone = || Err(io::Error::from(Errno::SRCH));
    let (Some(pid), Some(signal)) = (Pid::from_raw(process.pid), Signal::from_named_raw(number))
    else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    // First held, then looked at: what is held cannot become another one.
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(_) if !process.is_there() => gone(),
        Ok(held) => match pidfd_send_signal(held, signal) {
            Ok(()) => Ok(()),
            Err(Errno::NOSYS) => spawn::kill(process.pid, number),
            Err(error) => Err(error.into()),
        },
        Err(Errno::SRCH) => gone(),
        // Kernels before 5.3, filters of system calls, no free descriptor: at once after a look is the next best.
        Err(_) if !process.is_there() => gone(),
        Err(_) => spawn::kill(process.pid, number),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::agent::procs::Snapshot;

    #[test]
    fn a_signal_hits_a_process_and_not_another_one_with_its_number() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let snapshot = Snapshot::take().unwrap();
        let process = *snapshot.line(child.id() as i32).next().unwrap();
        let former = Process {
            start: process.start - 1,
            ..process
        };
        assert!(signal(&former, libc::SIGKILL).is_err());
        assert!(child.try_wait().unwrap().is_none());
        signal(&process, libc::SIGKILL).unwrap();
        assert!(!child.wait().unwrap().success());
        assert!(signal(&process, libc::SIGKILL).is_err());
    }
}
