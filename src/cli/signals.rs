//! Ctrl-C, SIGTERM and SIGHUP of a headless run: the first asks for the end, the second insists.
//!
//! Owns a thread that nothing can hold up, the exit codes 130 and 143, and the way out of the program when the end of
//! the run, or a standard output that nobody reads, takes too long. Never touches a process: it sends commands to the
//! engine, and when the program leaves, the agent, whose channel closes with it, ends what is left. Start at
//! [`Signals::hear`].

use std::{
    io, process,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, sleep_until},
};

use super::streams;
use crate::{
    engine::{CommandError, CommandSender},
    model::event::{Command, Outcome},
};

/// How long the end of a run may take after it was insisted on; then the program leaves.
const INSISTED: Duration = Duration::from_secs(10);

/// SIGTERM (or SIGHUP) twice within this time is one wish: timeout(1) and batch systems tell the process, and then its
/// group. Nobody presses Ctrl-C twice so fast without meaning it.
const ONE_WISH: Duration = Duration::from_millis(20);

/// The exit code of what SIGTERM or SIGHUP ended: 128 + 15, as a shell has it for SIGTERM.
const TERMINATED: u8 = 143;

/// What was heard so far.
#[derive(Debug, Default)]
struct Heard {
    times: u32,
    /// SIGTERM or SIGHUP was among them.
    terminated: bool,
    /// The engine, once there is one.
    engine: Option<CommandSender>,
}

impl Heard {
    fn exit_code(&self) -> u8 {
        if self.terminated {
            TERMINATED
        } else {
            Outcome::Interrupted.exit_code()
        }
    }

    /// Tells the engine what it was asked so far. False: its run is over.
    fn tell(&self) -> bool {
        let command = match self.times {
            0 => return true,
            1 => Command::Finish,
            _ => Command::Abort,
        };
        let told = self.engine.as_ref().map(|engine| engine.send(command));
        told != Some(Err(CommandError::Over))
    }
}

/// The signals from now on.
#[derive(Debug)]
pub struct Signals(Arc<Mutex<Heard>>);

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Signals {
    /// Hears signals from the moment that this returns, whatever the other threads do. They no longer end the program.
    ///
    /// # Errors
    /// When the handlers cannot be installed or the thread not be started.
    pub fn hear() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let guard = runtime.enter();
        let interrupt = signal(SignalKind::interrupt())?;
        let terminate = signal(SignalKind::terminate())?;
        // Under nohup a hang-up is to be ignored, and stays so.
        let hang_up = if hangup_is_ignored() {
            None
        } else {
            Some(signal(SignalKind::hangup())?)
        };
        drop(guard);
        let heard = Arc::new(Mutex::new(Heard::default()));
        let into = heard.clone();
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || runtime.block_on(listen(interrupt, terminate, hang_up, &into)))?;
        Ok(Self(heard))
    }

    /// From now on this engine is told, also what was heard before there was one.
    pub fn steer(&self, engine: CommandSender) {
        let mut heard = lock(&self.0);
        heard.engine = Some(engine);
        heard.tell();
    }

    /// The exit code of what a signal ended; none: none was heard yet.
    pub fn exit_code(&self) -> Option<u8> {
        let heard = lock(&self.0);
        (heard.times > 0).then(|| heard.exit_code())
    }
}

async fn listen(
    mut interrupt: Signal,
    mut terminate: Signal,
    mut hang_up: Option<Signal>,
    heard: &Mutex<Heard>,
) {
    let mut deadline = None;
    let mut last: Option<Instant> = None;
    loop {
        let leave = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let hung_up = async {
            match &mut hang_up {
                Some(hang_up) => hang_up.recv().await,
                None => std::future::pending().await,
            }
        };
        let terminated = tokio::select! {
            _ = interrupt.recv() => false,
            _ = terminate.recv() => true,
            _ = hung_up => true,
            () = leave => process::exit(lock(heard).exit_code().into()),
        };
        let mut heard = lock(heard);
        heard.terminated |= terminated;
        if terminated
            && last
                .replace(Instant::now())
                .is_some_and(|last| last.elapsed() < ONE_WISH)
        {
            continue;
        }
        heard.times += 1;
        let under_way = heard.tell();
        match heard.times {
            1 => notice("stopping everything; once more to kill"),
            // Only the printing is left, and who reads it does not.
            _ if !under_way => process::exit(heard.exit_code().into()),
            2 => {
                deadline = Some(Instant::now() + INSISTED);
                notice("killing everything");
            }
            _ => {}
        }
    }
}

/// Says something on a thread of its own: standard error may be the pipe that nobody reads.
fn notice(text: &'static str) {
    // Without a thread it stays unsaid.
    let _ = thread::Builder::new()
        .name("notice".to_owned())
        .spawn(move || streams::say(text));
}

/// Whether SIGHUP was set to be ignored by who started us, as nohup(1) does (bit 0 of SigIgn, proc_pid_status(5)).
fn hangup_is_ignored() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return false;
    };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 != 0)
}
