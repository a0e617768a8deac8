//! Panes that are closed for now, with what their programs drew and switched on; and how much memory panes may take.
//!
//! Owns the closed ones, the last one closed at the end; the first ones go when memory is wanted. Never reads or parses
//! anything. Start at [`Parked::park`].

use std::collections::VecDeque;

use super::pane::Pane;
use crate::model::ids::ProcessId;

/// Cells of all panes together, open or not, 24 bytes each. What they do not keep is in the logs.
const CELLS_MAX: usize = 3 << 19;

/// Panes that are closed.
#[derive(Default)]
pub struct Parked(VecDeque<Pane>);

/// Lines of history that each of so many open panes of this width may have, where so many are wanted.
pub fn scrollback(wanted: usize, open: usize, cols: u16) -> usize {
    wanted.min(CELLS_MAX / open.max(1) / usize::from(cols.max(1)))
}

impl Parked {
    /// Closes a pane. One that never showed anything is not kept.
    pub fn park(&mut self, mut pane: Pane) {
        if pane.is_loading() && pane.shown_until() == 0 {
            return;
        }
        pane.close();
        self.0.push_back(pane);
    }

    /// Gives a pane back.
    pub fn take(&mut self, process: &ProcessId) -> Option<Pane> {
        let at = self.0.iter().position(|pane| pane.process == *process)?;
        self.0.remove(at)
    }

    /// Looks at a pane.
    pub fn get(&self, process: &ProcessId) -> Option<&Pane> {
        self.0.iter().find(|pane| pane.process == *process)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Pane> {
        self.0.iter()
    }

    /// All of them, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Pane> {
        self.0.iter_mut()
    }

    /// Forgets as many as are too many beside open ones of so many cells.
    pub fn trim(&mut self, open: usize) {
        let mut cells: usize = self.0.iter().map(|pane| pane.screen.cells()).sum();
        while open + cells > CELLS_MAX
            && let Some(oldest) = self.0.pop_front()
        {
            cells -= oldest.screen.cells();
        }
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::Incarnation;

    fn pane(rank: usize) -> Pane {
        let process = format!("g/a.{rank}").parse().unwrap();
        let mut pane = Pane::new(process, (10, 100), 2_000, 0);
        pane.loaded(Incarnation(0), 0, b"x".to_vec(), false);
        pane
    }

    #[test]
    fn those_that_were_closed_first_go_when_there_are_too_many() {
        let mut parked = Parked::default();
        let one = pane(0).screen.cells();
        let most = CELLS_MAX / one;
        for rank in 0..most + 3 {
            parked.park(pane(rank));
            parked.trim(0);
        }
        assert_eq!(parked.iter().count(), most);
        assert!(parked.take(&"g/a.2".parse().unwrap()).is_none());
        let kept = parked.take(&"g/a.3".parse().unwrap());
        assert!(
            kept.is_some_and(|pane| pane.is_loading()),
            "its log is to be read again"
        );
        parked.trim(CELLS_MAX);
        assert_eq!(parked.iter().count(), 0);
    }

    #[test]
    fn the_more_panes_are_open_the_less_history_each_of_them_has() {
        assert_eq!(scrollback(2_000, 1, 120), 2_000);
        assert_eq!(scrollback(2_000, 9, 74), 2_000);
        let each = scrollback(1_000_000, 16, 80);
        assert!(each > 1_000 && 16 * each * 80 <= CELLS_MAX);
    }
}
