//! How a session runs. Never knows that a screen exists.
//!
//! Owns everything between a client and the agents: the [`supervisor`] decides, [`placement`] seats, the
//! `runtime` performs, [`output`] carries bytes to logs and clients, [`queues`] serves items. The only door
//! is [`Engine::start`], which checks everything, starts nothing when anything is wrong, and gives an
//! [`EngineHandle`]: commands in, events and pane bytes out, all of them serialisable. A client in another process has
//! the same by the [`door`].

pub mod door;
pub mod hosts;
mod line_watch;
pub mod output;
pub mod panes;
pub mod placement;
pub mod preflight;
mod probes;
pub mod queues;
pub mod recipe;
mod record_thread;
mod runtime;
mod socket_folder;
mod start;
pub mod supervisor;
mod watches;

use std::{path::PathBuf, thread::JoinHandle};

use tokio::sync::{mpsc, watch};

use crate::{
    model::{
        document::Session,
        event::{Command, Samples, Stamped},
        session::Problem,
    },
    record::{Limits, Runs, Summary},
};
use panes::Panes;
use queues::QueueQuestions;

/// Events that may wait for a client in this process (the [`door`] takes all at once); when so many do, the engine stops listening to output (never to commands, nor
/// to what its hosts say of lives) until some are taken.
pub const EVENTS_MAX: usize = 1024;

/// Commands that may wait for the engine; the next one is refused.
pub const COMMANDS_MAX: usize = 64;

/// What an engine needs to know beside the session.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// What the session is called in the record.
    pub name: String,
    /// The text of the session, for the record; absent: written from the session.
    pub text: Option<String>,
    /// The folder that relative paths of the session start from; absolute.
    pub session_folder: PathBuf,
    /// This name stands for that host.
    pub aliases: hosts::HostAliases,
    /// The program that is the agent: this one.
    pub agent: PathBuf,
    /// Where runs are recorded.
    pub runs: Runs,
    /// How many old runs are kept.
    pub limits: Limits,
    /// The run ends by itself when all that was started is over, and the groups are started at once (headless).
    pub replay: bool,
    /// The client follows the output of everything, from the first byte ([`Panes::follow_all`] may be too late for that).
    pub follow_all: bool,
    /// Rows and columns of a pane.
    pub size: (u16, u16),
    /// Milliseconds between samples of cpu, memory and GPUs; 0: none.
    pub sample_every: u32,
}

/// Why a session was not started. Nothing runs and nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something is wrong in the session or with a target.
    #[error("the session cannot be started")]
    Problems(Vec<Problem>),
    /// Something cannot be placed.
    #[error("the session cannot be placed")]
    Unplaceable(Vec<Problem>),
    /// The engine itself, its agent or its record cannot work.
    #[error("{0}")]
    Engine(String),
}

/// The engine.
#[derive(Debug)]
pub struct Engine;

impl Engine {
    /// Checks a session against this machine and starts an engine for it, on a thread of its own. With
    /// [`EngineOptions::replay`] its groups are started too.
    ///
    /// # Errors
    /// Everything that keeps the session from being started, all in one go.
    pub fn start(session: Session, options: EngineOptions) -> Result<EngineHandle, StartError> {
        start::start(session, options)
    }
}

/// Why a command was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// Too many commands wait.
    #[error("the engine is busy: {COMMANDS_MAX} commands wait already")]
    Busy,
    /// The run is over.
    #[error("the run is over")]
    Over,
}

/// A client's side of an engine. Dropping it ends the run, bounded.
#[derive(Debug)]
pub struct EngineHandle {
    /// The id of the run.
    pub run: String,
    /// The folder of its record.
    pub folder: PathBuf,
    /// Where wishes go.
    pub commands: CommandSender,
    /// What happens. Ends after [`RunEnded`](crate::model::event::Event::RunEnded).
    pub events: mpsc::Receiver<Stamped>,
    /// The bytes of the panes.
    pub panes: Panes,
    /// The newest samples.
    pub samples: watch::Receiver<Samples>,
    /// What may be asked about the queues.
    pub queues: QueueQuestions,
    thread: JoinHandle<Option<Summary>>,
}

impl EngineHandle {
    /// Waits for the end of the run and returns its summary. The client must have taken all events and panes,
    /// or dropped them.
    pub fn join(self) -> Option<Summary> {
        drop((self.commands, self.events, self.panes));
        self.thread.join().ok().flatten()
    }
}

/// What comes by the way of commands.
#[derive(Debug)]
enum Wish {
    /// About processes.
    Command(Command),
    /// Milliseconds between samples from now on; 0: none.
    SampleEvery(u32),
}

/// Where wishes go; any thread may have one.
#[derive(Debug, Clone)]
pub struct CommandSender(mpsc::Sender<Wish>);

impl CommandSender {
    /// Hands a command to the engine without waiting.
    ///
    /// # Errors
    /// When too many wait, or the run is over.
    pub fn send(&self, command: Command) -> Result<(), CommandError> {
        self.wish(Wish::Command(command))
    }

    /// Asks for samples of cpu, memory and GPUs every so many milliseconds from now on; 0: none.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn sample_every(&self, milliseconds: u32) -> Result<(), CommandError> {
        self.wish(Wish::SampleEvery(milliseconds))
    }

    /// Waits until a command can be sent, or the run is over.
    async fn room(&self) {
        // Closed: sending says so.
        let _ = self.0.reserve().await;
    }

    fn wish(&self, wish: Wish) -> Result<(), CommandError> {
        self.0.try_send(wish).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => CommandError::Busy,
            mpsc::error::TrySendError::Closed(_) => CommandError::Over,
        })
    }
}
