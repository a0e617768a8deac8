//! The engine's side of the socket: `dragon-tui engine`.
//!
//! Owns the one loop between an engine and its client, and the end of everything when the client is gone. Never waits
//! for the client: what it does not take waits with the engine (events), is replaced (samples) or dropped (output).
//! Start at [`run`].

use std::{
    collections::{HashSet, VecDeque},
    io::{self, ErrorKind},
    os::unix::net::UnixStream as StdStream,
    sync::Arc,
    thread,
    time::Duration,
};

use tokio::{
    io::Interest,
    net::UnixStream,
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
    time::{Instant, sleep_until, timeout},
};

use super::{
    Chunk, QueueSample,
    errands::{Errand, Errands},
    opening::{Opened, Surroundings, open},
    outgoing::Outgoing,
    wire::{FrameReader, FromEngine, Opening, PROTOCOL, ToEngine, WireError},
};
use crate::{
    engine::{CommandError, EngineHandle},
    model::{
        event::{Command, Stamped},
        ids::ProcessId,
    },
};

/// How long the ranks may take to end when the client is gone; then they are killed.
const ASKED: Duration = Duration::from_secs(3);

/// How long the end of everything may take in all; then this process leaves, and the agent, whose channel closes with
/// it, ends what is left.
const INSISTED: Duration = Duration::from_secs(10);

/// How long a client may take nothing of the last messages.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Messages of the client that wait for the engine; then no more are read.
const INBOX_MAX: usize = 64;

/// Bytes of messages ahead of the client: then events wait with the engine.
const MESSAGES_AHEAD: usize = 64 << 10;

/// Bytes of output ahead of the client in this process, and in the socket (whose buffer the kernel doubles, for its
/// own needs: socket(7)). Together less than 256 KiB.
const OUTPUT_AHEAD: usize = 96 << 10;
const SOCKET_BUFFER: usize = 64 << 10;

/// Bytes read and written before everything else is looked at again.
const READ: usize = 64 << 10;
const WRITE: usize = 512 << 10;

/// The shortest time between two looks at the queues.
const QUEUES_PACE_MIN: Duration = Duration::from_millis(50);

/// Serves one client until it is gone or the run is over; nothing of the run lives when this returns. SIGTERM and SIGINT
/// stop everything, SIGHUP does nothing.
///
/// # Errors
/// When the process has no loop, signals or threads to work with.
pub fn run(socket: StdStream, surroundings: Surroundings) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(async {
        socket.set_nonblocking(true)?;
        // Without it there is more of old output ahead of the client, and nothing else.
        let _ = rustix::net::sockopt::set_socket_send_buffer_size(&socket, SOCKET_BUFFER);
        let mut line = Line {
            socket: UnixStream::from_std(socket)?,
            reader: FrameReader::default(),
            inbox: VecDeque::new(),
            out: Outgoing::default(),
            gone: false,
        };
        let mut signals = Signals::hear()?;
        serve(&mut line, &mut signals, surroundings).await
    });
    // A thread that still waits for a disk is not waited for.
    runtime.shutdown_background();
    served
}

/// The signals that mean something here. A hang-up is heard and forgotten; who we start does not inherit that.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    _hang_up: Signal,
}

impl Signals {
    fn hear() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            _hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// The socket with what came and what goes.
struct Line {
    socket: UnixStream,
    reader: FrameReader,
    inbox: VecDeque<ToEngine>,
    out: Outgoing,
    /// The client is gone, or speaks nonsense: nothing is read or written any more.
    gone: bool,
}

impl Line {
    fn tell(&mut self, message: &FromEngine) {
        if !self.gone
            && let Err(error) = self.out.message(message)
        {
            tracing::error!("a message for the client is lost: {error}");
        }
    }

    fn lose(&mut self) {
        self.gone = true;
        self.inbox.clear();
        self.out = Outgoing::default();
    }

    /// Waits until the socket can be read or written, as far as that is wanted.
    async fn ready(&self) {
        let wants_more = self.inbox.len() < INBOX_MAX;
        let interest = match (wants_more, self.out.is_empty()) {
            _ if self.gone => None,
            (true, true) => Some(Interest::READABLE),
            (true, false) => Some(Interest::READABLE | Interest::WRITABLE),
            (false, false) => Some(Interest::WRITABLE),
            (false, true) => None,
        };
        match interest {
            // An error shows when the socket is used.
            Some(interest) => drop(self.socket.ready(interest).await),
            None => std::future::pending().await,
        }
    }

    /// Takes what came, unless enough waits already.
    fn read(&mut self) {
        if self.gone || self.inbox.len() >= INBOX_MAX {
            return;
        }
        let mut buffer = [0; READ];
        match self.socket.try_read(&mut buffer) {
            Ok(0) => return self.lose(),
            Ok(count) => self.reader.push(&buffer[..count]),
            Err(error) if is_passing(&error) => return,
            Err(_) => return self.lose(),
        }
        loop {
            match self.reader.next_to_engine() {
                Ok(Some(message)) => self.inbox.push_back(message),
                Ok(None) => return,
                Err(WireError::Version(theirs)) => {
                    let text = format!(
                        "this client speaks version {theirs} of our protocol and the engine version {PROTOCOL}: \
                         install one dragon-tui, and start it anew"
                    );
                    self.tell(&FromEngine::Failed { text });
                    self.inbox.push_back(ToEngine::Bye);
                    return;
                }
                Err(error) => {
                    tracing::error!("{error}");
                    return self.lose();
                }
            }
        }
    }

    /// Writes what the client takes now.
    fn write(&mut self) {
        let mut budget = WRITE;
        while !self.gone && budget > 0 && !self.out.is_empty() {
            match self.socket.try_write(self.out.next()) {
                Ok(count) => {
                    self.out.wrote(count);
                    budget = budget.saturating_sub(count.max(1));
                }
                Err(error) if is_passing(&error) => return,
                Err(_) => return self.lose(),
            }
        }
    }

    /// Writes everything that waits, unless the client takes nothing for a while.
    async fn flush(&mut self) {
        while !self.gone && !self.out.is_empty() {
            match timeout(LAST_WORDS, self.socket.writable()).await {
                Ok(Ok(())) => self.write(),
                _ => self.lose(),
            }
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

async fn serve(
    line: &mut Line,
    signals: &mut Signals,
    surroundings: Surroundings,
) -> io::Result<()> {
    let Some(opening) = hello(line, signals).await else {
        line.flush().await;
        return Ok(());
    };
    match opened(opening, line, signals, surroundings).await? {
        Some(Ok(opened)) => Serving::new(opened, line)?.run(signals).await,
        Some(Err(answer)) => {
            line.tell(&answer);
            line.flush().await;
        }
        // It is taken down with this process.
        None => {}
    }
    Ok(())
}

/// The client's first message; `None` when it says something else, or nothing.
async fn hello(line: &mut Line, signals: &mut Signals) -> Option<Opening> {
    loop {
        match line.inbox.pop_front() {
            Some(ToEngine::Hello { opening, .. }) => return Some(*opening),
            Some(_) => return None,
            None if line.gone => return None,
            None => {}
        }
        tokio::select! {
            () = line.ready() => line.read(),
            () = signals.stop() => return None,
        }
    }
}

/// The engine for it, or the answer where there is none. `None`: the client is gone, and the start takes too long.
async fn opened(
    opening: Opening,
    line: &mut Line,
    signals: &mut Signals,
    surroundings: Surroundings,
) -> io::Result<Option<Result<Opened, Box<FromEngine>>>> {
    let (tell, mut told) = oneshot::channel();
    thread::Builder::new()
        .name("opening".to_owned())
        .spawn(move || {
            // The client went before it was told: what was opened closes with the answer.
            drop(tell.send(open(opening, surroundings)));
        })?;
    let mut deadline = None;
    loop {
        let too_long = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            opened = &mut told => {
                return opened.map(Some).map_err(|_| io::Error::other("the engine's start failed"));
            }
            () = line.ready() => line.read(),
            () = signals.stop() => line.lose(),
            () = too_long => return Ok(None),
        }
        if line.gone && deadline.is_none() {
            deadline = Some(Instant::now() + INSISTED);
        }
    }
}

/// What ended a wait of the loop.
enum Woken {
    Line,
    Event(Option<Stamped>),
    Samples,
    Look,
    Answer(FromEngine),
    Room,
    Output,
    Stop,
    Due,
}

/// An engine with its client.
struct Serving<'l> {
    line: &'l mut Line,
    handle: EngineHandle,
    errands: Errands,
    watched: HashSet<ProcessId>,
    chunks: Vec<Chunk>,
    /// More output waits than was brought forward.
    more: bool,
    /// Samples are wanted; there are some that were not told.
    sampling: bool,
    sampled: bool,
    /// How often the queues are looked at, and when next.
    queues_pace: Option<Duration>,
    queues_look: Instant,
    queues_told: Option<Arc<Vec<QueueSample>>>,
    /// The engine takes no command now.
    busy: bool,
    /// Since when everything is being stopped, and what was asked for so far.
    leaving: Option<(Instant, Command)>,
}

impl<'l> Serving<'l> {
    fn new(opened: Opened, line: &'l mut Line) -> io::Result<Self> {
        let Opened { handle, first } = opened;
        line.tell(&FromEngine::Welcome {
            run: handle.run.clone(),
            folder: handle.folder.clone(),
            queue_socket: handle.queues.path().to_owned(),
        });
        for command in first.into_iter().rev() {
            line.inbox.push_front(ToEngine::Command(command));
        }
        Ok(Self {
            line,
            errands: Errands::start(handle.queues.clone())?,
            handle,
            watched: HashSet::new(),
            chunks: Vec::new(),
            more: false,
            sampling: false,
            sampled: false,
            queues_pace: None,
            queues_look: Instant::now(),
            queues_told: None,
            busy: false,
            leaving: None,
        })
    }

    /// Serves until the run is over, or its end takes too long.
    async fn run(mut self, signals: &mut Signals) {
        loop {
            self.line.read();
            self.obey();
            self.fill();
            self.line.write();
            if self.line.gone && self.leaving.is_none() {
                self.leave();
                self.obey();
            }
            match self.wait(signals).await {
                Woken::Line | Woken::Output => {}
                Woken::Event(Some(event)) => self.line.tell(&FromEngine::Event(event)),
                Woken::Event(None) => break,
                Woken::Samples => self.sampled = true,
                Woken::Look => self.look(),
                Woken::Answer(answer) => self.line.tell(&answer),
                Woken::Room => self.busy = false,
                Woken::Stop => self.leave(),
                Woken::Due if self.insist() => {}
                Woken::Due => return,
            }
        }
        self.finish().await;
    }

    async fn wait(&mut self, signals: &mut Signals) -> Woken {
        let ahead = self.line.out.messages_waiting();
        let has_room = self.line.gone || ahead < MESSAGES_AHEAD;
        let due = match self.leaving {
            Some((since, Command::Finish)) => Some(since + ASKED),
            Some((since, _)) => Some(since + INSISTED),
            None => None,
        };
        let at = |moment: Option<Instant>| async move {
            match moment {
                Some(moment) => sleep_until(moment).await,
                None => std::future::pending().await,
            }
        };
        // Nothing tells of what was left behind the rest, once the client took that.
        let left = (self.sampled && ahead == 0) || (self.more && !self.line.out.has_chunks());
        let look = self.queues_pace.filter(|_| ahead == 0 && !self.line.gone);
        tokio::select! {
            () = std::future::ready(()), if left && !self.line.gone => Woken::Output,
            () = at(due) => Woken::Due,
            () = signals.stop() => Woken::Stop,
            event = self.handle.events.recv(), if has_room => Woken::Event(event),
            () = self.handle.commands.room(), if self.busy => Woken::Room,
            () = self.line.ready() => Woken::Line,
            answer = self.errands.answer(), if has_room => Woken::Answer(answer),
            Ok(()) = self.handle.samples.changed(), if self.sampling && !self.sampled => Woken::Samples,
            () = at(look.map(|_| self.queues_look)) => Woken::Look,
            () = self.handle.panes.arrived(), if !self.line.gone && !self.line.out.has_chunks() => Woken::Output,
        }
    }

    /// Everything is to end, within a bound.
    fn leave(&mut self) {
        if self.line.gone {
            self.watch(Vec::new());
        }
        if self.leaving.is_none() {
            self.leaving = Some((Instant::now(), Command::Finish));
            self.urge(Command::Finish);
        }
    }

    /// The end takes long. False: too long.
    fn insist(&mut self) -> bool {
        match &mut self.leaving {
            Some((_, asked @ Command::Finish)) => {
                *asked = Command::Abort;
                self.urge(Command::Abort);
                true
            }
            _ => false,
        }
    }

    fn urge(&mut self, command: Command) {
        self.line.inbox.push_front(ToEngine::Command(command));
    }

    /// Does what the client asks, as far as the engine takes it.
    fn obey(&mut self) {
        while !self.busy
            && let Some(message) = self.line.inbox.pop_front()
        {
            let sent = match message {
                ToEngine::Command(command) => {
                    let sent = self.handle.commands.send(command.clone());
                    sent.map_err(|error| (error, ToEngine::Command(command)))
                }
                ToEngine::SampleEvery(pace) => {
                    self.sampling = pace > 0;
                    let sent = self.handle.commands.sample_every(pace);
                    sent.map_err(|error| (error, ToEngine::SampleEvery(pace)))
                }
                other => {
                    self.obey_here(other);
                    Ok(())
                }
            };
            if let Err((CommandError::Busy, message)) = sent {
                self.line.inbox.push_front(message);
                self.busy = true;
            }
        }
    }

    fn obey_here(&mut self, message: ToEngine) {
        let (queue, errand) = match message {
            ToEngine::Watch(processes) => return self.watch(processes),
            ToEngine::QueuesEvery(pace) => {
                let pace = Duration::from_millis(pace.into());
                self.queues_pace = (!pace.is_zero()).then_some(pace.max(QUEUES_PACE_MIN));
                (self.queues_look, self.queues_told) = (Instant::now(), None);
                return;
            }
            ToEngine::Bye => return self.leave(),
            ToEngine::Peek {
                queue,
                from,
                count,
                head,
            } => (queue, Errand::Peek(from, count, head)),
            ToEngine::Purge { queue } => (queue, Errand::Purge),
            ToEngine::Put { queue, bytes } => (queue, Errand::Put(bytes)),
            // Greeted was already; whoever speaks here does not know what it says.
            ToEngine::Hello { .. } => return self.line.lose(),
            ToEngine::Command(_) | ToEngine::SampleEvery(_) => return,
        };
        if let Some(refusal) = self.errands.take(queue, errand) {
            self.line.tell(&refusal);
        }
    }

    fn watch(&mut self, processes: Vec<ProcessId>) {
        let wanted: HashSet<ProcessId> = processes.into_iter().collect();
        for process in self.watched.difference(&wanted) {
            self.handle.panes.unsubscribe(process);
        }
        let new: Vec<ProcessId> = wanted.difference(&self.watched).cloned().collect();
        for process in &new {
            self.handle.panes.subscribe(process.clone());
        }
        self.watched = wanted;
        if !new.is_empty() {
            self.line.tell(&FromEngine::Watching(new));
        }
    }

    /// Looks at the queues.
    fn look(&mut self) {
        let Some(pace) = self.queues_pace else {
            return;
        };
        self.queues_look = Instant::now() + pace;
        let now = self.handle.queues.snapshot();
        let told = self.queues_told.as_ref();
        if told.is_none_or(|told| !Arc::ptr_eq(told, &now) && **told != *now) {
            self.line.tell(&FromEngine::Queues(now.to_vec()));
            self.queues_told = Some(now);
        }
    }

    /// Brings forward what the client may have next: events first, then what is newest.
    fn fill(&mut self) {
        if self.line.gone {
            return;
        }
        while self.line.out.messages_waiting() < MESSAGES_AHEAD
            && let Ok(event) = self.handle.events.try_recv()
        {
            self.line.tell(&FromEngine::Event(event));
        }
        if self.sampled && self.line.out.messages_waiting() == 0 {
            self.sampled = false;
            let samples = self.handle.samples.borrow_and_update().clone();
            if self.sampling {
                self.line.tell(&FromEngine::Samples(samples));
            }
        }
        if !self.line.out.has_chunks() {
            self.handle.panes.take_some(OUTPUT_AHEAD, &mut self.chunks);
            for chunk in self.chunks.drain(..) {
                self.line.out.chunk(&chunk);
            }
        }
    }

    /// The run is over: the rest of the output, then the last word.
    async fn finish(mut self) {
        loop {
            self.fill();
            if self.line.gone || self.line.out.is_empty() {
                break;
            }
            self.line.flush().await;
        }
        self.line.tell(&FromEngine::Over);
        self.line.flush().await;
        // Old runs are being pruned; the record of this one is complete.
        let join = tokio::task::spawn_blocking(move || self.handle.join());
        let _ = timeout(INSISTED, join).await;
    }
}
