//! Asks, again and again, whether a process is ready: a command that exits with 0, or a port that accepts.
//!
//! Owns the pace and what is started for it. The question is put on the rank's own host, by a short-lived child
//! of its agent. Never decides what readiness leads to.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use crate::agent::wire::{ChildKey, Exit, Sink, Source, SpawnSpec};

/// The first questions come this close together; later ones every second.
const PACE: Duration = Duration::from_millis(200);

/// An answer may take so long; then the question is taken back.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
struct Probe {
    spec: SpawnSpec,
    asking: Option<ChildKey>,
    tries: u32,
    /// When the next question is due, or the present one has taken too long.
    next: Instant,
}

/// All ranks whose readiness is being asked for.
#[derive(Debug, Default)]
pub struct Probes {
    ranks: HashMap<ChildKey, Probe>,
    questions: HashMap<ChildKey, ChildKey>,
}

/// What is to be done for a probe.
#[derive(Debug)]
pub enum ProbeAction {
    /// Start this child.
    Ask(Box<SpawnSpec>),
    /// Kill this child.
    TakeBack(ChildKey),
}

impl Probes {
    /// Asks for this rank from now on. `rank` is how the rank itself was started: the question gets the
    /// same environment and folder.
    pub fn add(&mut self, rank: &SpawnSpec, program: String, args: Vec<String>, now: Instant) {
        let spec = SpawnSpec {
            program,
            args,
            stdin: Source::Null,
            stdout: Sink::File("/dev/null".to_owned()),
            stderr: Sink::Stdout,
            terminal: crate::model::template::Terminal::Pipe,
            ..rank.clone()
        };
        self.ranks.insert(
            rank.child,
            Probe {
                spec,
                asking: None,
                tries: 0,
                next: now,
            },
        );
    }

    /// Asks no more for this rank.
    pub fn remove(&mut self, rank: ChildKey) -> Option<ProbeAction> {
        let asking = self.ranks.remove(&rank)?.asking?;
        Some(ProbeAction::TakeBack(asking))
    }

    /// When something is due.
    pub fn deadline(&self) -> Option<Instant> {
        self.ranks.values().map(|probe| probe.next).min()
    }

    /// What is due now. `fresh` gives numbers for new children.
    pub fn due(&mut self, now: Instant, mut fresh: impl FnMut() -> ChildKey) -> Vec<ProbeAction> {
        let mut actions = Vec::new();
        for (rank, probe) in self.ranks.iter_mut().filter(|(_, probe)| probe.next <= now) {
            if let Some(asking) = probe.asking {
                probe.next = now + PATIENCE;
                actions.push(ProbeAction::TakeBack(asking));
                continue;
            }
            let child = fresh();
            probe.asking = Some(child);
            probe.tries += 1;
            probe.next = now + PATIENCE;
            self.questions.insert(child, *rank);
            actions.push(ProbeAction::Ask(Box::new(SpawnSpec {
                child,
                ..probe.spec.clone()
            })));
        }
        actions
    }

    /// Whether this child is a question of ours.
    pub fn is_question(&self, child: ChildKey) -> bool {
        self.questions.contains_key(&child)
    }

    /// A question was answered (`None`: it could not be asked): the rank that is ready now, if one is.
    pub fn answered(
        &mut self,
        child: ChildKey,
        exit: Option<Exit>,
        now: Instant,
    ) -> Option<ChildKey> {
        let rank = self.questions.remove(&child)?;
        let probe = self.ranks.get_mut(&rank)?;
        probe.asking = None;
        if exit == Some(Exit::Code(0)) {
            self.ranks.remove(&rank);
            return Some(rank);
        }
        probe.next = now
            + if probe.tries < 25 {
                PACE
            } else {
                Duration::from_secs(1)
            };
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> SpawnSpec {
        SpawnSpec {
            child: ChildKey(1),
            task: "g/a.0".to_owned(),
            program: "server".to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            cwd: None,
            stdin: Source::Auto,
            stdout: Sink::Pane { muted: false },
            stderr: Sink::Stdout,
            terminal: crate::model::template::Terminal::Auto,
            size: (24, 80),
            cpus: Vec::new(),
        }
    }

    #[test]
    fn one_question_at_a_time_until_one_is_answered_well() {
        let mut probes = Probes::default();
        let now = Instant::now();
        probes.add(&spec(), "curl".to_owned(), Vec::new(), now);
        let mut next = 10;
        let mut ask = |probes: &mut Probes, now| {
            let actions = probes.due(now, || {
                next += 1;
                ChildKey(next)
            });
            actions.into_iter().find_map(|a| match a {
                ProbeAction::Ask(spec) => Some(spec.child),
                ProbeAction::TakeBack(_) => None,
            })
        };
        let first = ask(&mut probes, now).unwrap();
        assert_eq!(ask(&mut probes, now), None);
        assert_eq!(probes.answered(first, Some(Exit::Code(1)), now), None);
        assert_eq!(ask(&mut probes, now), None, "not at once again");
        let second = ask(&mut probes, now + PACE).unwrap();
        assert_eq!(
            probes.answered(second, Some(Exit::Code(0)), now),
            Some(ChildKey(1))
        );
        assert_eq!(probes.deadline(), None);
    }

    #[test]
    fn a_question_without_an_answer_is_taken_back() {
        let mut probes = Probes::default();
        let now = Instant::now();
        probes.add(&spec(), "sleep".to_owned(), Vec::new(), now);
        assert_eq!(probes.due(now, || ChildKey(9)).len(), 1);
        let late = probes.due(now + PATIENCE, || ChildKey(10));
        assert!(matches!(late[..], [ProbeAction::TakeBack(ChildKey(9))]));
    }
}
