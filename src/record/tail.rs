//! The end of a log, without reading the rest of it.

use std::{
    fs::File,
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::Path,
};

use memchr::memrchr_iter;

/// At most the last `bytes` bytes of a file, from the begin of a line where one begins in them. A file
/// that does not exist is empty.
pub fn tail(path: &Path, bytes: usize) -> io::Result<Vec<u8>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let size = file.metadata()?.size();
    let from = size.saturating_sub(bytes as u64);
    let mut end = vec![0; usize::try_from(size - from).unwrap_or(bytes)];
    let mut filled = 0;
    while filled < end.len() {
        match file.read_at(&mut end[filled..], from + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    end.truncate(filled);
    if from > 0
        && let Some(newline) = memchr::memchr(b'\n', &end)
        && newline + 1 < end.len()
    {
        end.drain(..=newline);
    }
    Ok(end)
}

/// The last lines of a log as raw text (escape sequences are in it: filter it before it is shown), at
/// most `lines` of them and about `bytes` bytes. Ends of lines are taken off.
pub fn tail_lines(path: &Path, lines: usize, bytes: usize) -> io::Result<Vec<String>> {
    let end = tail(path, bytes)?;
    let body = end.strip_suffix(b"\n").unwrap_or(&end);
    if body.is_empty() || lines == 0 {
        return Ok(Vec::new());
    }
    let from = memrchr_iter(b'\n', body)
        .nth(lines - 1)
        .map_or(0, |at| at + 1);
    Ok(body[from..]
        .split(|byte| *byte == b'\n')
        .map(|line| {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            String::from_utf8_lossy(line).into_owned()
        })
        .collect())
}
