//! The picture that a child's output makes; the only folder that names the emulator.
//!
//! Owns [`Screen`]: grid, history, cursor, modes and what the child said beside them. None of the emulator's
//! types is public, so that replacing it is the matter of this folder. It never reads a clock, never draws, and
//! never writes to a child: answers wait until they are taken.
//!
//! Start at [`Screen::feed`]; `handler.rs` holds the limits, `view.rs` and `cells.rs` what a screen is read as.

use alacritty_terminal::grid::{Dimensions, Scroll};
use alacritty_terminal::index::{Column, Line, Point};
use alacritty_terminal::term::{Config, Osc52, Term, TermMode};
use alacritty_terminal::vte::ansi::{
    Attr, CharsetIndex, Handler, NamedMode, NamedPrivateMode, Processor,
};

use super::guard::{Guard, Piece};
use super::{Modes, MouseEncoding, MouseMode};
use handler::{Answers, Limited, Said, Unbuffered};

pub use cells::{Attrs, Cell, Cells, Color};
pub use view::{Cursor, CursorShape};

mod cells;
mod handler;
mod view;

/// Fewer columns have no room for a wide character, and the emulator's memory would not be bounded.
const FEWEST_COLUMNS: u16 = 2;
/// Rows and columns beyond this are cut off.
const MOST: u16 = 1000;
/// Cells of the history, 24 bytes each: wide screens keep fewer lines.
const MOST_HISTORY_CELLS: usize = 4 << 20;

/// What is off when a program begins, of that which it may switch.
const FIRST_OFF: [NamedPrivateMode; 9] = [
    NamedPrivateMode::CursorKeys,
    NamedPrivateMode::Origin,
    NamedPrivateMode::ReportMouseClicks,
    NamedPrivateMode::ReportCellMouseMotion,
    NamedPrivateMode::ReportAllMouseMotion,
    NamedPrivateMode::ReportFocusInOut,
    NamedPrivateMode::Utf8Mouse,
    NamedPrivateMode::SgrMouse,
    NamedPrivateMode::BracketedPaste,
];

/// What is on.
const FIRST_ON: [NamedPrivateMode; 3] = [
    NamedPrivateMode::LineWrap,
    NamedPrivateMode::ShowCursor,
    NamedPrivateMode::AlternateScroll,
];

/// Rows and columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    /// Lines, 1 to 1,000.
    pub rows: u16,
    /// Columns, 2 to 1,000.
    pub cols: u16,
}

impl Size {
    fn within_bounds(rows: u16, cols: u16) -> Self {
        Self {
            rows: rows.clamp(1, MOST),
            cols: cols.clamp(FEWEST_COLUMNS, MOST),
        }
    }
}

impl Dimensions for Size {
    fn total_lines(&self) -> usize {
        usize::from(self.rows)
    }

    fn screen_lines(&self) -> usize {
        usize::from(self.rows)
    }

    fn columns(&self) -> usize {
        usize::from(self.cols)
    }
}

/// A terminal's picture, with its history.
pub struct Screen {
    guard: Guard,
    parser: Processor<Unbuffered>,
    term: Term<Answers>,
    answers: Answers,
    said: Said,
    size: Size,
    /// Lines of history asked for; a wide screen may keep fewer.
    scrollback: usize,
    /// What queries for foreground and background are answered with.
    colors: Option<[(u8, u8, u8); 2]>,
    dirty: bool,
}

impl Screen {
    /// An empty screen that keeps at most `scrollback` lines above the view. Sizes out of bounds are brought
    /// within ([`Self::size`] tells): at least 1 row and 2 columns, at most 1,000 of each; the history has at most
    /// 4 Mi cells.
    #[must_use]
    pub fn new(rows: u16, cols: u16, scrollback: usize) -> Self {
        let size = Size::within_bounds(rows, cols);
        let answers = Answers::default();
        Self {
            guard: Guard::default(),
            parser: Processor::new(),
            term: Term::new(config(scrollback, size.cols), &size, answers.clone()),
            answers,
            said: Said::default(),
            size,
            scrollback,
            colors: None,
            dirty: true,
        }
    }

    /// Takes the next bytes of the child's output; it does not matter where the stream is cut into calls.
    ///
    /// The work is in proportion to the bytes, but one that clears a screen costs as much as the screen is large
    /// (2 ms a KiB at worst, at 60 × 200): who has a deadline feeds a KiB at a time. Bytes from the past may hold
    /// questions answered long ago: who feeds them throws away [`Self::take_replies`] and [`Self::take_bell`]
    /// afterwards.
    pub fn feed(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let Self {
            guard,
            parser,
            term,
            answers,
            said,
            colors,
            ..
        } = self;
        guard.feed(bytes, |piece| match piece {
            Piece::Pass(bytes) => parser.advance(&mut Limited { term, said }, bytes),
            Piece::Repeat(count) => {
                // More than a line's worth nobody draws; without a limit, eight bytes cost 65,535 characters.
                let count = usize::from(count).min(term.columns());
                if let Some(last) = said.last {
                    (0..count).for_each(|_| term.input(last));
                }
            }
            Piece::Command { text, bell } => obey(text, bell, said, *colors, answers),
        });
        // Scrolling below a fixed header moves the emulator's view beyond its history.
        self.term.scroll_display(Scroll::Delta(0));
        self.dirty = true;
    }

    /// Bytes were skipped: the next ones begin in the middle of anything. What the last ones left half-done is
    /// forgotten, colours and character set are as at the start; the picture and the modes stay.
    pub fn gap(&mut self) {
        self.guard = Guard::default();
        self.parser = Processor::new();
        self.said.last = None;
        self.said.updating = false;
        Handler::terminal_attribute(&mut self.term, Attr::Reset);
        self.term.grid_mut().cursor.charsets = Default::default();
        Handler::set_active_charset(&mut self.term, CharsetIndex::G0);
        Handler::unset_mode(&mut self.term, NamedMode::Insert.into());
        self.dirty = true;
    }

    /// Another program begins where one has ended, whatever that left behind: the normal screen, its modes, colours and
    /// title as at the start, the cursor at the begin of a line below everything. What was shown stays, and so does the
    /// history.
    pub fn new_life(&mut self) {
        if self.term.mode().contains(TermMode::ALT_SCREEN) {
            let mode = NamedPrivateMode::SwapScreenAndSetRestoreCursor;
            Handler::unset_private_mode(&mut self.term, mode.into());
        }
        self.gap();
        self.said.set_title(b"");
        for mode in FIRST_OFF {
            Handler::unset_private_mode(&mut self.term, mode.into());
        }
        for mode in FIRST_ON {
            Handler::set_private_mode(&mut self.term, mode.into());
        }
        Handler::unset_mode(&mut self.term, NamedMode::LineFeedNewLine.into());
        Handler::unset_keypad_application_mode(&mut self.term);
        Handler::set_scrolling_region(&mut self.term, 1, None);
        Handler::set_cursor_style(&mut self.term, None);
        let rows = i32::from(self.size.rows);
        let last = (0..rows).rev().find(|row| !self.line_is_blank(*row));
        Handler::goto(&mut self.term, last.unwrap_or(0), 0);
        if last.is_some() {
            Handler::linefeed(&mut self.term);
        }
        self.dirty = true;
    }

    /// Keeps at most so many lines above the view from now on.
    pub fn set_scrollback(&mut self, scrollback: usize) {
        if scrollback == self.scrollback {
            return;
        }
        self.scrollback = scrollback;
        self.term.set_options(config(scrollback, self.size.cols));
        // The emulator keeps what it does not need for later.
        self.term.grid_mut().truncate();
    }

    /// The next line that leaves the view pushes the oldest one out.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let most = config(self.scrollback, self.size.cols).scrolling_history;
        self.history() >= most && self.history() > 0
    }

    /// About how many cells it has memory for, 24 bytes each.
    #[must_use]
    pub fn cells(&self) -> usize {
        // The emulator makes room for so many lines at a time.
        const AT_ONCE: usize = 1_000;
        let rows = usize::from(self.size.rows);
        let history = self.history().next_multiple_of(AT_ONCE);
        (2 * rows + history) * usize::from(self.size.cols)
    }

    /// Gives the screen another size, within the bounds of [`Self::new`]; wrapped lines are joined and broken anew,
    /// but on the alternate screen. The child's terminal should have the size that [`Self::size`] then says.
    pub fn resize(&mut self, rows: u16, cols: u16) {
        let size = Size::within_bounds(rows, cols);
        if size == self.size {
            return;
        }
        // Before the lines become wider, not after: they would all be there for a moment.
        if size.cols > self.size.cols {
            self.term.set_options(config(self.scrollback, size.cols));
        }
        // The emulator's work grows with the square of what one row is broken into.
        let mut step = self.size.cols;
        while step / 4 > size.cols {
            step /= 4;
            let cols = step;
            self.term.resize(Size { cols, ..self.size });
        }
        self.term.resize(size);
        if size.cols < self.size.cols {
            self.term.set_options(config(self.scrollback, size.cols));
        }
        self.size = size;
        self.dirty = true;
    }

    /// Rows and columns as they are.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// Forgets the picture and the history, as the user wishes; modes and what the child is in the middle of stay,
    /// but a control string without an end is left. A full-screen program draws itself anew when it is told to
    /// (a change of size does).
    pub fn clear(&mut self) {
        if self.guard.in_string() {
            self.guard = Guard::default();
        }
        let history = config(self.scrollback, self.size.cols);
        let none = Config {
            scrolling_history: 0,
            ..history.clone()
        };
        // Also that of the normal screen, behind the alternate one.
        self.term.set_options(none);
        self.term.set_options(history);
        let alternate = self.term.mode().contains(TermMode::ALT_SCREEN);
        let grid = self.term.grid_mut();
        let template = std::mem::take(&mut grid.cursor.template);
        grid.reset_region(..);
        grid.cursor.template = template;
        if !alternate {
            grid.cursor.point = Point::new(Line(0), Column(0));
            grid.cursor.input_needs_wrap = false;
        }
        self.dirty = true;
    }

    /// What the child asked of its terminal and waits for (where the cursor is, what terminal this is): to be sent
    /// to it like keys. At most 4 KiB wait; further answers are dropped.
    pub fn take_replies(&mut self) -> Vec<u8> {
        self.answers.take()
    }

    /// What children that ask for foreground and background are told (red, green, blue): programs tell a dark
    /// theme from a light one by it. Until then they get no answer.
    pub fn set_colors(&mut self, foreground: (u8, u8, u8), background: (u8, u8, u8)) {
        self.colors = Some([foreground, background]);
    }

    /// What the child has switched on.
    #[must_use]
    pub fn modes(&self) -> Modes {
        let mode = self.term.mode();
        let mouse = if mode.contains(TermMode::MOUSE_MOTION) {
            MouseMode::Motion
        } else if mode.contains(TermMode::MOUSE_DRAG) {
            MouseMode::Drag
        } else if mode.contains(TermMode::MOUSE_REPORT_CLICK) {
            MouseMode::Click
        } else {
            MouseMode::None
        };
        let mouse_encoding = if mode.contains(TermMode::SGR_MOUSE) {
            MouseEncoding::Sgr
        } else if mode.contains(TermMode::UTF8_MOUSE) {
            MouseEncoding::Utf8
        } else {
            MouseEncoding::Legacy
        };
        Modes {
            application_cursor: mode.contains(TermMode::APP_CURSOR),
            application_keypad: mode.contains(TermMode::APP_KEYPAD),
            bracketed_paste: mode.contains(TermMode::BRACKETED_PASTE),
            mouse,
            mouse_encoding,
            alternate_screen: mode.contains(TermMode::ALT_SCREEN),
            focus: mode.contains(TermMode::FOCUS_IN_OUT),
            alternate_scroll: mode.contains(TermMode::ALTERNATE_SCROLL),
        }
    }

    /// The title that the child gave itself: one line of at most 256 characters, without controls; empty for none.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.said.title
    }

    /// Whether the bell rang since this was asked last.
    pub fn take_bell(&mut self) -> bool {
        std::mem::take(&mut self.said.bell)
    }

    /// The child is in the middle of a synchronized update (DECSET 2026): a picture now would be half a one. It may
    /// never end it: who waits has a deadline.
    #[must_use]
    pub fn is_updating(&self) -> bool {
        self.said.updating
    }

    /// Something may look different than when [`Self::take_dirty`] was called last.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// As [`Self::is_dirty`], and from now on it is clean.
    pub fn take_dirty(&mut self) -> bool {
        std::mem::take(&mut self.dirty)
    }
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen")
            .field("size", &self.size)
            .field("history", &self.history())
            .field("offset", &self.offset())
            .finish_non_exhaustive()
    }
}

fn config(scrollback: usize, cols: u16) -> Config {
    Config {
        scrolling_history: scrollback.min(MOST_HISTORY_CELLS / usize::from(cols)),
        osc52: Osc52::Disabled,
        ..Config::default()
    }
}

/// Acts on an operating system command: titles, and what the default colours are.
fn obey(
    text: &[u8],
    bell: bool,
    said: &mut Said,
    colors: Option<[(u8, u8, u8); 2]>,
    answers: &Answers,
) {
    let mut parts = text.splitn(2, |byte| *byte == b';');
    let number = parts.next().unwrap_or_default();
    let Some(rest) = parts.next() else {
        return;
    };
    match (number, rest) {
        (b"0" | b"2", title) => said.set_title(title),
        (b"10" | b"11" | b"12", b"?") => {
            let Some([foreground, background]) = colors else {
                return;
            };
            // 12 is the cursor, in the colour of the text.
            let (r, g, b) = if number == b"11" {
                background
            } else {
                foreground
            };
            let number = String::from_utf8_lossy(number);
            let end = if bell { "\x07" } else { "\x1b\\" };
            let answer =
                format!("\x1b]{number};rgb:{r:02x}{r:02x}/{g:02x}{g:02x}/{b:02x}{b:02x}{end}");
            answers.add(answer.as_bytes());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
