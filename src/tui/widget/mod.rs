//! Pieces that screens are drawn with: small, without a memory, at home in any rectangle, a 0×0 one too.
//!
//! Owns how bars, graphs, lists, panels, lines of keys and text fields look. Never decides what to show, knows
//! no screen, and names styles by their role only. A widget draws on what is there: the caller has filled the
//! screen with [`Theme::base`](crate::tui::theme::Theme::base). Only [`input::Input`] is a value that changes;
//! it belongs to the state of a screen. Start at [`text`], which all others write with.

pub mod bar;
pub mod choice;
pub mod format;
pub mod fuzzy;
pub mod graph;
pub mod hints;
pub mod input;
pub mod list;
pub mod panel;
pub mod popup;
pub mod tabs;
#[cfg(test)]
mod tests;
pub mod text;
