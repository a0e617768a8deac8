//! More about one queue: how deep it was of late, what went through it, who uses it.

use std::time::Duration;

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::depths;
use crate::{
    engine::door::Side,
    tui::{
        queues::{Queue, flow, history::KEPT, waiting},
        run,
        theme::Theme,
        widget::{
            format, graph,
            panel::Panel,
            text::{put, put_cut, put_right},
        },
    },
};

/// Columns of the word before a line.
const WORD: u16 = 8;

/// The graph of its depth. `is_all`: nothing else is told of it, so that its totals stand here.
pub fn history(queue: &Queue, is_all: bool, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if area.height < 3 {
        return;
    }
    let sample = &queue.sample;
    let span = format::age(Duration::from_secs(queue.depths.len() as u64));
    let dot = theme.glyphs.dot;
    let about = match is_all {
        true => format!(
            "{} {dot} put {} {dot} got {}",
            amount(sample.bytes),
            format::count(sample.put),
            format::count(sample.got)
        ),
        false => "depth of late".to_owned(),
    };
    let inside = Panel::new(sample.name.clone())
        .about(about)
        .draw(buffer, area, theme);
    let most = queue.depths.iter().copied().max().unwrap_or(0).max(1);
    let top = sample.maxsize.unwrap_or(most);
    let (top_text, oldest) = (format::count(top), format!("{span} ago"));
    let axis = graph::Axis {
        top: &top_text,
        bottom: "0",
        oldest: &oldest,
        newest: "now",
    };
    // Ten minutes in whatever columns there are; what is short keeps a column a second.
    let columns = inside.width.saturating_sub(axis.top.len() as u16 + 1);
    let values = graph::resample(&depths(queue, KEPT), usize::from(columns));
    graph::draw(buffer, inside, &values, Some(top as f64), axis, theme);
}

fn amount(bytes: u64) -> String {
    let number = format::bytes(bytes);
    match number.find(|c: char| c.is_ascii_alphabetic()) {
        Some(at) => {
            let (digits, unit) = number.split_at(at);
            format!("{digits} {unit}B")
        }
        None => format!("{number} B"),
    }
}

/// Lines in a panel, from the top.
struct Lines<'b> {
    area: Rect,
    theme: &'b Theme,
    buffer: &'b mut Buffer,
}

impl Lines<'_> {
    /// A word, and what it stands for.
    fn line(&mut self, word: &str, text: &str, style: Style) {
        if self.area.height == 0 {
            return;
        }
        let Rect { x, y, width, .. } = self.area;
        put(self.buffer, x, y, WORD, word, self.theme.dim);
        let width = width.saturating_sub(WORD);
        put_cut(
            self.buffer,
            x + WORD,
            y,
            width,
            text,
            style,
            self.theme.glyphs,
        );
        self.skip();
    }

    /// The same with numbers at the right.
    fn counted(&mut self, word: &str, text: &str, numbers: &str, style: Style) {
        if self.area.height == 0 {
            return;
        }
        let Rect { x, y, width, .. } = self.area;
        let right = u16::try_from(numbers.len()).unwrap_or(u16::MAX).min(width);
        put(self.buffer, x, y, WORD, word, self.theme.dim);
        let room = width.saturating_sub(WORD + right + 1);
        put_cut(
            self.buffer,
            x + WORD,
            y,
            room,
            text,
            style,
            self.theme.glyphs,
        );
        let place = x + width - right;
        put_right(
            self.buffer,
            place,
            y,
            right,
            numbers,
            self.theme.text,
            self.theme.glyphs,
        );
        self.skip();
    }

    fn skip(&mut self) {
        let used = 1.min(self.area.height);
        self.area.y += used;
        self.area.height -= used;
    }
}

/// What went through it, who uses it and who waits.
pub fn draw(run: &run::State, queue: &Queue, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if area.height < 3 {
        return;
    }
    let sample = &queue.sample;
    let inside = Panel::new(sample.name.clone())
        .about("in numbers")
        .draw(buffer, area, theme);
    let mut lines = Lines {
        area: inside,
        theme,
        buffer,
    };
    let holds = format!(
        "{} items, {}",
        format::of(sample.depth, sample.maxsize, theme.glyphs),
        amount(sample.bytes)
    );
    lines.line("holds", &holds, theme.text);
    let bytes = run
        .session
        .queues
        .iter()
        .find_map(|(name, queue)| (name.to_string() == sample.name).then_some(queue.maxbytes?));
    if let Some(most) = bytes {
        lines.line("", &format!("at most {}", amount(most)), theme.dim);
    }
    let numbers =
        |rate: f64, total: u64| format!("{:>8} {:>6}", format::rate(rate), format::count(total));
    for (word, bytes, total, rate) in [
        ("put", sample.put_bytes, sample.put, queue.put_rate),
        ("got", sample.got_bytes, sample.got, queue.got_rate),
    ] {
        lines.counted(word, &amount(bytes), &numbers(rate, total), theme.text);
    }
    lines.skip();
    for (word, side) in [("from", Side::Put), ("to", Side::Get)] {
        for (index, party) in flow::parties(queue, side).iter().enumerate() {
            let word = if index == 0 { word } else { "" };
            let style = match party.is_gone() {
                true => theme.dim,
                false => theme.text,
            };
            let label = match (party.kind.as_str(), party.tasks) {
                ("", _) => "others".to_owned(),
                (kind, 0) => format!("{kind} (gone)"),
                (_, 1) if !party.task.is_empty() => party.task.clone(),
                (kind, tasks) => format!("{kind} {}{tasks}", theme.glyphs.times),
            };
            lines.counted(word, &label, &numbers(party.rate, party.total), style);
        }
    }
    for (word, side, style) in [
        ("waits", Side::Put, theme.warning),
        ("waits", Side::Get, theme.dim),
    ] {
        let waiting = waiting::at(sample, side);
        if waiting.number > 0 {
            let text = format!("to {}: {}", side.word(), waiting.in_short(theme.glyphs));
            lines.line(word, &text, style);
        }
    }
}
