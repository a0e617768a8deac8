//! What is seen and pressed.
//!
//! Owns the looks ([`theme`]), the keys ([`keymap`]), the user's settings ([`config`]) and the pieces that
//! screens are drawn with ([`widget`]). Never starts or ends a process: wishes leave as commands.

pub mod config;
pub mod keymap;
mod reading;
pub mod theme;
pub mod widget;
