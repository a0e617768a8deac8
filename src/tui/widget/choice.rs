//! A value of a form that is chosen: one of a few words, or a number.

use ratatui::{buffer::Buffer, layout::Rect};

use super::text;
use crate::tui::theme::Theme;

/// Draws `( pane )  DEVNULL  file`: all the words, the chosen one in brackets. Gives where each lies; what does
/// not fit is left out, but never the chosen one.
pub fn words(
    buf: &mut Buffer,
    area: Rect,
    words: &[&str],
    chosen: usize,
    focused: bool,
    theme: &Theme,
) -> Vec<Rect> {
    let width = |at: usize| {
        let word = words.get(at).map_or(0, |word| text::columns(word));
        if at == chosen {
            word.saturating_add(4)
        } else {
            word
        }
    };
    // Short of room the first words give way.
    let mut first = 0;
    let needed = |first: usize| -> u16 {
        (first..=chosen).fold(0, |sum: u16, at| {
            sum.saturating_add(width(at)).saturating_add(2)
        })
    };
    while first < chosen && needed(first) > area.width.saturating_add(2) {
        first += 1;
    }
    let nowhere = Rect {
        width: 0,
        height: 0,
        ..area
    };
    let mut places = vec![nowhere; words.len()];
    if area.is_empty() {
        return places;
    }
    let mut x = area.x;
    for (at, word) in words.iter().enumerate().skip(first) {
        let room = area.right().saturating_sub(x);
        if room < width(at) && at != chosen {
            break;
        }
        let style = match (at == chosen, focused) {
            (true, true) => theme.title.patch(theme.accent),
            (true, false) => theme.text,
            _ => theme.dim,
        };
        let shown = if at == chosen {
            format!(
                "( {} )",
                text::cut(word, room.saturating_sub(4), theme.glyphs)
            )
        } else {
            (*word).to_owned()
        };
        let used = text::put_cut(buf, x, area.y, room, &shown, style, theme.glyphs);
        if let Some(place) = places.get_mut(at) {
            *place = Rect::new(x, area.y, used, 1);
        }
        x += used + 2;
    }
    places
}

/// Draws `◂ 3 ▸`. Gives where less and more lie.
pub fn number(
    buf: &mut Buffer,
    area: Rect,
    value: &str,
    focused: bool,
    theme: &Theme,
) -> (Rect, Rect) {
    let nowhere = Rect {
        width: 0,
        height: 0,
        ..area
    };
    if area.is_empty() {
        return (nowhere, nowhere);
    }
    if area.width < 5 {
        text::put_cut(
            buf,
            area.x,
            area.y,
            area.width,
            value,
            theme.text,
            theme.glyphs,
        );
        return (nowhere, nowhere);
    }
    let (arrow, number) = if focused {
        (theme.accent, theme.title.patch(theme.accent))
    } else {
        (theme.dim, theme.text)
    };
    text::put(buf, area.x, area.y, 1, theme.glyphs.less, arrow);
    let used = text::put_cut(
        buf,
        area.x + 2,
        area.y,
        area.width - 4,
        value,
        number,
        theme.glyphs,
    );
    let more = area.x + 3 + used;
    text::put(buf, more, area.y, 1, theme.glyphs.more, arrow);
    (
        Rect::new(area.x, area.y, 1, 1),
        Rect::new(more, area.y, 1, 1),
    )
}
