//! What one place of a screen holds, in our own words.
//!
//! Owns the plain values that drawing, search and copy read ([`Cell`]) and the walk along a line ([`Cells`]).
//! It never changes a screen. Start at [`Cells`].

use alacritty_terminal::grid::Row;
use alacritty_terminal::index::Column;
use alacritty_terminal::term::cell::{Cell as Place, Flags};
use alacritty_terminal::vte::ansi;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A colour as the child asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Color {
    /// The theme's.
    #[default]
    Default,
    /// Of the palette: 0–7 normal, 8–15 bright, 16–255 xterm's cube and greys.
    Indexed(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// How a cell is shown, as a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Attrs(u8);

impl Attrs {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Bold.
    pub const BOLD: Self = Self(1);
    /// Faint.
    pub const DIM: Self = Self(1 << 1);
    /// Italic.
    pub const ITALIC: Self = Self(1 << 2);
    /// Underlined, in whichever style.
    pub const UNDERLINE: Self = Self(1 << 3);
    /// Foreground and background exchanged.
    pub const INVERSE: Self = Self(1 << 4);
    /// Not to be seen.
    pub const HIDDEN: Self = Self(1 << 5);
    /// Struck through.
    pub const STRIKE: Self = Self(1 << 6);

    /// All of `other` are in this set.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// None is set.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl std::ops::BitOr for Attrs {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One character with its place and looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell<'a> {
    /// The leftmost column it covers, from 0.
    pub column: u16,
    /// What stands there; a blank for nothing. Never a control character.
    pub ch: char,
    /// Marks on top of it. All together they are as wide as `width` says.
    pub combining: &'a [char],
    /// Colour of the character.
    pub fg: Color,
    /// Colour behind it.
    pub bg: Color,
    /// Its looks.
    pub attrs: Attrs,
    /// Columns it covers: 1 or 2.
    pub width: u8,
}

impl Cell<'_> {
    /// Adds the character and its marks to `text`.
    pub fn push_to(&self, text: &mut String) {
        text.push(self.ch);
        text.extend(self.combining);
    }
}

/// The cells of one line from left to right; every column is covered once.
#[derive(Clone)]
pub struct Cells<'a> {
    row: Option<&'a Row<Place>>,
    column: usize,
}

impl<'a> Cells<'a> {
    pub(super) fn new(row: Option<&'a Row<Place>>) -> Self {
        Self { row, column: 0 }
    }
}

impl<'a> Iterator for Cells<'a> {
    type Item = Cell<'a>;

    #[inline]
    fn next(&mut self) -> Option<Cell<'a>> {
        let row = self.row?;
        if self.column >= row.len() {
            return None;
        }
        let place = &row[Column(self.column)];
        let covered = |column: usize| {
            column < row.len() && row[Column(column)].flags.contains(Flags::WIDE_CHAR_SPACER)
        };
        let mut cell = Cell {
            column: u16::try_from(self.column).unwrap_or(u16::MAX),
            ch: place.c,
            combining: &[],
            fg: color(place.fg),
            bg: color(place.bg),
            attrs: attrs(place.flags),
            width: 1,
        };
        let odd = Flags::WIDE_CHAR | Flags::WIDE_CHAR_SPACER | Flags::LEADING_WIDE_CHAR_SPACER;
        if place.flags.intersects(odd) {
            // Deleting and inserting cells can leave half of a wide character behind.
            if place.flags.contains(Flags::WIDE_CHAR) && covered(self.column + 1) {
                cell.width = 2;
            } else if place.c.width() != Some(1) {
                cell.ch = ' ';
            }
        } else if place.c.is_control() {
            // The emulator leaves a tab where one was printed.
            cell.ch = ' ';
        }
        if place.extra.is_some() {
            cell.combining = marks(place, &cell);
        }
        self.column += usize::from(cell.width);
        Some(cell)
    }
}

/// The marks on a character, unless they make it wider or narrower than the place it has (variation selectors
/// do): the outer terminal's columns would drift.
fn marks<'a>(place: &'a Place, cell: &Cell<'_>) -> &'a [char] {
    let marks = place.zerowidth().unwrap_or_default();
    if marks.is_empty() || cell.ch != place.c {
        return &[];
    }
    let mut text = String::from(cell.ch);
    text.extend(marks);
    if text.width() == usize::from(cell.width) {
        marks
    } else {
        &[]
    }
}

fn color(color: ansi::Color) -> Color {
    match color {
        ansi::Color::Spec(rgb) => Color::Rgb(rgb.r, rgb.g, rgb.b),
        ansi::Color::Indexed(index) => Color::Indexed(index),
        // The sixteen stand first, then foreground, background, cursor and their like.
        ansi::Color::Named(name) => match u8::try_from(name as usize) {
            Ok(index) if index < 16 => Color::Indexed(index),
            _ => Color::Default,
        },
    }
}

fn attrs(flags: Flags) -> Attrs {
    const PAIRS: [(Flags, Attrs); 7] = [
        (Flags::BOLD, Attrs::BOLD),
        (Flags::DIM, Attrs::DIM),
        (Flags::ITALIC, Attrs::ITALIC),
        (Flags::ALL_UNDERLINES, Attrs::UNDERLINE),
        (Flags::INVERSE, Attrs::INVERSE),
        (Flags::HIDDEN, Attrs::HIDDEN),
        (Flags::STRIKEOUT, Attrs::STRIKE),
    ];
    if flags.is_empty() {
        return Attrs::NONE;
    }
    PAIRS
        .into_iter()
        .filter(|(flag, _)| flags.intersects(*flag))
        .fold(Attrs::NONE, |all, (_, attr)| all | attr)
}
