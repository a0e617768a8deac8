//! Facts and wishes: what the engine tells its clients, and what they may ask of it.
//!
//! Owns [`Event`] (past tense) and [`Command`] (imperative), the language between engine and client and
//! of a run's record. An event is written as one JSON object with an `event` tag; fields are only ever
//! added, and [`PROTOCOL`] moves when the meaning of one changes.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{
    cpuset::CpuSet,
    document::Step,
    ids::{GroupName, HostName, Incarnation, ProcessId, QueueName, Selector},
    lifecycle::{ExitStatus, GroupState, ProcessState},
    template::Alert,
};

/// The version of events and commands.
pub const PROTOCOL: u32 = 1;

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Good to know.
    Info,
    /// Something is not as it was asked for; the run goes on.
    Warning,
    /// Something is lost or cannot be done.
    Error,
}

/// Whether a process is connected by a pty or a pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A pty.
    Pty,
    /// A pipe.
    Pipe,
    /// Neither: all its output goes to files.
    None,
}

/// What a process used in its life, as the kernel counted it at its end (getrusage(2)), with the
/// children it waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Seconds of cpu time, user and system.
    pub cpu_seconds: f64,
    /// The largest resident set of any one process of it, in bytes.
    pub peak_memory: u64,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All ranks ended well.
    Succeeded,
    /// A rank failed.
    Failed,
    /// What was asked for cannot be placed.
    Unplaceable,
    /// A host or the engine was lost.
    HostLost,
    /// A group reached its walltime.
    Walltime,
    /// The user ended it.
    Interrupted,
}

impl Outcome {
    /// The exit code of a headless run: 0 all ranks ended well, 1 a rank failed, 3 placement impossible, 4 a host
    /// or the engine was lost, 124 walltime (as timeout(1)), 130 interrupted (128 + SIGINT).
    pub fn exit_code(self) -> u8 {
        match self {
            Outcome::Succeeded => 0,
            Outcome::Failed => 1,
            Outcome::Unplaceable => 3,
            Outcome::HostLost => 4,
            Outcome::Walltime => 124,
            Outcome::Interrupted => 130,
        }
    }
}

/// What a process uses now, with its children.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProcessSample {
    /// The process.
    pub process: ProcessId,
    /// Cpu use since the sample before, in cores (1.0 = one core busy).
    pub cpu: f32,
    /// Resident memory in bytes.
    pub memory: u64,
    /// How many processes of the operating system it is.
    pub processes: u32,
    /// Bytes written to its pane since it started.
    pub shown: u64,
    /// Bytes thrown away while muted since it started.
    pub discarded: u64,
}

/// What a host uses now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostSample {
    /// The host.
    pub host: HostName,
    /// Cpu use of the whole machine in cores.
    pub cpu: f32,
    /// Used and total memory in bytes.
    pub memory: (u64, u64),
    /// Processes that ran or were ready to run, on average over the last minute; absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<f32>,
    /// Its GPUs; empty where there is no driver.
    pub gpus: Vec<GpuSample>,
}

/// What a GPU uses now. A value that the driver does not give is absent, never 0.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GpuSample {
    /// 0-based index on its host.
    pub index: u32,
    /// Its product name.
    pub name: String,
    /// Share of time that a kernel ran, 0 to 100.
    pub utilisation: Option<u32>,
    /// Used and total memory in bytes.
    pub memory: Option<(u64, u64)>,
    /// Degrees Celsius.
    pub temperature: Option<u32>,
    /// Watts.
    pub power: Option<f32>,
    /// Process ids of the operating system that use it, with their memory in bytes where known.
    pub processes: Vec<(u32, Option<u64>)>,
}

/// Samples of everything: the newest only, an older one is replaced.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Samples {
    /// Hosts.
    pub hosts: Vec<HostSample>,
    /// Processes that are alive.
    pub processes: Vec<ProcessSample>,
}

/// A fact about a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The run began.
    RunStarted {
        /// The version of these events, [`PROTOCOL`].
        protocol: u32,
        /// The id of the run.
        run: String,
        /// The name of the session.
        session: String,
        /// The engine's process id.
        pid: u32,
        /// The engine's host.
        host: String,
        /// The socket of the queues.
        queue_socket: String,
    },
    /// A host answered and can be used.
    HostReady {
        /// The host as the session calls it.
        host: HostName,
        /// As it calls itself.
        hostname: String,
        /// How many cpus our processes may use there.
        cpus: u32,
        /// Memory in bytes.
        memory: u64,
        /// Product names of its GPUs.
        gpus: Vec<String>,
    },
    /// A host does not answer any more; what ran there is lost.
    HostLost {
        /// The host.
        host: HostName,
        /// Why.
        reason: String,
    },
    /// A group passed into another state.
    GroupChanged {
        /// The group.
        group: GroupName,
        /// Its state from now on.
        state: GroupState,
    },
    /// A process passed into another state.
    ProcessChanged {
        /// The process.
        process: ProcessId,
        /// Which life of it.
        incarnation: Incarnation,
        /// Its state from now on.
        state: ProcessState,
    },
    /// A process was started.
    ProcessStarted {
        /// The process.
        process: ProcessId,
        /// Which life of it.
        incarnation: Incarnation,
        /// Its process id on its host.
        pid: u32,
        /// Its host.
        host: HostName,
        /// The cpus it is bound to; empty: all.
        cpus: CpuSet,
        /// The GPUs it sees; absent: nothing was said about GPUs.
        gpus: Option<CpuSet>,
        /// Pty or pipe.
        channel: Channel,
    },
    /// A process ended: its main process was reaped and its output is complete. When a restart that was announced
    /// by `restart_in` is called off, the end of that life is told again, without `restart_in`.
    ProcessEnded {
        /// The process.
        process: ProcessId,
        /// Which life of it.
        incarnation: Incarnation,
        /// How.
        status: ExitStatus,
        /// Whether this end makes the run fail.
        failure: bool,
        /// What it used.
        usage: Usage,
        /// Seconds until it is started again; absent: it is not.
        restart_in: Option<f64>,
    },
    /// The output of a process is thrown away at its source from now on, or shown again.
    MuteChanged {
        /// The process.
        process: ProcessId,
        /// Whether it is muted from now on.
        muted: bool,
        /// Bytes thrown away so far.
        discarded: u64,
    },
    /// The number of replicas of a template changed.
    Scaled {
        /// The template.
        template: Selector,
        /// Its replicas from now on.
        replicas: u32,
    },
    /// Something that the template asked to be told about.
    Alerted {
        /// The process.
        process: ProcessId,
        /// What was asked for.
        alert: Alert,
        /// What was seen.
        text: String,
    },
    /// A step of the timeline was performed.
    StepDone {
        /// The step.
        step: Step,
    },
    /// Something the user should know.
    Notice {
        /// How much it matters.
        level: Level,
        /// The process it is about, if one.
        process: Option<ProcessId>,
        /// What happened and what to do.
        text: String,
    },
    /// The answer to [`Command::Explain`].
    Explained {
        /// The process.
        process: ProcessId,
        /// Its state.
        state: ProcessState,
        /// Why it is in that state, in a sentence.
        because: String,
    },
    /// A command was refused.
    Refused {
        /// Why.
        reason: String,
    },
    /// Totals of the queues at the end.
    QueueTotals {
        /// Per queue: items put, items got, items left.
        queues: IndexMap<QueueName, (u64, u64, u64)>,
    },
    /// The run is over; nothing of it is alive.
    RunEnded {
        /// How.
        outcome: Outcome,
        /// The first failure, if there was one.
        first_failure: Option<ProcessId>,
    },
}

/// An event with its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    /// Seconds since the run began.
    pub at: f64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// A wish of a client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Start what is selected (a whole group: place it first).
    Start(Selector),
    /// Stop it by its ladder.
    Stop(Selector),
    /// Kill it at once, the whole tree.
    Kill(Selector),
    /// Stop it if it runs, then start it again.
    Restart(Selector),
    /// Start every rank again that has failed and does not run; absent: of all groups.
    RestartFailed(Option<GroupName>),
    /// Throw its output away at its source.
    Mute(Selector),
    /// Show its output again.
    Unmute(Selector),
    /// Change the number of replicas of a template.
    Scale(Selector, u32),
    /// Type these bytes into it.
    Send(Selector, Vec<u8>),
    /// The size of its pane from now on: rows and columns.
    Resize(ProcessId, u16, u16),
    /// Say why a process runs or does not; answered by [`Event::Explained`].
    Explain(ProcessId),
    /// Stop everything by its ladder and end the run.
    Finish,
    /// Kill everything and end the run.
    Abort,
}

impl From<Step> for Command {
    fn from(step: Step) -> Self {
        match step {
            Step::Start(s) => Command::Start(s),
            Step::Stop(s) => Command::Stop(s),
            Step::Kill(s) => Command::Kill(s),
            Step::Restart(s) => Command::Restart(s),
            Step::Mute(s) => Command::Mute(s),
            Step::Unmute(s) => Command::Unmute(s),
            Step::Scale(s, replicas) => Command::Scale(s, replicas),
            Step::Send(s, text) => Command::Send(s, text.into_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file holds events as version 1 writes them, one of each kind. Records of runs are read for years: fields
    /// may be added with a default, a change of meaning moves [`PROTOCOL`] and adds a file.
    #[test]
    fn every_kind_of_event_is_read_and_written_as_its_version_says() {
        let golden = include_str!("../../tests/formats/events/1.jsonl");
        let mut kinds = std::collections::BTreeSet::new();
        for line in golden.lines() {
            let stamped: Stamped = serde_json::from_str(line).unwrap();
            let value = serde_json::to_value(&stamped).unwrap();
            assert_eq!(
                value,
                serde_json::from_str::<serde_json::Value>(line).unwrap()
            );
            kinds.insert(value["event"].as_str().unwrap().to_owned());
        }
        // The list is that of the enum: a kind that is not in the file is added there.
        let all = [
            "alerted",
            "explained",
            "group_changed",
            "host_lost",
            "host_ready",
            "mute_changed",
            "notice",
            "process_changed",
            "process_ended",
            "process_started",
            "queue_totals",
            "refused",
            "run_ended",
            "run_started",
            "scaled",
            "step_done",
        ];
        assert_eq!(kinds.iter().map(String::as_str).collect::<Vec<_>>(), all);
    }
}
