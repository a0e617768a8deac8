//! Which key does what, where: one table.
//!
//! Owns [`Action`] (what can be wished), [`Context`] (where the keyboard is) and [`Keymap`]: looking a key up,
//! the rows of the help, the hints of the last line and the user's own keys all come from the same rows, so
//! that none of them can lie. Never does anything: an action is a word. Start at [`Keymap::lookup`]; `table`
//! holds the rows, `key` reads and writes keys.

mod key;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crossterm::event::KeyEvent;

pub use self::key::Key;

/// Makes an enum and its names, so that they cannot differ.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$each])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// As the user's settings call it.
            pub fn name(self) -> &'static str {
                match self {
                    $($name::$variant => $text,)*
                }
            }

            /// The one of that name; `_` is as good as `-`.
            pub fn named(name: &str) -> Option<$name> {
                let name = name.replace('_', "-");
                $name::ALL.iter().copied().find(|it| it.name() == name)
            }
        }
    };
}

words! {
    /// Where the keyboard is.
    Context {
        /// On every screen, below what the screen itself says; not where text is typed.
        Global "global",
        /// The tree of the session.
        Compose "compose",
        /// The fields of a template, group, queue or host.
        Form "form",
        /// The tree of the run.
        Run "run",
        /// A pane of the run.
        Pane "pane",
        /// A pane that gets what is typed.
        Typing "typing",
        /// All panes as one.
        Merged "merged",
        /// The queues.
        Queues "queues",
        /// The hosts.
        Hosts "hosts",
        /// Past runs.
        Runs "runs",
        /// A list to choose from, with a line to type in: palette, pickers.
        List "list",
        /// One line of text.
        Prompt "prompt",
        /// A question.
        Confirm "confirm",
        /// The help.
        Help "help",
    }
}

words! {
    /// What can be wished with a key.
    Action {
        /// Leave; asks when something runs.
        Quit "quit",
        /// The keys of this place.
        Help "help",
        /// Every action by its name.
        Palette "palette",
        /// The first screen.
        ShowCompose "show-compose",
        /// The second screen.
        ShowRun "show-run",
        /// The third screen.
        ShowQueues "show-queues",
        /// The fourth screen.
        ShowHosts "show-hosts",
        /// The fifth screen.
        ShowRuns "show-runs",
        /// Choose a theme.
        Theme "theme",
        /// What was said so far.
        Notices "notices",
        /// Save the session.
        Save "save",
        /// Save the session under another name.
        SaveAs "save-as",
        /// Open a session.
        Open "open",
        /// Give the terminal back to the shell for a while.
        Suspend "suspend",
        /// Draw everything anew.
        Redraw "redraw",
        /// One row up.
        Up "up",
        /// One row down.
        Down "down",
        /// To the left; closes a node of a tree; less of a choice.
        Left "left",
        /// To the right; opens a node of a tree; more of a choice.
        Right "right",
        /// A page up.
        PageUp "page-up",
        /// A page down.
        PageDown "page-down",
        /// To the first row.
        Home "home",
        /// To the last row.
        End "end",
        /// Open, edit, choose, yes.
        Enter "enter",
        /// Out of here, no.
        Back "back",
        /// The keyboard to the next part of the screen.
        NextFocus "next-focus",
        /// The keyboard to the part before.
        PrevFocus "previous-focus",
        /// The other one of two.
        Toggle "toggle",
        /// Start.
        Start "start",
        /// Ask to end.
        Stop "stop",
        /// End at once.
        Kill "kill",
        /// Stop and start again.
        Restart "restart",
        /// Restart everything that failed.
        RestartFailed "restart-failed",
        /// One more.
        ScaleUp "scale-up",
        /// One less.
        ScaleDown "scale-down",
        /// Throw output away where it arises, or open it again.
        Mute "mute",
        /// One pane alone.
        Zoom "zoom",
        /// All panes as one.
        Merged "all-in-one",
        /// Type into a process.
        Type "type",
        /// Type into all processes of a template.
        TypeAll "type-all",
        /// Stop typing.
        LeaveTyping "leave-typing",
        /// Look for something.
        Search "search",
        /// The next hit.
        SearchNext "search-next",
        /// The hit before.
        SearchPrevious "search-previous",
        /// Show only what fits.
        Filter "filter",
        /// Stay at the newest line, or not.
        Follow "follow",
        /// Why is it so?
        Why "why",
        /// To what failed first.
        FirstFailure "first-failure",
        /// Empty a pane.
        Clear "clear",
        /// Copy.
        Copy "copy",
        /// Save the output to a file.
        SaveOutput "save-output",
        /// Read the output in a pager.
        Pager "pager",
        /// The next way to lay out panes.
        Layout "layout",
        /// The next page of panes.
        NextPage "next-page",
        /// The page of panes before.
        PreviousPage "previous-page",
        /// Close or open all nodes of a tree.
        Collapse "collapse",
        /// Save the session with what was done since the start.
        SaveTimeline "save-timeline",
        /// A new one of what the cursor stands on.
        New "new",
        /// A new group.
        NewGroup "new-group",
        /// A new template.
        NewTemplate "new-template",
        /// A new queue.
        NewQueue "new-queue",
        /// A new host.
        NewHost "new-host",
        /// A second one like it.
        Duplicate "duplicate",
        /// Delete.
        Delete "delete",
        /// Before the one above.
        MoveUp "move-up",
        /// After the one below.
        MoveDown "move-down",
        /// Take back.
        Undo "undo",
        /// Take back the taking back.
        Redo "redo",
        /// A template from a command line.
        PasteCommand "paste-command",
        /// Edit the session as text.
        EditText "edit-text",
        /// Edit the policy.
        PolicyEdit "policy",
        /// Look at items without taking them.
        Peek "peek",
        /// Throw all items away.
        Purge "purge",
        /// Put a test item.
        Put "put",
        /// Who feeds and drains what.
        Flow "flow",
        /// Open a past run.
        OpenRun "open-run",
        /// Compare two runs.
        Compare "compare",
        /// Run it again.
        RunAgain "run-again",
        /// Delete a run.
        DeleteRun "delete-run",
        /// An earlier moment of a past run.
        Earlier "earlier",
        /// A later moment of a past run.
        Later "later",
        /// The begin of a past run.
        Earliest "earliest",
        /// The end of a past run.
        Latest "latest",
    }
}

impl Context {
    /// Whether what [`Context::Global`] says counts here.
    pub fn has_global(self) -> bool {
        use Context::*;
        matches!(
            self,
            Compose | Form | Run | Pane | Merged | Queues | Hosts | Runs
        )
    }

    /// Whether characters are text here.
    pub fn takes_text(self) -> bool {
        matches!(self, Context::Typing | Context::List | Context::Prompt)
    }

    /// What must always be within reach here.
    fn needs(self) -> &'static [Action] {
        match self {
            Context::Typing => &[Action::LeaveTyping],
            _ if self.has_global() => &[Action::Quit, Action::Help],
            Context::Global => &[],
            _ => &[Action::Back],
        }
    }
}

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
            if wish.context.takes_text() && key.is_plain() && key.is_text() {
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

    /// As the help shows it; the keys of an action stay in their order.
    fn sort(&mut self) {
        self.bindings.sort_by_key(|it| (it.row, it.context));
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
