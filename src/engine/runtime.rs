//! The engine's one loop: performs what the supervisor decides and turns results into its inputs.
//!
//! Owns the link to the agent, the timeline, probes and watches of silence, and the order at the end of a run.
//! Never decides what happens to a process. Commands are always listened to; hosts only while the client
//! keeps up with events. Start at [`Runtime::run`].

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
    line_watch::{LineWatch, Seen},
    output::{OutputFact, Route, Routes},
    probes::{ProbeAction, Probes},
    queues::{QueueSample, QueueServerHandle},
    recipe::{HostSide, Recipes, expand},
    record_thread::RecordThread,
    socket_folder::SocketFolder,
    supervisor::{Action, Input, Supervisor},
};
use crate::{
    agent::{
        guardian,
        wire::{AgentSamples, ChildKey, FromAgent, SpawnSpec, ToAgent, Welcome},
    },
    model::{
        document::{Session, Step, TimelineEntry},
        event::{
            Command, Event, HostSample, Level, Outcome, PROTOCOL, ProcessSample, Samples, Stamped,
        },
        ids::{HostName, ProcessId, Selector},
        template::{Alert, ProcessTemplate, Ready, Signal},
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
    silences: HashMap<ChildKey, Silence>,
    processes: HashMap<ChildKey, Arc<ProcessId>>,
    /// Events on their way to the client and to the record.
    outbox: VecDeque<Stamped>,
    to_record: Vec<Stamped>,
    client: bool,
    /// The output thread lives.
    telling: bool,
    over: Option<(Outcome, Option<ProcessId>)>,
    queue_look: Instant,
    last_queues: Vec<QueueSample>,
    shown: u64,
    discarded: HashMap<ChildKey, u64>,
    total_discarded: u64,
    logged: (u64, u64),
}

impl Runtime {
    pub fn new(parts: Parts) -> Self {
        let mut timeline = parts.session.timeline.clone();
        timeline.sort_by_key(|entry| entry.at);
        let queue_look = parts.started + QUEUE_PACE;
        Self {
            parts,
            linked: true,
            timeline: timeline.into(),
            probes: Probes::default(),
            silences: HashMap::new(),
            processes: HashMap::new(),
            outbox: VecDeque::new(),
            to_record: Vec::new(),
            client: true,
            telling: true,
            over: None,
            queue_look,
            last_queues: Vec::new(),
            shown: 0,
            discarded: HashMap::new(),
            total_discarded: 0,
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
        let hearing = self.linked && (listening || self.parts.link.pending() > 0);
        let woken = tokio::select! {
            command = self.parts.commands.recv(), if self.client => Woken::Command(command),
            ready = self.parts.link.ready(), if hearing => Woken::Link(ready.is_ok()),
            fact = self.parts.facts.recv(), if listening && self.telling => Woken::Fact(fact),
            room = self.parts.events.reserve(), if !self.outbox.is_empty() => Woken::Room(room.is_ok()),
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

    fn hear(&mut self, read: bool, broken: bool) {
        let mut messages = Vec::new();
        let lost = if broken {
            Some("its agent's channel is broken".to_owned())
        } else if read {
            self.parts
                .link
                .read(&mut messages)
                .err()
                .map(|error| match error.kind() {
                    std::io::ErrorKind::UnexpectedEof => "its agent is gone".to_owned(),
                    _ => error.to_string(),
                })
        } else {
            None
        };
        for message in messages {
            self.message(message);
        }
        if let Some(reason) = lost {
            self.lose_host(&reason);
        }
    }

    fn lose_host(&mut self, reason: &str) {
        if std::mem::replace(&mut self.linked, false) {
            self.probes = Probes::default();
            self.silences.clear();
            self.input(Input::HostLost {
                host: 0,
                reason: reason.to_owned(),
            });
        }
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

    fn probe(&mut self, action: ProbeAction) {
        match action {
            ProbeAction::Ask(spec) => self.parts.link.send(&ToAgent::Spawn(spec)),
            ProbeAction::TakeBack(child) => self.parts.link.send(&ToAgent::KillTree(child)),
        }
    }

    fn message(&mut self, message: FromAgent) {
        match message {
            FromAgent::Spawned {
                child,
                pid,
                channel,
            } => {
                if !self.probes.is_question(child) {
                    self.input(Input::Spawned {
                        child,
                        pid,
                        channel,
                    });
                }
            }
            FromAgent::SpawnFailed { child, reason } => {
                if self.probes.is_question(child) {
                    if let Some(rank) = self.processes.get(&child).cloned() {
                        self.notice(
                            Level::Warning,
                            Some((*rank).clone()),
                            format!("its readiness: {reason}"),
                        );
                    }
                    self.answered(child, None);
                } else {
                    self.forget(child);
                    self.input(Input::SpawnFailed { child, reason });
                }
            }
            FromAgent::Exited { child, exit, usage } => {
                if self.probes.is_question(child) {
                    self.answered(child, Some(exit));
                } else {
                    if let Some(action) = self.probes.remove(child) {
                        self.probe(action);
                    }
                    self.silences.remove(&child);
                    self.input(Input::Exited { child, exit, usage });
                }
            }
            FromAgent::Muted {
                child,
                muted,
                discarded,
            } => {
                self.discarded.insert(child, discarded);
                self.input(Input::Muted {
                    child,
                    muted,
                    discarded,
                });
            }
            FromAgent::InputRefused(child) => {
                if let Some(process) = self.processes.get(&child) {
                    let reason = format!(
                        "{process} does not read: 64 KiB of input wait already, or it has no input"
                    );
                    self.emit(Event::Refused { reason });
                }
            }
            FromAgent::Swept(group, killed) => {
                if killed > 0 {
                    let text = format!(
                        "group {group} had left {killed} processes behind; they were ended"
                    );
                    self.notice(Level::Info, None, text);
                }
            }
            FromAgent::Samples(samples) => self.sample(samples),
            FromAgent::Notice(level, child, text) => {
                let process = child
                    .and_then(|child| self.processes.get(&child))
                    .map(|process| (**process).clone());
                self.notice(level, process, text);
            }
            FromAgent::Welcome(_)
            | FromAgent::Checked(..)
            | FromAgent::Heartbeat(_)
            | FromAgent::Bye => {}
        }
    }

    fn answered(&mut self, child: ChildKey, exit: Option<crate::agent::wire::Exit>) {
        if let Some(rank) = self.probes.answered(child, exit, Instant::now()) {
            self.input(Input::ReadySeen(rank));
        }
    }

    fn sample(&mut self, samples: AgentSamples) {
        let processes = samples.children.iter().filter_map(|child| {
            Some(ProcessSample {
                process: (**self.processes.get(&child.child)?).clone(),
                cpu: child.cpu,
                memory: child.memory,
                processes: child.processes,
                shown: child.shown,
                discarded: child.discarded,
            })
        });
        let host = HostSample {
            host: HostName::localhost(),
            cpu: samples.cpu,
            memory: samples.memory,
            gpus: samples.gpus,
        };
        // Latest wins; nobody needs to be looking.
        self.parts.samples.send_replace(Samples {
            hosts: vec![host],
            processes: processes.collect(),
        });
    }

    fn fact(&mut self, fact: OutputFact) {
        match fact {
            OutputFact::Credit(credit) => {
                for (child, bytes) in credit {
                    self.parts.link.send(&ToAgent::Credit(child, bytes));
                }
            }
            OutputFact::Eof(child, shown) => {
                self.shown += shown;
                self.forget(child);
                self.input(Input::Eof(child));
            }
            OutputFact::Seen(child, Seen::Ready) => self.input(Input::ReadySeen(child)),
            OutputFact::Seen(child, Seen::Alert(alert, text)) => {
                if let Some(process) = self.processes.get(&child) {
                    let process = (**process).clone();
                    self.emit(Event::Alerted {
                        process,
                        alert,
                        text,
                    });
                }
            }
            OutputFact::Notice(level, text) => self.notice(level, None, text),
            OutputFact::Closed(written, lost) => self.logged = (written, lost),
            OutputFact::Captured(..) => {}
        }
    }

    fn forget(&mut self, child: ChildKey) {
        self.processes.remove(&child);
        self.silences.remove(&child);
        if let Some(discarded) = self.discarded.remove(&child) {
            self.total_discarded += discarded;
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Spawn {
                child,
                process,
                incarnation,
                seat,
                nproc,
                mute,
            } => {
                let template = self
                    .parts
                    .session
                    .template(&process.group, &process.template)
                    .cloned();
                let host = self.parts.hosts.get(seat.host).cloned().flatten();
                let (Some(template), Some(host), true) = (template, host, self.linked) else {
                    let reason = "its host cannot be reached".to_owned();
                    self.input(Input::SpawnFailed { child, reason });
                    return;
                };
                let spec = self.parts.recipes.spec(
                    &self.parts.session,
                    &template,
                    child,
                    &process,
                    &seat,
                    nproc,
                    mute,
                    &host,
                );
                self.route(child, &process, incarnation, &template);
                self.ask_for_readiness(&spec, &template, &process, nproc, &host);
                self.parts.link.send(&ToAgent::Spawn(Box::new(spec)));
            }
            Action::Signal(child, signal) => {
                let signal = signal_number(signal);
                self.parts.link.send(&ToAgent::Signal { child, signal });
            }
            Action::KillTree(child) => self.parts.link.send(&ToAgent::KillTree(child)),
            Action::Close(child) => self.parts.link.send(&ToAgent::Close(child)),
            Action::Sweep(group, _) => self.parts.link.send(&ToAgent::Sweep(group)),
            Action::Mute(child, muted) => self.parts.link.send(&ToAgent::Mute(child, muted)),
            Action::Input(child, bytes) => self.parts.link.send(&ToAgent::Input(child, bytes)),
            Action::Resize(child, rows, columns) => {
                self.parts.link.send(&ToAgent::Resize(child, rows, columns));
            }
            Action::Emit(event) => self.emit(event),
            Action::Over {
                outcome,
                first_failure,
            } => self.over = Some((outcome, first_failure)),
        }
    }

    fn route(
        &mut self,
        child: ChildKey,
        process: &ProcessId,
        incarnation: crate::model::ids::Incarnation,
        template: &ProcessTemplate,
    ) {
        let process = Arc::new(process.clone());
        self.processes.insert(child, process.clone());
        let quiet = template.alerts.iter().find_map(|alert| match alert {
            Alert::Quiet(after) => Some((alert.clone(), *after)),
            _ => None,
        });
        let last_output = quiet.map(|(alert, after)| {
            let clock = self.clock();
            let last_output = Arc::new(AtomicU64::new(clock));
            let silence = Silence {
                process: (*process).clone(),
                alert,
                after,
                last_output: last_output.clone(),
                due: clock + after.as_millis() as u64,
            };
            self.silences.insert(child, silence);
            last_output
        });
        let watch = LineWatch::of(template);
        self.parts.routes.add(
            child,
            Route::Rank {
                process,
                incarnation,
                watch,
                last_output,
            },
        );
    }

    fn ask_for_readiness(
        &mut self,
        spec: &SpawnSpec,
        template: &ProcessTemplate,
        process: &ProcessId,
        nproc: u32,
        host: &HostSide,
    ) {
        let filled = |text: &str| expand(text, process.rank, nproc, host.name.as_str());
        let (program, args) = match &template.ready {
            Some(Ready::Exec(command)) => match command.split_first() {
                Some((program, args)) => (
                    self.parts.recipes.program(&filled(program)),
                    args.iter().map(|arg| filled(arg)).collect(),
                ),
                None => return,
            },
            Some(Ready::Tcp(address)) => {
                let agent = self.parts.agent.to_string_lossy().into_owned();
                (agent, vec!["probe".to_owned(), filled(address)])
            }
            Some(Ready::Line(_)) | None => return,
        };
        self.probes.add(spec, program, args, Instant::now());
    }

    /// The end of a run, in order: the agent ends and with it everything it started; the rest of the output
    /// reaches logs and client; queues, totals, summary; the last event; the socket.
    async fn finish(mut self) -> Option<Summary> {
        let (outcome, first_failure) = self.over.clone()?;
        if self.linked {
            self.parts.link.send(&ToAgent::Shutdown);
            if tokio::time::timeout(SHUTDOWN, self.farewell())
                .await
                .is_err()
            {
                self.notice(
                    Level::Error,
                    None,
                    "the agent did not end in time; it was killed".to_owned(),
                );
                let _ = self.parts.link.agent().kill();
            }
        }
        let reaped = self.parts.link.agent().try_wait();
        if !matches!(reaped, Ok(Some(_))) {
            let _ = self.parts.link.agent().wait();
        }
        if !self.linked || outcome == Outcome::HostLost {
            // The guardian does this too; the run does not end before it is done.
            guardian::sweep(&self.parts.mark);
        }
        let hand_over = async {
            while let Some(fact) = self.parts.facts.recv().await {
                match fact {
                    OutputFact::Closed(written, lost) => self.logged = (written, lost),
                    OutputFact::Notice(level, text) => {
                        let micros = self.parts.started.elapsed().as_micros() as u64;
                        let event = Event::Notice {
                            level,
                            process: None,
                            text,
                        };
                        self.to_record.push(Stamped {
                            at: micros as f64 / 1e6,
                            event: event.clone(),
                        });
                        self.outbox.push_back(Stamped {
                            at: micros as f64 / 1e6,
                            event,
                        });
                    }
                    OutputFact::Eof(_, shown) => self.shown += shown,
                    _ => {}
                }
            }
        };
        let _ = tokio::time::timeout(HAND_OVER, hand_over).await;
        if let Some(output) = self.parts.output.take() {
            let _ = output.join();
        }
        self.sample_queues_at_end();
        let ended = Event::RunEnded {
            outcome,
            first_failure,
        };
        let micros = self.parts.started.elapsed().as_micros() as u64;
        let stamped = Stamped {
            at: micros as f64 / 1e6,
            event: ended,
        };
        self.outbox.push_back(stamped.clone());
        self.to_record.push(stamped);
        self.parts
            .record
            .events(std::mem::take(&mut self.to_record));
        self.parts.queues.shutdown();
        drop(self.parts.sockets);
        let summary = self.parts.record.finish().map(|(folder, mut summary)| {
            summary.outcome = outcome;
            summary.exit_code = outcome.exit_code().into();
            summary.bytes.shown = self.logged.0;
            summary.bytes.lost = self.logged.1;
            let still: u64 = self.discarded.values().sum();
            summary.bytes.discarded = summary.bytes.discarded.max(self.total_discarded + still);
            if let Err(error) = folder.finish(&mut summary) {
                let micros = self.parts.started.elapsed().as_micros() as u64;
                let text = error.to_string();
                let event = Event::Notice {
                    level: Level::Error,
                    process: None,
                    text,
                };
                self.outbox.insert(
                    self.outbox.len().saturating_sub(1),
                    Stamped {
                        at: micros as f64 / 1e6,
                        event,
                    },
                );
            }
            summary
        });
        for event in std::mem::take(&mut self.outbox) {
            if self.parts.events.send(event).await.is_err() {
                break;
            }
        }
        summary
    }

    fn sample_queues_at_end(&mut self) {
        self.sample_queues();
        let Ok(samples) = self.parts.queues.list() else {
            return;
        };
        let totals: indexmap::IndexMap<_, _> = samples
            .iter()
            .filter_map(|queue| {
                Some((
                    queue.name.parse().ok()?,
                    (queue.put, queue.got, queue.depth),
                ))
            })
            .collect();
        if !totals.is_empty() {
            self.emit(Event::QueueTotals { queues: totals });
        }
    }

    /// Hears the agent out until it closes its channel.
    async fn farewell(&mut self) {
        loop {
            if self.parts.link.flush().is_err() {
                return;
            }
            let mut messages = Vec::new();
            tokio::select! {
                ready = self.parts.link.ready() => {
                    if ready.is_err() || self.parts.link.read(&mut messages).is_err() {
                        return;
                    }
                    for message in messages {
                        match message {
                            FromAgent::Bye => return,
                            FromAgent::Muted { child, discarded, .. } => {
                                self.discarded.insert(child, discarded);
                            }
                            FromAgent::Swept(group, killed) if killed > 0 => {
                                let text =
                                    format!("group {group} had left {killed} processes behind; they were ended");
                                self.notice(Level::Info, None, text);
                            }
                            _ => {}
                        }
                    }
                }
                fact = self.parts.facts.recv() => match fact {
                    Some(fact) => self.fact(fact),
                    None => tokio::time::sleep(Duration::from_millis(5)).await,
                },
            }
        }
    }
}

/// The number of a signal on Linux (signal(7)).
fn signal_number(signal: Signal) -> i32 {
    match signal {
        Signal::HUP => 1,
        Signal::INT => 2,
        Signal::QUIT => 3,
        Signal::KILL => 9,
        Signal::USR1 => 10,
        Signal::USR2 => 12,
        Signal::TERM => 15,
        Signal::CONT => 18,
        Signal::STOP => 19,
    }
}
