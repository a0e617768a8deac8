//! A terminal as a value: bytes in, cells out.
//!
//! Owns the picture that a child's output makes ([`Screen`]), and the bytes that keys, mouse and paste become
//! on their way to the child ([`keys`]). It never touches a file, a pty, a clock or the outer terminal: whoever
//! holds a [`Screen`] feeds it and sends its answers on. What a child prints is hostile until proven otherwise:
//! any bytes in any sizes cause no panic, keep within bounded memory, and cost work in proportion to their number.
//!
//! Start at [`Screen::feed`]; what never reaches the emulator is decided in `guard.rs` and `screen/handler.rs`.

mod guard;
pub mod keys;
pub mod plain_text;
mod screen;

pub use keys::{Key, Mods, MouseAction, MouseButton, MouseEvent};
pub use screen::{Attrs, Cell, Cells, Color, Cursor, CursorShape, Screen, Size};

/// Which mouse events the child wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum MouseMode {
    /// None: the wheel and clicks are ours.
    #[default]
    None,
    /// Presses, releases and the wheel (DECSET 1000).
    Click,
    /// Also motion while a button is down (DECSET 1002).
    Drag,
    /// All motion (DECSET 1003).
    Motion,
}

/// How mouse events are written to the child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MouseEncoding {
    /// One byte a coordinate: nothing beyond column and row 223.
    #[default]
    Legacy,
    /// One character a coordinate (DECSET 1005): nothing beyond 2015.
    Utf8,
    /// Decimal numbers (DECSET 1006).
    Sgr,
}

/// What the child has switched on, as far as keys, mouse and paste depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Modes {
    /// Arrows, Home and End are sent as SS3 (DECCKM).
    pub application_cursor: bool,
    /// The keypad should send its own sequences (DECKPAM). Outer terminals do not tell it from the other keys, so
    /// [`keys::key`] cannot.
    pub application_keypad: bool,
    /// A paste is wrapped into markers (DECSET 2004).
    pub bracketed_paste: bool,
    /// Which mouse events are wanted.
    pub mouse: MouseMode,
    /// How they are written.
    pub mouse_encoding: MouseEncoding,
    /// The alternate screen shows: there is no history to scroll.
    pub alternate_screen: bool,
    /// Gaining and losing the focus is reported (DECSET 1004).
    pub focus: bool,
    /// The wheel sends arrows while the alternate screen shows (DECSET 1007; on unless switched off).
    pub alternate_scroll: bool,
}
