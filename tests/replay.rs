//! `--replay` as a user has it: what comes out, what ranks find, how they live and how it all ends.
//!
//! Every test runs the program itself. `lines` is about output, `surroundings` about what a rank finds, `lives` about
//! starts, failures and their order, `endings` about signals and what ends a run, `timeline` about steps.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

#[path = "replay/endings.rs"]
mod endings;
#[path = "replay/lines.rs"]
mod lines;
#[path = "replay/lives.rs"]
mod lives;
#[path = "replay/surroundings.rs"]
mod surroundings;
#[path = "replay/timeline.rs"]
mod timeline;
