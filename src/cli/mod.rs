//! The command line: what dragon-tui says without a screen.

pub mod lines;
pub mod plain_text;
pub mod runs;
