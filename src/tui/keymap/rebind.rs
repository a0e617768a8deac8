//! The user's own keys in the place of the table's.
//!
//! Owns [`Rebinding`] and what is refused: a key that two actions want, one that would be missing in a text, one
//! that would put the way out beyond reach. Never reads settings.

use super::{Action, Binding, Context, Key, Keymap, table};

/// A wish of the user's: these keys, and no other, do this here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebinding {
    /// Where.
    pub context: Context,
    /// What.
    pub action: Action,
    /// With which keys; none: with no key at all.
    pub keys: Vec<Key>,
}

/// A wish that was not granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which of the wishes.
    pub index: usize,
    /// Why not.
    pub message: String,
}

impl Keymap {
    /// What a user may give other keys in a place.
    pub fn bindable(context: Context) -> Vec<Action> {
        let rows = table::TABLE
            .iter()
            .filter(|row| row.contexts.contains(&context));
        let mut actions: Vec<Action> = rows.map(|row| row.action).collect();
        actions.sort();
        actions.dedup();
        actions
    }

    /// The map with the user's own keys, and which of them were refused: a key that two actions want, one
    /// that would be missing in a text, or one that would put quitting, the help or the way out of a text
    /// out of reach.
    pub fn rebound(wishes: &[Rebinding]) -> (Keymap, Vec<Refusal>) {
        let mut map = Keymap::default();
        let mut refused = Vec::new();
        // All at once, so that two actions may swap their keys.
        for wish in wishes {
            map.bindings
                .retain(|it| (it.context, it.action) != (wish.context, wish.action));
        }
        for (index, wish) in wishes.iter().enumerate() {
            if let Err(message) = map.grant(wish) {
                refused.push(Refusal { index, message });
                map.restore(wish);
            }
        }
        // Who took a needed key away gives it back.
        for (index, wish) in wishes.iter().enumerate() {
            if refused.iter().any(|it| it.index == index) {
                continue;
            }
            if let Some(message) = map.lost(wish.context) {
                refused.push(Refusal { index, message });
                map.bindings
                    .retain(|it| (it.context, it.action) != (wish.context, wish.action));
                map.restore(wish);
            }
        }
        // Keys that were taken at first may be free by now.
        for it in &refused {
            if let Some(wish) = wishes.get(it.index) {
                map.restore(wish);
            }
        }
        map.sort();
        (map, refused)
    }

    /// What cannot be reached any more where the keys of a place count.
    fn lost(&self, changed: Context) -> Option<String> {
        let counts = |context: &&Context| {
            **context == changed || changed == Context::Global && context.has_global()
        };
        Context::ALL.iter().filter(counts).find_map(|context| {
            let gone = |need: &&Action| self.keys(*context, **need).is_empty();
            let action = context.needs().iter().find(gone)?;
            let (action, context) = (action.name(), context.name());
            Some(format!(
                "nothing would do `{action}` in `{context}` any more"
            ))
        })
    }

    fn grant(&mut self, wish: &Rebinding) -> Result<(), String> {
        let Some(row) = row_of(wish.context, wish.action) else {
            return Err(format!(
                "`{}` is not something to do in `{}`",
                wish.action.name(),
                wish.context.name()
            ));
        };
        for key in &wish.keys {
            if wish.context.takes_text() && key.is_text() {
                return Err(format!("`{key}` is text in `{}`", wish.context.name()));
            }
            if wish.context == Context::Typing && key.is_plain() {
                return Err(format!("`{key}` belongs to the process that is typed to"));
            }
            let taken = self.bindings.iter().find(|it| {
                it.context == wish.context && it.key == *key && it.action != wish.action
            });
            if let Some(other) = taken {
                return Err(format!(
                    "`{key}` does `{}` in `{}` already",
                    other.action.name(),
                    wish.context.name()
                ));
            }
        }
        let mut keys: Vec<Key> = Vec::new();
        for key in &wish.keys {
            if !keys.contains(key) {
                keys.push(*key);
            }
        }
        self.bindings.extend(keys.into_iter().map(|key| Binding {
            context: wish.context,
            key,
            action: wish.action,
            row,
        }));
        Ok(())
    }

    /// Gives an action its own keys back, where nobody else has them by now.
    fn restore(&mut self, wish: &Rebinding) {
        for it in Keymap::default().bindings {
            let same = (it.context, it.action) == (wish.context, wish.action);
            let free = !self
                .bindings
                .iter()
                .any(|other| (other.context, other.key) == (it.context, it.key));
            if same && free {
                self.bindings.push(it);
            }
        }
    }
}

/// The row of the table that says it.
fn row_of(context: Context, action: Action) -> Option<usize> {
    table::TABLE
        .iter()
        .position(|row| row.action == action && row.contexts.contains(&context))
}
