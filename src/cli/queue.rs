//! `dragon-tui queue`: the queues of a run from any shell script.
//!
//! Owns the verbs, what they print and their exit codes: 0 done, 1 the time was up (nothing came, or there was no room),
//! 2 anything else. Inside a run the queues are found by the environment; from outside by `--run`. Never unpickles an
//! item, and never lets one write control characters to a terminal. Start at [`run`]; `link.rs` finds the server and
//! talks to it, `item.rs` shows items.

use std::{
    ffi::OsString,
    io::{self, IsTerminal},
    path::PathBuf,
    time::Duration,
};

use clap::{Args, Subcommand};

use self::{item::Screen, link::Link};
use super::{args::Format, streams};

mod get;
mod item;
mod link;
mod look;
mod put;
#[cfg(test)]
mod tests;

/// Longest value the server takes, in bytes.
const MAX_VALUE: u64 = 512 * 1024 * 1024;

/// Arguments.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 done, 1 the time was up, 2 anything else.")]
pub struct QueueArgs {
    #[command(flatten)]
    place: Place,

    /// How results are written
    #[arg(long, value_enum, default_value_t, global = true)]
    format: Format,

    #[command(subcommand)]
    verb: Verb,
}

/// Where the queues are.
#[derive(Debug, Default, Args)]
struct Place {
    /// The queues of a run on this host: its id, the beginning of it, or "last" (inside a run: its own)
    #[arg(long, global = true, conflicts_with = "socket")]
    run: Option<String>,

    /// The queues behind a socket
    #[arg(long, global = true, value_name = "PATH")]
    socket: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Put items into a queue; waits while it is full
    Put(PutArgs),
    /// Get items from a queue, the oldest first; waits while it is empty
    Get(GetArgs),
    /// Show the oldest items and leave them where they are
    Peek {
        /// The queue
        name: String,
        /// Show at most so many
        #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        count: u64,
    },
    /// List the queues
    Ls,
    /// Everything about one queue, and who waits at it
    Stat {
        /// The queue
        name: String,
    },
    /// Throw away every item of a queue
    Purge {
        /// The queue
        name: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
struct PutArgs {
    /// The queue
    name: String,

    /// The item; - for what stands on the standard input, as a single item
    #[arg(required_unless_present_any = ["file", "lines"], conflicts_with_all = ["file", "lines"], allow_negative_numbers = true)]
    value: Option<OsString>,

    /// Put the contents of a file, as a single item
    #[arg(long, value_name = "FILE", conflicts_with = "lines")]
    file: Option<PathBuf>,

    /// Put every line of the standard input as an item, without its end
    #[arg(long)]
    lines: bool,

    /// How long each item may wait for room, in seconds; 0: not at all [default: as long as it takes]
    #[arg(long, value_name = "S", value_parser = seconds)]
    timeout: Option<Patience>,
}

#[derive(Debug, Args)]
struct GetArgs {
    /// The queue
    name: String,

    /// How long to wait for each item, in seconds; 0: not at all [default: as long as it takes]
    #[arg(long, value_name = "S", value_parser = seconds)]
    timeout: Option<Patience>,

    /// Get so many items
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,

    /// Write the bytes of the items and nothing else: no line ends, pickles as they are
    #[arg(long)]
    raw: bool,
}

/// How long somebody waits at a queue.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Patience {
    /// Not at all.
    None,
    /// So long.
    For(Duration),
    /// As long as it takes.
    Endless,
}

impl Patience {
    /// As the server's blocking commands want it. They take 0 for endless and know microseconds.
    fn word(self) -> Option<String> {
        match self {
            Patience::None => None,
            Patience::For(time) => Some(format!("{:.6}", time.as_secs_f64().max(1e-6))),
            Patience::Endless => Some("0".to_owned()),
        }
    }

    /// The time after which a silent server is a dead one.
    fn of_reply(self) -> Option<Duration> {
        match self {
            Patience::None => Some(link::PROMPT),
            Patience::For(time) => Some(time + link::PROMPT),
            Patience::Endless => None,
        }
    }
}

/// A number of seconds as it may stand behind `--timeout`.
fn seconds(text: &str) -> Result<Patience, String> {
    /// The server knows no longer timeout; nobody will see the difference.
    const ENDLESS: f64 = 1e9;
    match text.parse::<f64>() {
        Ok(seconds) if seconds.is_nan() || seconds < 0.0 => Err("seconds are 0 or more".to_owned()),
        Ok(0.0) => Ok(Patience::None),
        Ok(seconds) if seconds >= ENDLESS => Ok(Patience::Endless),
        Ok(seconds) => Ok(Patience::For(Duration::from_secs_f64(seconds))),
        Err(_) => Err("a number of seconds is wanted, 0.5 for example".to_owned()),
    }
}

/// Carries out one verb and gives the exit code.
///
/// # Errors
/// Whatever keeps it from being done: no run, no such queue, a server that went away, an item that never fits.
pub fn run(args: &QueueArgs) -> anyhow::Result<u8> {
    let screen = Screen {
        terminal: io::stdout().is_terminal(),
    };
    let mut out = streams::stdout();
    let (place, format) = (&args.place, args.format);
    match &args.verb {
        Verb::Put(what) => {
            let items = put::Items::of(what)?;
            let mut link = Link::open(place, &what.name)?;
            put::run(&mut link, what, items, format, &mut out)
        }
        Verb::Get(what) => {
            get::check(what, format, screen)?;
            let mut link = Link::open(place, &what.name)?;
            // An item that was not written goes back: here every failure counts.
            let mut out = io::stdout().lock();
            get::run(&mut link, what, format, screen, &mut out)
        }
        Verb::Peek { name, count } => {
            let mut link = Link::open(place, name)?;
            look::peek(&mut link, name, *count, format, screen, &mut out)
        }
        Verb::Ls => look::list(&mut Link::open(place, "")?, format, screen, &mut out),
        Verb::Stat { name } => {
            let mut link = Link::open(place, name)?;
            look::stat(&mut link, name, format, screen, &mut out)
        }
        Verb::Purge { name, yes } => {
            let mut link = Link::open(place, name)?;
            look::purge(&mut link, name, *yes, format, &mut out)
        }
    }
}
