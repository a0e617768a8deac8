//! Events on their way to a client that may not take them.
//!
//! Owns what waits, within a bound, so that neither the engine nor a rank ever waits for a client: one that is stopped, or
//! whose terminal is, costs them nothing. Never reads the record, which has every event. Start at [`Backlog::push`].
//!
//! Up to [`WHOLE_MAX`] events wait as they came. When more do, those are left out that a newer one has overtaken, the
//! order of the others stays: what is left says the same of the present (`thin`). It is a few events for every
//! rank, template, group and host, and the newest [`SAID_MAX`] that are to be read by somebody. As many again may come
//! before the next ones are left out: the bound is twice that, or [`WHOLE_MAX`] where this is more.

use std::{
    collections::{HashSet, VecDeque},
    mem::Discriminant,
};

use crate::model::{
    event::{Event, Stamped},
    ids::{GroupName, HostName, ProcessId, Selector},
};

/// So many events may wait before some are left out.
pub const WHOLE_MAX: usize = 16_384;

/// Of events that tell of something once (notices, alerts, failures of earlier lives, what was refused), the newest that
/// are kept when some are left out.
pub const SAID_MAX: usize = 1_000;

/// What an event is about: of two of the same kind and about the same, the newer one holds.
#[derive(Debug, PartialEq, Eq, Hash)]
enum About<'e> {
    Run,
    Host(&'e HostName),
    Group(&'e GroupName),
    Template(&'e Selector),
    Process(&'e ProcessId),
    /// Muted or not: the newest of each, as each begins where the other ended.
    Voice(&'e ProcessId, bool),
}

/// Events that wait, oldest first.
#[derive(Debug)]
pub struct Backlog {
    events: VecDeque<Stamped>,
    /// When so many wait, some are left out.
    limit: usize,
}

impl Default for Backlog {
    fn default() -> Self {
        Self {
            events: VecDeque::new(),
            limit: WHOLE_MAX,
        }
    }
}

impl Backlog {
    /// One more event.
    pub fn push(&mut self, event: Stamped) {
        if self.events.len() >= self.limit {
            thin(&mut self.events);
            self.limit = WHOLE_MAX.max(2 * self.events.len());
        }
        self.events.push_back(event);
    }

    /// The oldest event that waits.
    pub fn pop(&mut self) -> Option<Stamped> {
        let event = self.events.pop_front();
        if self.events.is_empty() {
            *self = Self::default();
        }
        event
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

/// Leaves out what newer events have overtaken.
fn thin(events: &mut VecDeque<Stamped>) {
    // Who failed first is never overtaken.
    let first_failure = events.iter().position(|it| is_failure(&it.event));
    let mut newer: HashSet<(Discriminant<Event>, About)> = HashSet::new();
    let mut said = 0;
    let keep: Vec<bool> = events
        .iter()
        .enumerate()
        .rev()
        .map(|(index, Stamped { event, .. })| {
            let of = std::mem::discriminant(event);
            let is_newest = about(event).is_some_and(|about| newer.insert((of, about)));
            said += usize::from(is_said(event));
            is_newest || is_said(event) && said <= SAID_MAX || first_failure == Some(index)
        })
        .collect();
    let mut keep = keep.into_iter().rev();
    events.retain(|_| keep.next().unwrap_or(true));
}

/// What an event is about; absent: it tells of something that happened once.
fn about(event: &Event) -> Option<About<'_>> {
    Some(match event {
        Event::RunStarted { .. } | Event::QueueTotals { .. } | Event::RunEnded { .. } => About::Run,
        Event::HostReady { host, .. } | Event::HostLost { host, .. } => About::Host(host),
        Event::GroupChanged { group, .. } => About::Group(group),
        Event::Scaled { template, .. } => About::Template(template),
        Event::ProcessChanged { process, .. }
        | Event::ProcessStarted { process, .. }
        | Event::ProcessEnded { process, .. }
        | Event::Alerted { process, .. }
        | Event::Explained { process, .. } => About::Process(process),
        Event::MuteChanged { process, muted, .. } => About::Voice(process, *muted),
        Event::StepDone { .. } | Event::Notice { .. } | Event::Refused { .. } => return None,
    })
}

fn is_failure(event: &Event) -> bool {
    matches!(event, Event::ProcessEnded { failure: true, .. })
}

/// Whether it is to be read by somebody, also when it is not true any more.
fn is_said(event: &Event) -> bool {
    is_failure(event)
        || matches!(
            event,
            Event::HostLost { .. }
                | Event::Alerted { .. }
                | Event::StepDone { .. }
                | Event::Notice { .. }
                | Event::Refused { .. }
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        event::{Level, Usage},
        ids::Incarnation,
        lifecycle::{ExitStatus, ProcessState},
    };

    fn id(rank: u32) -> ProcessId {
        format!("g/a.{rank}").parse().unwrap()
    }

    fn changed(rank: u32, life: u32, state: ProcessState) -> Event {
        Event::ProcessChanged {
            process: id(rank),
            incarnation: Incarnation(life),
            state,
        }
    }

    fn ended(rank: u32, life: u32, code: i32) -> Event {
        Event::ProcessEnded {
            process: id(rank),
            incarnation: Incarnation(life),
            status: ExitStatus::Code(code),
            failure: code != 0,
            usage: Usage::default(),
            restart_in: None,
        }
    }

    fn notice(number: usize) -> Event {
        Event::Notice {
            level: Level::Info,
            process: None,
            text: number.to_string(),
        }
    }

    fn pushed(events: impl IntoIterator<Item = Event>) -> (Backlog, usize) {
        let mut backlog = Backlog::default();
        let mut most = 0;
        for (at, event) in events.into_iter().enumerate() {
            let at = at as f64;
            backlog.push(Stamped { at, event });
            most = most.max(backlog.len());
        }
        (backlog, most)
    }

    fn rest(mut backlog: Backlog) -> Vec<Event> {
        std::iter::from_fn(|| backlog.pop())
            .map(|it| it.event)
            .collect()
    }

    #[test]
    fn what_is_taken_in_time_comes_whole_and_in_order() {
        let all: Vec<Event> = (0..WHOLE_MAX).map(notice).collect();
        let (backlog, _) = pushed(all.clone());
        assert_eq!(rest(backlog), all);
    }

    #[test]
    fn of_many_lives_the_last_is_left_with_the_newest_failures_and_the_very_first() {
        let lives = 1 << 16;
        let life = |life| {
            let code = if life + 1 == lives { 0 } else { 3 };
            [
                changed(0, life, ProcessState::Running),
                ended(0, life, code),
                changed(0, life, ProcessState::Ended),
            ]
        };
        let (backlog, most) = pushed((0..lives).flat_map(life));
        assert_eq!(most, WHOLE_MAX);
        let rest = rest(backlog);
        let last = life(lives - 1);
        assert!(rest.ends_with(&last), "{:?}", rest.last());
        let failures = rest.iter().filter(|it| is_failure(it)).count();
        assert!(failures > SAID_MAX);
        assert_eq!(rest.iter().find(|it| is_failure(it)), Some(&ended(0, 0, 3)));
    }

    #[test]
    fn what_is_left_is_bounded_by_the_ranks_however_many_those_are() {
        let ranks = 20_000;
        let rounds = (0..10).flat_map(|life| {
            (0..ranks).flat_map(move |rank| {
                [ProcessState::Running, ProcessState::Ended].map(|state| changed(rank, life, state))
            })
        });
        let (mut backlog, most) = pushed(rounds.chain((0..5_000).map(notice)));
        assert!(most <= 2 * (ranks as usize + SAID_MAX), "{most}");
        thin(&mut backlog.events);
        let rest = rest(backlog);
        assert_eq!(rest.len(), ranks as usize + SAID_MAX);
        let states = &rest[..ranks as usize];
        assert!(
            (0..)
                .zip(states)
                .all(|(rank, event)| *event == changed(rank, 9, ProcessState::Ended))
        );
        assert_eq!(rest.last(), Some(&notice(4_999)));
    }

    #[test]
    fn who_has_taken_everything_is_told_everything_again() {
        let (mut backlog, _) = pushed((0..3 * WHOLE_MAX).map(notice));
        while backlog.pop().is_some() {}
        assert_eq!(backlog.limit, WHOLE_MAX);
        assert!(backlog.is_empty());
    }
}
