//! Which of the merged lines are shown, and which one is marked.
//!
//! Lines are named by numbers that stay with them, so that what the user looks at stays where it is however many come.

use super::{Line, Merged};
use crate::model::ids::ProcessId;

/// Columns that a key moves the lines sideways.
const SIDEWAYS: usize = 16;

impl Merged {
    /// The lines that pass the filter, oldest first, with their numbers.
    pub fn shown(&self) -> impl DoubleEndedIterator<Item = (u64, &Line)> {
        let first = self.dropped;
        let alike = self.is_alike();
        let is_told = move |line: &Line| alike && line.like.is_some_and(|like| like >= first);
        let numbers = (0..self.lines.len()).map(move |at| first + at as u64);
        let lines = numbers.zip(self.lines.iter());
        lines.filter(move |(_, line)| line.fits && !is_told(line))
    }

    /// Whether what several ranks say is shown once.
    pub fn is_alike(&self) -> bool {
        let many = self.sources.len() > super::ALIKE_FROM;
        self.alike.unwrap_or(many)
    }

    /// Shows what several ranks say once, or each line.
    pub fn turn_alike(&mut self) {
        self.alike = Some(!self.is_alike());
        if let Some(cursor) = self.cursor {
            let near = self.shown().rev().find(|(it, _)| *it <= cursor);
            let near = near.map(|(number, _)| number);
            if let Some(number) = near {
                self.go_to(number);
            }
        }
    }

    /// Those that are on a screen of so many lines, the topmost first.
    pub fn visible(&self, height: usize) -> Vec<(u64, &Line)> {
        let last = self.cursor.map_or(u64::MAX, |_| self.bottom);
        let above = self.shown().rev().skip_while(|(number, _)| *number > last);
        let mut visible: Vec<_> = above.take(height).collect();
        visible.reverse();
        // At the top of what there is the screen is filled all the same.
        let below = self.shown().skip_while(|(number, _)| *number <= last);
        let missing = height - visible.len();
        visible.extend(below.take(missing));
        visible
    }

    /// Follows the newest lines again.
    pub fn newest(&mut self) {
        self.cursor = None;
        self.mark = None;
        self.is_lost = false;
    }

    /// Stays where it is, or follows again.
    pub fn pause(&mut self) {
        match self.cursor {
            Some(_) => self.newest(),
            None => self.go_to_last(),
        }
    }

    fn go_to_last(&mut self) {
        let last = self.shown().next_back().map(|(number, _)| number);
        let line = self.lines_of_ranks().next_back();
        let line = line.map(|(number, _)| number).or(last);
        if let (Some(last), Some(line)) = (last, line) {
            self.cursor = Some(line);
            self.bottom = last;
        }
    }

    /// Those that may be marked: not our own words.
    fn lines_of_ranks(&self) -> impl DoubleEndedIterator<Item = (u64, &Line)> {
        self.shown().filter(|(_, line)| line.process.is_some())
    }

    /// Whether it stays at the newest line.
    pub fn is_following(&self) -> bool {
        self.cursor.is_none()
    }

    /// The number of the marked line.
    pub fn cursor(&self) -> Option<u64> {
        self.cursor
    }

    /// Whose line is marked.
    pub fn marked(&self) -> Option<&ProcessId> {
        self.line(self.cursor?)?.process.as_ref()
    }

    pub(super) fn line(&self, number: u64) -> Option<&Line> {
        let at = usize::try_from(number.checked_sub(self.dropped)?).ok()?;
        self.lines.get(at)
    }

    /// Lines that came after the last one that is shown.
    pub fn newer(&self) -> u64 {
        let end = self.dropped + self.lines.len() as u64;
        match self.cursor {
            Some(_) => end.saturating_sub(self.bottom + 1),
            None => 0,
        }
    }

    /// Marks a line, in the midst of the screen if it was not on it.
    pub fn go_to(&mut self, number: u64) {
        self.cursor = Some(number);
        self.bottom = self.walk(number, 8);
        self.is_lost = false;
    }

    /// The line so many shown ones further; the first or last one where there are not so many.
    fn walk(&self, from: u64, by: isize) -> u64 {
        let steps = by.unsigned_abs();
        let found = match by < 0 {
            true => {
                let mut before = self.shown().rev().skip_while(|(it, _)| *it >= from);
                last_of(&mut before, steps)
            }
            false => {
                let mut after = self.shown().skip_while(|(it, _)| *it <= from);
                last_of(&mut after, steps)
            }
        };
        found.unwrap_or(from)
    }

    /// Moves the mark by so many lines (down is positive) on a screen of `height` lines; below the newest it follows
    /// again.
    pub fn step(&mut self, by: isize, height: usize) {
        self.is_lost = false;
        let Some(cursor) = self.cursor else {
            if by < 0 {
                self.go_to_last();
                let rest = by + 1;
                if rest < 0 {
                    self.step(rest, height);
                }
            }
            return;
        };
        let steps = by.unsigned_abs();
        let to = match by < 0 {
            true => {
                let mut above = self
                    .lines_of_ranks()
                    .rev()
                    .skip_while(|(it, _)| *it >= cursor);
                last_of(&mut above, steps)
            }
            false => {
                let mut below = self.lines_of_ranks().skip_while(|(it, _)| *it <= cursor);
                last_of(&mut below, steps)
            }
        };
        let to = to.unwrap_or(cursor);
        if by > 0 && to == cursor && self.mark.is_none() {
            return self.newest();
        }
        self.cursor = Some(to);
        self.keep_in_view(height);
    }

    /// Moves what is shown by so many lines (down is positive), and the mark only as far as it has to.
    pub fn wheel(&mut self, by: isize, height: usize) {
        if self.cursor.is_none() {
            if by > 0 {
                return;
            }
            self.go_to_last();
        }
        let to = self.walk(self.bottom, by);
        if by > 0 && to == self.bottom && self.mark.is_none() {
            return self.newest();
        }
        self.bottom = to;
        let visible = self.visible(height);
        if let (Some((top, _)), Some((bottom, _)), Some(cursor)) =
            (visible.first(), visible.last(), self.cursor)
        {
            (self.cursor, self.bottom) = (Some(cursor.clamp(*top, *bottom)), *bottom);
        }
    }

    /// To the oldest line.
    pub fn oldest(&mut self, height: usize) {
        self.go_to_last();
        let first = self.shown().next().map(|(number, _)| number);
        let line = self.lines_of_ranks().next().map(|(number, _)| number);
        if let (Some(first), Some(line)) = (first, line) {
            self.cursor = Some(first);
            self.keep_in_view(height);
            self.cursor = Some(line);
        }
    }

    fn keep_in_view(&mut self, height: usize) {
        let Some(cursor) = self.cursor else { return };
        if cursor > self.bottom {
            self.bottom = cursor;
            return;
        }
        let visible = self.visible(height);
        let top = visible.first().map_or(cursor, |(number, _)| *number);
        self.bottom = match cursor < top {
            true => self.walk(cursor, height as isize - 1),
            false => visible.last().map_or(cursor, |(number, _)| *number),
        };
    }

    /// Moves the lines sideways.
    pub fn sideways(&mut self, by: isize) {
        let by = by * SIDEWAYS as isize;
        self.column = self.column.saturating_add_signed(by).min(4 << 10);
    }

    /// Shows only lines that match. What was looked at stays in view, or what is nearest to it.
    pub fn set_filter(&mut self, filter: Option<regex::Regex>) {
        for line in &mut self.lines {
            line.fits = match (&filter, &line.process) {
                (Some(filter), Some(_)) => filter.is_match(&line.text),
                (Some(_), None) => false,
                (None, _) => true,
            };
        }
        self.filter = filter;
        if let Some(cursor) = self.cursor {
            let before = self.shown().rev().find(|(it, _)| *it <= cursor);
            let near = before.or_else(|| self.shown().next());
            let near = near.map(|(number, _)| number);
            match near {
                Some(number) => self.go_to(number),
                None => self.newest(),
            }
        }
    }

    /// To the next shown line that matches, from the marked one on; before it, if `back`. False: there is none.
    pub fn search(&mut self, pattern: &regex::Regex, back: bool) -> bool {
        let fits = |line: &Line| line.process.is_some() && pattern.is_match(&line.text);
        let found = match (self.cursor, back) {
            (Some(cursor), false) => self
                .shown()
                .find(|(number, line)| *number > cursor && fits(line)),
            (cursor, _) => self
                .shown()
                .rev()
                .find(|(number, line)| cursor.is_none_or(|cursor| *number < cursor) && fits(line)),
        };
        let found = found.map(|(number, _)| number);
        if let Some(number) = found {
            self.go_to(number);
        }
        found.is_some()
    }

    /// Marks the line that begins at this place of a log, if it is among those shown.
    pub fn find(&mut self, process: &ProcessId, at: u64) -> bool {
        let is_it = |line: &Line| line.at == at && line.process.as_ref() == Some(process);
        let found = self.shown().rev().find(|(_, line)| is_it(line));
        let found = found.map(|(number, _)| number);
        if let Some(number) = found {
            self.go_to(number);
        }
        found.is_some()
    }

    /// Begins a selection at the marked line, or ends it.
    pub fn select(&mut self) {
        if self.cursor.is_none() {
            self.go_to_last();
        }
        self.mark = match self.mark {
            Some(_) => None,
            None => self.cursor,
        };
    }

    /// The mouse was pressed on a row of a screen of so many lines: that line is marked.
    pub fn press(&mut self, row: usize, height: usize) {
        let visible = self.visible(height);
        let bottom = visible.last().map(|(number, _)| *number);
        let pressed = visible.get(row).map(|(number, _)| *number);
        self.mark = None;
        if let (Some(number), Some(bottom)) = (pressed, bottom) {
            self.pressed = Some((number, false));
            (self.cursor, self.bottom) = (Some(number), bottom);
        }
    }

    /// It was moved to this row.
    pub fn drag(&mut self, row: usize, height: usize) {
        let visible = self.visible(height);
        let to = visible
            .get(row)
            .or(visible.last())
            .map(|(number, _)| *number);
        if let (Some(to), Some((from, is_moved))) = (to, &mut self.pressed) {
            *is_moved |= to != *from;
            self.mark = is_moved.then_some(*from);
            self.cursor = Some(to);
        }
    }

    /// It was let go. Whether lines were dragged over.
    pub fn release(&mut self) -> bool {
        self.pressed.take().is_some_and(|(_, is_moved)| is_moved)
    }

    /// The numbers of the first and the last selected line.
    pub fn selected(&self) -> Option<(u64, u64)> {
        let (mark, cursor) = (self.mark?, self.cursor?);
        Some((mark.min(cursor), mark.max(cursor)))
    }

    /// Ends the selection, if there is one.
    pub fn unselect(&mut self) -> bool {
        self.mark.take().is_some()
    }

    /// What is selected, else what is on a screen of so many lines.
    pub fn to_copy(&self, height: usize) -> Vec<&Line> {
        match self.selected() {
            Some((from, to)) => {
                let lines = self.shown().filter(|(it, _)| (from..=to).contains(it));
                lines.map(|(_, line)| line).collect()
            }
            None => {
                let lines = self.visible(height).into_iter();
                lines.map(|(_, line)| line).collect()
            }
        }
    }

    /// Forgets the lines.
    pub fn clear(&mut self) {
        self.dropped += self.lines.len() as u64;
        self.lines.clear();
        self.newest();
    }

    /// Lines that are kept, and those that are gone from the top.
    pub fn counts(&self) -> (usize, u64) {
        (self.lines.len(), self.dropped)
    }
}

/// The last of so many, or of those there are.
fn last_of<'l>(lines: &mut impl Iterator<Item = (u64, &'l Line)>, count: usize) -> Option<u64> {
    lines.take(count).last().map(|(number, _)| number)
}
