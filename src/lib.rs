//! dragon-tui: groups of processes, composed, launched, watched and steered.
pub mod agent;
pub mod cli;
pub mod engine;
pub mod model;
pub mod python;
pub mod record;
