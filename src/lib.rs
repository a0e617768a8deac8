//! dragon-tui: groups of processes, composed, launched, watched and steered.
pub mod engine;
pub mod python;
