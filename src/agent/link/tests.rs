//! Whatever the channel is, frames come out of it whole and in order.

use std::{
    fs::{File, OpenOptions},
    io::Read,
    os::unix::net::UnixStream,
};

use super::*;
use crate::agent::pty;

#[test]
fn frames_and_ends_come_out_in_order_although_the_reader_is_slow() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let mut bulk = Bulk::new(ours.into()).unwrap();
    let (mut sent, mut got) = (Vec::new(), Vec::new());
    let mut chunk = vec![0; 100_000];
    for round in 0..2_000u64 {
        let child = ChildKey(round % 7);
        while !bulk.has_room() {
            bulk.flush().unwrap();
            let read = theirs.read(&mut chunk).unwrap();
            got.extend_from_slice(&chunk[..read]);
        }
        let len = (round as usize * 7919) % COPY_MAX;
        bulk.frame(child, 0, len, |into| {
            into.fill(round as u8);
            (into.len(), ())
        });
        if len > 0 {
            sent.push((Kind::Output, child, len, round as u8));
        }
        if round % 5 == 0 {
            bulk.finish(child, 0);
            sent.push((Kind::Eof, child, size_of::<u64>(), 0));
        }
    }
    theirs.set_nonblocking(true).unwrap();
    while bulk.waiting() > 0 {
        bulk.flush().unwrap();
        while let Ok(read) = theirs.read(&mut chunk) {
            got.extend_from_slice(&chunk[..read]);
        }
    }
    let mut rest = &got[..];
    for (kind, child, len, byte) in sent {
        let (header, body) = rest.split_first_chunk().unwrap();
        let header = BulkHeader::decode(header).unwrap();
        assert_eq!(
            (header.kind, header.child, header.len as usize),
            (kind, child, len)
        );
        assert!(body[..len].iter().all(|&b| b == byte));
        rest = &body[len..];
    }
    assert!(rest.is_empty());
}

/// Sends frames that are copied, frames whose pages are moved, and ends, and reads them in between; then all of it must
/// have come in order.
fn frames_and_pages_come_in_order(ours: OwnedFd, mut theirs: impl Read) -> Bulk {
    let mut bulk = Bulk::new(ours).unwrap();
    let (from, into) = child::pipe(true).unwrap();
    rustix::pipe::fcntl_setpipe_size(&into, 128 << 10).unwrap();
    let (mut sent, mut got) = (Vec::new(), Vec::new());
    let mut chunk = vec![0; 100_000];
    let mut carried = 0;
    // Reads what is there: the channel does not block at that end either.
    let mut read = |got: &mut Vec<u8>| {
        while let Ok(read @ 1..) = theirs.read(&mut chunk) {
            got.extend_from_slice(&chunk[..read]);
        }
    };
    for round in 0..300u64 {
        let child = ChildKey(round % 5);
        let byte = round as u8;
        while !bulk.has_room() {
            bulk.flush().unwrap();
            read(&mut got);
        }
        let len = 1 + (round as usize * 7919) % (100 << 10);
        if round % 2 == 0 {
            rustix::io::write(&into, &vec![byte; len]).unwrap();
            let mut left = len;
            while left > 0 {
                while !bulk.has_room() {
                    bulk.flush().unwrap();
                    read(&mut got);
                }
                let moved = bulk.carry(child, 1, BULK_MAX, &from);
                carried += u32::from(moved.is_some());
                let (count, outcome) = moved.unwrap_or_else(|| {
                    bulk.frame(child, 1, left, |into| {
                        (rustix::io::read(&from, into).unwrap(), Outcome::More)
                    })
                });
                assert_eq!(outcome, Outcome::More);
                sent.push((Kind::Output, 1, child, count, byte));
                left -= count;
            }
        } else {
            let len = len.min(COPY_MAX);
            bulk.frame(child, 0, len, |into| {
                into.fill(byte);
                (into.len(), ())
            });
            sent.push((Kind::Output, 0, child, len, byte));
        }
        if round % 3 == 0 {
            bulk.finish(child, 0);
            sent.push((Kind::Eof, 0, child, size_of::<u64>(), 0));
        }
    }
    while bulk.waiting() > 0 {
        bulk.flush().unwrap();
        read(&mut got);
    }
    read(&mut got);
    assert!(carried > 0, "pages were to be moved");
    let mut rest = &got[..];
    for (kind, stream, child, len, byte) in sent {
        let (header, body) = rest.split_first_chunk().unwrap();
        let header = BulkHeader::decode(header).unwrap();
        assert_eq!(
            (
                header.kind,
                header.stream,
                header.child,
                header.len as usize
            ),
            (kind, stream, child, len)
        );
        assert!(body[..len].iter().all(|&b| b == byte));
        rest = &body[len..];
    }
    assert!(rest.is_empty());
    bulk
}

#[test]
fn copied_and_moved_frames_keep_their_order_through_a_pipe() {
    let (read, write) = child::pipe(true).unwrap();
    let bulk = frames_and_pages_come_in_order(write, File::from(read));
    assert!(bulk.stage.is_some());
}

#[test]
fn copied_and_moved_frames_keep_their_order_through_a_socket() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    theirs.set_nonblocking(true).unwrap();
    let bulk = frames_and_pages_come_in_order(ours.into(), theirs);
    assert!(bulk.stage.is_some());
}

#[test]
fn into_a_pty_frames_keep_their_order_too() {
    let pty = pty::open((24, 80)).unwrap();
    let mut raw = rustix::termios::tcgetattr(&pty.slave).unwrap();
    raw.make_raw();
    rustix::termios::tcsetattr(&pty.slave, rustix::termios::OptionalActions::Now, &raw).unwrap();
    set_nonblocking(&pty.master, true).unwrap();
    frames_and_pages_come_in_order(pty.slave, File::from(pty.master));
}

#[test]
fn where_pages_cannot_be_moved_they_are_copied() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("channel");
    let file = OpenOptions::new().append(true).create(true).open(&path);
    // Splice(2) refuses a file that is only appended to.
    let bulk = frames_and_pages_come_in_order(file.unwrap().into(), File::open(&path).unwrap());
    assert!(bulk.stage.is_none(), "it is not tried again");
}
