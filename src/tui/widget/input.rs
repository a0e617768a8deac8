//! One line of text that is typed.
//!
//! Owns [`Input`]: the text, the cursor, and the keys of a shell's line. What one sees as a character (a letter
//! with its accents) is moved over and deleted as one. Control characters never get in: a paste of several
//! lines becomes one.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Modifier,
};
use unicode_width::UnicodeWidthChar;

use super::text;
use crate::tui::theme::Theme;

/// The greatest length in bytes: what is pasted beyond is left out.
pub const LENGTH_MAX: usize = 64 * 1024;

/// A line of text with a cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Input {
    text: String,
    /// A byte offset at the beginning of what one sees as a character, or the end.
    cursor: usize,
}

impl Input {
    /// A text with the cursor at its end.
    pub fn new(text: &str) -> Self {
        let mut input = Self::default();
        input.paste(text);
        input
    }

    /// What was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Where the cursor is, in bytes.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Puts another text in its place, with the cursor at its end.
    pub fn set(&mut self, text: &str) {
        *self = Self::new(text);
    }

    /// Empties it; gives what was typed.
    pub fn take(&mut self) -> String {
        self.cursor = 0;
        std::mem::take(&mut self.text)
    }

    /// Puts a text at the cursor. Ends of lines and tabs become blanks, other control characters nothing.
    pub fn paste(&mut self, text: &str) {
        let text = text.trim_end_matches(['\n', '\r']);
        let mut clean = String::new();
        let mut before = ' ';
        for c in text.chars() {
            match c {
                '\n' if before == '\r' => {}
                '\n' | '\r' | '\t' => clean.push(' '),
                c if c.is_control() => {}
                c => clean.push(c),
            }
            before = c;
        }
        let mut room = LENGTH_MAX.saturating_sub(self.text.len()).min(clean.len());
        while !clean.is_char_boundary(room) {
            room -= 1;
        }
        clean.truncate(room);
        self.text.insert_str(self.cursor, &clean);
        // What was put before an accent is now one with it.
        self.cursor = self.boundary_from(self.cursor + clean.len());
    }

    /// Does what a key says; `false` when it is not a key of a text, and nothing was changed.
    pub fn key(&mut self, event: &KeyEvent) -> bool {
        if event.kind == KeyEventKind::Release {
            return false;
        }
        let control = event.modifiers.contains(KeyModifiers::CONTROL);
        let alt = event.modifiers.contains(KeyModifiers::ALT);
        match (event.code, control, alt) {
            (KeyCode::Char(c), false, false) => self.paste(c.encode_utf8(&mut [0; 4])),
            (KeyCode::Left, false, false) | (KeyCode::Char('b'), true, false) => {
                self.cursor = self.before()
            }
            (KeyCode::Right, false, false) | (KeyCode::Char('f'), true, false) => {
                self.cursor = self.after()
            }
            (KeyCode::Left, ..) | (KeyCode::Char('b'), false, true) => {
                self.cursor = self.word_before()
            }
            (KeyCode::Right, ..) | (KeyCode::Char('f'), false, true) => {
                self.cursor = self.word_after()
            }
            (KeyCode::Home, ..) | (KeyCode::Char('a'), true, false) => self.cursor = 0,
            (KeyCode::End, ..) | (KeyCode::Char('e'), true, false) => self.cursor = self.text.len(),
            (KeyCode::Backspace, false, false) | (KeyCode::Char('h'), true, false) => {
                self.delete(self.before(), self.cursor)
            }
            (KeyCode::Delete, false, false) | (KeyCode::Char('d'), true, false) => {
                self.delete(self.cursor, self.after())
            }
            (KeyCode::Backspace, ..) | (KeyCode::Char('w'), true, false) => {
                self.delete(self.word_before(), self.cursor);
            }
            (KeyCode::Delete, ..) | (KeyCode::Char('d'), false, true) => {
                self.delete(self.cursor, self.word_after());
            }
            (KeyCode::Char('u'), true, false) => self.delete(0, self.cursor),
            (KeyCode::Char('k'), true, false) => self.delete(self.cursor, self.text.len()),
            _ => return false,
        }
        true
    }

    /// Draws it on the first line of `area`, so that the cursor is seen. With the keyboard the cursor is drawn
    /// too, and its place given for the terminal's own.
    pub fn draw(
        &self,
        buf: &mut Buffer,
        area: Rect,
        focused: bool,
        theme: &Theme,
    ) -> Option<Position> {
        if area.is_empty() {
            return None;
        }
        let (left, right) = self.text.split_at(self.cursor);
        // One column is the cursor's when it stands behind the text.
        let room = usize::from(area.width - 1);
        let (mut from, mut columns) = (left.len(), 0);
        for (at, c) in left.char_indices().rev() {
            columns += c.width().unwrap_or(0);
            if columns > room {
                break;
            }
            from = at;
        }
        let visible = left.get(from..).unwrap_or_default();
        let used = text::put(buf, area.x, area.y, area.width, visible, theme.text);
        let x = area.x + used;
        text::put(buf, x, area.y, area.width - used, right, theme.text);
        if !focused || used >= area.width {
            return None;
        }
        if let Some(cell) = buf.cell_mut((x, area.y)) {
            cell.set_style(
                theme
                    .text
                    .patch(theme.accent)
                    .add_modifier(Modifier::REVERSED),
            );
        }
        Some(Position::new(x, area.y))
    }

    fn delete(&mut self, from: usize, to: usize) {
        if from < to {
            self.text.replace_range(from..to, "");
            self.cursor = self.boundary_from(from);
        }
    }

    /// The first place from `at` on where something new begins.
    fn boundary_from(&self, at: usize) -> usize {
        let mut joins = self.text.get(..at).unwrap_or_default().ends_with(JOINER);
        for (offset, c) in self.text.get(at..).unwrap_or_default().char_indices() {
            if !joins && !is_joined(c) {
                return at + offset;
            }
            joins = c == JOINER;
        }
        self.text.len()
    }

    fn before(&self) -> usize {
        let mut last = 0;
        let mut at = 0;
        while at < self.cursor {
            last = at;
            at = self.next(at);
        }
        last
    }

    fn after(&self) -> usize {
        self.next(self.cursor)
    }

    fn next(&self, at: usize) -> usize {
        let first = self.text.get(at..).and_then(|rest| rest.chars().next());
        first.map_or(self.text.len(), |c| self.boundary_from(at + c.len_utf8()))
    }

    fn word_before(&self) -> usize {
        let left = self.text.get(..self.cursor).unwrap_or_default();
        let trimmed = left.trim_end_matches(|c| !is_word(c));
        trimmed.trim_end_matches(is_word).len()
    }

    fn word_after(&self) -> usize {
        let right = self.text.get(self.cursor..).unwrap_or_default();
        let trimmed = right.trim_start_matches(|c| !is_word(c));
        self.text.len() - trimmed.trim_start_matches(is_word).len()
    }
}

/// Makes one of what stands at its sides.
const JOINER: char = '\u{200d}';

/// Whether it is drawn over what stands before it.
fn is_joined(c: char) -> bool {
    c.width() == Some(0)
}

/// An accent of its own (a combining mark) belongs to the word it stands in.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || is_joined(c)
}
