//! What lies over a screen: help, the palette, questions, lists.
//!
//! Owns what each of them knows; at most a few are open, the last one gets the keys. Drawn in [`view`], changed in
//! [`update`]. Never performs anything: what the user chose goes on as an [`Action`] or a [`Wish`].

mod prompt;
pub mod sheet;
pub mod update;
pub mod view;

pub use self::prompt::{Typed, listed};

use std::{borrow::Cow, path::PathBuf};

use super::{
    compose::pick::Picker,
    keymap::{Action, Context},
    widget::input::Input,
};
use crate::model::{
    event::Command,
    ids::{ProcessId, Selector},
    session::Problem,
};

/// What is done when the user says yes.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// End without an engine being there.
    Quit,
    /// Stop everything, then end.
    StopAndQuit,
    /// Kill everything, then end.
    Abort,
    /// Tell the engine this.
    Do(Command),
    /// Kill what is selected.
    Kill(Selector),
    /// Throw away what is in a queue.
    Purge(String),
    /// Throw away changes and open another session.
    Discard(PathBuf),
    /// Write over a file that is there.
    Overwrite(PathBuf),
    /// The same with the session and what was done since its start.
    OverwriteTimeline(PathBuf),
    /// Write the output that is looked at over a file that is there.
    OverwriteOutput(PathBuf),
    /// Delete a past run, by its id.
    DeleteRun(String),
    /// Throw away changes and run a past run again, by its id.
    RunAgain(String),
}

/// What a line of text is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum For {
    /// A pattern to look for in the panes and logs.
    Search,
    /// A pattern that lines of the merged view must match.
    Filter,
    /// A file to write the session to.
    SaveAs,
    /// A file to write the session to, with what was done since its start.
    SaveTimeline,
    /// A file to write the output to.
    SaveOutput,
    /// An item for this queue.
    Put(String),
    /// A part of the names of what is to be shown.
    Narrow,
    /// A command line to make a template of.
    Command,
}

impl For {
    /// As a title.
    pub fn title(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            For::Search => "search (regular expression)",
            For::Filter => "show only lines that match",
            For::SaveAs => "save the session as",
            For::SaveTimeline => "save the session with what was done as",
            For::SaveOutput => "save the output as",
            For::Put(queue) => return Cow::Owned(format!("put into {queue}")),
            For::Narrow => "show only those with this in their name",
            For::Command => "a shell command, as you would type it",
        })
    }
}

/// Something over the screen.
#[derive(Debug)]
pub enum Overlay {
    /// The keys.
    Help {
        /// Of which context.
        of: Context,
        /// First line shown.
        scroll: usize,
        /// Only keys that fit are shown.
        find: Input,
        /// Keys are text of that.
        is_finding: bool,
    },
    /// Every action by name.
    Palette {
        /// What was typed.
        input: Input,
        /// What fits, best first.
        found: Vec<Action>,
        /// Which one is selected.
        at: usize,
        /// Where the actions will be performed.
        of: Context,
    },
    /// What was said.
    Notices {
        /// First line shown; beyond the last one: as far down as it goes.
        scroll: usize,
    },
    /// A question.
    Confirm {
        /// What is asked.
        question: String,
        /// What yes does.
        wish: Wish,
        /// Yes is chosen.
        yes: bool,
    },
    /// A line of text.
    Prompt {
        /// What for.
        what: For,
        /// What was typed.
        input: Input,
        /// What is wrong with it.
        problem: Option<String>,
        /// How many lines back what was typed before is looked at, and what was typed now.
        before: Option<(usize, String)>,
        /// Names that it may go on with are asked for.
        waiting: Option<u64>,
    },
    /// A list to choose from.
    Pick(Box<Picker>),
    /// Why a rank is as it is.
    Why(ProcessId),
    /// What was found in the logs.
    Found,
    /// What is told of which template, and how.
    Alerts {
        /// Which one is selected.
        at: usize,
    },
    /// Why a session cannot be started.
    Problems {
        /// In short.
        title: String,
        /// All of them as they are shown, and whether a line is the head of an error.
        lines: Vec<(String, bool)>,
        /// First line shown.
        scroll: usize,
    },
}

impl Overlay {
    /// A question.
    pub fn confirm(question: impl Into<String>, wish: Wish) -> Self {
        Self::Confirm {
            question: question.into(),
            // Enter is pressed too easily for what does not come back.
            yes: false,
            wish,
        }
    }

    /// Problems, in this text if they have places in one.
    pub fn problems(title: impl Into<String>, problems: &[Problem], text: &str) -> Self {
        let mut lines = Vec::new();
        for problem in problems {
            let shown = match text {
                "" => problem.to_string(),
                text => problem.render(text),
            };
            let shown = shown.lines().enumerate();
            lines.extend(shown.map(|(at, line)| (line.to_owned(), at == 0 && problem.is_error())));
            lines.push((String::new(), false));
        }
        lines.pop();
        Self::Problems {
            title: title.into(),
            lines,
            scroll: 0,
        }
    }

    /// A line to be typed.
    pub fn prompt(what: For, text: &str) -> Self {
        Self::Prompt {
            what,
            input: Input::new(text),
            problem: None,
            before: None,
            waiting: None,
        }
    }

    /// The keys of a place.
    pub fn help(of: Context) -> Self {
        Self::Help {
            of,
            scroll: 0,
            find: Input::default(),
            is_finding: false,
        }
    }

    /// Where keys go while it is open.
    pub fn context(&self) -> Context {
        match self {
            Overlay::Help {
                is_finding: true, ..
            } => Context::List,
            Overlay::Help { .. } | Overlay::Notices { .. } | Overlay::Problems { .. } => {
                Context::Help
            }
            Overlay::Why(_) => Context::Help,
            Overlay::Prompt { .. } => Context::Prompt,
            Overlay::Palette { .. }
            | Overlay::Found
            | Overlay::Alerts { .. }
            | Overlay::Pick(_) => Context::List,
            Overlay::Confirm { .. } => Context::Confirm,
        }
    }
}

#[cfg(test)]
mod tests;
