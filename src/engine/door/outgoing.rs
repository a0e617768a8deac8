//! What waits to be written to a client, in the order of what it means.
//!
//! Owns whole frames until the socket takes them. A message never waits behind output of processes: at most for the
//! rest of the portion that is being written. Never writes itself. Start at [`Outgoing`].

use serde::Serialize;
use std::collections::VecDeque;

use super::{
    Chunk,
    wire::{self, WireError},
};

/// Small chunks are written together up to this size, in bytes.
const PORTION: usize = 16 << 10;

/// Frames on their way out.
#[derive(Debug, Default)]
pub struct Outgoing {
    messages: Vec<u8>,
    chunks: VecDeque<Vec<u8>>,
    /// What is being written, and how much of it was.
    current: Vec<u8>,
    written: usize,
}

impl Outgoing {
    /// One more message.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn message<T: Serialize>(&mut self, message: &T) -> Result<(), WireError> {
        wire::encode(message, &mut self.messages)
    }

    /// Some more output.
    pub fn chunk(&mut self, chunk: &Chunk) {
        match self.chunks.back_mut() {
            Some(last) if last.len() < PORTION => wire::encode_chunk(chunk, last),
            _ => {
                let mut portion = Vec::new();
                wire::encode_chunk(chunk, &mut portion);
                self.chunks.push_back(portion);
            }
        }
    }

    /// Bytes of messages that wait.
    pub fn messages_waiting(&self) -> usize {
        self.messages.len()
    }

    /// Whether output waits that is not being written yet.
    pub fn has_chunks(&self) -> bool {
        !self.chunks.is_empty()
    }

    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.written == self.current.len() && self.messages.is_empty() && self.chunks.is_empty()
    }

    /// What is to be written next; empty when nothing waits.
    pub fn next(&mut self) -> &[u8] {
        if self.written == self.current.len() {
            self.written = 0;
            self.current.clear();
            if !self.messages.is_empty() {
                std::mem::swap(&mut self.current, &mut self.messages);
            } else if let Some(chunks) = self.chunks.pop_front() {
                self.current = chunks;
            }
        }
        &self.current[self.written..]
    }

    /// So many bytes of that were written.
    pub fn wrote(&mut self, count: usize) {
        self.written = (self.written + count).min(self.current.len());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{engine::door::wire::FrameReader, model::ids::Incarnation};
    use wire::FromEngine;

    fn chunk(bytes: &[u8]) -> Chunk {
        Chunk {
            process: Arc::new("g/a.0".parse().unwrap()),
            incarnation: Incarnation(0),
            stream: 0,
            offset: 0,
            gap: 0,
            bytes: bytes.to_vec(),
        }
    }

    fn write(outgoing: &mut Outgoing, most: usize, into: &mut Vec<u8>) {
        let some = outgoing.next();
        let some = &some[..some.len().min(most)];
        into.extend_from_slice(some);
        let count = some.len();
        outgoing.wrote(count);
    }

    #[test]
    fn a_message_overtakes_output_but_never_cuts_a_frame() {
        let mut outgoing = Outgoing::default();
        let mut out = Vec::new();
        for _ in 0..3 {
            outgoing.chunk(&chunk(&[7; PORTION]));
        }
        write(&mut outgoing, 100, &mut out);
        outgoing.message(&FromEngine::Over).unwrap();
        while !outgoing.is_empty() {
            write(&mut outgoing, 1000, &mut out);
        }
        let mut reader = FrameReader::default();
        reader.push(&out);
        let mut kinds = Vec::new();
        while let Some(message) = reader.next_from_engine().unwrap() {
            kinds.push(message == FromEngine::Over);
        }
        assert_eq!(kinds, [false, true, false, false]);
        assert!(!reader.is_amid());
    }

    #[test]
    fn small_chunks_are_written_together() {
        let mut outgoing = Outgoing::default();
        for _ in 0..10 {
            outgoing.chunk(&chunk(b"line\n"));
        }
        let count = outgoing.next().len();
        outgoing.wrote(count);
        assert!(outgoing.is_empty());
    }
}
