//! Which key does what, where: one table.
//!
//! Owns [`Action`] (what can be wished), [`Context`] (where the keyboard is) and [`Keymap`]: looking a key up,
//! the rows of the help, the hints of the last line and the user's own keys all come from the same rows, so
//! that none of them can lie. Never does anything: an action is a word. Start at [`Keymap::lookup`]; `table`
//! holds the rows, `key` reads and writes keys, `rebind` grants the user's own.

mod action;
mod key;
mod rebind;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crossterm::event::KeyEvent;

pub use self::{
    action::{Action, Context},
    key::Key,
    rebind::{Rebinding, Refusal},
};

/// A key that does something somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Binding {
    context: Context,
    key: Key,
    action: Action,
    /// Which row of the table it came from.
    row: usize,
}

/// Keys and what they do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    /// In the order of the table.
    bindings: Vec<Binding>,
}

/// A line of the help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelpRow {
    /// The keys, the first is the one to name.
    pub keys: Vec<Key>,
    /// What they do.
    pub action: Action,
    /// In words.
    pub words: &'static str,
    /// Whether they do it on every screen.
    pub global: bool,
}

/// A key of the last line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// One key, or two that belong together.
    pub keys: Vec<Key>,
    /// What they do, in a word or two.
    pub words: &'static str,
}

impl Default for Keymap {
    fn default() -> Self {
        let mut bindings = Vec::new();
        for (row, it) in table::TABLE.iter().enumerate() {
            for context in it.contexts {
                // A test reads every key of the table.
                for key in it.keys.split(' ').filter_map(|key| key.parse().ok()) {
                    bindings.push(Binding {
                        context: *context,
                        key,
                        action: it.action,
                        row,
                    });
                }
            }
        }
        let mut map = Keymap { bindings };
        map.sort();
        map
    }
}

impl Keymap {
    /// What a key does in a place.
    pub fn lookup(&self, context: Context, event: &KeyEvent) -> Option<Action> {
        self.action(context, Key::of(event)?)
    }

    /// The same for a key that was read before.
    pub fn action(&self, context: Context, key: Key) -> Option<Action> {
        let own = |context| {
            self.bindings
                .iter()
                .find(|it| it.context == context && it.key == key)
                .map(|it| it.action)
        };
        own(context).or_else(|| context.has_global().then(|| own(Context::Global))?)
    }

    /// The keys that do something in a place, the first is the one to name.
    pub fn keys(&self, context: Context, action: Action) -> Vec<Key> {
        let mut keys: Vec<Key> = Vec::new();
        for it in self.bindings.iter().filter(|it| it.action == action) {
            let here = it.context == context || it.context == Context::Global;
            if here && self.action(context, it.key) == Some(action) && !keys.contains(&it.key) {
                keys.push(it.key);
            }
        }
        keys
    }

    /// Everything that can be pressed in a place: its own keys, then those of every screen.
    pub fn help(&self, context: Context) -> Vec<HelpRow> {
        let mut rows: Vec<HelpRow> = Vec::new();
        for (from, global) in [(context, false), (Context::Global, true)] {
            if global && !context.has_global() {
                continue;
            }
            for it in self.bindings.iter().filter(|it| it.context == from) {
                if self.action(context, it.key) != Some(it.action) {
                    continue;
                }
                let row = rows
                    .iter_mut()
                    .find(|row| row.action == it.action && row.global == global);
                match row {
                    Some(row) => row.keys.push(it.key),
                    None => rows.push(HelpRow {
                        keys: vec![it.key],
                        action: it.action,
                        words: table::TABLE.get(it.row).map_or("", |row| row.words),
                        global,
                    }),
                }
            }
        }
        rows
    }

    /// The keys that make sense most in a place, for the last line; the help comes last.
    pub fn hints(&self, context: Context) -> Vec<Hint> {
        let mut hints: Vec<Hint> = Vec::new();
        let mut rows = BTreeSet::new();
        let own = self.bindings.iter().filter(|it| it.context == context);
        let global = self
            .bindings
            .iter()
            .filter(|it| it.context == Context::Global);
        for it in own.chain(global) {
            let words = table::TABLE.get(it.row).map_or("", |row| row.hint);
            if words.is_empty()
                || self.action(context, it.key) != Some(it.action)
                || !rows.insert((it.action, it.row))
            {
                continue;
            }
            match hints.last_mut() {
                Some(last) if last.words == words => last.keys.push(it.key),
                _ => hints.push(Hint {
                    keys: vec![it.key],
                    words,
                }),
            }
        }
        hints
    }

    /// The words for an action anywhere: the palette's lines.
    pub fn words(action: Action) -> &'static str {
        table::TABLE
            .iter()
            .find(|row| row.action == action)
            .map_or("", |row| row.words)
    }

    /// What can be done in a place: every action of it and of every screen, each once.
    pub fn actions(&self, context: Context) -> Vec<Action> {
        let mut actions: Vec<Action> = Vec::new();
        for row in table::TABLE {
            let here = row.contexts.contains(&context)
                || context.has_global() && row.contexts.contains(&Context::Global);
            if here && !actions.contains(&row.action) {
                actions.push(row.action);
            }
        }
        actions
    }

    /// As the help shows it; the keys of an action stay in their order.
    fn sort(&mut self) {
        self.bindings.sort_by_key(|it| (it.row, it.context));
    }
}
