//! `dragon-tui engine`: an engine for one client, which is at the other end of standard input.
//!
//! Owns what makes this process one of its own: a session without a terminal, and a standard input that nobody
//! inherits. The rest is the engine's door.

use std::{
    fs::File,
    io,
    os::{fd::AsFd, unix::net::UnixStream},
};

use anyhow::Context;
use tracing::level_filters::LevelFilter;

use super::{engine_log::EngineLog, streams};
use crate::{
    engine::door::{opening::Surroundings, serve},
    record::{Limits, Runs},
};

/// Serves the client at standard input, and gives the exit code of the program.
///
/// # Errors
/// When there is no such client, or something of this program itself fails.
pub fn run(log_level: Option<LevelFilter>) -> anyhow::Result<u8> {
    // Whoever starts us may have made us the leader of a session already.
    let _ = rustix::process::setsid();
    let socket = client().context("the engine is started by dragon-tui itself")?;
    let surroundings = Surroundings {
        agent: std::env::current_exe().context("this program cannot be found")?,
        runs: Runs::of_this_user()?,
        limits: Limits::default(),
    };
    let log = log_level.map(EngineLog::begin);
    serve::run(socket, surroundings, |folder| {
        if let Some(Err(error)) = log.map(|log| log.move_to(folder)) {
            streams::say(format_args!(
                "the engine's own log cannot be written: {error}"
            ));
        }
    })?;
    Ok(0)
}

/// The socket at standard input, which is the null device from then on.
fn client() -> io::Result<UnixStream> {
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    socket.peer_addr()?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    Ok(socket)
}
