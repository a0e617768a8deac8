//! How a session runs.
pub mod placement;
pub mod queues;
pub mod supervisor;
