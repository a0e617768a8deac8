//! The `dragon` Python package, embedded.
//!
//! Owns the Python sources under `dragon/` and how they reach a host's disk. Never starts an
//! interpreter itself. Start reading at [`embed`]; of the Python side, at `dragon/__init__.py`.

pub mod embed;

#[cfg(test)]
mod tests;
