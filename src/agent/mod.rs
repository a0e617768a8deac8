//! The part of dragon-tui on a host: it starts the processes there, carries their bytes, and leaves none behind.

pub mod wire;
