//! The agent of the engine's own host: the same binary, over two socketpairs.

use std::{
    fs::File,
    io,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    process::{Command, Stdio},
};

use super::Link;
use crate::agent::wire::ControlReader;

/// Starts the agent. Returns the control link and the end of the bulk channel to read output from. What the agent
/// says of trouble of its own goes to `log`.
///
/// Must be called inside of a tokio runtime.
///
/// # Errors
/// When the program cannot be started, or there are no descriptors for its channels.
pub fn start(program: &Path, log: File) -> io::Result<(Link, UnixStream)> {
    let (control, agent_control) = UnixStream::pair()?;
    let (bulk, agent_bulk) = UnixStream::pair()?;
    let agent = Command::new(program)
        .arg("agent")
        .stdin(Stdio::from(OwnedFd::from(agent_control)))
        .stdout(Stdio::from(OwnedFd::from(agent_bulk)))
        .stderr(log)
        .spawn()?;
    control.set_nonblocking(true)?;
    let control = tokio::net::UnixStream::from_std(control)?;
    Ok((
        Link {
            control,
            reader: ControlReader::default(),
            pending: Vec::new(),
            agent,
        },
        bulk,
    ))
}
