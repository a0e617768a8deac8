//! How panes share the space: how many fit, and where each is.
//!
//! Pure arithmetic on rectangles. Never knows what is in a pane. Start at [`split`].

use ratatui::layout::Rect;

/// A pane narrower or lower than this, border included, is of no use.
const MIN_WIDTH: u16 = 40;
const MIN_HEIGHT: u16 = 6;

/// Columns are made only as long as each pane keeps about this width.
const GOOD_WIDTH: u16 = 60;

/// The most panes that are shown unless the user asks for more.
const AUTO_MAX: usize = 9;

/// How many panes the user wants to see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layout {
    /// As many as fit well.
    #[default]
    Auto,
    /// So many, if they fit at all.
    Fixed(usize),
}

impl Layout {
    const ROUND: [Layout; 7] = [
        Layout::Auto,
        Layout::Fixed(1),
        Layout::Fixed(2),
        Layout::Fixed(4),
        Layout::Fixed(6),
        Layout::Fixed(9),
        Layout::Fixed(16),
    ];

    /// The next one when the user goes through them.
    pub fn next(self) -> Self {
        let at = Self::ROUND.iter().position(|layout| *layout == self);
        let next = at.map_or(0, |at| (at + 1) % Self::ROUND.len());
        Self::ROUND[next]
    }

    /// In a word.
    pub fn name(self) -> String {
        match self {
            Layout::Auto => "auto".to_owned(),
            Layout::Fixed(1) => "1 pane".to_owned(),
            Layout::Fixed(count) => format!("{count} panes"),
        }
    }

    /// How many panes of `wanted` are shown at a time in this area; at least one.
    pub fn capacity(self, area: Rect, wanted: usize) -> usize {
        let columns = usize::from((area.width / MIN_WIDTH).max(1));
        let rows = usize::from((area.height / MIN_HEIGHT).max(1));
        let count = match self {
            Layout::Auto => {
                let columns = usize::from((area.width / GOOD_WIDTH).max(1));
                (columns * rows).min(AUTO_MAX)
            }
            Layout::Fixed(count) => count.min(columns * rows),
        };
        count.min(wanted).max(1)
    }
}

/// Divides an area between `count` panes: row by row, as wide as they may be without becoming flat.
pub fn split(area: Rect, count: usize) -> Vec<Rect> {
    if count == 0 || area.is_empty() {
        return Vec::new();
    }
    let widest = usize::from((area.width / MIN_WIDTH).max(1));
    let fits = |columns: usize| {
        let rows = count.div_ceil(columns);
        usize::from(area.height) / rows >= usize::from(MIN_HEIGHT)
    };
    let good = usize::from((area.width / GOOD_WIDTH).max(1));
    // A square of panes, unless that makes them narrow; more columns only where they would be too low otherwise.
    let square = (1..).find(|side| side * side >= count).unwrap_or(1);
    let mut columns = square.min(good).max(1);
    while columns < widest && !fits(columns) {
        columns += 1;
    }
    let rows = count.div_ceil(columns);
    let mut tiles = Vec::with_capacity(count);
    for row in 0..rows {
        let first = row * columns;
        let here = columns.min(count - first);
        let (top, bottom) = share(area.height, rows, row);
        for column in 0..here {
            let (left, right) = share(area.width, here, column);
            tiles.push(Rect {
                x: area.x + left,
                y: area.y + top,
                width: right - left,
                height: bottom - top,
            });
        }
    }
    tiles
}

/// Begin and end of one of `parts` equal shares of a length.
fn share(length: u16, parts: usize, index: usize) -> (u16, u16) {
    let at = |index: usize| (usize::from(length) * index / parts) as u16;
    (at(index), at(index + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(width: u16, height: u16) -> Rect {
        Rect::new(3, 2, width, height)
    }

    #[test]
    fn panes_cover_the_area_and_do_not_overlap() {
        for (width, height) in [(1, 1), (80, 22), (78, 37), (200, 60), (39, 5)] {
            for count in 1..20 {
                let tiles = split(area(width, height), count);
                let cells: u32 = tiles.iter().map(|tile| tile.area()).sum();
                assert_eq!(
                    cells,
                    area(width, height).area(),
                    "{width}×{height}, {count}"
                );
                for (index, tile) in tiles.iter().enumerate() {
                    for other in &tiles[index + 1..] {
                        assert!(!tile.intersects(*other), "{width}×{height}, {count}");
                    }
                }
            }
        }
    }

    #[test]
    fn two_panes_stand_one_above_the_other_until_there_is_width_for_both() {
        let above = split(area(78, 37), 2);
        assert_eq!((above[0].width, above[1].width), (78, 78));
        let beside = split(area(160, 37), 2);
        assert_eq!((beside[0].height, beside[1].height), (37, 37));
    }

    #[test]
    fn no_more_panes_are_shown_than_can_be_read() {
        assert_eq!(Layout::Auto.capacity(area(78, 22), 1_000), 3);
        assert_eq!(Layout::Fixed(16).capacity(area(78, 22), 1_000), 3);
        assert_eq!(Layout::Fixed(2).capacity(area(200, 60), 1_000), 2);
        assert_eq!(Layout::Auto.capacity(area(200, 60), 4), 4);
        assert_eq!(Layout::Auto.capacity(area(1, 1), 4), 1);
    }

    #[test]
    fn going_through_the_layouts_comes_back_to_the_first() {
        let mut layout = Layout::Auto;
        for _ in Layout::ROUND {
            layout = layout.next();
        }
        assert_eq!(layout, Layout::Auto);
    }
}
