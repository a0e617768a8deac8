//! Pieces that screens are drawn with.
//!
//! Owns how they look. Never holds state of a screen.
