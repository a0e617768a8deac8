//! The `dragon-tui` command: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    dragon_tui::cli::args::run()
}
