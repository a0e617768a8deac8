//! Finds what children leave behind, and kills it until none is left.
//!
//! Owns the kills that are under way ([`Hunter`]) and the question whose a process is. Never waits: each round
//! reads `/proc` once for all hunts and says when it wants the next. Start at [`Hunter::round`].
//!
//! The agent is a subreaper, so whatever its children start stays its descendant. Whose one is: of the living child
//! that it descends from or whose session it is in; else of the ended child whose session it is in; else of
//! the task that its environment names.

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
    time::{Duration, Instant},
};

use super::{
    aim,
    procs::{Environs, Process, Snapshot, Strangers},
    spawn,
    wire::ChildKey,
};
use crate::model::ids::GroupName;

/// Between rounds at first; doubled each time up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(2);
const PAUSE_MAX: Duration = Duration::from_millis(50);

/// After this long, what does not die is left alone: it waits in the kernel, or belongs to another user.
const STUBBORN: Duration = Duration::from_secs(3);

/// After this long a hunt ends whatever is left, so that a fork bomb cannot keep the agent busy for ever.
const LONGEST: Duration = Duration::from_secs(10);

/// What is hunted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Prey {
    /// All of one child, which lives or has ended: its key, its process id, its task.
    Tree(ChildKey, i32, Rc<str>),
    /// All that ended children of a group left behind.
    Group(GroupName),
}

/// What hunters need to know of the agent.
pub struct World<'a> {
    /// The agent's process id.
    pub agent: i32,
    /// Its guardian's, which is never prey; 0: none.
    pub guardian: i32,
    /// The mark of the run.
    pub mark: &'a str,
    /// Keys (and slots) of living children by process id.
    pub living: &'a HashMap<i32, (ChildKey, u32)>,
    /// Keys and tasks of ended children by process id, as far as they may have left something behind.
    pub ended: &'a HashMap<i32, (ChildKey, Rc<str>)>,
}

impl World<'_> {
    /// Whether this process is that child; its number may be another one's by now.
    fn is_living(&self, pid: i32, key: ChildKey) -> bool {
        self.living.get(&pid).is_some_and(|(one, _)| *one == key)
    }
}

/// A hunt that is over.
#[derive(Debug, PartialEq, Eq)]
pub struct Hunted {
    /// What was hunted.
    pub prey: Prey,
    /// How many processes were killed.
    pub killed: u32,
    /// What did not die; absent: it could not be looked for.
    pub left: Option<Vec<i32>>,
}

struct Hunt {
    prey: Prey,
    since: Instant,
    killed: HashSet<i32>,
    /// Rounds in a row that found nothing. A process that forks while `/proc` is read may be missed
    /// with its child: only the second empty round is proof.
    empty: u8,
}

/// The hunts under way.
#[derive(Default)]
pub struct Hunter {
    hunts: Vec<Hunt>,
    /// What `hunts` are after.
    after: HashSet<Prey>,
    pause: Duration,
    next: Option<Instant>,
}

impl Hunter {
    /// Adds a hunt; its first round is due now.
    pub fn add(&mut self, prey: Prey, now: Instant) {
        if self.after.insert(prey.clone()) {
            self.hunts.push(Hunt {
                prey,
                since: now,
                killed: HashSet::new(),
                empty: 0,
            });
        }
        self.pause = PAUSE;
        self.next = Some(now);
    }

    /// When the next round is due.
    pub fn due(&self) -> Option<Instant> {
        self.next
    }

    /// Looks once and kills what it finds; returns the hunts that are over.
    pub fn round(&mut self, world: &World<'_>, now: Instant) -> Vec<Hunted> {
        self.next = None;
        let (Ok(snapshot), Ok(mut environs)) = (Snapshot::take(), Environs::open()) else {
            // No descriptor is free: later, and in the end give up.
            self.next = Some(now + PAUSE_MAX);
            return self.finish(now, None);
        };
        let scent = Scent::of(&self.hunts);
        let mut found: HashMap<usize, Vec<Process>> = HashMap::new();
        let mut unread = false;
        for process in snapshot.iter() {
            if !is_ours(process, &snapshot, world) {
                continue;
            }
            match scent.follow(process, &snapshot, &mut environs, world) {
                Trail::Of(hunt) => found.entry(hunt).or_default().push(*process),
                Trail::Unread => unread = true,
                Trail::None => {}
            }
        }
        for (index, hunt) in self.hunts.iter_mut().enumerate() {
            let prey = found.get(&index).map_or(&[][..], Vec::as_slice);
            // The whole group first: what was forked since we looked dies with it.
            if let Prey::Tree(key, pid, _) = &hunt.prey
                && world.is_living(*pid, *key)
            {
                let _ = spawn::kill(-pid, libc::SIGKILL);
            }
            for process in prey {
                // Gone meanwhile, or another user's: the next round sees.
                let _ = aim::signal(process, libc::SIGKILL);
                hunt.killed.insert(process.pid);
            }
            if !prey.is_empty() {
                hunt.empty = 0;
            } else if !unread || now.duration_since(hunt.since) > STUBBORN {
                hunt.empty += 1;
            }
        }
        self.next = Some(now + self.pause);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        self.finish(now, Some(&found))
    }

    /// Ends the hunts that are over, after a round that found this; absent: it could not look.
    fn finish(
        &mut self,
        now: Instant,
        found: Option<&HashMap<usize, Vec<Process>>>,
    ) -> Vec<Hunted> {
        let mut over = Vec::new();
        let mut index = 0;
        self.hunts.retain(|hunt| {
            let left = found.map(|found| found.get(&index).map_or(&[][..], Vec::as_slice));
            index += 1;
            let age = now.duration_since(hunt.since);
            let hopeless = age > STUBBORN
                && left.is_some_and(|left| {
                    !left.is_empty() && left.iter().all(|p| p.is_stuck() || !may_kill(p.pid))
                })
                || age > LONGEST;
            if hunt.empty < 2 && !hopeless {
                return true;
            }
            self.after.remove(&hunt.prey);
            over.push(Hunted {
                prey: hunt.prey.clone(),
                killed: hunt.killed.len() as u32,
                left: left.map(|left| left.iter().map(|process| process.pid).collect()),
            });
            false
        });
        if self.hunts.is_empty() {
            self.next = None;
        }
        over
    }
}

/// Where the trail of a process leads.
enum Trail {
    /// To this hunt.
    Of(usize),
    /// To none.
    None,
    /// It waits in the kernel, and its environment cannot be read without waiting too.
    Unread,
}

/// By what the hunts of a round know their prey: the index of the hunt.
#[derive(Default)]
struct Scent<'a> {
    roots: HashMap<i32, (ChildKey, usize)>,
    killed: HashMap<i32, usize>,
    tasks: HashMap<&'a str, usize>,
    groups: HashMap<&'a str, usize>,
}

impl<'a> Scent<'a> {
    fn of(hunts: &'a [Hunt]) -> Self {
        let mut this = Self::default();
        for (index, hunt) in hunts.iter().enumerate() {
            match &hunt.prey {
                Prey::Tree(key, pid, task) => {
                    this.roots.insert(*pid, (*key, index));
                    this.tasks.insert(task, index);
                }
                Prey::Group(name) => drop(this.groups.insert(name.as_str(), index)),
            }
            this.killed
                .extend(hunt.killed.iter().map(|&pid| (pid, index)));
        }
        this
    }

    /// The hunt that is after this process, if one is.
    fn follow(
        &self,
        process: &Process,
        snapshot: &Snapshot,
        environs: &mut Environs,
        world: &World<'_>,
    ) -> Trail {
        let living = |pid: &i32| world.living.contains_key(pid);
        let line = || snapshot.line(process.pid).map(|p| p.pid);
        let to = |hunt: Option<usize>| hunt.map_or(Trail::None, Trail::Of);
        if let Some(owner) = line().find(living).or(Some(process.session).filter(living)) {
            let root = self.roots.get(&owner);
            return to(root
                .filter(|(key, _)| world.is_living(owner, *key))
                .map(|&(_, hunt)| hunt));
        }
        // An orphan, of a child that has ended.
        if let Some(&(_, hunt)) = self.roots.get(&process.session) {
            return Trail::Of(hunt);
        }
        if let Some(&hunt) = line().find_map(|pid| self.killed.get(&pid)) {
            return Trail::Of(hunt);
        }
        if let Some((_, task)) = world.ended.get(&process.session) {
            return to(self.by_task(task));
        }
        if process.is_stuck() {
            return Trail::Unread;
        }
        let Some(environ) = environs.of(process) else {
            return Trail::None;
        };
        if !environ.belongs_to(world.mark) {
            return Trail::None;
        }
        let text = |name| std::str::from_utf8(environ.get(name)?).ok();
        to(text("DRAGON_TASK")
            .and_then(|task| self.by_task(task))
            .or_else(|| self.groups.get(text("DRAGON_TUI_GROUP")?).copied()))
    }

    fn by_task(&self, task: &str) -> Option<usize> {
        self.tasks
            .get(task)
            .or_else(|| self.groups.get(group_of(task)))
            .copied()
    }
}

/// The group of a task: `group/template.rank`.
pub fn group_of(task: &str) -> &str {
    task.split('/').next().unwrap_or(task)
}

fn may_kill(pid: i32) -> bool {
    spawn::kill(pid, 0).is_ok()
}

/// Whether a process descends from the agent, and is not the guardian.
fn is_ours(process: &Process, snapshot: &Snapshot, world: &World<'_>) -> bool {
    process.pid != world.agent
        && process.pid != world.guardian
        && snapshot.descends(process.parent, world.agent)
}

/// All that this run started and that lives: what descends from the agent, and what carries the mark. Of the rest, who
/// waits in the kernel is left to the guardian: the agent must not wait with it.
pub fn everything(
    world: &World<'_>,
    strangers: &mut Strangers,
) -> std::io::Result<Vec<(Process, bool)>> {
    let snapshot = Snapshot::take()?;
    let mut environs = Environs::open()?;
    let all = snapshot
        .iter()
        .filter(|p| p.pid != world.agent && p.pid != world.guardian)
        .filter_map(|process| {
            if is_ours(process, &snapshot, world) {
                return Some((*process, true));
            }
            let marked =
                !process.is_stuck() && strangers.carries(process, &mut environs, world.mark);
            marked.then_some((*process, false))
        })
        .collect();
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_hunt_after_an_ended_child_spares_a_new_one_that_got_its_number() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let pid = child.id() as i32;
        let living = HashMap::from([(pid, (ChildKey(2), 0))]);
        let world = World {
            agent: std::process::id() as i32,
            guardian: 0,
            mark: "",
            living: &living,
            ended: &HashMap::new(),
        };
        let mut hunter = Hunter::default();
        let mut hunt = |key| {
            let prey = Prey::Tree(ChildKey(key), pid, "g/t.0".into());
            hunter.add(prey, Instant::now());
            hunter.round(&world, Instant::now());
            hunter.round(&world, Instant::now())
        };
        assert_eq!(hunt(1)[0].killed, 0);
        assert!(child.try_wait().unwrap().is_none());
        hunt(2);
        assert!(!child.wait().unwrap().success());
    }
}
