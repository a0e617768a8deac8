//! How two runs are drawn side by side.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::{Change, Compared, Side, Sums};
use crate::{
    record::civil::utc_text,
    term::plain_text,
    tui::{
        runs::view::length,
        theme::{Glyphs, Theme},
        widget::{
            format,
            panel::Panel,
            text::{put, put_cut, put_right},
        },
    },
};

/// Columns of a name at the left, of a value, and of the least that is left for how the two differ.
const NAME: u16 = 26;
const VALUE: u16 = 20;
const CHANGE: u16 = 10;

/// How many lines it takes to show all of it.
pub fn line_count(compared: &Compared, glyphs: &'static Glyphs) -> usize {
    rows(compared, &Theme::bare("", glyphs)).len() + 2 + compared.changes.len()
}

/// How many of them are seen in an area.
pub fn height(area: Rect) -> usize {
    usize::from(area.height.saturating_sub(2))
}

/// Draws two runs, from line `first` on.
pub fn draw(compared: &Compared, first: usize, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let rows = rows(compared, theme);
    let count = rows.len() + 2 + compared.changes.len();
    let height = height(area);
    let first = first.min(count.saturating_sub(height));
    let panel = Panel::new("two runs")
        .focused(true)
        .footer(match count > height {
            true => format::place(first + height.saturating_sub(1), count),
            false => String::new(),
        });
    let inside = panel.draw(buffer, area, theme);
    let mut lines = (inside.top()..inside.bottom()).map(|y| Rect {
        y,
        height: 1,
        ..inside
    });
    for (row, line) in rows.iter().skip(first).zip(lines.by_ref()) {
        draw_row(row, line, theme, buffer);
    }
    let mut left = first.saturating_sub(rows.len());
    let title = match compared.changes.is_empty() {
        true => "the sessions are the same",
        false => "where the sessions differ",
    };
    for (text, style) in [("", theme.text), (title, theme.title)] {
        if left > 0 {
            left -= 1;
        } else if let Some(line) = lines.next() {
            put(buffer, line.x, line.y, line.width, text, style);
        }
    }
    for (change, line) in compared.changes.iter().skip(left).zip(lines) {
        let (sign, number, text, style) = match change {
            Change::Old(number, text) => ("-", number, text, theme.error),
            Change::New(number, text) => ("+", number, text, theme.ok),
        };
        let number = format!("{number:>5} ");
        let used = put(buffer, line.x, line.y, line.width, &number, theme.dim);
        let text = format!("{sign} {}", plain_text::one_line(text));
        let (x, width) = (line.x + used, line.width - used);
        put_cut(buffer, x, line.y, width, &text, style, theme.glyphs);
    }
}

fn draw_row(row: &Row, line: Rect, theme: &Theme, buffer: &mut Buffer) {
    // What tells the runs apart is not cut before what is said of them.
    let value = VALUE.min(line.width / 3);
    let name = line.width.saturating_sub(2 * value + CHANGE);
    let name = name.clamp(line.width.min(8), NAME);
    let (y, glyphs) = (line.y, theme.glyphs);
    put_cut(
        buffer,
        line.x,
        y,
        name.saturating_sub(1),
        &row.name,
        row.style,
        glyphs,
    );
    let mut x = line.x + name;
    let style = if row.differs { theme.text } else { theme.dim };
    for text in &row.values {
        let width = value.saturating_sub(2);
        put_right(buffer, x + 2, y, width, text, style, glyphs);
        x += value;
    }
    let rest = line.right().saturating_sub(x + 2);
    put(buffer, x + 2, y, rest, &row.change, theme.info);
}

struct Row {
    name: String,
    values: [String; 2],
    differs: bool,
    /// How the newer one is against the older.
    change: String,
    style: Style,
}

fn rows(compared: &Compared, theme: &Theme) -> Vec<Row> {
    let mut rows = Vec::new();
    let sides = &compared.sides;
    let mut row = |name: &str, style: Style, change: String, value: &dyn Fn(&Side) -> String| {
        let values = [value(&sides[0]), value(&sides[1])];
        rows.push(Row {
            name: name.to_owned(),
            differs: values[0] != values[1],
            values,
            change,
            style,
        });
    };
    let text = theme.dim;
    let number = |of: &dyn Fn(&Side) -> f64| change(of(&sides[0]), of(&sides[1]), theme);
    row("run", text, String::new(), &|side| side.listed.id.clone());
    row("session", text, String::new(), &|side| {
        side.listed.session.clone()
    });
    row("started (UTC)", text, String::new(), &|side| {
        utc_text(side.listed.started)
    });
    row("outcome", text, String::new(), &|side| {
        side.listed.word().into_owned()
    });
    row("took", text, number(&|side| side.summary.took()), &|side| {
        length(side.summary.took())
    });
    row("ranks", text, String::new(), &|side| {
        side.summary.ranks.total.to_string()
    });
    row("failed", text, String::new(), &|side| {
        side.summary.ranks.failed.to_string()
    });
    row("started again", text, String::new(), &|side| {
        side.summary.restarts.to_string()
    });
    row(
        "cpu",
        text,
        number(&|side| side.summary.cpu_seconds),
        &|side| length(side.summary.cpu_seconds),
    );
    row(
        "memory, largest process",
        text,
        number(&|side| side.summary.peak_memory as f64),
        &|side| format::bytes(side.summary.peak_memory),
    );
    for name in compared.templates() {
        let of = |side: &Side| side.templates.get(name).cloned();
        let none = || theme.glyphs.none.to_owned();
        let told = |of_sums: &dyn Fn(&Sums) -> String| {
            let of_sums = |side: &Side| of(side).map_or_else(none, |sums| of_sums(&sums));
            [of_sums(&sides[0]), of_sums(&sides[1])]
        };
        let number = |of_sums: &dyn Fn(&Sums) -> f64| {
            let [old, new] = [of(&sides[0]), of(&sides[1])];
            match (old, new) {
                (Some(old), Some(new)) => change(of_sums(&old), of_sums(&new), theme),
                _ => String::new(),
            }
        };
        let mut add = |label: String, style: Style, values: [String; 2], change: String| {
            rows.push(Row {
                name: label,
                differs: values[0] != values[1],
                values,
                change,
                style,
            });
        };
        let counts = told(&|sums| {
            let failed = match sums.failed {
                0 => String::new(),
                failed => format!(", {failed} {}", theme.glyphs.failed),
            };
            format!(
                "{} {}{failed} of {}",
                sums.well, theme.glyphs.succeeded, sums.ranks
            )
        });
        add(name.to_owned(), theme.text, counts, String::new());
        let means = told(&|sums| sums.mean().map_or_else(none, length));
        add(
            "  a life took".to_owned(),
            text,
            means,
            number(&|sums| sums.mean().unwrap_or(0.0)),
        );
        let longest = told(&|sums| length(sums.longest));
        add(
            "  the longest".to_owned(),
            text,
            longest,
            number(&|sums| sums.longest),
        );
        let cpu = told(&|sums| length(sums.cpu));
        add("  cpu".to_owned(), text, cpu, number(&|sums| sums.cpu));
        let memory = told(&|sums| format::bytes(sums.memory));
        add(
            "  memory".to_owned(),
            text,
            memory,
            number(&|sums| sums.memory as f64),
        );
    }
    rows
}

/// A number against the one before: `+12%`, `×3.1`; nothing where both are as good as equal.
fn change(old: f64, new: f64, theme: &Theme) -> String {
    if old <= 0.0 || new <= 0.0 {
        return String::new();
    }
    let ratio = new / old;
    match ratio {
        0.98..1.02 => String::new(),
        1.02..2.0 => format!("+{:.0}%", (ratio - 1.0) * 100.0),
        0.5..0.98 => format!("{}{:.0}%", theme.glyphs.minus, (1.0 - ratio) * 100.0),
        ratio if ratio >= 2.0 => format!("{}{ratio:.1}", theme.glyphs.times),
        ratio => format!("1/{:.1}", 1.0 / ratio),
    }
}
