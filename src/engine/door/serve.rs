//! The engine's side of the socket: `dragon-tui engine`.
//!
//! Owns the process from the first message of its client to its own end: the greeting, the start of the engine while the
//! client may go away, signals. What goes on while a run lasts is in `serving`. Start at [`run`].

use std::{io, os::unix::net::UnixStream as StdStream, path::Path, thread, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
    time::{Instant, sleep_until},
};

use super::{
    line::{LAST_WORDS, Line},
    opening::{Opened, Surroundings, open},
    serving::Serving,
    wire::{FromEngine, Opening, ToEngine},
};

/// How long the end of everything may take in all; then this process leaves, and the agent, whose channel closes with
/// it, ends what is left.
pub(super) const INSISTED: Duration = Duration::from_secs(10);

/// Serves one client until it is gone or the run is over; nothing of the run lives when this returns. SIGTERM and SIGINT
/// stop everything, SIGHUP does nothing. `began` is given the folder of the run as soon as there is one.
///
/// # Errors
/// When the process has no loop, signals or threads to work with, or the engine ended without a word.
pub fn run(
    socket: StdStream,
    surroundings: Surroundings,
    began: impl FnOnce(&Path),
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(async {
        let mut line = Line::new(socket)?;
        let mut signals = Signals::hear()?;
        serve(&mut line, &mut signals, surroundings, began).await
    });
    // A thread that still waits for a disk is not waited for.
    runtime.shutdown_background();
    served
}

/// The signals that mean something here. A hang-up is heard and forgotten; who we start does not inherit that.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    _hang_up: Signal,
}

impl Signals {
    fn hear() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            _hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits until everything is to be stopped.
    pub(super) async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

async fn serve(
    line: &mut Line,
    signals: &mut Signals,
    surroundings: Surroundings,
    began: impl FnOnce(&Path),
) -> io::Result<()> {
    let Some(opening) = hello(line, signals).await else {
        line.flush(Some(LAST_WORDS)).await;
        return Ok(());
    };
    match opened(opening, line, signals, surroundings).await? {
        Some(Ok(opened)) => {
            began(&opened.handle.folder);
            return Serving::new(opened, line)?.run(signals).await;
        }
        Some(Err(answer)) => {
            line.tell(&answer);
            line.flush(Some(LAST_WORDS)).await;
        }
        // It is taken down with this process.
        None => {}
    }
    Ok(())
}

/// The client's first message; `None` when it says something else, or nothing.
async fn hello(line: &mut Line, signals: &mut Signals) -> Option<Opening> {
    loop {
        match line.inbox.pop_front() {
            Some(ToEngine::Hello { opening, .. }) => return Some(*opening),
            Some(_) => return None,
            None if line.gone => return None,
            None => {}
        }
        tokio::select! {
            () = line.ready() => line.read(),
            () = signals.stop() => return None,
        }
    }
}

/// The engine for it, or the answer where there is none. `None`: the client is gone, and the start takes too long.
async fn opened(
    opening: Opening,
    line: &mut Line,
    signals: &mut Signals,
    surroundings: Surroundings,
) -> io::Result<Option<Result<Opened, Box<FromEngine>>>> {
    let (tell, mut told) = oneshot::channel();
    thread::Builder::new()
        .name("opening".to_owned())
        .spawn(move || drop(tell.send(open(opening, surroundings))))?;
    let mut deadline = None;
    loop {
        let too_long = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            opened = &mut told => {
                return opened.map(Some).map_err(|_| io::Error::other("the engine's start failed"));
            }
            () = line.ready() => line.read(),
            () = signals.stop() => line.lose(),
            () = too_long => return Ok(None),
        }
        if line.gone && deadline.is_none() {
            deadline = Some(Instant::now() + INSISTED);
        }
    }
}
