//! The one loop of the screens.
//!
//! Owns the terminal, the engine's client and the clock of frames. A turn: if a frame is due and something visible
//! changed, parse bytes of panes for a few milliseconds and draw; then wait for whatever comes first; then take what
//! the engine said meanwhile, within a bound. The frame is looked at before the wait, so nothing can keep the screen
//! from being drawn. Never changes the state itself. Start at [`run`].
//!
//! | what waits | bound | when full |
//! |---|---|---|
//! | keys | the terminal's own buffer | the user waits |
//! | messages of the engine | the socket | they wait there, and what is overtaken is left out (`engine::door`) |
//! | answers of the disk | 64 | the reader waits |

use std::{
    io,
    path::PathBuf,
    time::{Duration, Instant},
};

use crossterm::event::{Event as Input, EventStream};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};
use tokio_stream::StreamExt;

use super::{
    Planner, deeds,
    message::{Effect, Msg},
    state::State,
    terminal::Terminal,
    theme::Theme,
    update::{self, update},
    view,
};
use crate::engine::door::{
    client::Client,
    wire::{FromEngine, Opening, ToEngine},
};

/// The least time between two frames.
const FRAME: Duration = Duration::from_millis(16);

/// The next frame comes so many times later than this one took: where the terminal is slow (ssh), keys do not wait for it.
const SLOW: u32 = 4;

/// The longest time between two frames while something changes.
const SLOWEST: Duration = Duration::from_millis(250);

/// A key is not to wait for the next frame of a flood: what it changed may be drawn this soon after the last frame, or
/// after as long as that one took.
const URGENT: Duration = Duration::from_millis(3);

/// A pane that was just opened is drawn when the end of its log is there, or empty after this long.
const OPENING: Duration = Duration::from_millis(12);

/// How long a turn may parse bytes of panes.
const PARSE: Duration = Duration::from_millis(4);

/// Messages of one kind taken in one turn.
const AT_ONCE: usize = 128;

/// Answers of the disk that may wait.
const ANSWERS: usize = 64;

/// What the loop needs beside the state.
pub struct Loop<'t> {
    /// This program, which is the engine too.
    pub program: PathBuf,
    /// Finds a theme by its name.
    pub theme: &'t dyn Fn(&str) -> Theme,
    /// Places a session on paper.
    pub planner: Planner,
    /// More arguments for an engine.
    pub engine_arguments: Vec<String>,
}

/// Runs until the user leaves.
///
/// # Errors
/// When the terminal cannot be read or drawn on.
pub async fn run(state: &mut State, terminal: &mut Terminal, parts: Loop<'_>) -> io::Result<()> {
    let mut keys = EventStream::new();
    let mut fatal = Fatal::new()?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut again = signal(SignalKind::from_raw(libc::SIGCONT))?;
    // Not left to the reader of keys: that one loses a change of the size that comes together with a key.
    let mut window = signal(SignalKind::window_change())?;
    let (answers, mut answered) = mpsc::channel(ANSWERS);
    let mut client: Option<Client> = None;
    let mut theme = (parts.theme)(&state.theme);
    state.colours = theme.colours();
    let mut frame = Frame::default();
    let mut effects = Vec::new();
    update::settle(state);
    effects.extend(state.effects.drain(..));
    loop {
        // What was asked for, before anything else comes.
        while !effects.is_empty() {
            for effect in std::mem::take(&mut effects) {
                match effect {
                    Effect::Quit => {
                        state.compose.has_left = true;
                        return Ok(());
                    }
                    Effect::Launch(opening) => match launch(&parts, *opening) {
                        Ok(started) => client = Some(started),
                        Err(error) => {
                            let gone = FromEngine::Failed {
                                text: format!("the engine cannot be started: {error}"),
                            };
                            let msg = Msg::Engine(Box::new(gone));
                            effects.extend(update(state, msg, Instant::now()));
                        }
                    },
                    Effect::Hang => client = None,
                    Effect::Send(message) => {
                        let refused = match &mut client {
                            Some(client) => client.send(message.clone()).map_err(|e| e.to_string()),
                            // Leaving goes on without an engine.
                            None if is_end(&message) => Ok(()),
                            None => Err("the run is over".to_owned()),
                        };
                        if let Err(why) = refused {
                            update::refused(state, &message, why, Instant::now());
                        }
                    }
                    Effect::Suspend => {
                        terminal.lend(deeds::suspend)?;
                        effects.extend(lent(state, terminal)?);
                        frame.is_dirty = true;
                    }
                    Effect::Page(shown) => {
                        // Its keys are its own.
                        drop(std::mem::replace(&mut keys, EventStream::new()));
                        let told = terminal.lend(|| deeds::page(&shown))?;
                        if let Err(text) = told {
                            effects.extend(update(state, Msg::Told(text), Instant::now()));
                        }
                        effects.extend(lent(state, terminal)?);
                        frame.is_dirty = true;
                    }
                    Effect::Edit(text) => {
                        drop(std::mem::replace(&mut keys, EventStream::new()));
                        let msg = match terminal.lend(|| deeds::edit(&text))? {
                            Ok(text) => Msg::Edited(text),
                            Err(problem) => Msg::Told(problem),
                        };
                        effects.extend(update(state, msg, Instant::now()));
                        effects.extend(lent(state, terminal)?);
                        frame.is_dirty = true;
                    }
                    Effect::Redraw => terminal.clear()?,
                    Effect::Copy(text) => terminal.copy(&text)?,
                    Effect::Alert(text) => {
                        let told = state.config.desktop_notifications.then_some(text.as_str());
                        terminal.alert(state.config.bell, told)?;
                    }
                    Effect::Plan(session) => {
                        deeds::plan(session, parts.planner.clone(), answers.clone());
                    }
                    disk => deeds::begin(disk, answers.clone()),
                }
            }
        }
        let now = Instant::now();
        let mut torn = None;
        if state.due().is_some_and(|due| due <= now) {
            effects.extend(update(state, Msg::Due, now));
            frame.is_dirty = true;
        }
        let working = state.has_work();
        if (frame.is_dirty || working) && frame.is_due(now, state.is_opening()) {
            if state.is_stale {
                update::settle(state);
                effects.extend(state.effects.drain(..));
            }
            if let Some(run) = &mut state.run {
                run.parse(Instant::now() + PARSE, &mut effects);
            }
            if theme.name != state.theme {
                theme = (parts.theme)(&state.theme);
                state.colours = theme.colours();
            }
            let begin = Instant::now();
            torn = state.run.as_ref().and_then(|run| run.torn_until(begin));
            if torn.is_none() {
                terminal.draw(|frame| view::draw(state, &theme, frame))?;
                frame.drawn(begin, Instant::now());
            }
            if !effects.is_empty() {
                continue;
            }
        }
        let working = state.has_work();
        let wake = match frame.is_dirty || working {
            true => {
                let next = frame.next(state.is_opening());
                Some(
                    torn.filter(|_| !working)
                        .map_or(next, |torn| torn.max(next)),
                )
            }
            false => state.due(),
        };
        let mut came = Vec::new();
        let mut is_over = false;
        tokio::select! {
            biased;
            () = fatal.next() => return Ok(()),
            _ = interrupt.recv() => {}
            // Somebody stopped us, and may have used the terminal since.
            _ = again.recv() => {
                terminal.lend(|| ())?;
                effects.extend(lent(state, terminal)?);
                frame.is_dirty = true;
            }
            _ = window.recv() => {
                let (width, height) = terminal.size()?;
                came.push(Msg::Input(Input::Resize(width, height)));
            }
            key = keys.next() => match key {
                Some(Ok(key)) => came.push(Msg::Input(key)),
                // The terminal is gone.
                Some(Err(_)) | None => return Ok(()),
            },
            message = next(&mut client) => {
                is_over = is_last(&message);
                came.push(Msg::Engine(Box::new(message)));
            }
            Some(answer) = answered.recv() => came.push(answer),
            // What is due is looked at first in every turn.
            () = until(wake) => {}
        }
        for msg in came {
            frame.is_dirty = true;
            if matches!(msg, Msg::Input(_)) {
                frame.hurry();
            }
            effects.extend(update(state, msg, Instant::now()));
        }
        for _ in 0..AT_ONCE {
            if is_over {
                break;
            }
            let Some(message) = ready(next(&mut client)) else {
                break;
            };
            is_over = is_last(&message);
            let msg = Msg::Engine(Box::new(message));
            frame.is_dirty = true;
            effects.extend(update(state, msg, Instant::now()));
        }
    }
}

/// The signals that end a program, as far as they can be heard: the terminal is given back first.
struct Fatal(Vec<Signal>);

impl Fatal {
    fn new() -> io::Result<Self> {
        let all = [
            libc::SIGTERM,
            libc::SIGHUP,
            libc::SIGQUIT,
            libc::SIGABRT,
            libc::SIGALRM,
            libc::SIGUSR1,
            libc::SIGUSR2,
            libc::SIGVTALRM,
            libc::SIGPROF,
            libc::SIGIO,
            libc::SIGXCPU,
            libc::SIGXFSZ,
        ];
        let heard = all.map(|number| signal(SignalKind::from_raw(number)));
        Ok(Self(heard.into_iter().collect::<io::Result<_>>()?))
    }

    async fn next(&mut self) {
        std::future::poll_fn(|context| {
            let mut all = self.0.iter_mut();
            match all.any(|signal| signal.poll_recv(context).is_ready()) {
                true => std::task::Poll::Ready(()),
                false => std::task::Poll::Pending,
            }
        })
        .await;
    }
}

/// The terminal is ours again: nobody told of another size that it got meanwhile.
fn lent(state: &mut State, terminal: &Terminal) -> io::Result<Vec<Effect>> {
    let (width, height) = terminal.size()?;
    let size = Msg::Input(Input::Resize(width, height));
    Ok(update(state, size, Instant::now()))
}

fn launch(parts: &Loop<'_>, opening: Opening) -> io::Result<Client> {
    let more: Vec<&str> = parts.engine_arguments.iter().map(String::as_str).collect();
    Client::launch_with(&parts.program, &more, opening)
}

/// Whether an engine says nothing more of a run: that its process ends then is no news.
fn is_last(message: &FromEngine) -> bool {
    matches!(
        message,
        FromEngine::Refused { .. }
            | FromEngine::Failed { .. }
            | FromEngine::Gone(_)
            | FromEngine::Over
    )
}

/// Whether a message is the wish that everything ends.
fn is_end(message: &ToEngine) -> bool {
    use crate::model::event::Command::{Abort, Finish};
    matches!(message, ToEngine::Bye | ToEngine::Command(Finish | Abort))
}

async fn next(client: &mut Option<Client>) -> FromEngine {
    match client {
        Some(client) => client.next().await,
        None => std::future::pending().await,
    }
}

async fn until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake.into()).await,
        None => std::future::pending().await,
    }
}

/// What a future gives at once, if it does.
fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}

/// When the next frame may be drawn.
struct Frame {
    is_dirty: bool,
    due: Instant,
    every: Duration,
    /// When the last one was drawn, and how long that took.
    last: Instant,
    took: Duration,
    /// Until when it waits for a pane that is being opened.
    opening: Option<Instant>,
}

impl Default for Frame {
    fn default() -> Self {
        let now = Instant::now();
        Self {
            is_dirty: true,
            due: now,
            every: FRAME,
            last: now,
            took: Duration::ZERO,
            opening: None,
        }
    }
}

impl Frame {
    /// Whether it is time, where a pane of it is still being opened or none is.
    fn is_due(&mut self, now: Instant, is_opening: bool) -> bool {
        if !is_opening {
            self.opening = None;
        } else if now >= self.due {
            return now >= *self.opening.get_or_insert(now + OPENING);
        }
        now >= self.due
    }

    /// When it is to be asked again.
    fn next(&self, is_opening: bool) -> Instant {
        match self.opening {
            Some(until) if is_opening => self.due.max(until),
            _ => self.due,
        }
    }

    /// The user did something.
    fn hurry(&mut self) {
        self.due = self.due.min(self.last + self.took.max(URGENT));
    }

    /// A frame was drawn. A terminal that takes long to take it gets fewer: else keys would wait for the screen.
    fn drawn(&mut self, begin: Instant, end: Instant) {
        self.took = end - begin;
        self.last = end;
        self.every = (self.took * SLOW).clamp(FRAME, SLOWEST);
        self.is_dirty = false;
        self.due = end + self.every - self.took.min(self.every - FRAME);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_change_is_drawn_at_once_and_a_slow_terminal_gets_fewer_frames() {
        let mut frame = Frame::default();
        let begin = Instant::now();
        assert!(frame.is_due(begin, false));
        frame.drawn(begin, begin + Duration::from_millis(1));
        assert_eq!(frame.every, FRAME);
        assert!(frame.is_due(begin + Duration::from_millis(20), false));
        frame.drawn(begin, begin + Duration::from_millis(30));
        assert_eq!(frame.every, Duration::from_millis(120));
        frame.drawn(begin, begin + Duration::from_secs(3));
        assert_eq!(frame.every, SLOWEST);
    }

    #[test]
    fn what_a_key_changed_does_not_wait_for_the_frame_of_a_flood() {
        let mut frame = Frame::default();
        let begin = Instant::now();
        let after = |milliseconds| begin + Duration::from_millis(milliseconds);
        frame.drawn(begin, after(1));
        assert!(!frame.is_due(after(5), false));
        frame.hurry();
        assert!(!frame.is_due(after(3), false), "not at once after the last");
        assert!(frame.is_due(after(5), false));
        // Of a terminal that takes 100 ms for a frame it would be too much.
        frame.drawn(begin, after(100));
        frame.hurry();
        assert!(!frame.is_due(after(150), false));
        assert!(frame.is_due(after(200), false));
    }

    #[test]
    fn a_pane_that_is_opened_is_drawn_with_what_its_log_holds_or_empty_a_little_later() {
        let mut frame = Frame::default();
        let begin = Instant::now();
        assert!(!frame.is_due(begin, true));
        assert_eq!(frame.next(true), begin + OPENING);
        assert!(frame.is_due(begin + OPENING / 2, false), "it is there");
        let mut frame = Frame::default();
        let begin = Instant::now();
        assert!(!frame.is_due(begin, true));
        assert!(frame.is_due(begin + OPENING, true), "it takes too long");
        frame.drawn(begin + OPENING, begin + OPENING);
        let later = begin + OPENING + FRAME;
        assert!(frame.is_due(later, true), "and is not waited for again");
    }
}
