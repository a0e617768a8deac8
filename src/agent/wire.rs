//! What engine and agent say to each other.
//!
//! Owns the messages, their framing and their version. Two channels: *control* (both ways, small, postcard)
//! and *bulk* (agent to engine, output bytes behind a fixed header), so that a key or an exit never queues
//! behind a flood. On localhost they are a socketpair and a pipe: the agent finds control at its standard input
//! and bulk at its standard output. Never holds a socket itself. Start at [`ToAgent`] and [`FromAgent`].
//!
//! Order: messages of one channel arrive in order. Output of a child and its [`Bulk::Eof`] are on bulk, its
//! [`FromAgent::Exited`] is on control: the two may arrive either way round.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::model::{
    event::{Channel, GpuSample, Level, Usage},
    ids::GroupName,
    template::Terminal,
};

/// Moves when a message changes; engine and agent of different versions refuse each other.
pub const VERSION: u32 = 2;

/// The largest control message, in bytes; a longer one means that the stream is damaged.
pub const CONTROL_MAX: usize = 16 << 20;

/// The largest payload of one bulk frame, in bytes.
pub const BULK_MAX: usize = 256 << 10;

/// Output that a child may send before the engine has taken any of it, in bytes. Several times what lies in the bulk
/// channel, so that a lone flood does not wait for its credit.
pub const CREDIT: u32 = 1 << 20;

/// One life of one process, numbered by the engine and never used twice in a run, so that a message about
/// an old life is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChildKey(pub u64);

/// Where one output stream of a child goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sink {
    /// To the engine by the bulk channel, or thrown away here while muted.
    Pane {
        /// Muted from birth.
        muted: bool,
    },
    /// Into a file on this host, created and truncated. Relative to the child's working folder.
    File(String),
    /// Where the standard output goes; for the error stream only.
    Stdout,
}

/// Where a child reads from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// The pty if there is one, else the null device.
    Auto,
    /// From [`ToAgent::Input`]: the pty, or a pipe.
    Pane,
    /// The null device.
    Null,
    /// A file on this host.
    File(String),
}

/// How to start one child.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpawnSpec {
    /// Its key from now on.
    pub child: ChildKey,
    /// `group/template.rank`, for the search of what it leaves behind (`DRAGON_TASK` in its environment).
    pub task: String,
    /// A path (when it holds a slash), or a name looked up in the child's own `PATH`.
    pub program: String,
    /// Its arguments, without the program itself.
    pub args: Vec<String>,
    /// Set on top of [`Hello::env`]; a later entry wins.
    pub env: Vec<(String, String)>,
    /// Its working folder, absolute; absent: [`Hello::cwd`].
    pub cwd: Option<String>,
    /// Standard input.
    pub stdin: Source,
    /// Standard output.
    pub stdout: Sink,
    /// Standard error.
    pub stderr: Sink,
    /// `Auto`: a pty, or a pipe with a notice when the host has no pty to spare.
    pub terminal: Terminal,
    /// Size of the pty: rows and columns.
    pub size: (u16, u16),
    /// The cpus it may use; empty: all that the agent may use.
    pub cpus: Vec<u32>,
}

/// The first message to an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`VERSION`].
    pub version: u32,
    /// The id of the run.
    pub run: String,
    /// The mark: a component of the `:`-separated list in the variable [`MARK_VARIABLE`] of everything that this
    /// run starts. [`Hello::env`] holds that variable already (an outer run's marks stand before ours).
    pub mark: String,
    /// The environment that children start from. The agent appends its own folder to `PATH`, and
    /// prepends the folder of the unpacked Python package to `PYTHONPATH`.
    pub env: Vec<(String, String)>,
    /// The working folder of children that name none; absolute.
    pub cwd: String,
    /// Whether to look for GPUs now (loading a driver takes time).
    pub gpus: bool,
    /// Milliseconds between samples; 0: none. The agent may take them less often to stay below 0.25 % of a core.
    pub sample_every: u32,
}

/// The variable that marks everything a run starts.
pub const MARK_VARIABLE: &str = "DRAGON_TUI_MARK";

/// What the engine asks of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToAgent {
    /// Who we are; once, first.
    Hello(Hello),
    /// Start a child. Answered by `Spawned` or `SpawnFailed`.
    Spawn(Box<SpawnSpec>),
    /// Send a signal (its number) to the child's process group.
    Signal {
        /// The child.
        child: ChildKey,
        /// The signal's number on Linux.
        signal: i32,
    },
    /// Kill the child's whole tree: its group, its session, its descendants, and what carries its task.
    KillTree(ChildKey),
    /// Kill every process of this group that is still there and is no living child's main process.
    /// Answered by `Swept`.
    Sweep(GroupName),
    /// Throw away (true) or send (false) the child's output from now on. Answered by `Muted`.
    Mute(ChildKey, bool),
    /// Bytes for its standard input. Refused with `InputRefused` when 64 KiB already wait.
    Input(ChildKey, Vec<u8>),
    /// End of its standard input, after what waits.
    CloseInput(ChildKey),
    /// The size of its pty: rows, columns.
    Resize(ChildKey, u16, u16),
    /// The engine took so many bytes of its output.
    Credit(ChildKey, u32),
    /// End its output (someone it left behind holds it open): what is in the kernel still comes, within the credit
    /// and a bound, then `Eof`; the child is forgotten once reaped.
    Close(ChildKey),
    /// Can these start here? Answered by `Checked`.
    Check(u32, Check),
    /// Milliseconds between samples from now on; 0: none.
    SampleEvery(u32),
    /// Answered by the same number.
    Heartbeat(u64),
    /// Kill all that is left, say `Bye`, end.
    Shutdown,
}

/// A question about a target before anything starts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Check {
    /// As in [`SpawnSpec::program`].
    pub program: String,
    /// The child's own `PATH`, if the template sets one.
    pub path: Option<String>,
    /// Its working folder, if the template sets one.
    pub cwd: Option<String>,
}

/// What is wrong with a target, in sentences; absent: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Faults {
    /// Why its program cannot be run.
    pub program: Option<String>,
    /// Why its working folder cannot be entered.
    pub cwd: Option<String>,
}

/// A GPU of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuInfo {
    /// 0-based index in PCI bus order.
    pub index: u32,
    /// Its product name.
    pub name: String,
    /// Its memory in bytes.
    pub memory: u64,
}

/// What an agent says of itself and its host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// [`VERSION`].
    pub version: u32,
    /// The host's own name.
    pub hostname: String,
    /// The agent's process id.
    pub pid: u32,
    /// Its guardian's process id.
    pub guardian: u32,
    /// The cpus it may use (sched_getaffinity(2)).
    pub cpus: Vec<u32>,
    /// Memory of the machine in bytes.
    pub memory: u64,
    /// Its GPUs; empty where none was looked for or found.
    pub gpus: Vec<GpuInfo>,
    /// Why no GPU could be found, when one was looked for.
    pub gpu_note: Option<String>,
    /// The folder of the unpacked Python package, or why there is none.
    pub python_path: Result<String, String>,
}

/// How a child's main process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// It returned this code.
    Code(i32),
    /// This signal ended it; whether a core file was written.
    Signal(i32, bool),
}

/// What one child uses, with its descendants.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChildSample {
    /// The child.
    pub child: ChildKey,
    /// Cores since the last sample.
    pub cpu: f32,
    /// Resident bytes.
    pub memory: u64,
    /// Processes.
    pub processes: u32,
    /// Bytes sent to the engine so far.
    pub shown: u64,
    /// Bytes thrown away so far.
    pub discarded: u64,
}

/// What a host and its children use.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AgentSamples {
    /// Cores busy on the whole machine.
    pub cpu: f32,
    /// Used and total memory in bytes.
    pub memory: (u64, u64),
    /// Processes that ran or were ready to run, on average over the last minute; absent where that is not known.
    pub load: Option<f32>,
    /// GPUs.
    pub gpus: Vec<GpuSample>,
    /// Living children.
    pub children: Vec<ChildSample>,
}

/// What an agent reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FromAgent {
    /// The answer to `Hello`.
    Welcome(Box<Welcome>),
    /// The child runs (its exec succeeded).
    Spawned {
        /// The child.
        child: ChildKey,
        /// Its process id, also that of its process group and session.
        pid: u32,
        /// How it is connected.
        channel: Channel,
    },
    /// The child did not start; nothing of it is left.
    SpawnFailed {
        /// The child.
        child: ChildKey,
        /// What failed and why, in words for the user.
        reason: String,
    },
    /// The child's main process ended and was reaped.
    Exited {
        /// The child.
        child: ChildKey,
        /// How.
        exit: Exit,
        /// What it used.
        usage: Usage,
    },
    /// The child's output is muted or not from now on.
    Muted {
        /// The child.
        child: ChildKey,
        /// Whether it is muted.
        muted: bool,
        /// Bytes thrown away so far.
        discarded: u64,
    },
    /// Input for it was refused: too much waits already, or it has no standard input of ours.
    InputRefused(ChildKey),
    /// A group was swept: how many processes were left behind and killed.
    Swept(GroupName, u32),
    /// What is wrong with a target.
    Checked(u32, Faults),
    /// Samples.
    Samples(AgentSamples),
    /// Something the user should know.
    Notice(Level, Option<ChildKey>, String),
    /// The answer to a heartbeat.
    Heartbeat(u64),
    /// Nothing is left; the agent ends.
    Bye,
}

/// A frame of the bulk channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bulk {
    /// Output bytes follow, as the pty or pipe delivered them.
    Output,
    /// No output follows any more: every stream of the child is closed. Once per child, after its last output. The
    /// payload is the number of bytes of it that were thrown away (u64, little endian).
    Eof,
}

/// The header of a bulk frame: 16 bytes, little endian: length of the payload (u32), kind (u8: 0 output, 1 end),
/// stream (u8: 0 standard output or both, 1 standard error), two zero bytes, child (u64).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BulkHeader {
    /// What kind of frame.
    pub kind: Bulk,
    /// 0: standard output (or both in one), 1: standard error.
    pub stream: u8,
    /// The child.
    pub child: ChildKey,
    /// Bytes that follow, at most [`BULK_MAX`].
    pub len: u32,
}

impl BulkHeader {
    /// The length of a header in bytes.
    pub const SIZE: usize = 16;

    /// The header as bytes.
    pub fn encode(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[..4].copy_from_slice(&self.len.to_le_bytes());
        bytes[4] = match self.kind {
            Bulk::Output => 0,
            Bulk::Eof => 1,
        };
        bytes[5] = self.stream;
        bytes[8..].copy_from_slice(&self.child.0.to_le_bytes());
        bytes
    }

    /// The header in these bytes, or [`WireError::Damaged`].
    pub fn decode(bytes: &[u8; Self::SIZE]) -> Result<Self, WireError> {
        let [l0, l1, l2, l3, kind, stream, z0, z1, child @ ..] = *bytes;
        let len = u32::from_le_bytes([l0, l1, l2, l3]);
        let kind = match kind {
            0 => Bulk::Output,
            1 => Bulk::Eof,
            _ => return Err(WireError::Damaged),
        };
        if len as usize > BULK_MAX || stream > 1 || (z0, z1) != (0, 0) {
            return Err(WireError::Damaged);
        }
        Ok(Self {
            kind,
            stream,
            child: ChildKey(u64::from_le_bytes(child)),
            len,
        })
    }
}

/// Why a stream between engine and agent cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The bytes are no message of ours.
    #[error("the stream between engine and agent is damaged")]
    Damaged,
    /// A message could not be encoded or decoded.
    #[error("a message between engine and agent cannot be read: {0}")]
    Codec(#[from] postcard::Error),
}

/// Appends a control message to a buffer: its length (u32, little endian), then postcard.
pub fn encode_control<T: Serialize>(message: &T, buffer: &mut Vec<u8>) -> Result<(), WireError> {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; 4]);
    *buffer = postcard::to_extend(message, std::mem::take(buffer))?;
    let len = buffer.len() - start - 4;
    if len > CONTROL_MAX {
        buffer.truncate(start);
        return Err(WireError::Damaged);
    }
    buffer[start..start + 4].copy_from_slice(&(len as u32).to_le_bytes());
    Ok(())
}

/// Collects control messages from a stream of bytes.
#[derive(Debug, Default)]
pub struct ControlReader {
    buffer: Vec<u8>,
    taken: usize,
}

impl ControlReader {
    /// Adds bytes that were read.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.taken > 0 {
            self.buffer.drain(..self.taken);
            self.taken = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message, if there is one.
    pub fn next_message<T: DeserializeOwned>(&mut self) -> Result<Option<T>, WireError> {
        let rest = &self.buffer[self.taken..];
        let Some((len, rest)) = rest.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let len = u32::from_le_bytes(*len) as usize;
        if len > CONTROL_MAX {
            return Err(WireError::Damaged);
        }
        let Some(body) = rest.get(..len) else {
            return Ok(None);
        };
        let message = postcard::from_bytes(body)?;
        self.taken += 4 + len;
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests;
