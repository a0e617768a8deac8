//! The engine as a process of its own, and the talk with it over one socket.
//!
//! Owns the language of that socket ([`wire`]), the side of the engine ([`serve`]: `dragon-tui engine`) and the side of
//! a client ([`client`]). A screen names this module and nothing else of the engine. Never decides anything about
//! processes: whatever a client wishes goes to the engine as a command. Start at [`client::Client::launch`].
//!
//! What a client can rely on:
//! * nothing of a run ever waits for its client: not a rank, not its output, not a timer;
//! * events come in order, each once, and all of them to who takes them. Of more than [`backlog::WHOLE_MAX`] that wait,
//!   those are left out that newer ones have overtaken ([`backlog`]); what comes says the same of the present, and the
//!   record has all;
//! * samples and the state of queues are the newest, older ones are left out;
//! * bytes of panes come only for the processes that were asked for last ([`wire::ToEngine::Watch`]). Who does not take
//!   them loses the oldest, counted as a gap; nothing else waits for them, so the end of a process may be told before
//!   its last bytes come;
//! * every byte has its place in the log of its process, so that the log and what is live can be put together without
//!   losing or doubling anything: [`join::LogJoin`];
//! * when the client is gone, everything is stopped, within a bound.

pub mod backlog;
pub mod client;
mod errands;
pub mod join;
mod line;
pub mod opening;
mod outgoing;
pub mod preview;
pub mod serve;
mod serving;
pub mod wire;

pub use super::{
    CommandError,
    panes::Chunk,
    queues::{PeekedItem, QueueSample, QueueUser, Side, Waiter},
};
