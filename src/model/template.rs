//! The recipe for one process: what to run, with what, where its bytes go, and how it ends.
//!
//! Owns [`ProcessTemplate`] and the small types of its fields. Defaults are those of the session format.
//! Never resolves a path or a host: templates are read and written, the engine acts on them.

use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{
    ids::{QueueName, TemplateName},
    policy::Policy,
};

/// The greatest number of replicas of one template.
pub const REPLICAS_MAX: u32 = 1_000_000;

/// What a process runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// An executable, by path or by its name in `PATH`. A relative path is relative to the session file.
    Program(String),
    /// A command line for `/bin/sh -c`.
    Shell(String),
    /// A Python function: `file.py:function` or `package.module:function`.
    Python(String),
}

/// A value given to a process as an argument.
///
/// In a session file it is written bare (`5`, `"text"`, `[1, 2]`, `Queue("numbers")`), so it is read from the syntax
/// tree; the derived form, which names its variant, is for our own wires.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// Nothing: Python's `None`.
    None,
    /// Truth.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text.
    Text(String),
    /// A list (or tuple) of values.
    List(Vec<Value>),
    /// A map of values, in the order of the file.
    Map(Vec<(Value, Value)>),
    /// A queue of the session; a program gets its name.
    Queue(QueueName),
}

/// Where a process reads from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stdin {
    /// What is typed into its pane.
    Pane,
    /// Nothing: end of file at once.
    DevNull,
    /// A file on the rank's host; `{rank}` expands.
    File(String),
}

/// Where a process writes to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stdout {
    /// Its pane and its log.
    #[default]
    Pane,
    /// Muted from birth: thrown away on the host where it arises, and can be opened later.
    DevNull,
    /// A file on the rank's host, truncated; `{rank}` expands. `/dev/null` is the bare null device.
    File(String),
}

/// Where a process writes its errors to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stderr {
    /// Wherever its standard output goes.
    #[default]
    Stdout,
    /// Its pane and its log, through a pipe of its own.
    Pane,
    /// Muted from birth, apart from the standard output.
    DevNull,
    /// A file on the rank's host, truncated; `{rank}` expands.
    File(String),
}

/// What connects a process with its pane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Terminal {
    /// A pty while the host has some to spare, else a pipe with a notice.
    #[default]
    Auto,
    /// A pty, or the process does not start.
    Pty,
    /// A pipe.
    Pipe,
}

/// Whether an ended process is started again. Back-off: 0.5 s doubling to 30 s, reset after 60 s of life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Restart {
    /// Never.
    #[default]
    Never,
    /// When it failed, at most so many times.
    OnFailure {
        /// The greatest number of restarts of one rank.
        max: u32,
    },
    /// Whenever it ended, until it is stopped.
    Always,
}

/// When a process counts as ready. Without one: as soon as it has started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ready {
    /// When a line of its output matches this regular expression.
    Line(String),
    /// When this `host:port` accepts a connection from the rank's host.
    Tcp(String),
    /// When this command, run on the rank's host, exits with 0.
    Exec(Vec<String>),
}

/// A signal by its POSIX name without `SIG`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Signal {
    HUP,
    INT,
    QUIT,
    KILL,
    USR1,
    USR2,
    TERM,
    CONT,
    STOP,
}

impl Signal {
    /// Every signal that a session may name.
    pub const ALL: [Signal; 9] = [
        Signal::HUP,
        Signal::INT,
        Signal::QUIT,
        Signal::KILL,
        Signal::USR1,
        Signal::USR2,
        Signal::TERM,
        Signal::CONT,
        Signal::STOP,
    ];
}

/// How a process is stopped: this signal, the grace, TERM, the grace again, then KILL; always the whole tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stop {
    /// The first signal.
    pub signal: Signal,
    /// How long each step waits for the process to end.
    #[serde(with = "humantime_text")]
    pub grace: Duration,
}

impl Default for Stop {
    fn default() -> Self {
        Self {
            signal: Signal::INT,
            grace: Duration::from_secs(5),
        }
    }
}

/// A condition that a group or template waits for before it starts; it names one of the same level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum After {
    /// All processes of it have started.
    Started(String),
    /// All processes of it are ready.
    Ready(String),
    /// All processes of it have ended well.
    Succeeded(String),
    /// All processes of it have ended, well or not.
    Ended(String),
}

impl After {
    /// The group or template that is waited for.
    pub fn name(&self) -> &str {
        match self {
            After::Started(name)
            | After::Ready(name)
            | After::Succeeded(name)
            | After::Ended(name) => name,
        }
    }
}

/// What is pointed out to the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Alert {
    /// The process was ended by a signal.
    Died,
    /// The process ended with a status other than 0.
    Failed,
    /// The process wrote nothing for this long.
    Quiet(#[serde(with = "humantime_text")] Duration),
    /// A line of its output matches this regular expression.
    Line(String),
}

/// The recipe for one process; replicas of it are its ranks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProcessTemplate {
    /// What to run.
    pub target: Target,
    /// Positional arguments. None: the program gets no argument at all.
    pub args: Vec<Value>,
    /// Named arguments, for Python targets only.
    pub kwargs: IndexMap<String, Value>,
    /// How many ranks, 1 to [`REPLICAS_MAX`].
    pub replicas: u32,
    /// Variables set on top of what every rank finds.
    pub env: IndexMap<String, String>,
    /// The working folder; absent: the folder dragon-tui was started in.
    pub cwd: Option<String>,
    /// Where it reads from; absent: its pane with a pty, else nothing.
    pub stdin: Option<Stdin>,
    /// Where it writes to.
    pub stdout: Stdout,
    /// Where it writes its errors to.
    pub stderr: Stderr,
    /// Pty or pipe.
    pub terminal: Terminal,
    /// Wishes about placement.
    pub policy: Policy,
    /// Whether it is started again.
    pub restart: Restart,
    /// Whether its end, even a good one, ends the group.
    pub critical: bool,
    /// When it counts as ready.
    pub ready: Option<Ready>,
    /// How it is stopped.
    pub stop: Stop,
    /// What it waits for: other templates of its group.
    pub after: Vec<After>,
    /// What is pointed out to the user.
    pub alerts: Vec<Alert>,
    /// Files (relative to the session file) that restart it when they change.
    pub watch: Vec<String>,
}

impl ProcessTemplate {
    /// A template with this target and nothing else said.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            ..Self::default()
        }
    }
}

impl Default for ProcessTemplate {
    fn default() -> Self {
        Self {
            target: Target::Program(String::new()),
            args: Vec::new(),
            kwargs: IndexMap::new(),
            replicas: 1,
            env: IndexMap::new(),
            cwd: None,
            stdin: None,
            stdout: Stdout::default(),
            stderr: Stderr::default(),
            terminal: Terminal::default(),
            policy: Policy::default(),
            restart: Restart::default(),
            critical: false,
            ready: None,
            stop: Stop::default(),
            after: Vec::new(),
            alerts: Vec::new(),
            watch: Vec::new(),
        }
    }
}

/// Templates × replica counts that start, stop and finish together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProcessGroup {
    /// The templates, in the order of the file.
    pub templates: IndexMap<TemplateName, ProcessTemplate>,
    /// Wishes about placement, weaker than a template's.
    pub policy: Policy,
    /// The group is stopped after this time; the run then ends with 124.
    #[serde(with = "humantime_text::option")]
    pub walltime: Option<Duration>,
    /// Whether the rest goes on when a rank fails. Otherwise the first failure stops the group.
    pub ignore_error_on_exit: bool,
    /// What it waits for: other groups of the session.
    pub after: Vec<After>,
}

/// Durations as people write them: `"1.5s"`, `"2h 30m"`.
///
/// A plain decimal number of seconds with a unit is taken too (`"2.5s"`), which `humantime` alone refuses.
pub mod humantime_text {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    /// The greatest duration that is taken: a hundred years, far below what timers overflow at.
    pub const MAX: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

    /// Reads a duration, or says in words what is expected.
    pub fn parse(text: &str) -> Result<Duration, String> {
        let wrong = || {
            format!(
                "{text:?} is no duration: write for example \"500ms\", \"2.5s\", \"10m\" or \"2h 30m\""
            )
        };
        let trimmed = text.trim();
        let split = trimmed
            .find(|c: char| c != '.' && !c.is_ascii_digit())
            .unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(split);
        let duration = if number.contains('.') {
            let seconds = match unit.trim() {
                "ms" => 0.001,
                "s" | "sec" => 1.0,
                "m" | "min" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                _ => return Err(wrong()),
            };
            let number: f64 = number.parse().map_err(|_| wrong())?;
            Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())?
        } else {
            humantime::parse_duration(trimmed).map_err(|_| wrong())?
        };
        if duration > MAX {
            Err(wrong())
        } else {
            Ok(duration)
        }
    }

    /// Writes a duration in the form that [`parse`] reads.
    pub fn format(duration: Duration) -> String {
        humantime::format_duration(duration).to_string()
    }

    /// For `#[serde(with)]`.
    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format(*duration))
    }

    /// For `#[serde(with)]`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }

    /// The same for a duration that may be absent.
    pub mod option {
        use super::*;

        /// For `#[serde(with)]`.
        pub fn serialize<S: Serializer>(
            duration: &Option<Duration>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match duration {
                Some(duration) => serializer.serialize_some(&super::format(*duration)),
                None => serializer.serialize_none(),
            }
        }

        /// For `#[serde(with)]`.
        pub fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Duration>, D::Error> {
            let text = Option::<String>::deserialize(deserializer)?;
            let duration = text.map(|text| parse(&text)).transpose();
            duration.map_err(serde::de::Error::custom)
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::model::template::ProcessGroup;

        #[test]
        fn a_duration_that_is_absent_survives_json() {
            for walltime in [None, Some(Duration::from_secs(7))] {
                let group = ProcessGroup {
                    walltime,
                    ..ProcessGroup::default()
                };
                let json = serde_json::to_string(&group).unwrap();
                let back: ProcessGroup = serde_json::from_str(&json).unwrap();
                assert_eq!(back, group, "{json}");
            }
        }

        #[test]
        fn durations_are_read_as_people_write_them() {
            assert_eq!(parse("2.5s").unwrap(), Duration::from_millis(2500));
            assert_eq!(parse("2h 30m").unwrap(), Duration::from_secs(9000));
            assert_eq!(parse("500ms").unwrap(), Duration::from_millis(500));
            for text in ["", "5", "fast", "-1s", "1.2.3s", "999999999999y"] {
                assert!(parse(text).is_err(), "{text:?}");
            }
            assert_eq!(
                parse(&format(Duration::from_millis(2500))).unwrap(),
                Duration::from_millis(2500)
            );
        }
    }
}
