//! Looking at a screen: which lines show, what they say, where the cursor is.
//!
//! Owns the view into the history and everything that is read line by line. It changes nothing but where the view
//! stands. Start at [`Screen::row`].

use alacritty_terminal::grid::{Dimensions, Scroll};
use alacritty_terminal::index::Line;
use alacritty_terminal::term::TermMode;
use alacritty_terminal::term::cell::Flags;
use alacritty_terminal::vte::ansi;

use super::{Cells, Screen};

/// Where the child's cursor stands in the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// Row of the view, from 0 at its top.
    pub row: u16,
    /// Column, from 0; of a wide character its left one.
    pub col: u16,
    /// What it looks like.
    pub shape: CursorShape,
}

/// What a cursor looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CursorShape {
    /// The whole cell.
    #[default]
    Block,
    /// A line below.
    Underline,
    /// A line to the left.
    Beam,
}

impl Screen {
    /// Lines above the topmost row; 0 on the alternate screen.
    #[must_use]
    pub fn history(&self) -> usize {
        self.term.history_size()
    }

    /// Moves the view so that its last row is `offset` lines above the newest; 0 follows the output, more than
    /// [`Self::history`] is the oldest. While it is not 0, the view stays on its lines when new ones arrive
    /// (output that scrolls below a fixed header moves it up, though nothing is added to the history).
    pub fn scroll_to(&mut self, offset: usize) {
        let wanted = offset.min(self.history());
        let step = wanted as i64 - self.offset() as i64;
        // Both are far below: the history is bounded.
        self.term
            .scroll_display(Scroll::Delta(i32::try_from(step).unwrap_or(0)));
        self.dirty |= step != 0;
    }

    /// How many lines the view is above the newest.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.term.grid().display_offset()
    }

    /// The cells of a row of the view, from 0 at its top; none where there is no such row.
    #[must_use]
    pub fn row(&self, row: u16) -> Cells<'_> {
        if row < self.size.rows {
            self.line(i32::from(row) - self.offset() as i32)
        } else {
            Cells::new(None)
        }
    }

    /// The cells of any line: 0 is the topmost row when the view follows the output, `-history` the oldest line.
    /// None where there is no such line.
    #[must_use]
    pub fn line(&self, line: i32) -> Cells<'_> {
        Cells::new(self.has(line).then(|| &self.term.grid()[Line(line)]))
    }

    /// The text of a line (counted as in [`Self::line`]), without blanks at its end unless the next line continues
    /// it. Tabs are blanks.
    #[must_use]
    pub fn line_text(&self, line: i32) -> String {
        let mut text = String::with_capacity(usize::from(self.size.cols));
        self.line(line).for_each(|cell| cell.push_to(&mut text));
        if !self.is_wrapped(line) {
            text.truncate(text.trim_end_matches(' ').len());
        }
        text
    }

    /// Nothing but blanks stand in a line (counted as in [`Self::line`]).
    #[must_use]
    pub fn line_is_blank(&self, line: i32) -> bool {
        self.line(line).all(|cell| cell.ch == ' ')
    }

    /// The next line continues this one: it was broken only for want of room.
    #[must_use]
    pub fn is_wrapped(&self, line: i32) -> bool {
        self.has(line) && {
            let last = self.term.last_column();
            let flags = self.term.grid()[Line(line)][last].flags;
            flags.contains(Flags::WRAPLINE)
        }
    }

    /// The child's cursor, unless it is hidden or outside the view.
    #[must_use]
    pub fn cursor(&self) -> Option<Cursor> {
        if !self.term.mode().contains(TermMode::SHOW_CURSOR) {
            return None;
        }
        let grid = self.term.grid();
        let at = grid.cursor.point;
        let row = u16::try_from(at.line.0 + self.offset() as i32).ok()?;
        if row >= self.size.rows {
            return None;
        }
        let covered = grid[at].flags.contains(Flags::WIDE_CHAR_SPACER);
        let shape = match self.term.cursor_style().shape {
            ansi::CursorShape::Hidden => return None,
            ansi::CursorShape::Underline => CursorShape::Underline,
            ansi::CursorShape::Beam => CursorShape::Beam,
            ansi::CursorShape::Block | ansi::CursorShape::HollowBlock => CursorShape::Block,
        };
        Some(Cursor {
            row,
            col: u16::try_from(at.column.0.saturating_sub(usize::from(covered))).ok()?,
            shape,
        })
    }

    fn has(&self, line: i32) -> bool {
        line >= self.term.topmost_line().0 && line <= self.term.bottommost_line().0
    }
}
