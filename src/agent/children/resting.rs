//! Chatty streams, which are left alone for a moment so that a wake-up brings more than a line.
//!
//! Owns the timer and the order in which they are read when it ticks. Start at [`Children::rouse`].

use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec};

use super::Children;
use crate::agent::{child::REST, link::Bulk};

impl Children {
    /// Lets the timer run, once.
    fn set_timer(&mut self) {
        if self.ticks {
            return;
        }
        let time = |nanoseconds: u32| Timespec {
            tv_sec: 0,
            tv_nsec: nanoseconds.into(),
        };
        // Once and not again and again: one that repeats stops until it is read.
        let once = Itimerspec {
            it_interval: time(0),
            it_value: time(REST.subsec_nanos()),
        };
        // Refused only for a time that is none.
        let _ = rustix::time::timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once);
        self.ticks = true;
    }

    /// The timer ticked: how many streams are to be read by [`Children::rouse`], one by one.
    pub fn tick(&mut self) -> usize {
        self.ticks = false;
        self.resting.len()
    }

    /// Reads the stream that rests longest.
    pub fn rouse(&mut self, bulk: &mut Option<Bulk>) {
        let Some((key, slot, which)) = self.resting.pop_front() else {
            return;
        };
        let child = self.slots[slot as usize].as_deref_mut();
        let Some(child) = child.filter(|child| child.key == key) else {
            return;
        };
        let Some(stream) = child.streams[which].as_mut().filter(|s| s.resting) else {
            return;
        };
        stream.resting = false;
        let blocked = self.blocked.len();
        let read = self.read(slot, which, false, bulk);
        let child = self.slots[slot as usize].as_deref_mut();
        let child = child.filter(|child| child.key == key);
        let Some(stream) = child.and_then(|child| child.streams[which].as_mut()) else {
            return;
        };
        if stream.needs_rest(read, true) {
            self.rest(slot, which);
        } else if self.blocked.len() == blocked {
            self.sync(slot, which);
        }
    }

    /// Leaves a stream alone until the next tick.
    pub(super) fn rest(&mut self, slot: u32, which: usize) {
        let Some(child) = self.slots[slot as usize].as_deref_mut() else {
            return;
        };
        let Some(stream) = &mut child.streams[which] else {
            return;
        };
        if !stream.resting {
            stream.resting = true;
            self.resting.push_back((child.key, slot, which));
            self.sync(slot, which);
            self.set_timer();
        }
    }
}
