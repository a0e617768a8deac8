//! What a flooding rank runs: this very program in another mode, writing lines of 100 bytes that say who wrote them
//! and where in the stream they are.
//!
//! Owns those bytes, and the comparison of a log with them.

use std::{
    fs::File,
    io::{Read, Write},
    path::Path,
};

/// The argument that leads here: `MODE RANK BYTES block|line`; 0 bytes: for ever.
pub const MODE: &str = "--write-lines";

/// Bytes per line.
const LINE: usize = 100;

/// Bytes per write of whole blocks: 655 lines.
const BLOCK: usize = 65_500;

/// Bytes of a rank that was asked for so many: whole blocks of it.
pub fn size(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK as u64) * BLOCK as u64
}

/// The arguments that make this program such a writer, as a session writes them.
pub fn arguments(bytes: u64, way: &str) -> String {
    format!("[\"{MODE}\", \"{{rank}}\", \"{bytes}\", \"{way}\"]")
}

fn template() -> Vec<u8> {
    let mut block = Vec::with_capacity(BLOCK);
    for line in 0..BLOCK / LINE {
        let filler = b'a' + (line % 26) as u8;
        block.extend(std::iter::repeat_n(filler, LINE - 1));
        block.push(b'\n');
    }
    block
}

fn label(into: &mut [u8], rank: u32, count: u64) {
    write!(&mut into[..24], "{rank:06} {count:016} ").unwrap();
}

/// Writes to standard output.
pub fn run(arguments: &[String]) {
    let [rank, bytes, way] = arguments else {
        panic!("{MODE} RANK BYTES block|line")
    };
    let rank: u32 = rank.parse().unwrap();
    let blocks = match bytes.parse::<u64>().unwrap() {
        0 => u64::MAX,
        bytes => size(bytes) / BLOCK as u64,
    };
    // A file: std's own standard output looks for the ends of lines.
    let mut out = File::from(
        std::os::fd::AsFd::as_fd(&std::io::stdout())
            .try_clone_to_owned()
            .unwrap(),
    );
    let mut block = template();
    for index in 0..blocks {
        label(&mut block, rank, index);
        if way == "line" {
            for line in block.chunks(LINE) {
                out.write_all(line).unwrap();
            }
        } else {
            out.write_all(&block).unwrap();
        }
    }
}

/// Panics unless a log holds exactly what a rank wrote.
pub fn verify(log: &Path, rank: u32, bytes: u64, by_pty: bool) {
    let mut file = File::open(log).unwrap();
    let mut block = template();
    let mut got = Vec::new();
    let mut expected = Vec::new();
    for index in 0..size(bytes) / BLOCK as u64 {
        label(&mut block, rank, index);
        expected.clear();
        if by_pty {
            for line in block.chunks(LINE) {
                expected.extend_from_slice(&line[..LINE - 1]);
                expected.extend_from_slice(b"\r\n");
            }
        } else {
            expected.extend_from_slice(&block);
        }
        got.resize(expected.len(), 0);
        file.read_exact(&mut got).unwrap();
        assert!(
            got == expected,
            "{}: block {index} differs from what was written",
            log.display()
        );
    }
    assert_eq!(file.read(&mut got).unwrap(), 0, "{}", log.display());
}
