//! The `dragon` Python package, embedded.
