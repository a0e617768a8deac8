//! Whether an agent still answers.
//!
//! Owns the pace of heartbeats and what is told of one that stays unanswered: once that it does, once that it is over.
//! Whatever comes from the agent is an answer. Time counts by looks and not by the clock: where the engine itself was
//! stopped, nobody was silent. Never decides that a host is lost. Start at [`Pulse::look`].

use std::time::{Duration, Instant};

/// Between heartbeats.
const PACE: Duration = Duration::from_secs(1);

/// Looks in a row without an answer, after which that is told.
const SILENT: u32 = 5;

/// The pulse of one agent.
#[derive(Debug)]
pub(super) struct Pulse {
    next: Instant,
    number: u64,
    /// Looks since the heartbeat that was not answered yet.
    unanswered: Option<u32>,
}

/// What a look leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// This heartbeat is to be sent.
    Send(u64),
    /// The last one was not answered for this long: to be told.
    Silent(Duration),
    /// Nothing.
    Wait,
}

impl Pulse {
    /// The first heartbeat is due soon.
    pub fn new(now: Instant) -> Self {
        Self {
            next: now + PACE,
            number: 0,
            unanswered: None,
        }
    }

    /// When the next look is due.
    pub fn due(&self) -> Instant {
        self.next
    }

    /// Looks, when that is due.
    pub fn look(&mut self, now: Instant) -> Beat {
        if now < self.next {
            return Beat::Wait;
        }
        self.next = now + PACE;
        match &mut self.unanswered {
            None => {
                self.number += 1;
                self.unanswered = Some(0);
                Beat::Send(self.number)
            }
            Some(looks) => {
                *looks = looks.saturating_add(1);
                match *looks {
                    SILENT => Beat::Silent(PACE * SILENT),
                    _ => Beat::Wait,
                }
            }
        }
    }

    /// Something came from the agent. How long it had been silent, when that was told.
    pub fn heard(&mut self) -> Option<Duration> {
        let looks = self.unanswered.take()?;
        (looks >= SILENT).then(|| PACE * looks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_told_once_and_so_is_its_end() {
        let mut now = Instant::now();
        let mut pulse = Pulse::new(now);
        let mut look = |pulse: &mut Pulse| {
            now += PACE;
            pulse.look(now)
        };
        for number in 1..=3 {
            assert_eq!(look(&mut pulse), Beat::Send(number));
            assert_eq!(pulse.heard(), None);
        }
        assert_eq!(look(&mut pulse), Beat::Send(4));
        for _ in 1..SILENT {
            assert_eq!(look(&mut pulse), Beat::Wait);
        }
        assert_eq!(look(&mut pulse), Beat::Silent(Duration::from_secs(5)));
        for _ in 0..3 {
            assert_eq!(look(&mut pulse), Beat::Wait, "told once");
        }
        assert_eq!(pulse.heard(), Some(Duration::from_secs(8)));
        assert_eq!(pulse.heard(), None);
        assert_eq!(look(&mut pulse), Beat::Send(5));
    }

    #[test]
    fn an_engine_that_was_stopped_itself_blames_nobody() {
        let now = Instant::now();
        let mut pulse = Pulse::new(now);
        assert_eq!(pulse.look(now + PACE), Beat::Send(1));
        assert_eq!(pulse.look(now + PACE * 1_000), Beat::Wait);
        assert_eq!(pulse.heard(), None);
    }
}
