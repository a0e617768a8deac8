//! The agent of the engine's own host: the same binary, over a socketpair for control and a pipe for output.

use std::{
    fs::File,
    io,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    process::{Command, Stdio},
};

use super::Link;
use crate::agent::wire::ControlReader;

/// What the pipe of output holds, in bytes: the most that an ordinary user may ask for (pipe(7), pipe-max-size).
/// A pipe and not a socket, as a pipe takes the pages of another one instead of a copy.
const BULK_PIPE: usize = 1 << 20;

/// Starts the agent. Returns the control link and the end of the bulk channel to read output from. What the agent
/// says of trouble of its own goes to `log`.
///
/// Must be called inside of a tokio runtime.
///
/// # Errors
/// When the program cannot be started, or there are no descriptors for its channels.
pub fn start(program: &Path, log: File) -> io::Result<(Link, File)> {
    let (control, agent_control) = UnixStream::pair()?;
    let (bulk, agent_bulk) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    // Refused at the user's limit of pages: as it is, it works too.
    let _ = rustix::pipe::fcntl_setpipe_size(&bulk, BULK_PIPE);
    let agent = Command::new(program)
        .arg("agent")
        .stdin(Stdio::from(OwnedFd::from(agent_control)))
        .stdout(Stdio::from(agent_bulk))
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
        File::from(bulk),
    ))
}
