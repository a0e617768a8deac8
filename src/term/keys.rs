//! Keys, mouse, paste and focus as the bytes that a child's terminal would send it.
//!
//! Owns the encoding, after xterm (<https://invisible-island.net/xterm/ctlseqs/ctlseqs.html>) and its terminfo
//! entry, as far as the child has switched it on ([`Modes`]). It knows nothing of the outer terminal's events, and
//! decides nothing: an event that the child did not ask for becomes no bytes, and is the caller's to use.
//!
//! Start at [`key`].

use super::{Modes, MouseEncoding, MouseMode};

/// A key as pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// A character, with shift already in it: `A`, not shift and `a`.
    Char(char),
    /// Return.
    Enter,
    /// Tab; with shift it is [`Key::BackTab`].
    Tab,
    /// Tab backwards.
    BackTab,
    /// The key above Return.
    Backspace,
    /// Escape.
    Escape,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow right.
    Right,
    /// Arrow left.
    Left,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Insert.
    Insert,
    /// Delete, forwards.
    Delete,
    /// A function key, 1 to 36; others send nothing.
    F(u8),
}

/// Keys held down with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Mods {
    /// Shift.
    pub shift: bool,
    /// Alt, which xterm calls meta.
    pub alt: bool,
    /// Control.
    pub ctrl: bool,
}

impl Mods {
    /// None held.
    pub const NONE: Self = Self {
        shift: false,
        alt: false,
        ctrl: false,
    };

    /// The parameter that tells them: 1 for none.
    fn parameter(self) -> u8 {
        1 + u8::from(self.shift) + 2 * u8::from(self.alt) + 4 * u8::from(self.ctrl)
    }
}

/// What the mouse did, in cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MouseEvent {
    /// What was done.
    pub action: MouseAction,
    /// Row of the child's screen, from 0.
    pub row: u16,
    /// Column, from 0.
    pub col: u16,
    /// Keys held meanwhile.
    pub mods: Mods,
}

/// What was done with a mouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MouseAction {
    /// A button went down.
    Press(MouseButton),
    /// It went up.
    Release(MouseButton),
    /// Moved with a button down.
    Drag(MouseButton),
    /// Moved without.
    Move,
    /// The wheel, away from the hand.
    WheelUp,
    /// The wheel, towards the hand.
    WheelDown,
    /// The wheel to the left.
    WheelLeft,
    /// The wheel to the right.
    WheelRight,
}

/// A button of a mouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MouseButton {
    /// The first.
    Left,
    /// The second.
    Middle,
    /// The third.
    Right,
}

/// Lines that one step of the wheel is worth, when it is sent as arrows.
const WHEEL_LINES: usize = 3;

/// What a key sends; empty when it sends nothing.
#[must_use]
pub fn key(key: Key, mods: Mods, modes: &Modes) -> Vec<u8> {
    match key {
        Key::Char(c) => character(c, mods),
        Key::Enter => with_alt(b"\r", mods),
        Key::Tab if !mods.shift => with_alt(b"\t", mods),
        Key::Tab | Key::BackTab => with_alt(b"\x1b[Z", mods),
        Key::Backspace if mods.ctrl => with_alt(b"\x08", mods),
        Key::Backspace => with_alt(b"\x7f", mods),
        Key::Escape => with_alt(b"\x1b", mods),
        Key::Up => lettered('A', mods, modes.application_cursor),
        Key::Down => lettered('B', mods, modes.application_cursor),
        Key::Right => lettered('C', mods, modes.application_cursor),
        Key::Left => lettered('D', mods, modes.application_cursor),
        Key::Home => lettered('H', mods, modes.application_cursor),
        Key::End => lettered('F', mods, modes.application_cursor),
        Key::Insert => numbered(2, mods),
        Key::Delete => numbered(3, mods),
        Key::PageUp => numbered(5, mods),
        Key::PageDown => numbered(6, mods),
        Key::F(number) => function(number, mods),
    }
}

/// What a mouse event sends; empty when the child did not ask for such. While it asked for none, the wheel moves
/// the alternate screen by arrows, as terminals do.
#[must_use]
pub fn mouse(event: MouseEvent, modes: &Modes) -> Vec<u8> {
    if modes.mouse == MouseMode::None {
        return wheel_as_arrows(event, modes);
    }
    let button = |button: MouseButton| match button {
        MouseButton::Left => 0,
        MouseButton::Middle => 1,
        MouseButton::Right => 2,
    };
    const MOVING: u16 = 32;
    const NO_BUTTON: u16 = 3;
    let (wanted_from, code) = match event.action {
        MouseAction::Press(it) => (MouseMode::Click, button(it)),
        MouseAction::Release(it) => (MouseMode::Click, button(it)),
        MouseAction::Drag(it) => (MouseMode::Drag, button(it) + MOVING),
        MouseAction::Move => (MouseMode::Motion, NO_BUTTON + MOVING),
        MouseAction::WheelUp => (MouseMode::Click, 64),
        MouseAction::WheelDown => (MouseMode::Click, 65),
        MouseAction::WheelLeft => (MouseMode::Click, 66),
        MouseAction::WheelRight => (MouseMode::Click, 67),
    };
    if modes.mouse < wanted_from {
        return Vec::new();
    }
    let released = matches!(event.action, MouseAction::Release(_));
    let held = 4 * u16::from(event.mods.shift)
        + 8 * u16::from(event.mods.alt)
        + 16 * u16::from(event.mods.ctrl);
    let (col, row) = (u32::from(event.col) + 1, u32::from(event.row) + 1);
    if modes.mouse_encoding == MouseEncoding::Sgr {
        let end = if released { 'm' } else { 'M' };
        return format!("\x1b[<{};{col};{row}{end}", code + held).into_bytes();
    }
    let code = if released { NO_BUTTON } else { code } + held;
    let mut bytes = b"\x1b[M".to_vec();
    for value in [u32::from(code), col, row] {
        match modes.mouse_encoding {
            MouseEncoding::Utf8 if value + 32 <= 2047 => {
                let c = char::from_u32(value + 32).unwrap_or(' ');
                bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            MouseEncoding::Legacy if value + 32 <= 255 => bytes.push((value + 32) as u8),
            // There is no way to say so far out.
            _ => return Vec::new(),
        }
    }
    bytes
}

/// What a pasted text sends. Line ends become Return; whatever could end the markers, or act as a key (an escape, an
/// interrupt), is left out.
#[must_use]
pub fn paste(text: &str, modes: &Modes) -> Vec<u8> {
    let (begin, end) = if modes.bracketed_paste {
        ("\x1b[200~", "\x1b[201~")
    } else {
        ("", "")
    };
    let text = text.replace("\r\n", "\r").replace('\n', "\r");
    let harmless = |c: &char| !c.is_control() || matches!(*c, '\r' | '\t');
    let shown: String = text.chars().filter(harmless).collect();
    format!("{begin}{shown}{end}").into_bytes()
}

/// What gaining or losing the focus sends.
#[must_use]
pub fn focus(gained: bool, modes: &Modes) -> Vec<u8> {
    match (modes.focus, gained) {
        (false, _) => Vec::new(),
        (true, true) => b"\x1b[I".to_vec(),
        (true, false) => b"\x1b[O".to_vec(),
    }
}

fn character(c: char, mods: Mods) -> Vec<u8> {
    let c = if mods.ctrl { control(c) } else { c };
    with_alt(c.encode_utf8(&mut [0; 4]).as_bytes(), mods)
}

/// The control character that a key makes, or the character itself where there is none.
fn control(c: char) -> char {
    match c {
        'a'..='z' | 'A'..='Z' => char::from(c as u8 & 0x1f),
        ' ' | '@' | '2' => '\0',
        '[' | '3' => '\x1b',
        '\\' | '4' => '\x1c',
        ']' | '5' => '\x1d',
        '^' | '~' | '6' => '\x1e',
        '_' | '/' | '7' => '\x1f',
        '?' | '8' => '\x7f',
        other => other,
    }
}

fn with_alt(bytes: &[u8], mods: Mods) -> Vec<u8> {
    let mut all = Vec::with_capacity(bytes.len() + 1);
    if mods.alt {
        all.push(0x1b);
    }
    all.extend_from_slice(bytes);
    all
}

fn lettered(letter: char, mods: Mods, application: bool) -> Vec<u8> {
    match (mods.parameter(), application) {
        (1, true) => format!("\x1bO{letter}"),
        (1, false) => format!("\x1b[{letter}"),
        (held, _) => format!("\x1b[1;{held}{letter}"),
    }
    .into_bytes()
}

fn numbered(number: u8, mods: Mods) -> Vec<u8> {
    match mods.parameter() {
        1 => format!("\x1b[{number}~"),
        held => format!("\x1b[{number};{held}~"),
    }
    .into_bytes()
}

/// xterm has twelve; the next twelve are those with shift, and the next with control.
fn function(number: u8, mut mods: Mods) -> Vec<u8> {
    match number {
        13..=24 => mods.shift = true,
        25..=36 => mods.ctrl = true,
        1..=12 => {}
        _ => return Vec::new(),
    }
    match (number - 1) % 12 + 1 {
        1 => lettered('P', mods, true),
        2 => lettered('Q', mods, true),
        3 => lettered('R', mods, true),
        4 => lettered('S', mods, true),
        5 => numbered(15, mods),
        key @ 6..=10 => numbered(key + 11, mods),
        key => numbered(key + 12, mods),
    }
}

fn wheel_as_arrows(event: MouseEvent, modes: &Modes) -> Vec<u8> {
    let arrow = match event.action {
        MouseAction::WheelUp => Key::Up,
        MouseAction::WheelDown => Key::Down,
        _ => return Vec::new(),
    };
    if modes.alternate_screen && modes.alternate_scroll {
        key(arrow, Mods::NONE, modes).repeat(WHEEL_LINES)
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests;
