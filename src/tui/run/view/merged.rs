//! All lines of a group as they came.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{Run, amount, centred, put, width};
use crate::{
    model::ids::ProcessId,
    tui::{theme::Theme, widget::panel::Panel},
};

/// Draws them.
pub fn draw(run: &Run, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let Some(merged) = &run.merged else { return };
    let mut right = Vec::new();
    if let Some(filter) = &merged.filter {
        right.push(format!("only /{filter}/"));
    }
    match merged.left_out(&run.facts) {
        0 => {}
        count => right.push(format!("{count} more ranks are not followed")),
    }
    if merged.by_rank {
        right.push("from the logs, rank after rank".to_owned());
    }
    if merged.skipped > 0 {
        right.push(format!("{} not shown", amount(merged.skipped)));
    }
    if merged.offset > 0 {
        right.push(format!("{} {} lines back", theme.glyphs.up, merged.offset));
    }
    let title = format!("{} all in one", merged.of);
    let frame = Panel::new(title).right(right.join(" ")).focused(true);
    let inside = frame.draw(buffer, area, theme);
    let height = usize::from(inside.height);
    let lines: Vec<_> = merged
        .shown()
        .rev()
        .skip(merged.offset)
        .take(height)
        .collect();
    let one_group = run.facts.groups.len() == 1;
    let name = |process: &ProcessId| match one_group {
        true => format!("{}.{}", process.template, process.rank),
        false => process.to_string(),
    };
    let longest = lines
        .iter()
        .map(|line| width(&name(&line.process)))
        .max()
        .unwrap_or(0);
    for (row, line) in (0u16..).zip(lines.iter().rev()) {
        let y = inside.y + row;
        let colour = theme.rank(number(&line.process));
        let prefix = format!("{:<1$}", name(&line.process), usize::from(longest));
        put(
            buffer,
            Rect::new(inside.x, y, inside.width, 1),
            &prefix,
            colour,
        );
        let bar = Rect::new(
            inside.x + longest,
            y,
            inside.width.saturating_sub(longest),
            1,
        );
        put(buffer, bar, &format!(" {} ", theme.glyphs.pipe), theme.dim);
        let text = Rect::new(bar.x + 3, y, bar.width.saturating_sub(3), 1);
        put(buffer, text, &line.text, theme.text);
        if let Some(pattern) = &run.search {
            for found in pattern.find_iter(&line.text).take(64) {
                let from = width(&line.text[..found.start()]);
                let hit = Rect::new(text.x.saturating_add(from), y, width(found.as_str()), 1);
                buffer.set_style(hit.intersection(text), theme.search_hit);
            }
        }
    }
    if lines.is_empty() {
        let text = match merged.waiting {
            Some(_) => "reading the logs",
            None if !run.is_live() => "nothing was printed",
            None => "lines that come from now on are shown here",
        };
        centred(text, theme.dim, inside, buffer);
    }
}

/// A number for the colour of a rank: ranks of one template follow each other.
fn number(process: &ProcessId) -> usize {
    let name = process.template.as_str().bytes();
    let base = name.fold(0usize, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    base.wrapping_add(process.rank as usize)
}
