//! A part of the screen with a thin line around it, its title in the line.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::text;
use crate::tui::theme::Theme;

/// A frame. The titles stand in the upper line, the footer in the lower one at the right.
#[derive(Debug, Clone, Default)]
pub struct Panel<'a> {
    /// At the left; without styles of its own it gets that of titles.
    pub title: Line<'a>,
    /// After the title, less loud: `── node02 gpu 0 · pid 4711`.
    pub about: Line<'a>,
    /// At the right: a number, a key.
    pub right: Line<'a>,
    /// In the lower line at the right: `12 of 340`.
    pub footer: Line<'a>,
    /// Whether it has the keyboard.
    pub focused: bool,
}

impl<'a> Panel<'a> {
    /// One with a title.
    pub fn new(title: impl Into<Line<'a>>) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }

    /// With more about it after the title.
    #[must_use]
    pub fn about(mut self, about: impl Into<Line<'a>>) -> Self {
        self.about = about.into();
        self
    }

    /// With something at the right of the upper line.
    #[must_use]
    pub fn right(mut self, right: impl Into<Line<'a>>) -> Self {
        self.right = right.into();
        self
    }

    /// With something at the right of the lower line.
    #[must_use]
    pub fn footer(mut self, footer: impl Into<Line<'a>>) -> Self {
        self.footer = footer.into();
        self
    }

    /// With the keyboard, or not.
    #[must_use]
    pub fn focused(mut self, focused: bool) -> Self {
        self.focused = focused;
        self
    }

    /// What lies inside of a frame.
    pub fn inner(area: Rect) -> Rect {
        if area.width < 2 || area.height < 2 {
            return Rect {
                width: 0,
                height: 0,
                ..area
            };
        }
        Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2)
    }

    /// Draws it; gives what lies inside.
    pub fn draw(&self, buf: &mut Buffer, area: Rect, theme: &Theme) -> Rect {
        let inner = Panel::inner(area);
        if area.width < 2 || area.height < 2 {
            return inner;
        }
        let (border, edge) = (&theme.glyphs.border, theme.edge(self.focused));
        let (last_x, last_y) = (area.right() - 1, area.bottom() - 1);
        for x in area.x + 1..last_x {
            text::put(buf, x, area.y, 1, border.horizontal, edge);
            text::put(buf, x, last_y, 1, border.horizontal, edge);
        }
        for y in area.y + 1..last_y {
            text::put(buf, area.x, y, 1, border.vertical, edge);
            text::put(buf, last_x, y, 1, border.vertical, edge);
        }
        text::put(buf, area.x, area.y, 1, border.top_left, edge);
        text::put(buf, last_x, area.y, 1, border.top_right, edge);
        text::put(buf, area.x, last_y, 1, border.bottom_left, edge);
        text::put(buf, last_x, last_y, 1, border.bottom_right, edge);
        self.titles(buf, area, theme);
        inner
    }

    /// A line across the frame with a title of its own: a panel in two parts.
    pub fn divide(&self, buf: &mut Buffer, area: Rect, y: u16, title: &Line<'_>, theme: &Theme) {
        if area.width < 2 || y <= area.y || y + 1 >= area.bottom() {
            return;
        }
        let (border, edge) = (&theme.glyphs.border, theme.edge(self.focused));
        for x in area.x..area.right() {
            text::put(buf, x, y, 1, border.horizontal, edge);
        }
        text::put(buf, area.x, y, 1, border.tee_right, edge);
        text::put(buf, area.right() - 1, y, 1, border.tee_left, edge);
        let title = title.clone().patch_style(theme.dim.patch(title.style));
        label(buf, area.x + 1, y, area.width - 2, &title, theme);
    }

    /// The titles at the left come first, the right one has what is left, and is left out before it is cut.
    fn titles(&self, buf: &mut Buffer, area: Rect, theme: &Theme) {
        let (x, width) = (area.x + 1, area.width - 2);
        let focus = if self.focused {
            theme.title.patch(theme.accent)
        } else {
            theme.title
        };
        let title = self.title.clone().style(focus.patch(self.title.style));
        let mut used = label(buf, x, area.y, width, &title, theme);
        if self.about.width() > 0 && width > used + 8 {
            // One column of the line between the two.
            let about = self.about.clone().style(theme.dim.patch(self.about.style));
            used += 1;
            used += label(buf, x + used, area.y, width - used, &about, theme);
        }
        let needed = u16::try_from(self.right.width()).unwrap_or(u16::MAX);
        if needed > 0 && needed.saturating_add(3) <= width.saturating_sub(used) {
            let right = self.right.clone().style(theme.dim.patch(self.right.style));
            label(
                buf,
                x + width - needed - 3,
                area.y,
                needed + 2,
                &right,
                theme,
            );
        }
        let needed = u16::try_from(self.footer.width()).unwrap_or(u16::MAX);
        if needed > 0 && needed.saturating_add(3) <= width {
            let footer = self
                .footer
                .clone()
                .style(theme.dim.patch(self.footer.style));
            label(
                buf,
                x + width - needed - 3,
                area.bottom() - 1,
                needed + 2,
                &footer,
                theme,
            );
        }
    }
}

/// A text with a blank at either side, into a line. Gives the columns it took.
fn label(buf: &mut Buffer, x: u16, y: u16, width: u16, line: &Line<'_>, theme: &Theme) -> u16 {
    if line.width() == 0 || width < 3 {
        return 0;
    }
    let style = line.style;
    let mut used = text::put(buf, x, y, 1, " ", style);
    let room = width - 2;
    let fits = line.width() <= usize::from(room);
    let shown = if fits { room } else { room - 1 };
    used += text::put_line(buf, x + used, y, shown, line);
    if !fits {
        used += text::put(buf, x + used, y, 1, theme.glyphs.ellipsis, style);
    }
    used + text::put(buf, x + used, y, 1, " ", style)
}
