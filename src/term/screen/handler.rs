//! What the parser found, on its way to the emulator's grid.
//!
//! Owns the limits that need to know the sequence ([`Limited`]): marks on one cell, titles, tabs backwards, empty
//! scroll regions. Clipboard, links, palette and window are left out by not being passed on. It never sees raw
//! bytes; `guard.rs` does. Start at [`Limited::input`].

use std::sync::{Arc, Mutex, PoisonError};

use alacritty_terminal::event::{Event, EventListener};
use alacritty_terminal::grid::Dimensions;
use alacritty_terminal::term::Term;
use alacritty_terminal::term::cell::Flags;
use alacritty_terminal::vte::ansi::{
    Attr, CharsetIndex, ClearMode, CursorShape, CursorStyle, Handler, LineClearMode, Mode,
    NamedPrivateMode, PrivateMode, StandardCharset, TabulationClearMode, Timeout,
};
use unicode_width::UnicodeWidthChar;

/// Marks on one cell: the longest in use, flags of regions, have six.
pub(super) const MOST_MARKS: usize = 8;

/// Answers waiting to be taken: a child that asks and never reads gets no more.
pub(super) const MOST_REPLIES: usize = 4096;

const LONGEST_TITLE: usize = 256;
const MOST_TITLES: usize = 16;

/// What the emulator wants to tell the child.
#[derive(Clone, Default)]
pub(super) struct Answers(Arc<Mutex<Vec<u8>>>);

impl Answers {
    /// One more answer, unless too many wait.
    pub(super) fn add(&self, answer: &[u8]) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() + answer.len() <= MOST_REPLIES {
            waiting.extend_from_slice(answer);
        }
    }

    pub(super) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl EventListener for Answers {
    fn send_event(&self, event: Event) {
        // The others concern a window, a clipboard or a palette, which a child has not.
        if let Event::PtyWrite(text) = event {
            self.add(text.as_bytes());
        }
    }
}

/// Synchronized updates are not buffered: nothing is drawn in the middle of a feed, and whoever draws between
/// two of them may ask.
#[derive(Default)]
pub(super) struct Unbuffered;

impl Timeout for Unbuffered {
    fn set_timeout(&mut self, _: std::time::Duration) {}

    fn clear_timeout(&mut self) {}

    fn pending_timeout(&self) -> bool {
        false
    }
}

/// What a child said that is not on the grid.
#[derive(Default)]
pub(super) struct Said {
    pub(super) title: String,
    titles: Vec<String>,
    pub(super) bell: bool,
    /// The last character printed, for REP.
    pub(super) last: Option<char>,
    /// Between the begin and the end of a synchronized update.
    pub(super) updating: bool,
}

impl Said {
    /// Takes a title as it came: what cannot be shown on one line is left out.
    pub(super) fn set_title(&mut self, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        let shown = text
            .trim()
            .chars()
            .filter(|c| !c.is_control() && !reorders(*c));
        self.title = shown.take(LONGEST_TITLE).collect();
    }
}

/// The emulator behind our limits.
pub(super) struct Limited<'a> {
    pub(super) term: &'a mut Term<Answers>,
    pub(super) said: &'a mut Said,
}

impl Limited<'_> {
    /// Something else than ASCII: marks and what cannot be seen.
    fn input_wide(&mut self, c: char) {
        if reorders(c) {
            return;
        }
        match c.width() {
            None => {}
            Some(0) if self.marks() >= MOST_MARKS => {}
            Some(0) => self.term.input(c),
            Some(_) => {
                self.said.last = Some(c);
                self.term.input(c);
            }
        }
    }

    /// Marks on the cell where the emulator would put the next one.
    fn marks(&self) -> usize {
        let grid = self.term.grid();
        let row = &grid[grid.cursor.point.line];
        let mut column = grid.cursor.point.column;
        if !grid.cursor.input_needs_wrap {
            column.0 = column.0.saturating_sub(1);
        }
        if row[column].flags.contains(Flags::WIDE_CHAR_SPACER) {
            column.0 = column.0.saturating_sub(1);
        }
        row[column].zerowidth().map_or(0, <[char]>::len)
    }
}

/// Characters that reorder or break the line they stand in, far beyond their pane.
fn reorders(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

macro_rules! pass_on {
    ($($name:ident($($argument:ident: $kind:ty),*);)*) => {
        $(#[inline]
        fn $name(&mut self, $($argument: $kind),*) {
            Handler::$name(self.term, $($argument),*);
        })*
    };
}

impl Handler for Limited<'_> {
    #[inline]
    fn input(&mut self, c: char) {
        if c < '\u{7f}' {
            self.said.last = Some(c);
            self.term.input(c);
        } else {
            self.input_wide(c);
        }
    }

    fn bell(&mut self) {
        self.said.bell = true;
    }

    fn push_title(&mut self) {
        if self.said.titles.len() < MOST_TITLES {
            self.said.titles.push(self.said.title.clone());
        }
    }

    fn pop_title(&mut self) {
        if let Some(title) = self.said.titles.pop() {
            self.said.title = title;
        }
    }

    fn reset_state(&mut self) {
        let bell = self.said.bell;
        *self.said = Said {
            bell,
            ..Said::default()
        };
        Handler::reset_state(self.term);
    }

    fn move_backward_tabs(&mut self, count: u16) {
        // The emulator goes through the line once for each of 65,535, even where no stop is left.
        for _ in 0..count {
            let before = self.term.grid().cursor.point.column;
            Handler::move_backward_tabs(self.term, 1);
            if self.term.grid().cursor.point.column == before {
                return;
            }
        }
    }

    fn set_scrolling_region(&mut self, top: usize, bottom: Option<usize>) {
        // One below the screen would leave an empty region; xterm ignores it.
        let rows = self.term.screen_lines();
        let bottom = bottom.map_or(rows, |bottom| bottom.min(rows));
        if top < bottom {
            Handler::set_scrolling_region(self.term, top, Some(bottom));
        }
    }

    fn set_private_mode(&mut self, mode: PrivateMode) {
        match mode {
            PrivateMode::Named(NamedPrivateMode::SyncUpdate) => self.said.updating = true,
            // The two older ways to the alternate screen.
            PrivateMode::Unknown(47 | 1047) => Handler::set_private_mode(
                self.term,
                NamedPrivateMode::SwapScreenAndSetRestoreCursor.into(),
            ),
            PrivateMode::Unknown(1048) => Handler::save_cursor_position(self.term),
            mode => Handler::set_private_mode(self.term, mode),
        }
    }

    fn unset_private_mode(&mut self, mode: PrivateMode) {
        match mode {
            PrivateMode::Named(NamedPrivateMode::SyncUpdate) => self.said.updating = false,
            PrivateMode::Unknown(47 | 1047) => Handler::unset_private_mode(
                self.term,
                NamedPrivateMode::SwapScreenAndSetRestoreCursor.into(),
            ),
            PrivateMode::Unknown(1048) => Handler::restore_cursor_position(self.term),
            mode => Handler::unset_private_mode(self.term, mode),
        }
    }

    fn terminal_attribute(&mut self, attr: Attr) {
        // Not shown, and the emulator would allocate for every cell that has it.
        if !matches!(attr, Attr::UnderlineColor(_)) {
            Handler::terminal_attribute(self.term, attr);
        }
    }

    // Left out besides what a pane has no use for: DECALN, which fills the screen with E for three bytes, over and
    // over. Only tests of terminals use it.
    pass_on! {
        set_cursor_style(style: Option<CursorStyle>);
        set_cursor_shape(shape: CursorShape);
        goto(line: i32, column: usize);
        goto_line(line: i32);
        goto_col(column: usize);
        insert_blank(count: usize);
        move_up(count: usize);
        move_down(count: usize);
        identify_terminal(intermediate: Option<char>);
        device_status(what: usize);
        move_forward(count: usize);
        move_backward(count: usize);
        move_down_and_cr(count: usize);
        move_up_and_cr(count: usize);
        put_tab(count: u16);
        backspace();
        carriage_return();
        linefeed();
        newline();
        set_horizontal_tabstop();
        scroll_up(count: usize);
        scroll_down(count: usize);
        insert_blank_lines(count: usize);
        delete_lines(count: usize);
        erase_chars(count: usize);
        delete_chars(count: usize);
        move_forward_tabs(count: u16);
        save_cursor_position();
        restore_cursor_position();
        clear_line(mode: LineClearMode);
        clear_screen(mode: ClearMode);
        clear_tabs(mode: TabulationClearMode);
        set_tabs(interval: u16);
        reverse_index();
        set_mode(mode: Mode);
        unset_mode(mode: Mode);
        report_mode(mode: Mode);
        report_private_mode(mode: PrivateMode);
        set_keypad_application_mode();
        unset_keypad_application_mode();
        set_active_charset(index: CharsetIndex);
        configure_charset(index: CharsetIndex, charset: StandardCharset);
        text_area_size_chars();
    }
}
