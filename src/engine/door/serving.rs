//! An engine that runs, and its client.
//!
//! Owns the loop between the two while a run lasts: what the client wishes, what it is told and in which order, and how
//! everything is stopped when it is gone. Never waits for the client while the run lasts, and never lets the engine wait
//! for it. Start at [`Serving::run`].
//!
//! | what the client does not take | bound | when full |
//! |---|---|---|
//! | events | [`Backlog`] | those that newer ones have overtaken are left out |
//! | samples, the state of the queues | one of each | the newer one replaces it |
//! | output | a ring for each pane | the oldest is dropped and counted |
//! | answers about the queues | 64 KiB and 16 | the next errand is refused |

use std::{collections::HashSet, io, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until, timeout};

use super::{
    Chunk, QueueSample,
    backlog::Backlog,
    errands::{Errand, Errands},
    line::{LAST_WORDS, Line},
    opening::Opened,
    serve::{INSISTED, Signals},
    wire::{FromEngine, ToEngine},
};
use crate::{
    engine::{CommandError, EngineHandle},
    model::{
        event::{Command, Event, Stamped},
        ids::ProcessId,
    },
};

/// How long the ranks may take to end when the client is gone; then they are killed.
const ASKED: Duration = Duration::from_secs(3);

/// Bytes of messages ahead of the client: then events wait in the backlog.
const MESSAGES_AHEAD: usize = 64 << 10;

/// Bytes of output that are brought forward for the client, and one chunk more at most.
const OUTPUT_AHEAD: usize = 32 << 10;

/// Events taken over from the engine before everything else is looked at again.
const EVENTS_AT_ONCE: usize = 1024;

/// The shortest time between two looks at the queues.
const QUEUES_PACE_MIN: Duration = Duration::from_millis(50);

/// How often the queues are told although nothing moves in them, while somebody or something waits there: that it waits
/// longer and longer is news too.
const QUEUES_AGE: Duration = Duration::from_secs(1);

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
pub struct Serving<'l> {
    line: &'l mut Line,
    handle: EngineHandle,
    /// What the engine is to be told before anything else.
    first: Vec<Command>,
    /// Events that the client was not told.
    backlog: Backlog,
    errands: Errands,
    watched: HashSet<ProcessId>,
    chunks: Vec<Chunk>,
    /// There may be more output than was brought forward.
    more: bool,
    /// Samples are wanted; there are some that were not told.
    sampling: bool,
    sampled: bool,
    /// How often the queues are looked at, and when next.
    queues_pace: Option<Duration>,
    queues_look: Instant,
    queues_told: Option<Arc<Vec<QueueSample>>>,
    /// When their ages are asked for next.
    queues_age: Instant,
    /// The engine takes no command now.
    busy: bool,
    /// Since when everything is being stopped, and what was asked for so far.
    leaving: Option<(Instant, Command)>,
    /// The end of the run was told.
    over: bool,
}

impl<'l> Serving<'l> {
    /// Greets the client.
    ///
    /// # Errors
    /// When the system has no thread to spare.
    pub fn new(opened: Opened, line: &'l mut Line) -> io::Result<Self> {
        let Opened { handle, first } = opened;
        line.tell(&FromEngine::Welcome {
            run: handle.run.clone(),
            folder: handle.folder.clone(),
            queue_socket: handle.queues.path().to_owned(),
        });
        Ok(Self {
            line,
            errands: Errands::start(handle.queues.clone())?,
            handle,
            first,
            backlog: Backlog::default(),
            watched: HashSet::new(),
            chunks: Vec::new(),
            more: false,
            sampling: false,
            sampled: false,
            queues_pace: None,
            queues_look: Instant::now(),
            queues_told: None,
            queues_age: Instant::now(),
            busy: false,
            leaving: None,
            over: false,
        })
    }

    /// Serves until the run is over, or its end takes too long.
    ///
    /// # Errors
    /// When the engine ended without a word.
    pub async fn run(mut self, signals: &mut Signals) -> io::Result<()> {
        self.line.read();
        self.begin();
        loop {
            self.line.read();
            self.mind_loss();
            self.obey();
            self.fill();
            self.line.write();
            if self.mind_loss() {
                self.obey();
            }
            match self.wait(signals).await {
                Woken::Line | Woken::Output => {}
                Woken::Event(Some(event)) => self.take(event),
                Woken::Event(None) => break,
                Woken::Samples => self.sampled = true,
                Woken::Look => self.look(),
                Woken::Answer(answer) => self.line.tell(&answer),
                Woken::Room => self.busy = false,
                Woken::Stop => self.leave(),
                Woken::Due if self.insist() => {}
                Woken::Due => return Ok(()),
            }
        }
        if !self.over {
            // Its thread panicked, which said so on standard error. With its links, everything that it started ends.
            self.leaving.get_or_insert((Instant::now(), Command::Abort));
            self.deliver(signals).await;
            return Err(io::Error::other("the engine ended without a word"));
        }
        self.finish(signals).await;
        Ok(())
    }

    /// Has the session started, unless its client is gone by now or wants its end: then nothing starts.
    fn begin(&mut self) {
        let is_end = |message: &ToEngine| {
            matches!(
                message,
                ToEngine::Bye | ToEngine::Command(Command::Finish | Command::Abort)
            )
        };
        if self.line.gone || self.line.inbox.iter().any(is_end) {
            return;
        }
        for command in std::mem::take(&mut self.first).into_iter().rev() {
            self.line.inbox.push_front(ToEngine::Command(command));
        }
    }

    /// Stops everything when the client is gone. True: so it is, since just now.
    fn mind_loss(&mut self) -> bool {
        let is_new = self.line.gone && self.leaving.is_none();
        if is_new {
            self.leave();
        }
        is_new
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
        let left = (self.sampled && ahead == 0)
            || (self.more && !self.line.out.has_chunks())
            || (!self.backlog.is_empty() && has_room);
        let look = self.queues_pace.filter(|_| ahead == 0 && !self.line.gone);
        tokio::select! {
            () = std::future::ready(()), if left && !self.line.gone => Woken::Output,
            () = at(due) => Woken::Due,
            () = signals.stop() => Woken::Stop,
            event = self.handle.events.recv() => Woken::Event(event),
            () = self.handle.commands.room(), if self.busy => Woken::Room,
            () = self.line.ready() => Woken::Line,
            answer = self.errands.answer(), if has_room => Woken::Answer(answer),
            Ok(()) = self.handle.samples.changed(), if self.sampling && !self.sampled => Woken::Samples,
            () = at(look.map(|_| self.queues_look)) => Woken::Look,
            () = self.handle.panes.arrived(), if !self.line.gone && !self.line.out.has_chunks() => Woken::Output,
        }
    }

    /// Takes events over from the engine, which waits for nobody.
    fn take(&mut self, event: Stamped) {
        let mut next = Some(event);
        for _ in 0..EVENTS_AT_ONCE {
            let Some(event) = next else { return };
            self.keep(event);
            next = self.handle.events.try_recv().ok();
        }
        if let Some(event) = next {
            self.keep(event);
        }
    }

    fn keep(&mut self, event: Stamped) {
        self.over |= matches!(event.event, Event::RunEnded { .. });
        if !self.line.gone {
            self.backlog.push(event);
        }
    }

    /// Everything is to end, within a bound.
    fn leave(&mut self) {
        if self.line.gone {
            self.watch(Vec::new());
            self.backlog = Backlog::default();
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
        let waits = |queue: &QueueSample| queue.depth + queue.putters + queue.getters > 0;
        if self.queues_age <= Instant::now() && now.iter().any(waits) {
            self.queues_age = Instant::now() + QUEUES_AGE;
            // It comes with the next look.
            self.handle.queues.request_snapshot();
        }
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
            && let Some(event) = self.backlog.pop()
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
            let taken: usize = self.chunks.iter().map(|it| it.bytes.len()).sum();
            self.more = taken >= OUTPUT_AHEAD;
            for chunk in self.chunks.drain(..) {
                self.line.out.chunk(&chunk);
            }
        }
    }

    /// Hands the client everything that waits for it. Nothing of the run lives any more: it has time, as long as it lives
    /// itself and nobody wants our end.
    async fn deliver(&mut self, signals: &mut Signals) {
        loop {
            self.fill();
            if self.line.gone || self.line.out.is_empty() {
                return;
            }
            let patience = self.leaving.is_some().then_some(LAST_WORDS);
            tokio::select! {
                () = self.line.flush(patience) => {}
                () = signals.stop() => self.leave(),
            }
        }
    }

    /// The run is over: the rest of the output, then the last word.
    async fn finish(mut self, signals: &mut Signals) {
        self.deliver(signals).await;
        self.line.tell(&FromEngine::Over);
        self.deliver(signals).await;
        // Old runs are being pruned; the record of this one is complete.
        let join = tokio::task::spawn_blocking(move || self.handle.join());
        let _ = timeout(INSISTED, join).await;
    }
}
