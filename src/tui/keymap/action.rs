//! What can be wished with a key, and where the keyboard may be.
//!
//! Owns the words [`Action`] and [`Context`] with the names that settings call them by. Never says which key does
//! what: that is the table.

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
        /// Run the example.
        RunExample "run-example",
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
        /// Open, edit, choose.
        Enter "enter",
        /// Yes.
        Yes "yes",
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
        /// What is told of which template, and how.
        Alerts "alerts",
        /// Read the output in an editor.
        Editor "editor",
        /// Choose what is copied.
        Select "select",
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

impl Action {
    /// By how many rows it moves, with pages of so many.
    pub fn rows(self, page: usize) -> Option<isize> {
        let page = isize::try_from(page).unwrap_or(isize::MAX);
        Some(match self {
            Action::Up => -1,
            Action::Down => 1,
            Action::PageUp => -page,
            Action::PageDown => page,
            Action::Home => isize::MIN,
            Action::End => isize::MAX,
            _ => return None,
        })
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
    pub(super) fn needs(self) -> &'static [Action] {
        match self {
            Context::Typing => &[Action::LeaveTyping],
            _ if self.has_global() => &[Action::Quit, Action::Help],
            Context::Global => &[],
            _ => &[Action::Back],
        }
    }
}
