//! Asks, again and again, whether a process is ready: a command that exits with 0, or a port that accepts.
//!
//! Owns the pace, what is started for it, and how many questions are under way. The question is put on the rank's
//! own host, by a short-lived child of its agent. Never decides what readiness leads to. Start at [`Probes::due`].

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    time::{Duration, Instant},
};

use crate::agent::wire::{ChildKey, Exit, Sink, Source, SpawnSpec};

/// The first questions come this close together; later ones every second.
const PACE: Duration = Duration::from_millis(200);

/// An answer may take so long; then the question is taken back.
const PATIENCE: Duration = Duration::from_secs(10);

/// Questions under way at once, over all ranks: a thousand ranks that become ready are a thousand programs a second
/// otherwise, on a host that has work to do. The others wait for their turn, in order.
const ASKING_MAX: usize = 16;

#[derive(Debug)]
struct Probe {
    spec: SpawnSpec,
    asking: Option<ChildKey>,
    tries: u32,
    /// When the next question is due, or the present one has taken too long; absent: it waits for its turn.
    next: Option<Instant>,
    /// That it cannot be asked was told.
    told: bool,
}

/// All ranks whose readiness is being asked for.
#[derive(Debug, Default)]
pub struct Probes {
    ranks: HashMap<ChildKey, Probe>,
    /// Questions under way, and for which rank; also those of ranks that are gone, until they end.
    questions: HashMap<ChildKey, ChildKey>,
    /// Every [`Probe::next`] there is.
    times: BTreeSet<(Instant, ChildKey)>,
    /// Ranks whose question is due, and since when; some may be gone.
    turns: VecDeque<(Instant, ChildKey)>,
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
        // A task of its own: what is killed with a question must not be what the rank has started.
        let task = format!("{}#probe", rank.task);
        let mut env = rank.env.clone();
        env.retain(|(name, _)| name != "DRAGON_TASK");
        env.push(("DRAGON_TASK".to_owned(), task.clone()));
        let spec = SpawnSpec {
            task,
            program,
            args,
            env,
            stdin: Source::Null,
            stdout: Sink::File("/dev/null".to_owned()),
            stderr: Sink::Stdout,
            terminal: crate::model::template::Terminal::Pipe,
            ..rank.clone()
        };
        self.remove(rank.child);
        self.ranks.insert(
            rank.child,
            Probe {
                spec,
                asking: None,
                tries: 0,
                next: Some(now),
                told: false,
            },
        );
        self.times.insert((now, rank.child));
    }

    /// Asks no more for this rank.
    pub fn remove(&mut self, rank: ChildKey) -> Option<ProbeAction> {
        let probe = self.ranks.remove(&rank)?;
        if let Some(next) = probe.next {
            self.times.remove(&(next, rank));
        }
        Some(ProbeAction::TakeBack(probe.asking?))
    }

    /// When something is due.
    pub fn deadline(&self) -> Option<Instant> {
        let time = self.times.first().map(|(next, _)| *next);
        let free = self.questions.len() < ASKING_MAX;
        let turn = self.turns.front().filter(|_| free).map(|(since, _)| *since);
        time.into_iter().chain(turn).min()
    }

    /// What is due now. `fresh` gives numbers for new children.
    pub fn due(&mut self, now: Instant, mut fresh: impl FnMut() -> ChildKey) -> Vec<ProbeAction> {
        let mut actions = Vec::new();
        while let Some((next, rank)) = self.times.first().copied()
            && next <= now
        {
            self.times.pop_first();
            let Some(probe) = self.ranks.get_mut(&rank) else {
                continue;
            };
            probe.next = None;
            match probe.asking {
                Some(asking) => {
                    actions.push(ProbeAction::TakeBack(asking));
                    self.look_again(rank, now + PATIENCE);
                }
                None => self.turns.push_back((now, rank)),
            }
        }
        while self.questions.len() < ASKING_MAX
            && let Some((_, rank)) = self.turns.pop_front()
        {
            let Some(probe) = self.ranks.get_mut(&rank) else {
                continue;
            };
            let child = fresh();
            probe.asking = Some(child);
            probe.tries += 1;
            let spec = SpawnSpec {
                child,
                ..probe.spec.clone()
            };
            actions.push(ProbeAction::Ask(Box::new(spec)));
            self.questions.insert(child, rank);
            self.look_again(rank, now + PATIENCE);
        }
        actions
    }

    fn look_again(&mut self, rank: ChildKey, when: Instant) {
        if let Some(probe) = self.ranks.get_mut(&rank) {
            if let Some(before) = probe.next.replace(when) {
                self.times.remove(&(before, rank));
            }
            self.times.insert((when, rank));
        }
    }

    /// Whether this child is a question of ours.
    pub fn is_question(&self, child: ChildKey) -> bool {
        self.questions.contains_key(&child)
    }

    /// A question was answered: the rank that is ready now, if one is.
    pub fn answered(&mut self, child: ChildKey, exit: Exit, now: Instant) -> Option<ChildKey> {
        let rank = self.next_question(child, now)?;
        if exit != Exit::Code(0) {
            return None;
        }
        self.remove(rank);
        Some(rank)
    }

    /// A question could not be asked: the rank it was about, once in the rank's life.
    pub fn not_asked(&mut self, child: ChildKey, now: Instant) -> Option<ChildKey> {
        let rank = self.next_question(child, now)?;
        let probe = self.ranks.get_mut(&rank)?;
        (!std::mem::replace(&mut probe.told, true)).then_some(rank)
    }

    /// A question is over; the next one of its rank comes after a while.
    fn next_question(&mut self, child: ChildKey, now: Instant) -> Option<ChildKey> {
        let rank = self.questions.remove(&child)?;
        let probe = self.ranks.get_mut(&rank)?;
        probe.asking = None;
        let pace = if probe.tries < 25 {
            PACE
        } else {
            Duration::from_secs(1)
        };
        self.look_again(rank, now + pace);
        Some(rank)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(child: u64) -> SpawnSpec {
        SpawnSpec {
            child: ChildKey(child),
            task: "g/a.0".to_owned(),
            program: "server".to_owned(),
            args: Vec::new(),
            env: vec![
                ("DRAGON_TASK".to_owned(), "g/a.0".to_owned()),
                ("A".to_owned(), "1".to_owned()),
            ],
            cwd: None,
            stdin: Source::Auto,
            stdout: Sink::Pane { muted: false },
            stderr: Sink::Stdout,
            terminal: crate::model::template::Terminal::Auto,
            size: (24, 80),
            cpus: Vec::new(),
        }
    }

    /// Probes of ranks 1 to `ranks`; questions get numbers from 1000 on.
    struct World {
        probes: Probes,
        now: Instant,
        next: u64,
    }

    impl World {
        fn new(ranks: u64) -> Self {
            let mut probes = Probes::default();
            let now = Instant::now();
            for rank in 1..=ranks {
                probes.add(&spec(rank), "curl".to_owned(), Vec::new(), now);
            }
            Self {
                probes,
                now,
                next: 1000,
            }
        }

        fn asked(&mut self) -> Vec<SpawnSpec> {
            let actions = self.probes.due(self.now, || {
                self.next += 1;
                ChildKey(self.next)
            });
            let asked = actions.into_iter().filter_map(|action| match action {
                ProbeAction::Ask(spec) => Some(*spec),
                ProbeAction::TakeBack(_) => None,
            });
            asked.collect()
        }

        fn answered(&mut self, question: &SpawnSpec, code: i32) -> Option<ChildKey> {
            self.probes
                .answered(question.child, Exit::Code(code), self.now)
        }
    }

    #[test]
    fn one_question_at_a_time_until_one_is_answered_well() {
        let mut world = World::new(1);
        let first = world.asked().remove(0);
        assert_eq!(world.asked(), []);
        assert_eq!(world.answered(&first, 1), None);
        assert_eq!(world.asked(), [], "not at once again");
        world.now += PACE;
        let second = world.asked().remove(0);
        assert_eq!(world.answered(&second, 0), Some(ChildKey(1)));
        assert_eq!(world.probes.deadline(), None);
    }

    #[test]
    fn a_question_without_an_answer_is_taken_back() {
        let mut world = World::new(1);
        let question = world.asked().remove(0).child;
        let late = world
            .probes
            .due(world.now + PATIENCE, || unreachable!("it still asks"));
        assert!(matches!(late[..], [ProbeAction::TakeBack(key)] if key == question));
    }

    #[test]
    fn few_questions_are_under_way_at_once_and_every_rank_gets_its_turn() {
        let ranks = 5 * ASKING_MAX as u64 + 3;
        let mut world = World::new(ranks);
        let mut about = HashMap::new();
        let mut open = world.asked();
        while about.len() < ranks as usize {
            assert!(open.len() <= ASKING_MAX);
            let question = open.remove(0);
            let rank = world.probes.questions[&question.child];
            *about.entry(rank).or_insert(0) += 1;
            world.answered(&question, 1);
            assert!(
                world.probes.deadline().unwrap() <= world.now,
                "somebody waits"
            );
            // Those who were asked already are due again, and still come after those who wait.
            world.now += PACE;
            open.extend(world.asked());
        }
        assert!(about.values().all(|asked| *asked == 1), "{about:?}");
    }

    #[test]
    fn a_question_of_a_rank_that_is_gone_counts_until_it_ends_and_who_waited_is_forgotten() {
        let mut world = World::new(ASKING_MAX as u64 + 1);
        let open = world.asked();
        assert_eq!(open.len(), ASKING_MAX);
        for rank in 1..=ASKING_MAX as u64 + 1 {
            world.probes.remove(ChildKey(rank));
        }
        assert_eq!(world.probes.deadline(), None);
        for question in &open {
            assert!(world.probes.is_question(question.child));
            assert_eq!(world.answered(question, 0), None);
        }
        assert_eq!(world.asked(), []);
        assert_eq!(world.probes.deadline(), None);
    }

    #[test]
    fn that_a_question_cannot_be_asked_is_told_once_in_the_life_of_its_rank() {
        let mut world = World::new(1);
        let first = world.asked().remove(0);
        let told = world.probes.not_asked(first.child, world.now);
        assert_eq!(told, Some(ChildKey(1)));
        world.now += PACE;
        let second = world.asked().remove(0);
        assert_eq!(world.probes.not_asked(second.child, world.now), None);
    }

    #[test]
    fn a_question_has_a_task_of_its_own_and_else_the_environment_of_its_rank() {
        let mut world = World::new(1);
        let question = world.asked().remove(0);
        assert_eq!(question.task, "g/a.0#probe");
        let expected = [("A", "1"), ("DRAGON_TASK", "g/a.0#probe")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(question.env, expected);
    }
}
