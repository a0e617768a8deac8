//! The signs that are drawn: one set for terminals with Unicode, one in plain ASCII.
//!
//! Owns [`Glyphs`] and when ASCII is right ([`Glyphs::for_locale`]). Every sign is one column wide, so that
//! the two sets lay out alike. Never names a colour.

/// A set of signs. Each is exactly one column wide, except [`Glyphs::flow`] (three) and the names of keys.
#[derive(Debug, PartialEq, Eq)]
pub struct Glyphs {
    /// Not started yet.
    pub waiting: &'static str,
    /// On its way.
    pub starting: &'static str,
    /// Alive.
    pub running: &'static str,
    /// Ended well.
    pub succeeded: &'static str,
    /// Ended badly.
    pub failed: &'static str,
    /// Its host does not answer.
    pub unknown: &'static str,
    /// Asked to end.
    pub stopping: &'static str,
    /// Ended because it was asked to.
    pub stopped: &'static str,
    /// Its output is thrown away.
    pub muted: &'static str,
    /// A thing to look at.
    pub warning: &'static str,
    /// A thing to know.
    pub info: &'static str,
    /// A node of a tree that shows its children.
    pub open: &'static str,
    /// A node of a tree that hides them.
    pub closed: &'static str,
    /// Before the selected row.
    pub selected: &'static str,
    /// Less of a choice.
    pub less: &'static str,
    /// More of a choice.
    pub more: &'static str,
    /// The up key.
    pub up: &'static str,
    /// The down key.
    pub down: &'static str,
    /// The left key.
    pub left: &'static str,
    /// The right key.
    pub right: &'static str,
    /// The enter key.
    pub enter: &'static str,
    /// The backspace key.
    pub backspace: &'static str,
    /// From a process to a queue: three columns.
    pub flow: &'static str,
    /// Text was cut here.
    pub ellipsis: &'static str,
    /// No value.
    pub none: &'static str,
    /// No bound.
    pub infinity: &'static str,
    /// Before a number below zero, or a rate that drains.
    pub minus: &'static str,
    /// Between a number of things and their name: `×3`.
    pub times: &'static str,
    /// Between two facts on a line.
    pub dot: &'static str,
    /// Between a prefix and its line.
    pub pipe: &'static str,
    /// Degrees of temperature.
    pub degree: &'static str,
    /// A part of a bar, from one eighth to a full cell.
    pub bar: [&'static str; 8],
    /// The rest of a bar.
    pub bar_empty: &'static str,
    /// A column of a graph, from one eighth to a full cell.
    pub spark: [&'static str; 8],
    /// The axis of a graph: upright, crossing, flat.
    pub axis: [&'static str; 3],
    /// The part of a scroll bar that shows where the view is.
    pub thumb: &'static str,
    /// The rest of a scroll bar.
    pub track: &'static str,
    /// Lines and corners of panels.
    pub border: Border,
}

/// Lines and corners.
#[derive(Debug, PartialEq, Eq)]
pub struct Border {
    /// Flat line.
    pub horizontal: &'static str,
    /// Upright line.
    pub vertical: &'static str,
    /// Corner.
    pub top_left: &'static str,
    /// Corner.
    pub top_right: &'static str,
    /// Corner.
    pub bottom_left: &'static str,
    /// Corner.
    pub bottom_right: &'static str,
    /// Where a flat line leaves the left side: a panel in two parts.
    pub tee_right: &'static str,
    /// Where it meets the right side.
    pub tee_left: &'static str,
}

impl Glyphs {
    /// For terminals that show Unicode.
    pub const UNICODE: Glyphs = Glyphs {
        waiting: "○",
        starting: "◔",
        running: "●",
        succeeded: "✓",
        failed: "✗",
        unknown: "◌",
        stopping: "⏸",
        stopped: "■",
        muted: "M",
        warning: "▲",
        info: "•",
        open: "▾",
        closed: "▸",
        selected: "▸",
        less: "◂",
        more: "▸",
        up: "↑",
        down: "↓",
        left: "←",
        right: "→",
        enter: "↵",
        backspace: "⌫",
        flow: "──▶",
        ellipsis: "…",
        none: "–",
        infinity: "∞",
        minus: "−",
        times: "×",
        dot: "·",
        pipe: "│",
        degree: "°",
        bar: ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"],
        bar_empty: "░",
        spark: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
        axis: ["│", "┤", "─"],
        thumb: "┃",
        track: "│",
        border: Border {
            horizontal: "─",
            vertical: "│",
            top_left: "╭",
            top_right: "╮",
            bottom_left: "╰",
            bottom_right: "╯",
            tee_right: "├",
            tee_left: "┤",
        },
    };

    /// For everything else.
    pub const ASCII: Glyphs = Glyphs {
        waiting: "o",
        starting: "~",
        running: "*",
        succeeded: "+",
        failed: "X",
        unknown: "?",
        stopping: "=",
        stopped: "#",
        muted: "M",
        warning: "!",
        info: "-",
        open: "v",
        closed: ">",
        selected: ">",
        less: "<",
        more: ">",
        up: "up",
        down: "down",
        left: "left",
        right: "right",
        enter: "enter",
        backspace: "bksp",
        flow: "-->",
        ellipsis: "~",
        none: "-",
        infinity: "*",
        minus: "-",
        times: "x",
        dot: "-",
        pipe: "|",
        degree: "'",
        // An eighth is nothing, and from a half on it is there.
        bar: [" ", " ", " ", "-", "-", "-", "=", "="],
        bar_empty: ".",
        spark: ["_", "_", ".", ".", ":", ":", "|", "|"],
        axis: ["|", "+", "-"],
        thumb: "#",
        track: "|",
        border: Border {
            horizontal: "-",
            vertical: "|",
            top_left: "+",
            top_right: "+",
            bottom_left: "+",
            bottom_right: "+",
            tee_right: "+",
            tee_left: "+",
        },
    };

    /// Unicode or ASCII.
    pub fn set(ascii: bool) -> &'static Glyphs {
        static SETS: [Glyphs; 2] = [Glyphs::UNICODE, Glyphs::ASCII];
        let [unicode, plain] = &SETS;
        if ascii { plain } else { unicode }
    }

    /// The set for the locale of an environment, read as the C library does: `LC_ALL` over `LC_CTYPE` over
    /// `LANG`, an empty one is none. A locale that is not UTF-8 or not there at all means ASCII.
    pub fn for_locale(variable: impl Fn(&str) -> Option<String>) -> &'static Glyphs {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(|name| variable(name).filter(|value| !value.is_empty()))
            .unwrap_or_default()
            .to_ascii_lowercase();
        let linux_console = variable("TERM").is_some_and(|term| term == "linux" || term == "dumb");
        let utf8 = locale.contains("utf-8") || locale.contains("utf8");
        Glyphs::set(!utf8 || linux_console)
    }
}
