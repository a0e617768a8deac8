//! The engine's one loop: performs what the supervisor decides and turns results into its inputs.
//!
//! Owns the link to the agent, the timeline, probes and watches of silence, and the order at the end of a run.
//! Never decides what happens to a process. Commands are always listened to; hosts only while the client
//! keeps up with events. Start at [`Runtime::run`].

mod deeds;
mod farewell;
mod reports;

use std::{
    collections::{HashMap, VecDeque},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, watch};

use super::{
    EVENTS_MAX,
    hosts::{Link, PENDING_MAX},
    output::{OutputFact, Routes},
    probes::Probes,
    queues::{QueueSample, QueueServerHandle},
    recipe::{HostSide, Recipes},
    record_thread::RecordThread,
    socket_folder::SocketFolder,
    supervisor::{Input, Supervisor},
    watches::Watches,
};
use crate::{
    agent::wire::{ChildKey, Welcome},
    model::{
        document::{Session, Step, TimelineEntry},
        event::{Command, Event, Level, Outcome, PROTOCOL, Samples, Stamped},
        ids::{HostName, ProcessId, Selector},
        template::Alert,
    },
    record::Summary,
};

/// How often the queues are looked at for the record; nothing is written while nothing moves.
const QUEUE_PACE: Duration = Duration::from_secs(1);

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
    pub commands: mpsc::Receiver<Command>,
    pub events: mpsc::Sender<Stamped>,
    pub samples: watch::Sender<Samples>,
    pub agent: PathBuf,
    pub started: Instant,
    pub replay: bool,
}

/// Whoever wrote nothing for too long is pointed out, once per silence.
struct Silence {
    process: ProcessId,
    alert: Alert,
    after: Duration,
    last_output: Arc<AtomicU64>,
    /// Milliseconds since the run began at which it is looked at next.
    due: u64,
}

/// What ended a wait of the loop.
enum Woken {
    Command(Option<Command>),
    Link(bool),
    Fact(Option<OutputFact>),
    Room(bool),
    Due,
}

/// The engine at work.
pub(super) struct Runtime {
    parts: Parts,
    /// The link stands; the agent lives.
    linked: bool,
    timeline: VecDeque<TimelineEntry>,
    probes: Probes,
    watches: Watches,
    silences: HashMap<ChildKey, Silence>,
    processes: HashMap<ChildKey, Arc<ProcessId>>,
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
    last_queues: Vec<QueueSample>,
    /// Bytes thrown away by processes that ended.
    discarded: u64,
    logged: (u64, u64),
}

impl Runtime {
    pub fn new(parts: Parts) -> Self {
        let mut timeline = parts.session.timeline.clone();
        timeline.sort_by_key(|entry| entry.at);
        let queue_look = parts.started + QUEUE_PACE;
        let watches = Watches::new(
            &parts.session,
            |path| parts.recipes.path(path),
            Instant::now(),
        );
        Self {
            parts,
            linked: true,
            timeline: timeline.into(),
            probes: Probes::default(),
            watches,
            silences: HashMap::new(),
            processes: HashMap::new(),
            outbox: VecDeque::new(),
            to_record: Vec::new(),
            client: true,
            sweeping: 0,
            telling: true,
            over: None,
            queue_look,
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
        self.parts.started = Instant::now();
        self.queue_look = self.parts.started + QUEUE_PACE;
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
            .any(|entry| matches!(entry.step, Step::Start(_)));
        self.parts.supervisor.set_more_to_come(more);
    }

    /// Milliseconds since the run began.
    fn clock(&self) -> u64 {
        self.parts.started.elapsed().as_millis() as u64
    }

    fn emit(&mut self, event: Event) {
        let micros = self.parts.started.elapsed().as_micros() as u64;
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

    fn input(&mut self, input: Input) {
        for action in self.parts.supervisor.step(input, Instant::now()) {
            self.perform(action);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let timeline = self
            .timeline
            .front()
            .map(|entry| self.parts.started + entry.at);
        let quiet = self.silences.values().map(|silence| silence.due).min();
        let quiet = quiet.map(|due| self.parts.started + Duration::from_millis(due));
        let queues = (!self.parts.session.queues.is_empty()).then_some(self.queue_look);
        [
            timeline,
            quiet,
            queues,
            self.probes.deadline(),
            self.watches.deadline(),
            self.parts.supervisor.deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    async fn turn(&mut self) {
        if !self.to_record.is_empty() {
            self.parts
                .record
                .events(std::mem::take(&mut self.to_record));
        }
        if self.linked && self.parts.link.flush().is_err() {
            self.lose_host("its agent is gone");
        }
        let deadline = self.deadline();
        let listening = self.outbox.len() < EVENTS_MAX && self.parts.link.pending() < PENDING_MAX;
        let sleep = async move {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        let woken = tokio::select! {
            command = self.parts.commands.recv(), if self.client => Woken::Command(command),
            ready = self.parts.link.ready(listening), if self.linked => Woken::Link(ready.is_ok()),
            fact = self.parts.facts.recv(), if listening && self.telling => Woken::Fact(fact),
            room = self.parts.events.reserve(), if !self.outbox.is_empty() => Woken::Room(room.is_ok()),
            () = self.parts.events.closed(), if self.client => Woken::Room(false),
            () = sleep => Woken::Due,
        };
        match woken {
            Woken::Command(Some(command)) => self.input(Input::Command(command)),
            Woken::Command(None) | Woken::Room(false) => self.lose_client(),
            Woken::Link(whole) => self.hear(whole && listening, !whole),
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
            Woken::Due => self.due(),
        }
    }

    /// The client is gone: nothing of its run is left running.
    fn lose_client(&mut self) {
        self.client = false;
        self.outbox.clear();
        self.input(Input::Command(Command::Finish));
    }

    /// Everything whose time has come.
    fn due(&mut self) {
        let now = Instant::now();
        while self
            .timeline
            .front()
            .is_some_and(|entry| self.parts.started + entry.at <= now)
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
        for (template, path) in self.watches.changed(now) {
            self.notice(
                Level::Info,
                None,
                format!("{} changed: {template} is restarted", path.display()),
            );
            self.input(Input::Command(Command::Restart(template)));
        }
        self.listen_for_silence();
        if self.queue_look <= now {
            self.queue_look = now + QUEUE_PACE;
            self.sample_queues();
        }
        self.input(Input::Tick);
    }

    fn listen_for_silence(&mut self) {
        let clock = self.clock();
        let mut alerts = Vec::new();
        for silence in self
            .silences
            .values_mut()
            .filter(|silence| silence.due <= clock)
        {
            let last = silence.last_output.load(Ordering::Relaxed);
            let limit = silence.after.as_millis() as u64;
            if clock.saturating_sub(last) >= limit {
                let text = format!(
                    "wrote nothing for {}",
                    humantime::format_duration(silence.after)
                );
                alerts.push((silence.process.clone(), silence.alert.clone(), text));
                silence.due = clock + limit;
            } else {
                silence.due = last + limit;
            }
        }
        for (process, alert, text) in alerts {
            self.emit(Event::Alerted {
                process,
                alert,
                text,
            });
        }
    }

    fn sample_queues(&mut self) {
        let samples = self.parts.queues.snapshot();
        if *samples != self.last_queues {
            self.last_queues = samples.to_vec();
            let at = self.clock() as f64 / 1e3;
            self.parts.record.queues(at, samples.to_vec());
        }
    }
}
