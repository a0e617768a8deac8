//! The user's settings.
//!
//! Owns the form of `config.ron`. Never writes it.
