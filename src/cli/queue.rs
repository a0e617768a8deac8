//! `dragon-tui queue`: queues from any shell script.
use clap::Args;
/// Arguments.
#[derive(Debug, Args)]
pub struct QueueArgs {
    /// The queue
    name: String,
}
/// Runs it.
///
/// # Errors
/// None yet.
pub fn run(args: &QueueArgs) -> anyhow::Result<u8> {
    drop(args.name.clone());
    Ok(2)
}
