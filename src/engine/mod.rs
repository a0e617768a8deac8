//! How a session runs.
pub mod queues;
