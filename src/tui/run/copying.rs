//! Choosing what is copied: with the mouse or with keys, in a pane or among the merged lines.
//!
//! Owns [`Selection`], a piece of one pane. The pane stands still while there is one, so that its lines keep their
//! places. Start at [`select`], [`drag`] and [`copy`].

use ratatui::layout::{Position, Rect};

use super::{Focus, State as Run};
use crate::{
    model::{event::Level, ids::ProcessId},
    term::Screen,
    tui::{keymap::Action, message::Effect, state::State},
};

/// Bytes that are copied at most: a terminal takes no more.
const COPY_MAX: usize = 100 << 10;

/// A line of a pane's screen (0 is the topmost one of the newest, negative those above) and a column.
type Place = (i32, u16);

/// A piece of a pane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Whose pane.
    pub process: ProcessId,
    /// Where it began.
    from: Place,
    /// Where it ends.
    to: Place,
    /// It is of whole lines.
    by_lines: bool,
    /// The mouse was moved since it was pressed.
    is_moved: bool,
    /// The pane stood still before.
    was_paused: bool,
}

impl Selection {
    fn bounds(&self) -> (Place, Place) {
        let (from, to) = (self.from.min(self.to), self.from.max(self.to));
        match self.by_lines {
            true => ((from.0, 0), (to.0, u16::MAX)),
            false => (from, to),
        }
    }

    /// Whether this cell is part of it.
    pub fn covers(&self, line: i32, column: u16) -> bool {
        let (from, to) = self.bounds();
        (self.by_lines || self.is_moved) && from <= (line, column) && (line, column) <= to
    }

    /// What it says; a line that was broken for want of room is whole.
    fn text(&self, screen: &Screen) -> String {
        let ((first, left), (last, right)) = self.bounds();
        let mut text = String::new();
        for line in first..=last {
            let from = if line == first { left } else { 0 };
            let to = if line == last { right } else { u16::MAX };
            let is_broken = screen.is_wrapped(line) && line != last;
            let begin = text.len();
            for cell in screen.line(line) {
                if (from..=to).contains(&cell.column) {
                    cell.push_to(&mut text);
                }
            }
            if !is_broken {
                text.truncate(begin + text[begin..].trim_end_matches(' ').len());
                text.push('\n');
            }
        }
        text
    }
}

/// Begins to choose lines, or gives up.
pub fn select(state: &mut State) {
    let Some(run) = &mut state.run else { return };
    if let Some(merged) = &mut run.merged {
        return merged.select();
    }
    if run.selection.is_some() {
        return end(run);
    }
    run.focus = Focus::Pane;
    if let Some(pane) = run.current_pane() {
        let last = i32::from(pane.screen.size().rows) - 1;
        let view = 0..=last;
        let offset = i32::try_from(pane.screen.offset()).unwrap_or(0);
        let is_used = |line: &i32| !pane.screen.line_text(*line).trim().is_empty();
        let line = view.rev().map(|row| row - offset).find(is_used);
        begin(run, None, (line.unwrap_or(-offset), 0), true);
    }
}

fn begin(run: &mut Run, process: Option<ProcessId>, at: Place, by_lines: bool) {
    end(run);
    let Some(process) = process.or_else(|| run.current()) else {
        return;
    };
    let Some(pane) = run.pane(&process) else {
        return;
    };
    let was_paused = std::mem::replace(&mut pane.paused, true);
    run.selection = Some(Selection {
        process,
        from: at,
        to: at,
        by_lines,
        is_moved: false,
        was_paused,
    });
}

/// Nothing is chosen any more.
pub fn end(run: &mut Run) {
    if let Some(selection) = run.selection.take()
        && let Some(pane) = run.pane(&selection.process)
    {
        pane.paused = selection.was_paused;
    }
}

/// A key while something is chosen.
pub fn extend(run: &mut Run, action: Action, page: isize) -> bool {
    let Some(mut selection) = run.selection.take() else {
        return false;
    };
    let Some(pane) = run.pane(&selection.process) else {
        return false;
    };
    let rows = i32::from(pane.screen.size().rows);
    let first = -i32::try_from(pane.screen.history()).unwrap_or(i32::MAX);
    let page = i32::try_from(page).unwrap_or(1);
    let line = selection.to.0;
    let line = match action {
        Action::Up => line - 1,
        Action::Down => line + 1,
        Action::PageUp => line.saturating_sub(page),
        Action::PageDown => line.saturating_add(page),
        Action::Home => first,
        Action::End => rows - 1,
        Action::Back => {
            run.selection = Some(selection);
            end(run);
            return true;
        }
        _ => {
            run.selection = Some(selection);
            end(run);
            return false;
        }
    };
    selection.to.0 = line.clamp(first, rows - 1);
    let top = -i32::try_from(pane.screen.offset()).unwrap_or(i32::MAX);
    let top = top.clamp(selection.to.0 - rows + 1, selection.to.0);
    let offset = usize::try_from(-top).unwrap_or(0);
    pane.screen.scroll_to(offset);
    run.selection = Some(selection);
    true
}

/// The mouse was pressed on a pane.
pub fn press(run: &mut Run, at: Position) {
    end(run);
    if run.merged.is_some() {
        return;
    }
    let pane = run
        .panes
        .iter()
        .find(|(_, area)| inside(*area).contains(at));
    if let Some((pane, area)) = pane {
        let (process, place) = (pane.process.clone(), place(&pane.screen, *area, at));
        begin(run, Some(process), place, false);
    }
}

/// The mouse was moved while it is pressed.
pub fn drag(run: &mut Run, at: Position) {
    let Some(mut selection) = run.selection.take() else {
        return;
    };
    let pane = run
        .panes
        .iter()
        .find(|(pane, _)| pane.process == selection.process);
    if let Some((pane, area)) = pane {
        selection.to = place(&pane.screen, *area, at);
        selection.is_moved |= selection.to != selection.from;
    }
    run.selection = Some(selection);
}

/// The mouse was let go: what was dragged over is copied.
pub fn release(state: &mut State) {
    let Some(run) = &mut state.run else { return };
    let Some(selection) = run.selection.as_ref().filter(|it| !it.by_lines) else {
        return;
    };
    match selection.is_moved {
        true => copy(state),
        false => end(run),
    }
}

fn inside(area: Rect) -> Rect {
    Rect::new(
        area.x + 1,
        area.y + 1,
        area.width.saturating_sub(2),
        area.height.saturating_sub(2),
    )
}

/// The place of a pane that is there on the screen, or the nearest one.
fn place(screen: &Screen, area: Rect, at: Position) -> Place {
    let area = inside(area);
    let row =
        at.y.clamp(area.y, area.bottom().saturating_sub(1).max(area.y)) - area.y;
    let column =
        at.x.clamp(area.x, area.right().saturating_sub(1).max(area.x)) - area.x;
    let offset = i32::try_from(screen.offset()).unwrap_or(0);
    (i32::from(row) - offset, column)
}

/// Copies what is chosen, else what is seen.
pub fn copy(state: &mut State) {
    let height = usize::from(state.places.panes.height.saturating_sub(2)).max(1);
    let Some(run) = &mut state.run else { return };
    let mut text = if let Some(merged) = &mut run.merged {
        let lines = merged.to_copy(height);
        let lines = lines.iter().map(|line| match &line.process {
            Some(process) => format!("{} | {}\n", run.session.label(process), line.text),
            None => format!("-- {}\n", line.text),
        });
        let text: String = lines.collect();
        merged.unselect();
        text
    } else if let Some(selection) = run.selection.clone() {
        let pane = run.pane(&selection.process);
        let text = pane.map(|pane| selection.text(&pane.screen));
        end(run);
        text.unwrap_or_default()
    } else if let Some(pane) = run.current_pane() {
        let rows = i32::from(pane.screen.size().rows);
        let top = -i32::try_from(pane.screen.offset()).unwrap_or(i32::MAX);
        let seen = Selection {
            process: pane.process.clone(),
            from: (top, 0),
            to: (top + rows - 1, 0),
            by_lines: true,
            is_moved: true,
            was_paused: false,
        };
        seen.text(&pane.screen).trim_end().to_owned() + "\n"
    } else {
        return;
    };
    if text.trim().is_empty() {
        return state
            .toasts
            .push(Level::Info, "there is nothing to copy", state.now);
    }
    let mut said = String::new();
    if text.len() > COPY_MAX {
        let cut = (0..=COPY_MAX).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(cut.unwrap_or(0));
        said = format!(", the first {} kB of them: S saves all", COPY_MAX >> 10);
    }
    let said = match text.trim_end_matches('\n') {
        one if !one.contains('\n') => {
            format!("copied: {}{said}", one.chars().take(60).collect::<String>())
        }
        many => format!("{} lines copied{said}", many.lines().count()),
    };
    state.toasts.push(Level::Info, said, state.now);
    state.effect(Effect::Copy(text));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(from: Place, to: Place, by_lines: bool) -> Selection {
        Selection {
            process: "g/a.0".parse().unwrap(),
            from,
            to,
            by_lines,
            is_moved: true,
            was_paused: false,
        }
    }

    #[test]
    fn what_was_broken_for_want_of_room_is_copied_as_one_line() {
        let mut screen = Screen::new(4, 10, 100);
        screen.feed(b"0123456789abcdef\r\nnext line\r\n");
        let text = |from, to, lines| selection(from, to, lines).text(&screen);
        assert_eq!(text((0, 3), (2, 0), true), "0123456789abcdef\nnext line\n");
        assert_eq!(text((0, 8), (1, 1), false), "89ab\n");
        assert_eq!(text((2, 3), (1, 4), false), "ef\nnext\n", "backwards too");
    }

    #[test]
    fn a_selection_covers_what_lies_between_its_ends() {
        let some = selection((2, 1), (0, 5), false);
        assert!(some.covers(0, 5) && some.covers(1, 0) && some.covers(2, 1));
        assert!(!some.covers(0, 4) && !some.covers(2, 2));
        assert!(selection((0, 5), (0, 5), true).covers(0, 0));
    }
}
