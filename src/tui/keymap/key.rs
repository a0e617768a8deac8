//! A key as people write it: `ctrl-p`, `shift-tab`, `f5`, `space`, `+`.
//!
//! Owns [`Key`], its text in both directions, and what a terminal really sends for it: many keys that look
//! different arrive as the same bytes. Never says what a key does.

use std::{fmt, str::FromStr};

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::{model::session::nearest, tui::theme::Glyphs};

/// A key with what was held down, in one form only: what a terminal sends in two ways is one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    held: KeyModifiers,
}

/// The names of keys that are not one character.
const NAMED: [(&str, KeyCode); 15] = [
    ("enter", KeyCode::Enter),
    ("tab", KeyCode::Tab),
    ("esc", KeyCode::Esc),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
];

const HELD: [(&str, KeyModifiers); 3] = [
    ("ctrl-", KeyModifiers::CONTROL),
    ("alt-", KeyModifiers::ALT),
    ("shift-", KeyModifiers::SHIFT),
];

/// The greatest number of a function key.
const LAST_F: u8 = 24;

impl Key {
    /// The key of an event; `None` when it was let go.
    pub fn of(event: &KeyEvent) -> Option<Key> {
        (event.kind != KeyEventKind::Release).then(|| Key::new(event.code, event.modifiers))
    }

    /// A key, brought into its one form.
    pub fn new(code: KeyCode, held: KeyModifiers) -> Key {
        let (mut code, mut held) = (code, held);
        match code {
            KeyCode::BackTab => {
                code = KeyCode::Tab;
                held |= KeyModifiers::SHIFT;
            }
            // Without the kitty protocol the bytes 0x1c to 0x1f arrive under these digits.
            KeyCode::Char(c) if held.contains(KeyModifiers::CONTROL) => {
                code = KeyCode::Char(match c {
                    '4' => '\\',
                    '5' => ']',
                    '6' => '^',
                    '7' | '/' => '_',
                    other => other.to_ascii_lowercase(),
                });
            }
            // The character says it already.
            KeyCode::Char(c) if held.contains(KeyModifiers::SHIFT) => {
                let mut upper = c.to_uppercase();
                if let (Some(upper), None) = (upper.next(), upper.next()) {
                    code = KeyCode::Char(upper);
                }
                held -= KeyModifiers::SHIFT;
            }
            _ => {}
        }
        Key { code, held }
    }

    /// The key itself.
    pub fn code(&self) -> KeyCode {
        self.code
    }

    /// What is held down with it.
    pub fn held(&self) -> KeyModifiers {
        self.held
    }

    /// Whether it is a character that belongs into a text.
    pub fn is_text(&self) -> bool {
        matches!(self.code, KeyCode::Char(_)) && self.held.is_empty()
    }

    /// Whether it is of use for editing or leaving a text: a character, or one of the keys that move in it.
    pub fn is_plain(&self) -> bool {
        self.held.is_empty() && !matches!(self.code, KeyCode::F(_))
    }

    /// As the last line shows it: `^S`, `↵`, `x`.
    pub fn label(&self, glyphs: &Glyphs) -> String {
        let mut held = String::new();
        let control = self.held.contains(KeyModifiers::CONTROL);
        if self.held.contains(KeyModifiers::ALT) {
            held.push_str("alt-");
        }
        if self.held.contains(KeyModifiers::SHIFT) {
            held.push_str("shift-");
        }
        let name = match self.code {
            KeyCode::Enter => glyphs.enter.to_owned(),
            KeyCode::Backspace => glyphs.backspace.to_owned(),
            KeyCode::Up => glyphs.up.to_owned(),
            KeyCode::Down => glyphs.down.to_owned(),
            KeyCode::Left => glyphs.left.to_owned(),
            KeyCode::Right => glyphs.right.to_owned(),
            KeyCode::PageUp => "pgup".to_owned(),
            KeyCode::PageDown => "pgdn".to_owned(),
            KeyCode::Delete => "del".to_owned(),
            KeyCode::Char('-') => glyphs.minus.to_owned(),
            KeyCode::Char(c) if c != ' ' && control => format!("^{}", c.to_ascii_uppercase()),
            _ => Key {
                code: self.code,
                held: KeyModifiers::NONE,
            }
            .to_string(),
        };
        match (control, name.starts_with('^')) {
            (true, false) => format!("ctrl-{held}{name}"),
            _ => held + &name,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, modifier) in HELD {
            if self.held.contains(modifier) {
                f.write_str(name)?;
            }
        }
        let named = NAMED.iter().find(|(_, code)| *code == self.code);
        match (named, self.code) {
            (Some((name, _)), _) => f.write_str(name),
            (None, KeyCode::Char(c)) => write!(f, "{c}"),
            (None, KeyCode::F(number)) => write!(f, "f{number}"),
            (None, _) => f.write_str("?"),
        }
    }
}

impl FromStr for Key {
    type Err = String;

    /// # Errors
    /// What is not a key, in words, with a guess of what was meant.
    fn from_str(text: &str) -> Result<Key, String> {
        let mut rest = text;
        let mut held = KeyModifiers::NONE;
        'more: loop {
            for (name, modifier) in HELD {
                // What follows is never nothing: `ctrl--` is control and minus.
                if let Some(after) = rest.strip_prefix(name)
                    && !after.is_empty()
                {
                    held |= modifier;
                    rest = after;
                    continue 'more;
                }
            }
            break;
        }
        let mut characters = rest.chars();
        let single = characters
            .next()
            .filter(|c| characters.as_str().is_empty() && !c.is_control());
        let named = NAMED.iter().find(|(name, _)| *name == rest);
        let function = rest
            .strip_prefix('f')
            .and_then(|number| number.parse().ok())
            .filter(|number| (1..=LAST_F).contains(number));
        let code = match (named, single, function) {
            (Some((_, code)), _, _) => *code,
            (None, Some(' '), _) => return Err("write `space`".to_owned()),
            (None, Some(c), _) => KeyCode::Char(c),
            (None, None, Some(number)) => KeyCode::F(number),
            (None, None, None) => {
                let known = NAMED.iter().map(|(name, _)| *name);
                let near = nearest(rest, known.chain(["ctrl-", "alt-", "shift-"]));
                let near =
                    near.map_or_else(String::new, |near| format!(": did you mean `{near}`?"));
                return Err(format!("no key is called `{}`{near}", text.escape_debug()));
            }
        };
        if held == KeyModifiers::CONTROL
            && let Some((_, same)) = [('i', "tab"), ('m', "enter"), ('[', "esc")]
                .iter()
                .find(|(c, _)| code == KeyCode::Char(*c))
        {
            return Err(format!("a terminal cannot tell `{text}` from `{same}`"));
        }
        Ok(Key::new(code, held))
    }
}
