//! What an engine and its client say to each other over a socket.
//!
//! Owns the messages, their framing and their version. Never holds a socket itself. Start at [`ToEngine`] and
//! [`FromEngine`].
//!
//! A frame is the length of its payload (u32, little endian), a kind (u8) and the payload: 1, a message as JSON; 2, some
//! output of a process (engine to client only) as raw bytes behind a fixed header, see [`encode_chunk`].

mod path_text;

use std::{path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Chunk, PeekedItem, QueueSample};
use crate::model::{
    event::{Command, Samples, Stamped},
    ids::{HostName, Incarnation, ProcessId},
    session::Problem,
};

/// Moves when a message changes its meaning; engine and client of different versions refuse each other.
pub const PROTOCOL: u32 = 1;

/// The largest payload of one frame, in bytes: the text of a session may have 16 MiB, and JSON makes it longer.
/// A longer one means that the stream is damaged.
pub const FRAME_MAX: usize = 64 << 20;

/// What a session needs to be run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// The text of the session.
    pub text: String,
    /// What it is called in the record.
    pub name: String,
    /// The folder that its relative paths start from; absolute.
    #[serde(with = "path_text")]
    pub folder: PathBuf,
    /// Its file, as problems name it; absent: it has none yet.
    #[serde(with = "path_text::optional")]
    pub path: Option<PathBuf>,
    /// This name stands for that host.
    pub host_aliases: Vec<(HostName, HostName)>,
    /// Start its groups at once, but those that its timeline starts. Else the client starts them by commands.
    pub start: bool,
    /// Rows and columns of a pane.
    pub size: (u16, u16),
    /// The folder that the engine itself is started in, where ranks that name none run; absent: this one. It does not
    /// travel: the client starts it there.
    #[serde(skip)]
    pub cwd: Option<PathBuf>,
}

/// What a client asks of an engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToEngine {
    /// The first message, once. Answered by `Welcome`, `Refused` or `Failed`; after the last two the engine ends.
    Hello {
        /// [`PROTOCOL`].
        protocol: u32,
        /// What to run.
        opening: Box<Opening>,
    },
    /// A wish about processes; what comes of it comes as events.
    Command(Command),
    /// The bytes of exactly these processes are wanted from now on. Answered by `Watching` for those that are new.
    Watch(Vec<ProcessId>),
    /// Milliseconds between samples from now on; 0, as at first: none.
    SampleEvery(u32),
    /// Milliseconds between looks at the queues from now on (at least 50); 0, as at first: none. Told when something
    /// changed; ages and waiting times are those of that moment.
    QueuesEvery(u32),
    /// Items of a queue, without taking them. Answered by `Peeked` or a failed `Done`.
    Peek {
        /// The queue.
        queue: String,
        /// 0-based index of the first.
        from: usize,
        /// At most so many items.
        count: usize,
        /// At most so many bytes of each.
        head: usize,
    },
    /// Throw away what is in a queue. Answered by `Done`.
    Purge {
        /// The queue.
        queue: String,
    },
    /// Put an item into a queue if it has room. Answered by `Done`.
    Put {
        /// The queue.
        queue: String,
        /// The item as consumers get it.
        bytes: Vec<u8>,
    },
    /// Stop everything, bounded in time; events go on until `Over`. For an end that may take as long as the session
    /// allows it: the command `Finish`.
    Bye,
}

/// What was asked about a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// To look at items.
    Peek,
    /// To throw everything away.
    Purge,
    /// To put an item.
    Put,
}

/// What an engine tells its client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromEngine {
    /// The run begins.
    Welcome {
        /// Its id.
        run: String,
        /// The folder of its record.
        #[serde(with = "path_text")]
        folder: PathBuf,
        /// The socket of its queues.
        #[serde(with = "path_text")]
        queue_socket: PathBuf,
    },
    /// The session was not started; nothing runs and nothing was recorded.
    Refused {
        /// Why, with places in the text where they are known.
        problems: Vec<Problem>,
        /// It is sound, but something cannot be placed.
        unplaceable: bool,
    },
    /// The engine, its agent or its record cannot work; nothing runs.
    Failed {
        /// Why.
        text: String,
    },
    /// Something happened.
    Event(Stamped),
    /// The newest samples.
    Samples(Samples),
    /// The newest state of all queues, by name.
    Queues(Vec<QueueSample>),
    /// Items of a queue.
    Peeked {
        /// The queue.
        queue: String,
        /// 0-based index of the first.
        from: usize,
        /// The items.
        items: Vec<PeekedItem>,
    },
    /// What became of a wish about a queue.
    Done {
        /// What was asked.
        what: Deed,
        /// The queue.
        queue: String,
        /// It was not done.
        failed: bool,
        /// In words.
        text: String,
    },
    /// Bytes of these processes come from now on: what is not in their logs yet will come as chunks.
    Watching(Vec<ProcessId>),
    /// Some output of one process.
    #[serde(skip)]
    Chunk(Chunk),
    /// The run is over, every event was told; nothing of it is alive. The last message of a run.
    Over,
    /// Said by the client's own side: the engine's process is gone, and what is known of why.
    #[serde(skip)]
    Gone(String),
}

/// Why a stream between an engine and its client cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The bytes are no frame of ours.
    #[error("the stream between the engine and its client is damaged")]
    Damaged,
    /// The other side greets in another version of [`PROTOCOL`].
    #[error("the other side speaks version {0} of our protocol, this one version {PROTOCOL}")]
    Version(u32),
    /// A message could not be encoded or decoded.
    #[error("a message between the engine and its client cannot be read: {0}")]
    Codec(#[from] serde_json::Error),
}

/// Bytes of a frame before its payload.
const HEADER: usize = 5;
const MESSAGE: u8 = 1;
const CHUNK: u8 = 2;

/// Bytes of a chunk's payload before the name of its process.
const CHUNK_HEADER: usize = 22;

/// Appends a message to a buffer.
///
/// # Errors
/// When it is longer than [`FRAME_MAX`], or of a kind that does not travel so ([`FromEngine::Chunk`]); the buffer is
/// then as it was.
pub fn encode<T: Serialize>(message: &T, buffer: &mut Vec<u8>) -> Result<(), WireError> {
    let start = buffer.len();
    buffer.extend_from_slice(&[0, 0, 0, 0, MESSAGE]);
    let written = serde_json::to_writer(&mut *buffer, message).map_err(WireError::from);
    let length = buffer.len() - start - HEADER;
    let written = match written {
        Ok(()) if length > FRAME_MAX => Err(WireError::Damaged),
        written => written,
    };
    match written {
        Ok(()) => buffer[start..start + 4].copy_from_slice(&(length as u32).to_le_bytes()),
        Err(_) => buffer.truncate(start),
    }
    written
}

/// Appends some output to a buffer. Its payload, numbers in little endian: incarnation (u32), offset (u64), gap (u64),
/// stream (u8), length of the process's name (u8), the name, the bytes.
pub fn encode_chunk(chunk: &Chunk, buffer: &mut Vec<u8>) {
    let name = chunk.process.to_string();
    let length = CHUNK_HEADER + name.len() + chunk.bytes.len();
    buffer.reserve(HEADER + length);
    buffer.extend_from_slice(&(length as u32).to_le_bytes());
    buffer.push(CHUNK);
    buffer.extend_from_slice(&chunk.incarnation.0.to_le_bytes());
    buffer.extend_from_slice(&chunk.offset.to_le_bytes());
    buffer.extend_from_slice(&chunk.gap.to_le_bytes());
    buffer.push(chunk.stream);
    // Two names of 64 bytes and a number: never more than 140.
    buffer.push(name.len() as u8);
    buffer.extend_from_slice(name.as_bytes());
    buffer.extend_from_slice(&chunk.bytes);
}

fn decode_chunk(payload: &[u8]) -> Option<Chunk> {
    let (incarnation, rest) = payload.split_first_chunk()?;
    let (offset, rest) = rest.split_first_chunk()?;
    let (gap, rest) = rest.split_first_chunk()?;
    let (&[stream, length], rest) = rest.split_first_chunk()?;
    let (name, bytes) = rest.split_at_checked(length.into())?;
    let process: ProcessId = std::str::from_utf8(name).ok()?.parse().ok()?;
    (stream <= 1).then(|| Chunk {
        process: Arc::new(process),
        incarnation: Incarnation(u32::from_le_bytes(*incarnation)),
        stream,
        offset: u64::from_le_bytes(*offset),
        gap: u64::from_le_bytes(*gap),
        bytes: bytes.to_vec(),
    })
}

/// Collects frames from a stream of bytes.
#[derive(Debug, Default)]
pub struct FrameReader {
    buffer: Vec<u8>,
    taken: usize,
}

impl FrameReader {
    /// Adds bytes that were read.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.taken > 0 {
            self.buffer.drain(..self.taken);
            self.taken = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether a frame has begun and not ended.
    pub fn is_amid(&self) -> bool {
        self.taken < self.buffer.len()
    }

    /// The next whole message of a client, if there is one.
    ///
    /// # Errors
    /// When the stream is damaged; it stays so.
    pub fn next_to_engine(&mut self) -> Result<Option<ToEngine>, WireError> {
        let before = self.taken;
        let read = match self.frame()? {
            None => Ok(None),
            Some((MESSAGE, payload)) => match serde_json::from_slice::<Greeting>(payload) {
                Ok(Greeting { hello }) if hello.protocol != PROTOCOL => {
                    Err(WireError::Version(hello.protocol))
                }
                _ => message(payload).map(Some),
            },
            Some(_) => Err(WireError::Damaged),
        };
        self.settle(before, read)
    }

    /// The next whole message of an engine, if there is one.
    ///
    /// # Errors
    /// When the stream is damaged; it stays so.
    pub fn next_from_engine(&mut self) -> Result<Option<FromEngine>, WireError> {
        let before = self.taken;
        let read = match self.frame()? {
            None => Ok(None),
            Some((MESSAGE, payload)) => message(payload).map(Some),
            Some((CHUNK, payload)) => decode_chunk(payload)
                .map(|chunk| Some(FromEngine::Chunk(chunk)))
                .ok_or(WireError::Damaged),
            Some(_) => Err(WireError::Damaged),
        };
        self.settle(before, read)
    }

    /// What cannot be read is not passed over.
    fn settle<T>(&mut self, before: usize, read: Result<T, WireError>) -> Result<T, WireError> {
        if read.is_err() {
            self.taken = before;
        }
        read
    }

    fn frame(&mut self) -> Result<Option<(u8, &[u8])>, WireError> {
        let rest = &self.buffer[self.taken..];
        let Some((&[l0, l1, l2, l3, kind], rest)) = rest.split_first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        if length > FRAME_MAX || !matches!(kind, MESSAGE | CHUNK) {
            return Err(WireError::Damaged);
        }
        let Some(payload) = rest.get(..length) else {
            return Ok(None);
        };
        self.taken += HEADER + length;
        Ok(Some((kind, payload)))
    }
}

/// What every version of [`ToEngine::Hello`] has in common.
#[derive(Deserialize)]
struct Greeting {
    hello: GreetingVersion,
}

#[derive(Deserialize)]
struct GreetingVersion {
    protocol: u32,
}

fn message<T: DeserializeOwned>(payload: &[u8]) -> Result<T, WireError> {
    Ok(serde_json::from_slice(payload)?)
}

#[cfg(test)]
mod tests;
