//! The log of a process and its live bytes, as one stream.
//!
//! Owns the seam between what a client read of a log and what it gets live. Reads no file itself. Start at [`LogJoin`].

use super::Chunk;

/// Leaves out of the live bytes of one process what was read from its log already.
///
/// In this order: [watch](super::wire::ToEngine::Watch) the process, wait until it is
/// [told](super::wire::FromEngine::Watching), read the log (all of it or its end), make one of these with the length
/// of the log at that moment. Bytes are in the log before anybody sees them, so nothing is missing between the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogJoin {
    /// Live bytes below this offset are known.
    known: Option<u64>,
}

impl LogJoin {
    /// The log was read up to this many bytes from its begin.
    pub fn at(read_to: u64) -> Self {
        Self {
            known: Some(read_to),
        }
    }

    /// Of a chunk, how many bytes are missing before it, and those of it that are new.
    pub fn rest<'c>(&mut self, chunk: &'c Chunk) -> (u64, &'c [u8]) {
        let Some(known) = self.known else {
            return (chunk.gap, &chunk.bytes);
        };
        let already = known.saturating_sub(chunk.offset);
        let gap = chunk.gap.min(chunk.offset.saturating_sub(known));
        match usize::try_from(already) {
            Ok(already) if already < chunk.bytes.len() => {
                // From here on everything is new, also when the log is removed and begins anew.
                self.known = None;
                (gap, &chunk.bytes[already..])
            }
            _ => (gap, &[]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::ids::Incarnation;

    fn chunk(offset: u64, gap: u64, bytes: &[u8]) -> Chunk {
        Chunk {
            process: Arc::new("g/a.0".parse().unwrap()),
            incarnation: Incarnation(0),
            stream: 0,
            offset,
            gap,
            bytes: bytes.to_vec(),
        }
    }

    #[test]
    fn what_was_read_from_the_log_is_left_out_and_nothing_else() {
        let mut join = LogJoin::at(5);
        assert_eq!(join.rest(&chunk(0, 0, b"012")), (0, &b""[..]));
        assert_eq!(join.rest(&chunk(3, 0, b"3456")), (0, &b"56"[..]));
        assert_eq!(join.rest(&chunk(7, 0, b"78")), (0, &b"78"[..]));
        assert_eq!(join.rest(&chunk(0, 0, b"anew")), (0, &b"anew"[..]));
    }

    #[test]
    fn of_bytes_that_were_dropped_only_those_beyond_the_log_are_missing() {
        assert_eq!(
            LogJoin::at(5).rest(&chunk(8, 8, b"89")),
            (3, &b"89"[..]),
            "5, 6 and 7"
        );
        assert_eq!(LogJoin::at(9).rest(&chunk(8, 8, b"89")), (0, &b"9"[..]));
        assert_eq!(LogJoin::at(0).rest(&chunk(8, 2, b"89")), (2, &b"89"[..]));
    }
}
