//! The command line: what may be written, and which part of the program it leads to.
//!
//! Owns names, help texts and defaults of arguments. Does nothing itself: [`run`] hands over.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{check, engine, failures, headless, plan, queue, runs, screens, streams};
use crate::{agent, model::ids::HostName, record::Runs};

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

#[derive(Debug, Parser)]
#[command(
    name = "dragon-tui",
    version,
    about = "Compose, launch, watch and steer groups of processes",
    args_conflicts_with_subcommands = true,
    after_help = "Exit codes of --replay: 0 all ranks ended well, 1 a rank failed, 2 bad usage or session, 3 placement \
                  impossible, 4 a host or the engine was lost, 124 walltime, 130/143 interrupted."
)]
struct Cli {
    /// The session to open (a RON file)
    session: Option<PathBuf>,

    /// Run it headless: no terminal needed, the exit code says how it went
    #[arg(long, requires = "session")]
    replay: bool,

    /// Start it at once
    #[arg(long, requires = "session", conflicts_with = "replay")]
    start: bool,

    /// The theme of the screens
    #[arg(long, conflicts_with = "replay")]
    theme: Option<String>,

    /// Print no output of ranks; their logs are complete in any case
    #[arg(long, short, requires = "replay")]
    quiet: bool,

    #[command(flatten)]
    composing: Composing,

    /// How output and events are written
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// Write what the engine itself does into the run's folder (error, warn, info, debug, trace)
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<tracing::level_filters::LevelFilter>,

    #[command(subcommand)]
    command: Option<Sub>,
}

/// What changes a session on the command line.
#[derive(Debug, Clone, Default, Args)]
pub struct Composing {
    /// Change a field of the session for this run: group.template.replicas=8 (may be repeated)
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,

    /// Let one host stand in for another: pinoak0033=localhost (may be repeated)
    #[arg(long = "host-alias", value_name = "NAME=HOST", value_parser = alias)]
    pub host_alias: Vec<(HostName, HostName)>,
}

#[derive(Debug, Subcommand)]
enum Sub {
    /// Look for everything that is wrong in session files; starts nothing, needs no host
    Check {
        /// Session files
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// How the problems are written
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show where every rank would run and how; starts nothing
    Plan {
        /// The session
        session: PathBuf,
        #[command(flatten)]
        composing: Composing,
        /// How the plan is written
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Put into, get from and look at queues: inside a run by its environment
    Queue(queue::QueueArgs),
    /// Past runs, newest first; or everything about one of them
    Runs {
        /// A run: its id, the beginning of it, or "last"
        run: Option<String>,
        /// Delete old runs beyond the limits (200 runs, 5 GiB)
        #[arg(long, conflicts_with = "run")]
        prune: bool,
        /// List at most so many
        #[arg(long, default_value_t = runs::LIST_LIMIT)]
        limit: usize,
        /// How they are written
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Open a past run in the screens, as it was
    View {
        /// A run: its id, the beginning of it, or "last"
        run: String,
        /// The theme of the screens
        #[arg(long)]
        theme: Option<String>,
    },
    /// A session's engine: talks to its screen over standard input, a socket
    #[command(hide = true)]
    Engine {
        /// As that of dragon-tui itself
        #[arg(long, value_name = "LEVEL")]
        log_level: Option<tracing::level_filters::LevelFilter>,
    },
    /// The part on a host: talks to an engine over its standard input and output
    #[command(hide = true)]
    Agent,
    /// Ends what an agent started when the agent is gone
    #[command(hide = true)]
    Guardian,
    /// Does this address accept a connection? Exit 0: yes
    #[command(hide = true)]
    Probe {
        /// host:port
        address: String,
    },
}

fn alias(text: &str) -> Result<(HostName, HostName), String> {
    match text.split_once('=') {
        Some((name, host)) if !name.is_empty() && !host.is_empty() => {
            Ok((HostName::new(name), HostName::new(host)))
        }
        _ => Err("write NAME=HOST".to_owned()),
    }
}

/// Runs the program: arguments of this process in, exit code out.
pub fn run() -> ExitCode {
    // The agent's start must not wait for the parser of everything else.
    match std::env::args_os()
        .nth(1)
        .as_deref()
        .and_then(|arg| arg.to_str())
    {
        Some("agent") => return agent::serve::run_stdio(),
        Some("guardian") => return agent::guardian::run_stdio(),
        _ => {}
    }
    let cli = Cli::parse();
    let done = match cli.command {
        None => match cli.session {
            Some(session) if cli.replay => headless::run(&headless::Replay {
                session,
                composing: cli.composing,
                format: cli.format,
                quiet: cli.quiet,
                log_level: cli.log_level,
            }),
            session => screens::run(screens::Screens {
                session,
                composing: cli.composing,
                start: cli.start,
                theme: cli.theme,
                log_level: cli.log_level,
            }),
        },
        Some(Sub::Check { paths, format }) => check::run(&paths, format),
        Some(Sub::Plan {
            session,
            composing,
            format,
        }) => plan::run(&session, &composing, format),
        Some(Sub::Queue(args)) => queue::run(&args),
        Some(Sub::Runs {
            run,
            prune,
            limit,
            format,
        }) => past_runs(run.as_deref(), prune, limit, format),
        Some(Sub::View { run, theme }) => screens::view(&run, theme),
        Some(Sub::Engine { log_level }) => engine::run(log_level),
        Some(Sub::Agent) => return agent::serve::run_stdio(),
        Some(Sub::Guardian) => return agent::guardian::run_stdio(),
        Some(Sub::Probe { address }) => Ok(u8::from(!accepts(&address))),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => failures::report(&error),
    }
}

fn past_runs(run: Option<&str>, prune: bool, limit: usize, format: Format) -> anyhow::Result<u8> {
    let all = Runs::of_this_user()?;
    let now = std::time::SystemTime::now();
    let (mut out, mut err) = (streams::stdout(), streams::stderr());
    match run {
        Some(run) => runs::show(&all, run, format, now, &mut out),
        None if prune => runs::prune(
            &all,
            crate::record::Limits::default(),
            now,
            &mut out,
            &mut err,
        ),
        None => runs::list(&all, format, limit, now, &mut out, &mut err),
    }
}

fn accepts(address: &str) -> bool {
    use std::net::{TcpStream, ToSocketAddrs};
    let Ok(addresses) = address.to_socket_addrs() else {
        return false;
    };
    addresses
        .into_iter()
        .any(|one| TcpStream::connect_timeout(&one, std::time::Duration::from_secs(3)).is_ok())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_session_and_a_subcommand_are_told_apart() {
        let cli =
            Cli::try_parse_from(["dragon-tui", "--replay", "x.ron", "--set", "a.b.replicas=2"])
                .unwrap();
        assert_eq!(cli.session, Some("x.ron".into()));
        assert!(Cli::try_parse_from(["dragon-tui", "check"]).is_err());
        assert!(Cli::try_parse_from(["dragon-tui", "--replay"]).is_err());
        assert!(Cli::try_parse_from(["dragon-tui", "plan", "x.ron", "--host-alias", "a"]).is_err());
    }
}
