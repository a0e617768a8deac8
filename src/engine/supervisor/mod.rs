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
mod table;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::{Duration, Instant},
};

pub use explain::Explanation;
use table::{At, Ending, Group, Rank};

use super::placement::{Ledger, Seat};
use crate::{
    agent::wire::{ChildKey, Exit},
    model::{
        document::Session,
        event::{Channel, Command, Event, Level, Outcome, Usage},
        ids::{GroupName, Incarnation, ProcessId, Selector},
        lifecycle::{BACK_OFF_RESET, ExitStatus, GroupState, ProcessState, back_off},
        template::{After, Alert, REPLICAS_MAX, Restart, Signal},
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
    Ladder(At, u32),
    /// The rest of a rank's output is late.
    Drain(At, u32),
    /// A rank's back-off is over.
    BackOff(At, u32),
    /// A group's walltime is over.
    Walltime(usize, u32),
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
                if let Some(at) = self.children.get(&child).copied()
                    && self
                        .rank(at)
                        .is_some_and(|rank| rank.state == ProcessState::Running)
                {
                    self.groups[at.group].templates[at.template].mark_ready(at.rank);
                    self.set_state(at, ProcessState::Ready);
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

    fn command(&mut self, command: Command, now: Instant) {
        match command {
            Command::Start(selector) => self.start(&selector, now),
            Command::Stop(selector) => self.stop(&selector, false, now),
            Command::Kill(selector) => self.stop(&selector, true, now),
            Command::Restart(selector) => self.restart(&selector, now),
            Command::Mute(selector) => self.mute(&selector, true),
            Command::Unmute(selector) => self.mute(&selector, false),
            Command::Scale(selector, replicas) => self.scale(&selector, replicas, now),
            Command::Send(selector, bytes) => {
                for at in self.selected_or_refuse(&selector) {
                    if let Some(child) = self.rank(at).and_then(|rank| rank.child) {
                        self.actions.push(Action::Input(child, bytes.clone()));
                    }
                }
            }
            Command::Resize(process, rows, columns) => {
                for at in self.selected(&process.into()) {
                    if let Some(child) = self.rank(at).and_then(|rank| rank.child) {
                        self.actions.push(Action::Resize(child, rows, columns));
                    }
                }
            }
            Command::Explain(process) => match self.explain(&process) {
                Some(Explanation { state, because }) => self.emit(Event::Explained {
                    process,
                    state,
                    because,
                }),
                None => {
                    self.emit(Event::Refused {
                        reason: format!("{process} is no process of this session"),
                    });
                }
            },
            Command::Finish | Command::Abort => {
                let kill = command == Command::Abort;
                self.finishing = true;
                if self.groups.iter().any(|group| group.wanted) {
                    self.outcome.get_or_insert(Outcome::Interrupted);
                }
                for group in 0..self.groups.len() {
                    self.end_group(group, Ending::Asked, kill, now);
                }
            }
        }
    }

    fn selected_or_refuse(&mut self, selector: &Selector) -> Vec<At> {
        let found = self.selected(selector);
        if found.is_empty() {
            self.emit(Event::Refused {
                reason: format!("{selector} names no process of this session"),
            });
        }
        found
    }

    fn start(&mut self, selector: &Selector, now: Instant) {
        let found = self.selected_or_refuse(selector);
        let Some(first) = found.first().copied() else {
            return;
        };
        let group = &self.groups[first.group];
        if self.finishing {
            self.emit(Event::Refused {
                reason: "the run is ending".to_owned(),
            });
        } else if selector.template.is_none() || !group.wanted {
            if group.wanted && !group.is_over() {
                self.emit(Event::Refused {
                    reason: format!("group {} is already started", selector.group),
                });
            } else {
                self.start_group(first.group, now);
            }
        } else if self.reopen(first.group) {
            for at in found {
                if self
                    .rank(at)
                    .is_some_and(|rank| rank.state.is_over() || rank.state == ProcessState::Idle)
                {
                    self.begin_rank(at);
                }
            }
        }
    }

    fn restart(&mut self, selector: &Selector, now: Instant) {
        let found = self.selected_or_refuse(selector);
        let Some(first) = found.first().copied() else {
            return;
        };
        if !self.reopen(first.group) {
            return;
        }
        for at in found {
            let Some(rank) = self.rank_mut(at) else {
                continue;
            };
            if rank.state.is_live() {
                rank.start_again = true;
                self.ask_stop(at, false, now);
            } else if rank.state.is_over() {
                self.begin_rank(at);
            }
        }
    }

    /// Whether single ranks of a group may be started: it was started and is not ending. One whose ranks have
    /// all ended counts as running again.
    fn reopen(&mut self, index: usize) -> bool {
        let group = &mut self.groups[index];
        let reason = if self.finishing {
            "the run is ending".to_owned()
        } else if !group.wanted {
            format!("group {} was not started", group.name)
        } else if group.is_over() {
            group.ending = Ending::None;
            group.failed = group.templates.iter().any(table::Template::any_failed);
            return true;
        } else if group.ending.is_none() {
            return true;
        } else {
            format!("group {} is stopping", group.name)
        };
        self.emit(Event::Refused { reason });
        false
    }

    /// Starts a whole group, after the groups that it waits for.
    fn start_group(&mut self, index: usize, now: Instant) {
        let group = &mut self.groups[index];
        group.wanted = true;
        group.placed = false;
        group.ending = Ending::None;
        group.failed = false;
        group.epoch += 1;
        group.dirty = true;
        for t in 0..self.groups[index].templates.len() {
            self.groups[index].templates[t].held = true;
            for rank in 0..self.groups[index].templates[t].ranks.len() as u32 {
                let at = At {
                    group: index,
                    template: t,
                    rank,
                };
                if let Some(rank) = self.rank_mut(at) {
                    rank.renew();
                }
                self.set_state(at, ProcessState::Waiting);
            }
            self.groups[index].templates[t].recount();
        }
        if let Some(walltime) = self.groups[index].walltime
            && let Some(when) = now.checked_add(walltime)
        {
            let epoch = self.groups[index].epoch;
            self.timer(when, Timer::Walltime(index, epoch));
        }
    }

    /// Gives every rank of the group its seat; refuses the whole group when one finds none.
    fn place(&mut self, index: usize, now: Instant) -> bool {
        let mut refusals = Vec::new();
        let mut seated: Vec<(At, Seat)> = Vec::new();
        let group = &self.groups[index];
        for (t, template) in group.templates.iter().enumerate() {
            let ranks = 0..template.ranks.len() as u32;
            match self
                .ledger
                .place(&group.name, &template.name, ranks, &template.policy)
            {
                Ok(seats) => {
                    seated.extend((0..).zip(seats).map(|(rank, seat)| {
                        (
                            At {
                                group: index,
                                template: t,
                                rank,
                            },
                            seat,
                        )
                    }));
                }
                Err(refusal) => refusals.push(refusal.to_string()),
            }
        }
        if refusals.is_empty() {
            for (at, seat) in seated {
                if let Some(rank) = self.rank_mut(at) {
                    rank.seat = Some(seat);
                }
            }
            self.groups[index].placed = true;
            return true;
        }
        for (at, seat) in &seated {
            self.ledger.release(&self.id(*at), seat);
        }
        for refusal in &refusals {
            self.notice(Level::Error, None, refusal.clone());
        }
        self.outcome.get_or_insert(Outcome::Unplaceable);
        self.groups[index].failed = true;
        self.end_group(index, Ending::Failure, false, now);
        false
    }

    /// Puts one rank into the line of those that start.
    fn begin_rank(&mut self, at: At) {
        let id = self.id(at);
        let Some(rank) = self.rank(at) else { return };
        if rank.seat.is_none() {
            let group = &self.groups[at.group];
            let template = &group.templates[at.template];
            match self.ledger.place(
                &group.name,
                &template.name,
                at.rank..at.rank + 1,
                &template.policy,
            ) {
                Ok(seats) => {
                    if let Some(rank) = self.rank_mut(at) {
                        rank.seat = seats.into_iter().next();
                    }
                }
                Err(refusal) => {
                    self.emit(Event::Refused {
                        reason: refusal.to_string(),
                    });
                    self.notice(Level::Error, Some(id), refusal.to_string());
                    return;
                }
            }
        }
        if let Some(rank) = self.rank_mut(at)
            && rank.state.is_over()
        {
            rank.renew();
            self.groups[at.group].templates[at.template].recount();
        }
        if self
            .rank(at)
            .is_some_and(|rank| rank.state == ProcessState::Idle || rank.state.is_over())
        {
            self.set_state(at, ProcessState::Waiting);
        }
        self.queue.push_back(at);
    }

    /// Starts those whose turn it is.
    fn pump(&mut self) {
        while self.starting < STARTING_MAX {
            let Some(at) = self.queue.pop_front() else {
                return;
            };
            let child = ChildKey(self.next_child);
            let Some(rank) = self.rank_mut(at) else {
                continue;
            };
            let ready = matches!(rank.state, ProcessState::Waiting | ProcessState::BackingOff);
            let (true, Some(seat)) = (ready, rank.seat.clone()) else {
                continue;
            };
            rank.child = Some(child);
            rank.exited = None;
            rank.eof = false;
            rank.ladder = None;
            rank.epoch += 1;
            let (incarnation, mute) = (rank.incarnation, rank.mute);
            self.next_child += 1;
            self.starting += 1;
            self.children.insert(child, at);
            self.groups[at.group].uses_host(seat.host);
            self.set_state(at, ProcessState::Starting);
            let nproc = self.groups[at.group].templates[at.template].replicas;
            self.actions.push(Action::Spawn {
                child,
                process: self.id(at),
                incarnation,
                seat,
                nproc,
                mute,
            });
        }
    }

    fn spawned(&mut self, child: ChildKey, pid: u32, channel: Channel, now: Instant) {
        let Some(at) = self.children.get(&child).copied() else {
            return;
        };
        self.starting = self.starting.saturating_sub(1);
        let process = self.id(at);
        let template = &mut self.groups[at.group].templates[at.template];
        let with_rule = template.ready_rule;
        template.mark_started(at.rank);
        let Some(rank) = template.ranks.get_mut(at.rank as usize) else {
            return;
        };
        rank.started_at = Some(now);
        let (incarnation, asked, seat) = (rank.incarnation, rank.stop_asked, rank.seat.clone());
        let Some(seat) = seat else { return };
        let host = self.ledger.inventory().hosts[seat.host].name.clone();
        let Seat { cpus, gpus, .. } = seat;
        self.emit(Event::ProcessStarted {
            process,
            incarnation,
            pid,
            host,
            cpus,
            gpus,
            channel,
        });
        self.set_state(at, ProcessState::Running);
        if !with_rule {
            self.groups[at.group].templates[at.template].mark_ready(at.rank);
        }
        if let Some(kill) = asked {
            self.begin_ladder(at, kill, now);
        }
    }

    fn exited(&mut self, child: ChildKey, exit: Exit, usage: Usage, now: Instant) {
        let Some(at) = self.children.get(&child).copied() else {
            return;
        };
        let status = match exit {
            Exit::Code(code) => ExitStatus::Code(code),
            Exit::Signal(number, core) => ExitStatus::Signal { number, core },
        };
        let alone = self.groups[at.group].ending.is_none();
        let Some(rank) = self.rank_mut(at) else {
            return;
        };
        rank.epoch += 1;
        let (epoch, eof, stopping) = (rank.epoch, rank.eof, rank.state == ProcessState::Stopping);
        if eof {
            self.set_state(at, ProcessState::Draining);
            self.end(at, status, usage, now);
            return;
        }
        rank.exited = Some((status, usage));
        if stopping && alone {
            // The rest of its tree goes too; when the whole group stops, one sweep does it for all.
            self.actions.push(Action::KillTree(child));
        }
        self.set_state(at, ProcessState::Draining);
        self.timer(now + DRAIN, Timer::Drain(at, epoch));
    }

    /// A rank's life is over: decide whether another one follows.
    fn end(&mut self, at: At, status: ExitStatus, usage: Usage, now: Instant) {
        let process = self.id(at);
        let group_alive = self.groups[at.group].ending.is_none() && !self.finishing;
        let lost_hosts = self.lost_hosts.clone();
        let spec = &self.groups[at.group].templates[at.template];
        let (policy, critical, alerts) = (spec.restart, spec.critical, spec.alerts.clone());
        let Some(rank) = self.rank_mut(at) else {
            return;
        };
        let asked = rank.stop_asked.is_some();
        let failed = !status.is_success();
        let incarnation = rank.incarnation;
        if let Some(child) = rank.child.take() {
            self.children.remove(&child);
        }
        let Some(rank) = self.rank_mut(at) else {
            return;
        };
        rank.epoch += 1;
        rank.exited = None;
        let epoch = rank.epoch;
        let again = match policy {
            Restart::Never => false,
            Restart::OnFailure { max } => failed && rank.restarts < max,
            Restart::Always => true,
        };
        let lived = rank
            .started_at
            .take()
            .map(|started| now.duration_since(started));
        let lost = rank
            .seat
            .as_ref()
            .is_some_and(|seat| lost_hosts.contains(&seat.host));
        if again && !asked && group_alive && !lost {
            if lived.is_some_and(|lived| lived >= BACK_OFF_RESET) {
                rank.restarts_in_a_row = 0;
            }
            let wait = back_off(rank.restarts_in_a_row);
            rank.restarts += 1;
            rank.restarts_in_a_row += 1;
            rank.incarnation = rank.incarnation.next();
            rank.status = Some(status.clone());
            self.emit(Event::ProcessEnded {
                process: process.clone(),
                incarnation,
                status: status.clone(),
                failure: false,
                usage,
                restart_in: Some(wait.as_secs_f64()),
            });
            self.set_state(at, ProcessState::BackingOff);
            self.timer(now + wait, Timer::BackOff(at, epoch));
            self.alert(&alerts, &process, &status);
            return;
        }
        let failure = failed && !asked;
        rank.status = Some(status.clone());
        rank.failed = failure;
        let start_again = std::mem::take(&mut rank.start_again) && group_alive;
        if start_again {
            rank.incarnation = rank.incarnation.next();
        } else if let Some(seat) = rank.seat.take() {
            self.ledger.release(&process, &seat);
        }
        self.emit(Event::ProcessEnded {
            process: process.clone(),
            incarnation,
            status: status.clone(),
            failure: failure && !start_again,
            usage,
            restart_in: start_again.then_some(0.0),
        });
        let lost = status == ExitStatus::HostLost;
        self.set_state(
            at,
            if lost {
                ProcessState::Lost
            } else {
                ProcessState::Ended
            },
        );
        if !asked {
            self.alert(&alerts, &process, &status);
        }
        if start_again {
            self.begin_rank(at);
            return;
        }
        self.groups[at.group].templates[at.template].recount_ended(at.rank);
        if failure {
            self.failed(at, &status, now);
        }
        if critical {
            self.end_group(at.group, Ending::Critical, false, now);
        }
        self.shrink(at.group, at.template);
    }

    fn failed(&mut self, at: At, status: &ExitStatus, now: Instant) {
        let process = self.id(at);
        self.first_failure.get_or_insert(process);
        let outcome = if *status == ExitStatus::HostLost {
            Outcome::HostLost
        } else {
            Outcome::Failed
        };
        self.outcome.get_or_insert(outcome);
        self.groups[at.group].failed = true;
        if !self.groups[at.group].ignore_error_on_exit {
            self.end_group(at.group, Ending::Failure, false, now);
        }
    }

    fn alert(&mut self, alerts: &[Alert], process: &ProcessId, status: &ExitStatus) {
        for alert in alerts {
            let hit = match alert {
                Alert::Died => matches!(status, ExitStatus::Signal { .. } | ExitStatus::HostLost),
                Alert::Failed => !status.is_success(),
                Alert::Quiet(_) | Alert::Line(_) => false,
            };
            if hit {
                self.emit(Event::Alerted {
                    process: process.clone(),
                    alert: alert.clone(),
                    text: status.to_string(),
                });
            }
        }
    }

    fn stop(&mut self, selector: &Selector, kill: bool, now: Instant) {
        let found = self.selected_or_refuse(selector);
        let Some(first) = found.first() else { return };
        if selector.template.is_none() {
            self.end_group(first.group, Ending::Asked, kill, now);
            return;
        }
        for at in found {
            self.ask_stop(at, kill, now);
        }
    }

    fn end_group(&mut self, index: usize, reason: Ending, kill: bool, now: Instant) {
        let group = &mut self.groups[index];
        if !group.wanted || group.is_over() {
            return;
        }
        if group.ending.is_none() {
            group.ending = reason;
            group.dirty = true;
        }
        for t in 0..self.groups[index].templates.len() {
            self.groups[index].templates[t].held = false;
            for rank in 0..self.groups[index].templates[t].ranks.len() as u32 {
                self.ask_stop(
                    At {
                        group: index,
                        template: t,
                        rank,
                    },
                    kill,
                    now,
                );
            }
        }
    }

    fn ask_stop(&mut self, at: At, kill: bool, now: Instant) {
        let Some(rank) = self.rank_mut(at) else {
            return;
        };
        match rank.state {
            ProcessState::Waiting => {
                let status = ExitStatus::Skipped("stopped before it started".to_owned());
                rank.stop_asked = Some(kill);
                self.end(at, status, Usage::default(), now);
            }
            ProcessState::BackingOff => {
                rank.stop_asked = Some(kill);
                rank.epoch += 1;
                self.set_state(at, ProcessState::Ended);
                self.groups[at.group].templates[at.template].recount_ended(at.rank);
                let id = self.id(at);
                if let Some(seat) = self.rank_mut(at).and_then(|rank| rank.seat.take()) {
                    self.ledger.release(&id, &seat);
                }
            }
            ProcessState::Starting => rank.stop_asked = Some(kill || rank.stop_asked == Some(true)),
            ProcessState::Running | ProcessState::Ready | ProcessState::Unknown => {
                rank.stop_asked = Some(kill);
                self.begin_ladder(at, kill, now);
            }
            ProcessState::Stopping if kill && rank.ladder.is_some_and(|stage| stage < 2) => {
                rank.stop_asked = Some(true);
                self.climb(at, 2, now);
            }
            ProcessState::Draining => rank.stop_asked = Some(kill),
            ProcessState::Stopping
            | ProcessState::Idle
            | ProcessState::Ended
            | ProcessState::Lost => {}
        }
    }

    fn begin_ladder(&mut self, at: At, kill: bool, now: Instant) {
        self.set_state(at, ProcessState::Stopping);
        self.climb(at, if kill { 2 } else { 0 }, now);
    }

    /// One step of the ladder: 0 the template's signal, 1 TERM, 2 KILL of the whole tree, 3 given up.
    fn climb(&mut self, at: At, stage: u8, now: Instant) {
        let stop = self.groups[at.group].templates[at.template].stop;
        let process = self.id(at);
        let Some(rank) = self.rank_mut(at) else {
            return;
        };
        let Some(child) = rank.child else { return };
        rank.epoch += 1;
        let epoch = rank.epoch;
        let stage = match stage {
            0 if stop.signal == Signal::KILL => 2,
            1 if stop.signal == Signal::TERM => 2,
            stage => stage,
        };
        rank.ladder = Some(stage);
        let (action, wait) = match stage {
            0 => (Action::Signal(child, stop.signal), stop.grace),
            1 => (Action::Signal(child, Signal::TERM), stop.grace),
            2 => (Action::KillTree(child), GIVE_UP),
            _ => {
                let text = "does not end although it was killed: it hangs in the kernel (a dead file system?); \
                            it is left to the host"
                    .to_owned();
                self.notice(Level::Error, Some(process), text);
                self.end(
                    at,
                    ExitStatus::Signal {
                        number: 9,
                        core: false,
                    },
                    Usage::default(),
                    now,
                );
                return;
            }
        };
        self.actions.push(action);
        if let Some(when) = now.checked_add(wait) {
            self.timer(when, Timer::Ladder(at, epoch));
        }
    }

    fn mute(&mut self, selector: &Selector, muted: bool) {
        for at in self.selected_or_refuse(selector) {
            let process = self.id(at);
            let Some(rank) = self.rank_mut(at) else {
                continue;
            };
            rank.mute = Some(muted);
            match rank.child {
                Some(child) => self.actions.push(Action::Mute(child, muted)),
                None => self.emit(Event::MuteChanged {
                    process,
                    muted,
                    discarded: 0,
                }),
            }
        }
    }

    fn scale(&mut self, selector: &Selector, replicas: u32, now: Instant) {
        let place = self.groups.iter().enumerate().find_map(|(g, group)| {
            let wanted = (group.name == selector.group).then_some(selector.template.as_ref()?)?;
            Some((
                g,
                group
                    .templates
                    .iter()
                    .position(|template| template.name == *wanted)?,
            ))
        });
        let (Some((g, t)), None, true) =
            (place, selector.rank, (1..=REPLICAS_MAX).contains(&replicas))
        else {
            let reason = format!(
                "cannot scale {selector} to {replicas}: name a template and 1 to {REPLICAS_MAX} replicas"
            );
            self.emit(Event::Refused { reason });
            return;
        };
        let group = &self.groups[g];
        if group.wanted && !group.ending.is_none() && !group.is_over() {
            let reason = format!("cannot scale {selector}: group {} is stopping", group.name);
            self.emit(Event::Refused { reason });
            return;
        }
        let active = group.wanted && !group.is_over();
        let template = &group.templates[t];
        let (present, held) = (template.ranks.len() as u32, template.held);
        let mut seats = Vec::new();
        if replicas > present && group.placed && active {
            match self.ledger.place(
                &group.name,
                &template.name,
                present..replicas,
                &template.policy,
            ) {
                Ok(found) => seats = found,
                Err(refusal) => {
                    self.emit(Event::Refused {
                        reason: refusal.to_string(),
                    });
                    return;
                }
            }
        }
        let mut seats = seats.into_iter();
        self.groups[g].templates[t].resize(replicas);
        self.emit(Event::Scaled {
            template: selector.clone(),
            replicas,
        });
        for rank in present..replicas {
            let at = At {
                group: g,
                template: t,
                rank,
            };
            if let Some(rank) = self.rank_mut(at) {
                rank.seat = seats.next();
            }
            if active {
                self.set_state(at, ProcessState::Waiting);
                if !held {
                    self.queue.push_back(at);
                }
            }
        }
        for rank in replicas..present {
            self.ask_stop(
                At {
                    group: g,
                    template: t,
                    rank,
                },
                false,
                now,
            );
        }
        self.shrink(g, t);
    }

    /// Forgets ranks beyond the wanted number once they have ended.
    fn shrink(&mut self, group: usize, template: usize) {
        self.groups[group].templates[template].shrink();
        self.groups[group].dirty = true;
    }

    fn host_lost(&mut self, host: usize, reason: &str, now: Instant) {
        let name = self.ledger.inventory().hosts[host].name.clone();
        self.emit(Event::HostLost {
            host: name,
            reason: reason.to_owned(),
        });
        self.outcome.get_or_insert(Outcome::HostLost);
        self.lost_hosts.push(host);
        let mut there: Vec<At> = self
            .children
            .values()
            .copied()
            .filter(|at| {
                self.rank(*at)
                    .and_then(|rank| rank.seat.as_ref())
                    .is_some_and(|seat| seat.host == host)
            })
            .collect();
        there.sort_unstable();
        for at in there {
            if self
                .rank(at)
                .is_some_and(|rank| rank.state == ProcessState::Starting)
            {
                self.starting = self.starting.saturating_sub(1);
            }
            self.end(at, ExitStatus::HostLost, Usage::default(), now);
        }
    }

    fn fire(&mut self, now: Instant) {
        while let Some(entry) = self.timers.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let timer = entry.remove();
            match timer {
                Timer::Ladder(at, epoch) => {
                    if let Some(rank) = self.rank(at)
                        && rank.epoch == epoch
                        && rank.state == ProcessState::Stopping
                        && let Some(stage) = rank.ladder
                    {
                        self.climb(at, stage + 1, now);
                    }
                }
                Timer::Drain(at, epoch) => {
                    if let Some(rank) = self.rank(at)
                        && rank.epoch == epoch
                        && rank.state == ProcessState::Draining
                        && let Some(child) = rank.child
                    {
                        self.actions.push(Action::Close(child));
                    }
                }
                Timer::BackOff(at, epoch) => {
                    if self
                        .rank(at)
                        .is_some_and(|r| r.epoch == epoch && r.state == ProcessState::BackingOff)
                    {
                        self.queue.push_back(at);
                    }
                }
                Timer::Walltime(group, epoch) => {
                    if self.groups[group].epoch == epoch && !self.groups[group].is_over() {
                        let name = self.groups[group].name.clone();
                        self.notice(
                            Level::Warning,
                            None,
                            format!("group {name} reached its walltime and is stopped"),
                        );
                        self.outcome.get_or_insert(Outcome::Walltime);
                        self.groups[group].failed = true;
                        self.end_group(group, Ending::Walltime, false, now);
                    }
                }
            }
        }
    }

    /// Starts what may start now, derives the states of groups, and sees whether the run is over.
    fn reconcile(&mut self, now: Instant) {
        loop {
            let mut moved = false;
            for index in 0..self.groups.len() {
                moved |= self.advance_group(index, now);
            }
            self.pump();
            for index in 0..self.groups.len() {
                moved |= self.derive_group(index);
            }
            if !moved {
                break;
            }
        }
        let idle = self
            .groups
            .iter()
            .all(|group| !group.wanted || group.is_over());
        let done = self.finishing
            || (self.options.end_when_done && self.groups.iter().any(|group| group.wanted));
        if idle && done && !self.over {
            self.over = true;
            let outcome = self.outcome.unwrap_or(Outcome::Succeeded);
            self.actions.push(Action::Over {
                outcome,
                first_failure: self.first_failure.clone(),
            });
        }
    }

    /// Whether a condition holds (`Ok(true)`), may still come true (`Ok(false)`), or cannot any more (why not).
    fn group_condition(&self, after: &After) -> Result<bool, String> {
        let Some(group) = self
            .groups
            .iter()
            .find(|group| group.name.as_str() == after.name())
        else {
            return Err(format!("there is no group {}", after.name()));
        };
        if !group.wanted {
            return Ok(false);
        }
        let over = group.is_over();
        match after {
            After::Started(name) => {
                match group.templates.iter().all(table::Template::all_started) {
                    false if over => {
                        Err(format!("group {name} ended before all of it had started"))
                    }
                    all => Ok(all),
                }
            }
            After::Ready(name) => match group.templates.iter().all(table::Template::all_ready) {
                false if over => Err(format!("group {name} ended before all of it was ready")),
                all => Ok(all),
            },
            After::Succeeded(name) if over && group.failed => Err(format!("group {name} failed")),
            After::Succeeded(_) | After::Ended(_) => Ok(over),
        }
    }

    fn advance_group(&mut self, index: usize, now: Instant) -> bool {
        let group = &self.groups[index];
        if !group.wanted || group.is_over() || !group.ending.is_none() {
            return false;
        }
        if !group.placed {
            let conditions: Vec<_> = group
                .after
                .iter()
                .map(|after| self.group_condition(after))
                .collect();
            if let Some(why) = conditions
                .iter()
                .find_map(|condition| condition.as_ref().err())
            {
                let why = why.clone();
                self.skip_group(index, &why, now);
                return true;
            }
            if !conditions.iter().all(|condition| *condition == Ok(true)) || !self.place(index, now)
            {
                return false;
            }
        }
        let mut moved = false;
        for t in 0..self.groups[index].templates.len() {
            if !self.groups[index].templates[t].held {
                continue;
            }
            let conditions = self.groups[index].template_conditions(t);
            if let Some(why) = conditions
                .iter()
                .find_map(|condition| condition.as_ref().err())
            {
                let why = why.clone();
                self.groups[index].templates[t].held = false;
                self.skip_template(index, t, &why, now);
                moved = true;
            } else if conditions.iter().all(|condition| *condition == Ok(true)) {
                let template = &mut self.groups[index].templates[t];
                template.held = false;
                let ranks = 0..template.ranks.len() as u32;
                self.queue.extend(ranks.map(|rank| At {
                    group: index,
                    template: t,
                    rank,
                }));
                moved = true;
            }
        }
        moved
    }

    fn skip_group(&mut self, index: usize, why: &str, now: Instant) {
        for t in 0..self.groups[index].templates.len() {
            self.skip_template(index, t, why, now);
        }
    }

    /// What waits for something that cannot happen any more ends without having run; that is no failure of its own.
    fn skip_template(&mut self, index: usize, template: usize, why: &str, now: Instant) {
        for rank in 0..self.groups[index].templates[template].ranks.len() as u32 {
            let at = At {
                group: index,
                template,
                rank,
            };
            if let Some(rank) = self.rank_mut(at)
                && rank.state == ProcessState::Waiting
            {
                rank.stop_asked = Some(false);
                self.end(
                    at,
                    ExitStatus::Skipped(why.to_owned()),
                    Usage::default(),
                    now,
                );
            }
        }
    }

    fn derive_group(&mut self, index: usize) -> bool {
        let group = &mut self.groups[index];
        if !std::mem::take(&mut group.dirty) {
            return false;
        }
        let state = group.derive();
        if state == group.state {
            return false;
        }
        group.state = state;
        let name = group.name.clone();
        if state.is_over() {
            group.epoch += 1;
            let hosts = group.take_hosts();
            if !hosts.is_empty() {
                self.actions.push(Action::Sweep(name.clone(), hosts));
            }
        }
        self.emit(Event::GroupChanged { group: name, state });
        true
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
