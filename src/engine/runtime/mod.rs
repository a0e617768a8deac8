//! The engine's one loop: performs what the supervisor decides and turns results into its inputs.
//!
//! Owns the link to the agent, the timeline, probes and watches of silence, and the order at the end of a run.
//! Never decides what happens to a process, and never waits for the disk before the run ends. While the run lasts,
//! commands are listened to in every turn. Output and its ends are listened to only while the record keeps up with events
//! (and a headless client, which takes every one of them; the door never is behind), and the agent with requests. What the agent reports of lives is heard even then, so that no
//! timer speaks of a process that has ended already: without the end of its output no rank ends, so what can come of
//! it is bounded by the ranks; who stays away for [`SWAMPED`] events stops that and the timers too. At the end
//! (`farewell`) only the agent and the output thread are heard. Start at [`Runtime::run`].

mod deeds;
mod due;
mod farewell;
mod pulse;
mod reports;
mod silence;

use std::{
    collections::{HashMap, VecDeque},
    path::PathBuf,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, watch};

use super::{
    EVENTS_MAX, Wish,
    hosts::{Link, PENDING_MAX},
    line_watch::LineWatch,
    output::{OutputFact, Routes},
    probes::Probes,
    queues::{QueueSample, QueueServerHandle},
    recipe::{HostSide, Recipes},
    record_thread::RecordThread,
    socket_folder::SocketFolder,
    supervisor::{Input, Supervisor},
    watches::{Change, Watches},
};
use crate::{
    agent::wire::{ChildKey, ToAgent, Welcome},
    model::{
        document::{Session, Step, TimelineEntry},
        event::{Command, Event, Level, Outcome, PROTOCOL, Samples, Stamped},
        ids::{GroupName, HostName, ProcessId, Selector, TemplateName},
    },
    record::Summary,
};
use pulse::Pulse;
use silence::Silences;

/// How often the queues are looked at for the record while they move; nothing is written while nothing does.
const QUEUE_PACE: Duration = Duration::from_secs(1);

/// Events that wait for a record or a headless client which take none: from here on the agent is not heard and no timer fires.
const SWAMPED: usize = 64 * EVENTS_MAX;

/// How often a disk that takes no events is tried again.
const DISK_LOOK: Duration = Duration::from_millis(100);

/// How long an agent may take to end once it was asked to.
const SHUTDOWN: Duration = Duration::from_secs(8);

/// How long the output thread may take to hand the rest of the output to a client after the agent is gone.
const HAND_OVER: Duration = Duration::from_secs(3600);

/// What the runtime is made of.
pub(super) struct Parts {
    pub session: Session,
    pub name: String,
    pub run: String,
    pub mark: String,
    pub engine_host: String,
    pub supervisor: Supervisor,
    pub recipes: Recipes,
    pub hosts: Vec<Option<HostSide>>,
    pub welcome: Welcome,
    pub link: Link,
    pub routes: Routes,
    pub facts: mpsc::Receiver<OutputFact>,
    pub output: Option<JoinHandle<()>>,
    pub queues: QueueServerHandle,
    pub sockets: SocketFolder,
    pub record: RecordThread,
    pub commands: mpsc::Receiver<Wish>,
    pub events: mpsc::Sender<Stamped>,
    pub samples: watch::Sender<Samples>,
    pub agent: PathBuf,
    /// Where the output thread's clock begins.
    pub output_clock: Instant,
    pub watches: Option<Watches>,
    /// The engine's own host in the inventory.
    pub local: usize,
    pub replay: bool,
}

/// A child from the wish to start it until its rank's life is over.
#[derive(Debug)]
struct Life {
    process: Arc<ProcessId>,
    /// The agent said that it runs.
    spawned: bool,
    /// Its readiness was seen before that: output and reports come by different ways.
    ready: bool,
    /// Whether what is typed reaches it; not known before it runs where it depends on its channel.
    has_input: Option<bool>,
    /// When it was told last that it does not take what is typed.
    refused: Option<Instant>,
}

/// What ended a wait of the loop.
enum Woken {
    Wish(Option<Wish>),
    Link(bool),
    Fact(Option<OutputFact>),
    Changed(Change),
    Room(bool),
    Due,
}

/// The engine at work.
pub(super) struct Runtime {
    parts: Parts,
    /// The link stands; the agent lives.
    linked: bool,
    /// Whether the agent answers.
    pulse: Pulse,
    /// When the run began.
    started: Instant,
    timeline: VecDeque<TimelineEntry>,
    probes: Probes,
    silences: Silences,
    /// When output was not listened to last, on the output thread's clock.
    deaf: u64,
    lives: HashMap<ChildKey, Life>,
    /// The present life of each rank that has one.
    present: HashMap<Arc<ProcessId>, ChildKey>,
    /// What is looked for in the output of each template's ranks, if anything.
    line_watches: HashMap<(GroupName, TemplateName), LineWatch>,
    /// Inputs that came up while another one was performed.
    inputs: VecDeque<Input>,
    performing: bool,
    /// Events on their way to the client and to the record.
    outbox: VecDeque<Stamped>,
    to_record: Vec<Stamped>,
    client: bool,
    /// Groups whose leftovers are being looked for.
    sweeping: u32,
    /// The output thread lives.
    telling: bool,
    over: Option<(Outcome, Option<ProcessId>)>,
    queue_look: Instant,
    queue_pace: Duration,
    last_queues: Vec<QueueSample>,
    /// Bytes thrown away by processes that ended.
    discarded: u64,
    logged: (u64, u64),
}

impl Runtime {
    pub fn new(parts: Parts) -> Self {
        let mut timeline = parts.session.timeline.clone();
        timeline.sort_by_key(|entry| entry.at);
        let started = Instant::now();
        let mut line_watches = HashMap::new();
        for (group, spec) in &parts.session.groups {
            for (name, template) in &spec.templates {
                if let Some(watch) = LineWatch::of(template) {
                    line_watches.insert((group.clone(), name.clone()), watch);
                }
            }
        }
        Self {
            parts,
            linked: true,
            pulse: Pulse::new(started),
            started,
            timeline: timeline.into(),
            probes: Probes::default(),
            silences: Silences::default(),
            deaf: 0,
            lives: HashMap::new(),
            present: HashMap::new(),
            line_watches,
            inputs: VecDeque::new(),
            performing: false,
            outbox: VecDeque::new(),
            to_record: Vec::new(),
            client: true,
            sweeping: 0,
            telling: true,
            over: None,
            queue_look: started + QUEUE_PACE,
            queue_pace: QUEUE_PACE,
            last_queues: Vec::new(),
            discarded: 0,
            logged: (0, 0),
        }
    }

    /// Runs until the run is over, and returns its summary.
    pub async fn run(mut self) -> Option<Summary> {
        self.begin();
        while self.over.is_none() {
            self.turn().await;
        }
        self.finish().await
    }

    fn begin(&mut self) {
        // Times of the run count from here: what was needed to get ready is not the session's.
        self.started = Instant::now();
        self.queue_look = self.started + QUEUE_PACE;
        let event = Event::RunStarted {
            protocol: PROTOCOL,
            run: self.parts.run.clone(),
            session: self.parts.name.clone(),
            pid: std::process::id(),
            host: self.parts.engine_host.clone(),
            queue_socket: self.parts.recipes.queue_socket.clone(),
        };
        self.emit(event);
        let welcome = &self.parts.welcome;
        let event = Event::HostReady {
            host: HostName::localhost(),
            hostname: welcome.hostname.clone(),
            cpus: welcome.cpus.len() as u32,
            memory: welcome.memory,
            gpus: welcome.gpus.iter().map(|gpu| gpu.name.clone()).collect(),
        };
        let note = welcome.gpu_note.clone();
        self.emit(event);
        if let Some(note) = note {
            self.notice(Level::Info, None, note);
        }
        if self.parts.replay {
            let later = |group: &Selector| {
                self.timeline
                    .iter()
                    .any(|entry| matches!(&entry.step, Step::Start(s) if s == group))
            };
            let now: Vec<Selector> = self
                .parts
                .session
                .groups
                .keys()
                .cloned()
                .map(Selector::group)
                .filter(|g| !later(g))
                .collect();
            self.more_to_come();
            for group in now {
                self.input(Input::Command(Command::Start(group)));
            }
        }
    }

    fn more_to_come(&mut self) {
        let more = self
            .timeline
            .iter()
            .any(|entry| matches!(entry.step, Step::Start(_) | Step::Restart(_)));
        self.parts.supervisor.set_more_to_come(more);
    }

    /// The output thread's clock, in milliseconds.
    fn output_clock(&self) -> u64 {
        self.parts.output_clock.elapsed().as_millis() as u64
    }

    fn emit(&mut self, event: Event) {
        let micros = self.started.elapsed().as_micros() as u64;
        let stamped = Stamped {
            at: micros as f64 / 1e6,
            event,
        };
        if self.client {
            self.outbox.push_back(stamped.clone());
        }
        self.to_record.push(stamped);
    }

    fn notice(&mut self, level: Level, process: Option<ProcessId>, text: String) {
        self.emit(Event::Notice {
            level,
            process,
            text,
        });
    }

    /// Gives the supervisor an input and performs what it wants. Performing may bring up inputs (a host that is lost
    /// fails every start at once): they wait in line instead of nesting.
    fn input(&mut self, input: Input) {
        self.inputs.push_back(input);
        if std::mem::replace(&mut self.performing, true) {
            return;
        }
        while let Some(input) = self.inputs.pop_front() {
            for action in self.parts.supervisor.step(input, Instant::now()) {
                self.perform(action);
            }
        }
        self.performing = false;
    }

    /// Whether the client and the record keep up with events, and the agent with requests.
    fn keeping_up(&self) -> bool {
        self.outbox.len() < EVENTS_MAX
            && self.to_record.len() < EVENTS_MAX
            && self.parts.link.pending() < PENDING_MAX
    }

    fn swamped(&self) -> bool {
        self.outbox.len().max(self.to_record.len()) >= SWAMPED
    }

    fn deadline(&self) -> Option<Instant> {
        if self.swamped() {
            return None;
        }
        let timeline = self.timeline.front().map(|entry| self.started + entry.at);
        // Who is not listened to is not silent.
        let quiet = self.silences.deadline().filter(|_| self.keeping_up());
        let quiet = quiet.map(|due| self.parts.output_clock + Duration::from_millis(due));
        let queues = (!self.parts.session.queues.is_empty()).then_some(self.queue_look);
        let pulse = self.linked.then(|| self.pulse.due());
        [
            timeline,
            quiet,
            queues,
            pulse,
            self.probes.deadline(),
            self.parts.supervisor.deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    async fn turn(&mut self) {
        self.parts.record.take(&mut self.to_record);
        if self.linked && self.parts.link.flush().is_err() {
            self.lose_host("its agent is gone");
        }
        let listening = self.keeping_up();
        if !listening {
            self.deaf = self.output_clock();
        }
        let hearing = !self.swamped();
        // Nothing tells when the disk takes events again.
        let disk = (!self.to_record.is_empty()).then(|| Instant::now() + DISK_LOOK);
        let deadline = self.deadline().into_iter().chain(disk).min();
        let sleep = async move {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        let watches = &mut self.parts.watches;
        let changed = async {
            match watches {
                Some(watches) => watches.next().await,
                None => std::future::pending().await,
            }
        };
        let woken = tokio::select! {
            wish = self.parts.commands.recv(), if self.client => Woken::Wish(wish),
            ready = self.parts.link.ready(hearing), if self.linked => Woken::Link(ready.is_ok()),
            fact = self.parts.facts.recv(), if listening && self.telling => Woken::Fact(fact),
            room = self.parts.events.reserve(), if !self.outbox.is_empty() => Woken::Room(room.is_ok()),
            () = self.parts.events.closed(), if self.client => Woken::Room(false),
            change = changed => Woken::Changed(change),
            () = sleep => Woken::Due,
        };
        match woken {
            Woken::Wish(Some(Wish::Command(command))) => self.input(Input::Command(command)),
            Woken::Wish(Some(Wish::SampleEvery(pace))) => {
                self.parts.link.send(&ToAgent::SampleEvery(pace));
            }
            Woken::Wish(None) | Woken::Room(false) => self.lose_client(),
            Woken::Link(whole) => self.hear(whole && hearing, !whole),
            Woken::Fact(None) => self.telling = false,
            Woken::Fact(Some(fact)) => {
                self.fact(fact);
                // What already waits goes along, within a bound, before the next look at everything else.
                for _ in 0..128 {
                    let Ok(fact) = self.parts.facts.try_recv() else {
                        break;
                    };
                    self.fact(fact);
                }
            }
            Woken::Changed((template, path)) => {
                self.notice(
                    Level::Info,
                    None,
                    format!("{} changed: {template} is restarted", path.display()),
                );
                self.input(Input::Command(Command::Restart(template)));
            }
            Woken::Room(true) => {
                while let Some(event) = self.outbox.pop_front() {
                    if let Err(mpsc::error::TrySendError::Full(event)) =
                        self.parts.events.try_send(event)
                    {
                        self.outbox.push_front(event);
                        break;
                    }
                }
            }
            Woken::Due if hearing => self.due(),
            Woken::Due => {}
        }
    }

    /// The client is gone: nothing of its run is left running.
    fn lose_client(&mut self) {
        self.client = false;
        self.outbox.clear();
        self.input(Input::Command(Command::Finish));
    }
}
