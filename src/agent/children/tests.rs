//! Slots that are used again.

use super::*;
use crate::agent::child::{self, Stream};

fn children() -> Children {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    Children::new(epoll, u64::MAX).unwrap()
}

/// A child that is no process, with a pipe for its output: what it would write to.
fn add(children: &mut Children, key: u64, pid: i32) -> OwnedFd {
    let (ours, theirs) = child::pipe(true).unwrap();
    let mut child = Child::new(ChildKey(key), pid, "g/t.0");
    child.streamed = true;
    child.streams[0] = Some(Stream::new(ours, false, false));
    children.add(child);
    theirs
}

#[test]
fn events_of_a_child_that_is_forgotten_do_not_reach_the_next_one_in_its_slot() {
    let mut children = children();
    let pipe = child::pipe(false).unwrap();
    let write = add(&mut children, 1, 1_000_001);
    let slot = children.by_key[&ChildKey(1)];
    let stale = token((ChildKey(1), slot, 0));
    children.blocked.push_back((ChildKey(1), slot, 0));
    drop(write);
    assert_eq!(children.reaped(1_000_001, &mut None), Some(ChildKey(1)));
    children.ready(stale, EventFlags::HUP, &mut None);
    assert!(children.is_empty());

    let write = add(&mut children, 2, 1_000_002);
    assert_eq!(children.by_key[&ChildKey(2)], slot, "the same slot");
    let child = children.slots[slot as usize].as_deref_mut().unwrap();
    child.input.way = Way::Pipe(pipe.1, false);
    for which in [0, 1, INPUT] {
        let stale = token((ChildKey(1), slot, which));
        children.ready(stale, EventFlags::HUP | EventFlags::IN, &mut None);
    }
    rustix::io::write(&write, b"new").unwrap();
    children.unblock(&mut None);
    assert_eq!(children.get(ChildKey(2)).unwrap().discarded, 0);
    assert!(children.input(ChildKey(2), b"typed"));
    children.ready(token((ChildKey(2), slot, 0)), EventFlags::IN, &mut None);
    assert_eq!(children.get(ChildKey(2)).unwrap().discarded, 3);
}

#[test]
fn both_streams_that_are_asked_to_end_may_bring_what_the_kernel_holds_of_them() {
    let (read, write) = child::pipe(true).unwrap();
    let mut children = children();
    let out = add(&mut children, 1, 1_000_001);
    let slot = children.by_key[&ChildKey(1)] as usize;
    let child = children.slots[slot].as_deref_mut().unwrap();
    child.streams[1] = Some(Stream::new(read, false, false));
    rustix::io::write(&out, &[b'o'; 5_000]).unwrap();
    rustix::io::write(&write, &[b'e'; 7_000]).unwrap();
    for stream in child.streams.iter_mut().flatten() {
        stream.closing = Some(7_000);
    }
    children.close(ChildKey(1), &mut None);
    let child = children.get(ChildKey(1)).unwrap();
    assert!(child.ended && child.discarded == 12_000);
    drop(out);
}

#[test]
fn what_the_kernel_does_not_let_us_watch_is_tried_again_once_each() {
    let mut children = children();
    // Nothing can be watched by what is no epoll.
    let epoll = std::mem::replace(&mut children.epoll, open_null().unwrap());
    let _write = add(&mut children, 1, 1_000_001);
    let (_read, write) = child::pipe(false).unwrap();
    let slot = children.by_key[&ChildKey(1)];
    let child = children.slots[slot as usize].as_deref_mut().unwrap();
    child.input.way = Way::Pipe(write, false);
    let much = vec![0; child::INPUT_MAX];
    // The first goes into the pipe, the second waits for it.
    assert!(children.input(ChildKey(1), &much) && children.input(ChildKey(1), &much));
    for _ in 0..3 {
        children.retry();
        let mut unwatched = children.unwatched.clone();
        unwatched.sort_unstable();
        assert_eq!(
            unwatched,
            [(ChildKey(1), slot, 0), (ChildKey(1), slot, INPUT)]
        );
    }
    children.epoll = epoll;
    children.retry();
    assert!(!children.is_unwatched());
    let child = children.get(ChildKey(1)).unwrap();
    assert!(matches!(child.input.way, Way::Pipe(_, true)));
    assert!(child.streams[0].as_ref().unwrap().interest.is_some());
}
