//! The `dragon-tui` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("agent") => dragon_tui::agent::serve::run_stdio(),
        Some("guardian") => dragon_tui::agent::guardian::run_stdio(),
        _ => ExitCode::from(2),
    }
}
