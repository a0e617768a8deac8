//! What a session is: pure values, no I/O, no clock.
//!
//! Owns the words of the domain and their rules. Never starts, places or draws anything. Start at
//! [`document::Session`]; [`session`] reads and writes it, [`event`] is the language of what happens.

pub mod cpuset;
pub mod document;
pub mod event;
pub mod host;
pub mod hostlist;
pub mod ids;
pub mod item;
pub mod lifecycle;
pub mod policy;
pub mod queue;
pub mod ron_text;
pub mod session;
pub mod template;
