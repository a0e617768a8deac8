//! The part of dragon-tui on a host: it starts the processes there, carries their bytes, and leaves none behind.
//!
//! Owns the children of one host, their ptys and pipes, and their end. One thread, one epoll, no runtime: a small
//! process starts others fast and has no lock to wait for. Never decides what runs (the engine does), and never
//! lives on when its link closes. Start at [`wire`] for what is said, at [`serve`] for the loop.
//!
//! | file | what |
//! |---|---|
//! | [`wire`] | messages, frames, version |
//! | [`serve`], `requests`, `reap` | the loop, what each request does, what each end leads to |
//! | `link` | buffers of the two channels |
//! | `children`, `child` | who is alive; one child's descriptors, credit and input |
//! | `hello`, `check`, `start`, `reasons` | the beginning of a run, of a question, of a child; why not |
//! | `spawn`, `pty` | raw system calls; ptys |
//! | `procs`, `aim`, `hunt`, `ending`, [`guardian`] | `/proc`; whom a signal hits; leftovers found and killed; our end; the end without us |
//! | `stats`, `gpu` | samples |

mod aim;
pub mod check;
mod child;
mod children;
mod ending;
mod gpu;
pub mod guardian;
pub mod hello;
mod hunt;
mod link;
mod procs;
mod pty;
mod reap;
mod reasons;
mod requests;
pub mod serve;
mod spawn;
mod start;
mod stats;
pub mod wire;
