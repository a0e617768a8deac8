//! The hosts screen: what each machine has, what it uses, and who runs there.
//!
//! Owns what the user looks at of the hosts. What is known of them is in the facts of the run; before a start, in the
//! plan. Start at [`board`], which puts both into rows.

pub mod board;
#[cfg(test)]
mod tests;
pub mod update;
pub mod view;
mod why;

pub use self::board::Board;

/// Which part of the screen has the keyboard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Part {
    /// The hosts.
    #[default]
    Hosts,
    /// The ranks of the selected one.
    Ranks,
}

/// What the user looks at.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// The host that is selected, by name.
    pub selected: Option<String>,
    /// Which part has the keyboard.
    pub part: Part,
    /// Which of the rows of its ranks is selected.
    pub row: usize,
    /// Only hosts with this in their name are shown.
    pub filter: String,
    /// All hosts and who is there.
    pub board: Board,
}

impl Look {
    /// The hosts that are shown.
    pub fn shown(&self) -> Vec<&board::Host> {
        let fits = |host: &&board::Host| host.name.contains(&self.filter);
        self.board.hosts.iter().filter(fits).collect()
    }

    /// The selected host, and its place among those that are shown: the first where none was chosen or it is gone.
    pub fn current(&self) -> Option<(usize, &board::Host)> {
        let shown = self.shown();
        let chosen = self.selected.as_ref().and_then(|name| {
            let mut names = shown.iter();
            names.position(|host| host.name == *name)
        });
        let at = chosen.unwrap_or(0);
        shown.get(at).map(|host| (at, *host))
    }
}
