//! The table: where, which keys, what, in words, and whether the last line says it.
//!
//! Owns nothing but the rows. Their order is that of the help, and of the hints. Keys are divided by one space.

use super::{
    Action::{self, *},
    Context::{
        self, Compose, Confirm, Form, Global, Hosts, List, Pane, Prompt, Queues, Run, Runs, Typing,
    },
};

/// One line of the table.
pub(super) struct Row {
    pub contexts: &'static [Context],
    pub keys: &'static str,
    pub action: Action,
    /// For the help and the palette.
    pub words: &'static str,
    /// For the last line; empty: not there. Neighbours with the same words are shown as one.
    pub hint: &'static str,
}

const fn row(
    contexts: &'static [Context],
    keys: &'static str,
    action: Action,
    words: &'static str,
    hint: &'static str,
) -> Row {
    Row {
        contexts,
        keys,
        action,
        words,
        hint,
    }
}

/// The run screen with its panes apart.
const PANES: &[Context] = &[Run, Pane];
/// The whole run screen.
const RUN: &[Context] = &[Run, Pane, Context::Merged];
/// The whole compose screen.
const EDIT: &[Context] = &[Compose, Form];
/// Where a row is chosen with the arrows and the letters of vi.
const ROWS: &[Context] = &[
    Compose,
    Form,
    Run,
    Pane,
    Context::Merged,
    Queues,
    Hosts,
    Runs,
    Context::Help,
];
/// Where something lies beside a row, or inside of it.
const SIDES: &[Context] = &[Compose, Form, Run, Pane, Queues, Hosts];
/// The places that have what is global.
const SCREENS: &[Context] = &[
    Compose,
    Form,
    Run,
    Pane,
    Context::Merged,
    Queues,
    Hosts,
    Runs,
];
/// Where a past run can be looked at at any moment of it.
const MOMENTS: &[Context] = &[Run, Pane, Context::Merged, Queues, Hosts];
/// Everywhere but where a process gets the keys.
const SUSPEND: &[Context] = &[Global, List, Prompt, Confirm, Context::Help];
/// Where letters are text.
const TEXT_ROWS: &[Context] = &[List];

pub(super) const TABLE: &[Row] = &[
    // Compose
    row(&[Compose], "enter", Enter, "edit", "edit"),
    row(&[Form], "enter", Enter, "edit the field", "edit"),
    row(
        &[Compose],
        "n",
        New,
        "new: a template, group, queue or host",
        "new",
    ),
    row(&[Compose], "o", Open, "open a session", ""),
    row(
        &[Compose],
        "e",
        RunExample,
        "run the example, while there is nothing else",
        "",
    ),
    row(EDIT, "+ =", ScaleUp, "one more replica", "replicas"),
    row(EDIT, "-", ScaleDown, "one less", "replicas"),
    row(&[Compose], "d", Duplicate, "duplicate", ""),
    row(&[Compose], "delete backspace", Delete, "delete", ""),
    row(&[Compose], "K alt-up", MoveUp, "move up", ""),
    row(&[Compose], "J alt-down", MoveDown, "move down", ""),
    row(
        &[Form],
        "delete backspace",
        Delete,
        "back to the default",
        "",
    ),
    row(
        EDIT,
        "p",
        PasteCommand,
        "a template from a command line",
        "paste a command",
    ),
    row(&[Compose], "N", NewGroup, "new group", ""),
    row(&[Compose], "T", NewTemplate, "new template", ""),
    row(&[Compose], "Q", NewQueue, "new queue", ""),
    row(&[Compose], "H", NewHost, "new host", ""),
    row(EDIT, "P", PolicyEdit, "edit the policy", ""),
    row(&[Form], "ctrl-z u", Undo, "undo", "undo"),
    row(&[Compose], "u", Undo, "undo", "undo"),
    row(EDIT, "ctrl-r", Redo, "redo", ""),
    row(EDIT, "/", Search, "go to a part by its name", ""),
    row(
        EDIT,
        "E",
        EditText,
        "edit the session as text in $EDITOR",
        "",
    ),
    row(EDIT, "ctrl-s", Save, "save the session", "save"),
    row(EDIT, "s", Start, "start", "start"),
    row(EDIT, "w", Why, "why it cannot be placed", ""),
    row(EDIT, "space", Toggle, "open or close, yes or no", ""),
    // Run
    row(RUN, "x", Stop, "stop: ask it to end, then insist", "stop"),
    row(RUN, "s", Start, "start", ""),
    row(RUN, "r", Restart, "restart", ""),
    row(RUN, "R", RestartFailed, "restart all that failed", ""),
    row(RUN, "X", Kill, "kill at once", ""),
    row(
        RUN,
        "m",
        Mute,
        "mute: throw output away at its source; again: open it",
        "mute",
    ),
    row(PANES, "z", Zoom, "one pane alone, and back", "zoom"),
    row(
        RUN,
        "a",
        Action::Merged,
        "all panes as one, and back",
        "all-in-one",
    ),
    row(PANES, "i", Type, "type into the process", "type"),
    row(
        &[Run, Pane],
        "I",
        TypeAll,
        "type into all of the template",
        "",
    ),
    row(
        RUN,
        "/",
        Search,
        "search the output, what has scrolled out too",
        "search",
    ),
    row(RUN, "n", SearchNext, "next hit", ""),
    row(RUN, "N", SearchPrevious, "hit before", ""),
    row(RUN, "f", Filter, "show only what fits", ""),
    row(
        RUN,
        "F",
        Follow,
        "hold what is shown, or go on with the newest",
        "",
    ),
    row(RUN, "w", Why, "why it is so", "why"),
    row(RUN, "e", FirstFailure, "to what failed first", ""),
    row(RUN, "+ =", ScaleUp, "one more replica", ""),
    row(RUN, "-", ScaleDown, "one less", ""),
    row(
        RUN,
        "A",
        Alerts,
        "alerts of each template: loud, shown or off",
        "",
    ),
    row(RUN, "c", Clear, "clear the pane", ""),
    row(
        RUN,
        "v",
        Select,
        "select lines to copy (or drag with the mouse)",
        "",
    ),
    row(RUN, "y", Copy, "copy what is selected, or what is seen", ""),
    row(RUN, "S", SaveOutput, "save the output to a file", ""),
    row(RUN, "o", Pager, "read the output in $PAGER", ""),
    row(RUN, "O", Editor, "the same in $EDITOR, a copy", ""),
    row(PANES, "space", Layout, "next layout of the panes", ""),
    row(PANES, "]", NextPage, "next page of panes", ""),
    row(PANES, "[", PreviousPage, "page of panes before", ""),
    row(&[Run], "C", Collapse, "close or open all of the tree", ""),
    row(
        &[Context::Merged],
        "C",
        Collapse,
        "show what several ranks say once, or each line",
        "",
    ),
    row(
        RUN,
        "T",
        SaveTimeline,
        "save with what was done since the start",
        "",
    ),
    row(PANES, "enter", Enter, "to its pane", ""),
    row(
        &[Typing],
        "ctrl-]",
        LeaveTyping,
        "stop typing",
        "stop typing",
    ),
    // Queues
    row(
        &[Queues],
        "enter p",
        Peek,
        "look at the items without taking them",
        "peek",
    ),
    row(&[Queues], "f", Flow, "who feeds and drains what", "flow"),
    row(&[Queues], "P", Put, "put a test item", "put"),
    row(&[Queues], "D", Purge, "throw all items away", "purge"),
    row(&[Queues], "w", Why, "who waits, and why", "why"),
    row(&[Queues, Hosts], "s", Start, "start the session", ""),
    // Hosts
    row(&[Hosts], "enter", Enter, "to its processes", "processes"),
    row(&[Hosts], "w", Why, "why it is not used", "why"),
    row(&[Hosts], "n", NewHost, "new host", "new"),
    // Runs
    row(&[Runs], "enter o", OpenRun, "open", "open"),
    row(&[Runs], "r", RunAgain, "run it again", "run again"),
    row(&[Runs], "c", Compare, "compare with another", "compare"),
    row(&[Runs], "delete D", DeleteRun, "delete it", "delete"),
    row(&[Queues, Hosts, Runs], "/", Search, "search", "search"),
    row(&[Hosts, Runs], "f", Filter, "show only what fits", ""),
    // A past run
    row(
        MOMENTS,
        ", ctrl-left",
        Earlier,
        "in a past run: earlier",
        "",
    ),
    row(MOMENTS, ". ctrl-right", Later, "in a past run: later", ""),
    row(
        MOMENTS,
        "< ctrl-home",
        Earliest,
        "in a past run: its begin",
        "",
    ),
    row(MOMENTS, "> ctrl-end", Latest, "in a past run: its end", ""),
    // Everywhere
    row(&[List], "enter", Enter, "choose", "choose"),
    row(&[Prompt], "enter", Enter, "done", "done"),
    row(&[Confirm], "y", Yes, "yes", "yes"),
    row(&[Confirm], "enter", Enter, "what is chosen", ""),
    row(&[Confirm], "n esc ctrl-c", Back, "no", "no"),
    row(&[List, Prompt], "esc ctrl-c", Back, "cancel", "cancel"),
    row(
        &[Context::Help],
        "esc q ? f1 ctrl-c",
        Back,
        "close",
        "close",
    ),
    row(&[Context::Help], "/", Search, "search", "search"),
    row(ROWS, "up k", Up, "up", ""),
    row(ROWS, "down j", Down, "down", ""),
    row(SIDES, "left h", Left, "left, less, close", ""),
    row(SIDES, "right l", Right, "right, more, open", ""),
    row(ROWS, "pageup ctrl-b", PageUp, "a page up", ""),
    row(ROWS, "pagedown ctrl-f", PageDown, "a page down", ""),
    row(ROWS, "home g", Home, "to the first", ""),
    row(ROWS, "end G", End, "to the last", ""),
    row(TEXT_ROWS, "up ctrl-p", Up, "up", "move"),
    row(TEXT_ROWS, "down ctrl-n", Down, "down", "move"),
    row(TEXT_ROWS, "pageup", PageUp, "a page up", ""),
    row(TEXT_ROWS, "pagedown", PageDown, "a page down", ""),
    row(&[Prompt], "up", Up, "what was typed before", ""),
    row(&[Prompt], "down", Down, "what was typed after", ""),
    row(&[Prompt], "tab", NextFocus, "complete", ""),
    row(
        &[Confirm],
        "left h shift-tab",
        Left,
        "the choice before",
        "",
    ),
    row(&[Confirm], "right l tab", Right, "the next choice", ""),
    row(SCREENS, "esc", Back, "back", ""),
    row(
        &[Global],
        "tab",
        NextFocus,
        "to the next part of the screen",
        "",
    ),
    row(&[Global], "shift-tab", PrevFocus, "to the part before", ""),
    row(&[Global], "1", ShowCompose, "compose a session", ""),
    row(&[Global], "2", ShowRun, "what runs", ""),
    row(&[Global], "3", ShowQueues, "queues", ""),
    row(&[Global], "4", ShowHosts, "hosts", ""),
    row(&[Global], "5", ShowRuns, "past runs", ""),
    row(
        &[Global],
        "ctrl-p :",
        Palette,
        "every action by its name",
        "",
    ),
    row(&[Global], "ctrl-o", Open, "open a session", ""),
    row(&[Global], "ctrl-s", Save, "save the session", ""),
    row(&[Global], "alt-s", SaveAs, "save under another name", ""),
    row(&[Global], "t", Theme, "choose a theme", ""),
    row(&[Global], "ctrl-n", Notices, "what was said so far", ""),
    row(&[Global], "ctrl-l", Redraw, "draw everything anew", ""),
    row(
        SUSPEND,
        "ctrl-z",
        Suspend,
        "back to the shell for a while",
        "",
    ),
    row(
        &[Global],
        "q ctrl-c",
        Quit,
        "quit; asks when something runs",
        "",
    ),
    row(
        &[Global],
        "? f1",
        Action::Help,
        "the keys of this place",
        "help",
    ),
];
