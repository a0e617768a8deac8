//! An engine that runs, and its client.
//!
//! Owns the loop between the two while a run lasts: what the client wishes, what it is told and in which order, and how
//! everything is stopped when it is gone. Never waits for the client: what it does not take waits with the engine
//! (events), is replaced (samples) or dropped (output). Start at [`Serving::run`].

use std::{collections::HashSet, io, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until, timeout};

use super::{
    Chunk, QueueSample,
    errands::{Errand, Errands},
    line::Line,
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

/// Bytes of messages ahead of the client: then events wait with the engine.
const MESSAGES_AHEAD: usize = 64 << 10;

/// Bytes of output that are brought forward for the client, and one chunk more at most.
const OUTPUT_AHEAD: usize = 32 << 10;

/// The shortest time between two looks at the queues.
const QUEUES_PACE_MIN: Duration = Duration::from_millis(50);

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
            over: false,
        })
    }

    /// Serves until the run is over, or its end takes too long.
    ///
    /// # Errors
    /// When the engine ended without a word.
    pub async fn run(mut self, signals: &mut Signals) -> io::Result<()> {
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
                Woken::Event(Some(event)) => self.tell(event),
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
            self.line.flush().await;
            return Err(io::Error::other("the engine ended without a word"));
        }
        self.finish().await;
        Ok(())
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

    fn tell(&mut self, event: Stamped) {
        self.over |= matches!(event.event, Event::RunEnded { .. });
        self.line.tell(&FromEngine::Event(event));
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
            self.tell(event);
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
