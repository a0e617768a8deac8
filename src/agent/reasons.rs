//! What failed, in words for the user.
//!
//! Owns the sentences about starts that failed: each says what, why, and what to do where something can be done.
//! Never tries anything again. Start at [`explain`].

use std::io;

use rustix::process::Resource;

use super::{check, spawn::Step, wire::SpawnSpec};

/// Whether a limit of descriptors is reached.
pub fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

/// Why a child could not be connected.
pub fn no_descriptor(error: io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::EMFILE) => {
            let limit = rustix::process::getrlimit(Resource::Nofile).current;
            format!(
                "no free descriptors: all {} of the agent are in use (ulimit -Hn raises the limit)",
                limit.unwrap_or_default()
            )
        }
        Some(libc::ENFILE) => {
            "no free descriptors on this host (sysctl fs.file-max is reached)".to_owned()
        }
        _ => format!("cannot connect it: {}", reason(&error)),
    }
}

/// Why there is no pty.
pub fn no_pty_because(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::ENOSPC | libc::EIO) => {
            "no pty to spare on this host (sysctl kernel.pty.max is reached)".to_owned()
        }
        _ if is_out_of_descriptors(error) => no_descriptor(io::Error::from_raw_os_error(
            error.raw_os_error().unwrap_or(libc::EMFILE),
        )),
        _ => format!("no pty can be opened: {}", reason(error)),
    }
}

/// An error of the system in words, without its number.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => text.to_owned(),
    }
}

/// Why a child could not be started.
pub fn explain(step: Step, error: &io::Error, spec: &SpawnSpec, cwd: &str, path: &str) -> String {
    let errno = error.raw_os_error().unwrap_or(0);
    match step {
        Step::Clone => match errno {
            libc::EAGAIN => "fork refused: the limit of processes (ulimit -u, or of the control group) is reached".to_owned(),
            libc::ENOMEM => "fork refused: no memory left on this host".to_owned(),
            _ => format!("fork refused: {}", reason(error)),
        },
        Step::Session => format!("cannot make a session: {}", reason(error)),
        Step::Terminal => format!("cannot take its pty as terminal: {}", reason(error)),
        Step::Affinity => format!(
            "cannot bind to cpus {:?}: this process may not use any of them here (Cpus_allowed_list in /proc/self/status)",
            spec.cpus
        ),
        Step::Limit => format!("cannot restore the limit of descriptors: {}", reason(error)),
        Step::Stdio => format!("cannot connect it: {}", reason(error)),
        Step::Folder => check::folder(cwd)
            .err()
            .unwrap_or_else(|| format!("cannot enter folder {cwd:?}: {}", reason(error))),
        Step::Exec if errno == libc::E2BIG => format!(
            "cannot run {:?}: its arguments and environment are too long",
            spec.program
        ),
        Step::Exec => check::program(&spec.program, path, cwd).err().unwrap_or_else(|| match errno {
            libc::ENOENT => format!(
                "cannot run {:?}: the interpreter that it names (its first line, or its loader) is not there",
                spec.program
            ),
            _ => format!("cannot run {:?}: {}", spec.program, reason(error)),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_reads_on_after_a_colon() {
        let error = io::Error::from_raw_os_error(libc::EACCES);
        assert_eq!(reason(&error), "permission denied");
    }
}
