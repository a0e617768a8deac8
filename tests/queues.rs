//! Queues from end to end: the real program runs a session, and real clients of every kind meet at its queues.
//!
//! Owns what users are promised about them: any language may take part, bounds hold, the dead do not wait, and nobody
//! else gets in. What single commands answer is tested beside the server. Start at `queues/bench.rs`, which runs
//! sessions in folders of their own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "queues/bench.rs"]
mod bench;
#[path = "queues/ends.rs"]
mod ends;
#[path = "queues/other_clients.rs"]
mod other_clients;
#[path = "queues/python.rs"]
mod python;
#[path = "queues/safety.rs"]
mod safety;
#[path = "queues/shell.rs"]
mod shell;
mod support;
