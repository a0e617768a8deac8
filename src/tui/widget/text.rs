//! Writing into a buffer without ever leaving it.
//!
//! Owns clipping, cutting with an ellipsis, and columns. Control characters are not drawn.

use std::borrow::Cow;

use ratatui::{buffer::Buffer, layout::Rect, style::Style, text::Line};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::tui::theme::Glyphs;

/// Columns that a text takes; at most `u16::MAX`.
pub fn columns(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// Writes a text into at most `width` columns; gives how many it took. What lies outside of the buffer is
/// left out.
pub fn put(buf: &mut Buffer, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
    let width = room(buf, x, y, width);
    if width == 0 {
        return 0;
    }
    let (end, _) = buf.set_stringn(x, y, text, usize::from(width), style);
    end - x
}

/// The same for a line of several styles.
pub fn put_line(buf: &mut Buffer, x: u16, y: u16, width: u16, line: &Line<'_>) -> u16 {
    let mut used = 0;
    for span in &line.spans {
        let style = line.style.patch(span.style);
        used += put(
            buf,
            x.saturating_add(used),
            y,
            width.saturating_sub(used),
            &span.content,
            style,
        );
    }
    used
}

/// Writes a text so that it ends where the `width` columns end; one that is longer is cut.
pub fn put_right(
    buf: &mut Buffer,
    x: u16,
    y: u16,
    width: u16,
    text: &str,
    style: Style,
    glyphs: &Glyphs,
) -> u16 {
    let text = cut(text, width, glyphs);
    let free = width.saturating_sub(columns(&text));
    put(
        buf,
        x.saturating_add(free),
        y,
        width.saturating_sub(free),
        &text,
        style,
    )
}

/// Writes a text, with an ellipsis where it does not fit.
pub fn put_cut(
    buf: &mut Buffer,
    x: u16,
    y: u16,
    width: u16,
    text: &str,
    style: Style,
    glyphs: &Glyphs,
) -> u16 {
    put(buf, x, y, width, &cut(text, width, glyphs), style)
}

/// As much of the beginning as fits into `width` columns, with an ellipsis if that is not all.
pub fn cut<'t>(text: &'t str, width: u16, glyphs: &Glyphs) -> Cow<'t, str> {
    if text.width() <= usize::from(width) {
        return Cow::Borrowed(text);
    }
    let room = usize::from(width).saturating_sub(glyphs.ellipsis.width());
    let mut used = 0;
    let fitting = text.chars().take_while(|c| {
        used += c.width().unwrap_or(0);
        used <= room
    });
    let mut kept: String = fitting.collect();
    if width > 0 {
        kept.push_str(glyphs.ellipsis);
    }
    Cow::Owned(kept)
}

/// As much of the end as fits, with an ellipsis before it: the better half of a path.
pub fn cut_left<'t>(text: &'t str, width: u16, glyphs: &Glyphs) -> Cow<'t, str> {
    if text.width() <= usize::from(width) {
        return Cow::Borrowed(text);
    }
    if width == 0 {
        return Cow::Borrowed("");
    }
    let room = usize::from(width).saturating_sub(glyphs.ellipsis.width());
    let mut used = 0;
    let mut from = text.len();
    for (at, c) in text.char_indices().rev() {
        used += c.width().unwrap_or(0);
        if used > room {
            break;
        }
        from = at;
    }
    Cow::Owned(format!(
        "{}{}",
        glyphs.ellipsis,
        text.get(from..).unwrap_or_default()
    ))
}

/// Tabs as blanks, up to the next of every eight columns: where a terminal would go.
pub fn untabbed(text: String) -> String {
    if !text.contains('\t') {
        return text;
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut used = 0;
    for c in text.chars() {
        if c == '\t' {
            let blanks = 8 - used % 8;
            shown.extend(std::iter::repeat_n(' ', blanks));
            used += blanks;
        } else {
            shown.push(c);
            used += c.width().unwrap_or(0);
        }
    }
    shown
}

/// A text without its first columns, in so many columns, with an ellipsis where something is missing.
pub fn slice(text: &str, from: usize, width: u16, glyphs: &Glyphs) -> String {
    if from == 0 {
        return cut(text, width, glyphs).into_owned();
    }
    let room = usize::from(width).saturating_sub(glyphs.ellipsis.width());
    let mut used = 0;
    let begin = text.char_indices().find(|(_, c)| {
        let is_it = used >= from + glyphs.ellipsis.width();
        used += c.width().unwrap_or(0);
        is_it
    });
    let Some((begin, _)) = begin.filter(|_| room > 0) else {
        return String::new();
    };
    let rest = text.get(begin..).unwrap_or_default();
    let rest = cut(rest, u16::try_from(room).unwrap_or(u16::MAX), glyphs);
    format!("{}{rest}", glyphs.ellipsis)
}

/// A text in lines of at most so many columns, broken between words; a word that is longer is broken too.
pub fn wrapped(text: &str, width: u16) -> Vec<String> {
    let width = usize::from(width.max(1));
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        if used > 0 && used + 1 + word.width() > width {
            lines.push(String::new());
            used = 0;
        }
        let Some(mut line) = lines.last_mut() else {
            break;
        };
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        for c in word.chars() {
            let columns = c.width().unwrap_or(0);
            if used > 0 && used + columns > width {
                lines.push(String::new());
                used = 0;
                match lines.last_mut() {
                    Some(next) => line = next,
                    None => break,
                }
            }
            line.push(c);
            used += columns;
        }
    }
    lines
}

/// Gives every cell of an area a style and a blank.
pub fn fill(buf: &mut Buffer, area: Rect, style: Style) {
    let area = area.intersection(buf.area);
    for position in area.positions() {
        if let Some(cell) = buf.cell_mut(position) {
            cell.reset();
            cell.set_style(style);
        }
    }
}

/// Columns that are free from a place on, at most `width`.
fn room(buf: &Buffer, x: u16, y: u16, width: u16) -> u16 {
    let area = buf.area;
    let inside = (area.top()..area.bottom()).contains(&y) && x >= area.left();
    if inside {
        width.min(area.right().saturating_sub(x))
    } else {
        0
    }
}
