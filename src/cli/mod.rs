//! The command line: what dragon-tui says without a screen.
//!
//! Owns arguments, texts for people, JSON lines and exit codes. May name every other layer; none names it. Start at
//! [`args::run`].

pub mod args;
pub mod check;
pub mod engine;
pub mod engine_log;
pub mod failures;
pub mod headless;
pub mod json_output;
pub mod lines;
pub mod plan;
mod quantities;
pub mod queue;
pub mod report;
pub mod runs;
pub mod screens;
pub mod signals;
pub mod streams;
mod targets;
