//! The `dragon-tui` command.
fn main() {}
