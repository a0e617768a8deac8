//! Decides what happens to every process: a function of (state, input, now).
//!
//! Owns the state of groups and ranks, restarts, start order, the stop ladder and the outcome of the run.
//! Never spawns, sleeps, reads a clock or talks to anybody: inputs come in, actions go out, and
//! [`Supervisor::deadline`] says when it wants to be called again. Start at [`Supervisor::step`]; the
//! records it works on are in `table`, the answer to "why is this not running" in `explain`.
//!
//! Where it is kinder than Dragon: a stop is bounded and reaches KILL; ranks that were *asked* to end do not
//! count as failures; a group that failed can be stopped, closed and started again.

mod explain;
mod ladder;
mod lives;
mod order;
mod table;
mod wishes;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::{Duration, Instant},
};

pub use explain::Explanation;
use table::{At, Group, Rank};

use super::placement::{Ledger, Seat};
use crate::{
    agent::wire::{ChildKey, Exit},
    model::{
        document::Session,
        event::{Channel, Command, Event, Level, Outcome, Usage},
        ids::{GroupName, Incarnation, ProcessId, Selector},
        lifecycle::{ExitStatus, GroupState, ProcessState},
        template::Signal,
    },
};

/// How many children may be asked for and not yet reported: enough to keep a host busy, few enough that a
/// stop in the middle of a launch is felt at once.
const STARTING_MAX: usize = 512;

/// How long the output of an ended process may stay open before it is closed: something it left behind holds it.
const DRAIN: Duration = Duration::from_secs(2);

/// How long after KILL a process may take to be reaped before it is given up (uninterruptible sleep).
const GIVE_UP: Duration = Duration::from_secs(5);

/// What the supervisor is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A client's wish.
    Command(Command),
    /// A child runs.
    Spawned {
        /// The child.
        child: ChildKey,
        /// Its process id on its host.
        pid: u32,
        /// Pty or pipe.
        channel: Channel,
    },
    /// A child did not start.
    SpawnFailed {
        /// The child.
        child: ChildKey,
        /// Why, for the user.
        reason: String,
    },
    /// A child's main process was reaped.
    Exited {
        /// The child.
        child: ChildKey,
        /// How it ended.
        exit: Exit,
        /// What it used.
        usage: Usage,
    },
    /// A child's output is complete, in its log and with the clients.
    Eof(ChildKey),
    /// A child's readiness was seen.
    ReadySeen(ChildKey),
    /// A child's output is muted or not.
    Muted {
        /// The child.
        child: ChildKey,
        /// Whether it is.
        muted: bool,
        /// Bytes thrown away so far.
        discarded: u64,
    },
    /// A host (by its index in the inventory) is gone.
    HostLost {
        /// Which.
        host: usize,
        /// Why.
        reason: String,
    },
    /// Time has passed.
    Tick,
}

/// What the supervisor wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Start a process.
    Spawn {
        /// Its key from now on.
        child: ChildKey,
        /// Which process.
        process: ProcessId,
        /// Which life of it.
        incarnation: Incarnation,
        /// Where.
        seat: Seat,
        /// Replicas of its template now.
        nproc: u32,
        /// Muted or opened by the user before it started; `None`: as the template says.
        mute: Option<bool>,
        /// Rows and columns of its pane; `None`: as of every rank that nobody looked at.
        size: Option<(u16, u16)>,
    },
    /// Signal its process group.
    Signal(ChildKey, Signal),
    /// Kill its whole tree.
    KillTree(ChildKey),
    /// Stop waiting for the end of its output.
    Close(ChildKey),
    /// Kill what this group left behind on these hosts.
    Sweep(GroupName, Vec<usize>),
    /// Mute or open its output at the source.
    Mute(ChildKey, bool),
    /// Type into it.
    Input(ChildKey, Vec<u8>),
    /// Tell it the size of its pane: rows, columns.
    Resize(ChildKey, u16, u16),
    /// Tell the clients and the record.
    Emit(Event),
    /// The run is over.
    Over {
        /// How it went.
        outcome: Outcome,
        /// The first failure.
        first_failure: Option<ProcessId>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Timer {
    /// The next step of a rank's stop ladder.
    Ladder(At, u64),
    /// The rest of a rank's output is late.
    Drain(At, u64),
    /// A rank's back-off is over.
    BackOff(At, u64),
    /// A group's walltime is over.
    Walltime(usize, u64),
}

/// How a supervisor behaves at the edges of a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The run is over when every group that was started is over (headless); otherwise it waits for wishes.
    pub end_when_done: bool,
}

/// The state of a run.
#[derive(Debug)]
pub struct Supervisor {
    options: Options,
    groups: Vec<Group>,
    ledger: Ledger,
    children: HashMap<ChildKey, At>,
    next_child: u64,
    /// Ranks whose turn to start comes, in order.
    queue: VecDeque<At>,
    starting: usize,
    timers: BTreeMap<(Instant, u64), Timer>,
    next_timer: u64,
    last_epoch: u64,
    actions: Vec<Action>,
    /// The first thing that kept the run from being a success.
    outcome: Option<Outcome>,
    first_failure: Option<ProcessId>,
    /// Hosts that are gone, by index: nothing is started there any more.
    lost_hosts: Vec<usize>,
    /// The run was asked to end.
    finishing: bool,
    /// Something will be started later (by the timeline): the run is not over when all is idle.
    more_to_come: bool,
    over: bool,
}

impl Supervisor {
    /// A supervisor of a session; nothing is started.
    pub fn new(session: &Session, ledger: Ledger, options: Options) -> Self {
        Self {
            options,
            groups: session
                .groups
                .iter()
                .map(|(name, spec)| Group::new(session, name, spec))
                .collect(),
            ledger,
            children: HashMap::new(),
            next_child: 1,
            queue: VecDeque::new(),
            starting: 0,
            timers: BTreeMap::new(),
            next_timer: 0,
            last_epoch: 0,
            actions: Vec::new(),
            outcome: None,
            first_failure: None,
            lost_hosts: Vec::new(),
            finishing: false,
            more_to_come: false,
            over: false,
        }
    }

    /// When [`step`](Self::step) wants to be called with [`Input::Tick`], if nothing comes before.
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.first_key_value().map(|((when, _), _)| *when)
    }

    /// The hosts, and what is given out there.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Whether a wish to start something comes later, so that the run is not over when all is idle.
    pub fn set_more_to_come(&mut self, more: bool) {
        self.more_to_come = more;
    }

    /// The next number for a child, for those that the engine starts beside the ranks (probes).
    pub fn fresh_child(&mut self) -> ChildKey {
        let child = ChildKey(self.next_child);
        self.next_child += 1;
        child
    }

    /// Takes one input and says what is to be done.
    pub fn step(&mut self, input: Input, now: Instant) -> Vec<Action> {
        match input {
            Input::Command(command) => self.command(command, now),
            Input::Spawned {
                child,
                pid,
                channel,
            } => self.spawned(child, pid, channel, now),
            Input::SpawnFailed { child, reason } => {
                if let Some(at) = self.children.get(&child).copied() {
                    self.starting = self.starting.saturating_sub(1);
                    self.end(at, ExitStatus::NotStarted(reason), Usage::default(), now);
                }
            }
            Input::Exited { child, exit, usage } => self.exited(child, exit, usage, now),
            Input::Eof(child) => {
                if let Some(at) = self.children.get(&child).copied()
                    && let Some(rank) = self.rank_mut(at)
                {
                    rank.eof = true;
                    if let Some((status, usage)) = rank.exited.take() {
                        self.end(at, status, usage, now);
                    }
                }
            }
            Input::ReadySeen(child) => {
                if let Some(at) = self.children.get(&child).copied() {
                    // It may have ended meanwhile: its last line comes by another way than its exit.
                    self.groups[at.group].templates[at.template].mark_ready(at.rank);
                    if self
                        .rank(at)
                        .is_some_and(|rank| rank.state == ProcessState::Running)
                    {
                        self.set_state(at, ProcessState::Ready);
                    }
                }
            }
            Input::Muted {
                child,
                muted,
                discarded,
            } => {
                if let Some(at) = self.children.get(&child).copied() {
                    let process = self.id(at);
                    self.emit(Event::MuteChanged {
                        process,
                        muted,
                        discarded,
                    });
                }
            }
            Input::HostLost { host, reason } => self.host_lost(host, &reason, now),
            Input::Tick => {}
        }
        self.fire(now);
        self.reconcile(now);
        std::mem::take(&mut self.actions)
    }

    fn emit(&mut self, event: Event) {
        self.actions.push(Action::Emit(event));
    }

    fn notice(&mut self, level: Level, process: Option<ProcessId>, text: String) {
        self.emit(Event::Notice {
            level,
            process,
            text,
        });
    }

    /// Makes every timer of a rank void, and gives the epoch for new ones.
    fn new_epoch(&mut self, at: At) -> u64 {
        self.last_epoch += 1;
        let epoch = self.last_epoch;
        if let Some(rank) = self.rank_mut(at) {
            rank.epoch = epoch;
        }
        epoch
    }

    fn rank(&self, at: At) -> Option<&Rank> {
        self.groups
            .get(at.group)?
            .templates
            .get(at.template)?
            .ranks
            .get(at.rank as usize)
    }

    fn rank_mut(&mut self, at: At) -> Option<&mut Rank> {
        self.groups
            .get_mut(at.group)?
            .templates
            .get_mut(at.template)?
            .ranks
            .get_mut(at.rank as usize)
    }

    fn id(&self, at: At) -> ProcessId {
        let group = &self.groups[at.group];
        ProcessId {
            group: group.name.clone(),
            template: group.templates[at.template].name.clone(),
            rank: at.rank,
        }
    }

    fn timer(&mut self, when: Instant, timer: Timer) {
        self.next_timer += 1;
        self.timers.insert((when, self.next_timer), timer);
    }

    fn set_state(&mut self, at: At, state: ProcessState) {
        let process = self.id(at);
        let Some(incarnation) =
            self.groups[at.group].templates[at.template].set_state(at.rank, state)
        else {
            return;
        };
        self.groups[at.group].dirty = true;
        // Draining is over within moments and says nothing that the end does not say.
        if state != ProcessState::Draining {
            self.emit(Event::ProcessChanged {
                process,
                incarnation,
                state,
            });
        }
    }

    /// All ranks that a selector names, in order.
    fn selected(&self, selector: &Selector) -> Vec<At> {
        let mut found = Vec::new();
        for (g, group) in self
            .groups
            .iter()
            .enumerate()
            .filter(|(_, group)| group.name == selector.group)
        {
            for (t, template) in group.templates.iter().enumerate() {
                if selector
                    .template
                    .as_ref()
                    .is_some_and(|name| *name != template.name)
                {
                    continue;
                }
                let ranks = 0..template.ranks.len() as u32;
                found.extend(
                    ranks
                        .filter(|rank| selector.rank.is_none_or(|only| only == *rank))
                        .map(|rank| At {
                            group: g,
                            template: t,
                            rank,
                        }),
                );
            }
        }
        found
    }

    /// The state of a group.
    pub fn group_state(&self, name: &GroupName) -> Option<GroupState> {
        self.groups
            .iter()
            .find(|group| group.name == *name)
            .map(|group| group.state)
    }

    /// The state of a process.
    pub fn process_state(&self, process: &ProcessId) -> Option<ProcessState> {
        let at = self.selected(&process.clone().into()).first().copied()?;
        self.rank(at).map(|rank| rank.state)
    }
}

#[cfg(test)]
mod tests;
