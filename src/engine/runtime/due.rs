//! What the passing of time brings up: steps of the timeline, questions about readiness, silences, looks at the queues,
//! and the supervisor's own timers.
//!
//! Never waits. Start at [`Runtime::due`].

use std::time::{Duration, Instant};

use super::{QUEUE_PACE, Runtime, pulse::Beat};
use crate::{
    agent::wire::ToAgent,
    engine::{queues::QueueSample, supervisor::Input},
    model::{
        event::{Event, Level},
        ids::HostName,
    },
};

/// How often they are looked at in the end when nothing moves: each quiet look doubles the time to the next one.
const QUEUE_PACE_MAX: Duration = Duration::from_secs(10);

impl Runtime {
    /// Everything whose time has come.
    pub(super) fn due(&mut self) {
        let now = Instant::now();
        while self
            .timeline
            .front()
            .is_some_and(|entry| self.started + entry.at <= now)
        {
            let Some(entry) = self.timeline.pop_front() else {
                break;
            };
            self.more_to_come();
            self.emit(Event::StepDone {
                step: entry.step.clone(),
            });
            self.input(Input::Command(entry.step.into()));
        }
        let supervisor = &mut self.parts.supervisor;
        for action in self.probes.due(now, || supervisor.fresh_child()) {
            self.probe(action);
        }
        if self.keeping_up() {
            let clock = self.output_clock();
            for (process, alert, text) in self.silences.due(clock, self.deaf) {
                self.emit(Event::Alerted {
                    process,
                    alert,
                    text,
                });
            }
        }
        if self.queue_look <= now {
            let moved = self.sample_queues();
            self.queue_pace = queue_pace(self.queue_pace, moved);
            self.queue_look = now + self.queue_pace;
        }
        if self.linked {
            self.beat(now);
        }
        self.input(Input::Tick);
    }

    fn beat(&mut self, now: Instant) {
        match self.pulse.look(now) {
            Beat::Send(number) => self.parts.link.send(&ToAgent::Heartbeat(number)),
            Beat::Silent(since) => {
                let text = format!(
                    "the agent on {} does not answer since {}: its processes cannot be reached \
                     (it may be stopped, or wait for a file system)",
                    HostName::localhost(),
                    humantime::format_duration(since)
                );
                self.notice(Level::Warning, None, text);
            }
            Beat::Wait => {}
        }
    }

    /// Records the state of the queues if anything moved; whether it did.
    pub(super) fn sample_queues(&mut self) -> bool {
        let samples = self.parts.queues.questions().snapshot();
        let moved = have_moved(&self.last_queues, &samples);
        let at = self.started.elapsed().as_millis() as f64 / 1e3;
        if moved && self.parts.record.queues(at, samples.to_vec()) {
            self.last_queues = samples.to_vec();
        }
        moved
    }
}

/// Whether more changed than how long somebody or something waits.
fn have_moved(before: &[QueueSample], now: &[QueueSample]) -> bool {
    let alike = |a: &QueueSample, b: &QueueSample| {
        let waiters = a.waiting.iter().zip(&b.waiting);
        a.waiting.len() == b.waiting.len()
            && waiters
                .into_iter()
                .all(|(a, b)| (a.side, a.client) == (b.side, b.client))
            && QueueSample {
                oldest_ms: b.oldest_ms,
                waiting: b.waiting.clone(),
                ..a.clone()
            } == *b
    };
    before.len() != now.len() || !before.iter().zip(now).all(|(a, b)| alike(a, b))
}

/// The time to the next look at the queues, after one that came after `last`.
fn queue_pace(last: Duration, moved: bool) -> Duration {
    if moved {
        QUEUE_PACE
    } else {
        (last * 2).min(QUEUE_PACE_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_wait_longer_is_no_move() {
        let sample = |depth: u64, age: u64, client: u64| -> QueueSample {
            serde_json::from_value(serde_json::json!({
                "name": "q", "depth": depth, "bytes": 0, "maxsize": null, "put": 0, "got": 0, "put_bytes": 0,
                "got_bytes": 0, "getters": 0, "putters": 1, "oldest_ms": age,
                "waiting": [{ "side": "put", "client": client, "task": "", "pid": 7, "waiting_ms": age }],
            }))
            .unwrap()
        };
        assert!(!have_moved(&[sample(1, 10, 5)], &[sample(1, 9_000, 5)]));
        assert!(have_moved(&[sample(1, 10, 5)], &[sample(2, 10, 5)]));
        assert!(have_moved(&[sample(1, 10, 5)], &[sample(1, 10, 6)]));
        assert!(have_moved(&[], &[sample(1, 10, 5)]));
    }

    #[test]
    fn queues_that_stand_still_are_looked_at_less_and_less_until_one_moves() {
        let mut pace = QUEUE_PACE;
        let quiet: Vec<u64> = (0..5)
            .map(|_| {
                pace = queue_pace(pace, false);
                pace.as_secs()
            })
            .collect();
        assert_eq!(quiet, [2, 4, 8, 10, 10]);
        assert_eq!(queue_pace(pace, true), QUEUE_PACE);
    }
}
