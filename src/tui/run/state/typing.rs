//! What is typed, and who gets it.
//!
//! Owns who takes input, why others do not, and what a key becomes for each. Never sends anything. Start at
//! [`State::typed`].

use super::State;
use crate::{
    model::{
        event::{Channel, Command},
        ids::{ProcessId, Selector},
        lifecycle::ProcessState,
        template::Stdin,
    },
    term::Modes,
    tui::run::tree::{process_of, selector_of},
};

/// Where programs want a key in different ways, as many of them get it each in its own; more get it as the current one
/// wants it.
const EACH_MAX: usize = 32;

impl State {
    /// Whether a rank may be typed into.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn takes_input(&self, process: &ProcessId) -> Result<(), String> {
        let rank = self.facts.rank(process);
        let lives = self.is_live()
            && rank.is_some_and(|rank| {
                matches!(
                    rank.state,
                    ProcessState::Running | ProcessState::Ready | ProcessState::Stopping
                )
            });
        if !lives {
            return Err(format!(
                "{process} does not run: nobody reads what is typed"
            ));
        }
        let template = self.session.template(&process.group, &process.template);
        let stdin = template.and_then(|template| template.stdin.as_ref());
        match (stdin, rank.and_then(|rank| rank.channel)) {
            (Some(Stdin::DevNull), _) => {
                Err(format!("{process} has no input: its stdin is DevNull"))
            }
            (Some(Stdin::File(path)), _) => Err(format!("{process} reads from {path}")),
            (None, Some(Channel::Pipe)) => Err(format!(
                "{process} has no input: it is on a pipe, and its stdin is not Pane"
            )),
            (Some(Stdin::Pane) | None, _) => Ok(()),
        }
    }

    /// What is typed goes to what is selected, or nowhere.
    pub(super) fn keep_typing(&mut self) {
        if let Some(to) = &self.typing
            && !self.current().is_some_and(|current| to.selects(&current))
        {
            self.typing = None;
        }
    }

    /// A process does something else now. True: nobody is left of those that were typed to.
    pub fn typing_ends(&mut self, process: &ProcessId) -> bool {
        let is_over = match &self.typing {
            Some(to) if to.selects(process) && self.takes_input(process).is_err() => {
                process_of(to).is_some() || self.facts.count(Some(to)).live == 0
            }
            _ => false,
        };
        if is_over {
            self.typing = None;
        }
        is_over
    }

    /// The user clicked on a rank: it is typed into if another one was.
    pub fn retarget(&mut self, process: &ProcessId) {
        if let Some(to) = &self.typing
            && process_of(to).is_some()
            && self.takes_input(process).is_ok()
        {
            self.typing = Some(selector_of(process));
        }
    }

    /// What the programs that are typed to switched on.
    fn modes_of(&self, process: &ProcessId) -> Option<Modes> {
        let mut open = self.panes.iter().map(|(pane, _)| pane);
        let pane = open.find(|pane| pane.process == *process);
        let pane = pane.or_else(|| self.parked.get(process));
        pane.map(|pane| pane.screen.modes())
    }

    /// What is to be sent for something typed, of which `encode` knows what it is where a program switched something on.
    pub fn typed(&mut self, encode: impl Fn(&Modes) -> Vec<u8>) -> Vec<Command> {
        let (Some(to), Some(current)) = (self.typing.clone(), self.current()) else {
            return Vec::new();
        };
        if let Some(pane) = self.pane(&current) {
            pane.screen.scroll_to(0);
        }
        let common = encode(&self.modes_of(&current).unwrap_or_default());
        if common.is_empty() {
            return Vec::new();
        }
        let open = self.panes.iter().map(|(pane, _)| pane);
        let mut known = open.chain(self.parked.iter());
        let differ =
            known.any(|pane| to.selects(&pane.process) && encode(&pane.screen.modes()) != common);
        let all: Vec<ProcessId> = match differ {
            true => self.reading(&to).take(EACH_MAX + 1).collect(),
            false => Vec::new(),
        };
        if all.is_empty() || all.len() > EACH_MAX {
            return vec![Command::Send(to, common)];
        }
        let each = all.iter().map(|process| {
            let modes = self.modes_of(process);
            let bytes = modes.map_or_else(|| common.clone(), |modes| encode(&modes));
            Command::Send(selector_of(process), bytes)
        });
        each.collect()
    }

    fn reading<'a>(&'a self, to: &'a Selector) -> impl Iterator<Item = ProcessId> + 'a {
        let all = self.facts.selected(Some(to)).map(|(process, _)| process);
        all.filter(|process| self.takes_input(process).is_ok())
    }
}
