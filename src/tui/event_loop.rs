//! The one loop of the screens.
//!
//! Owns the terminal, the engine's client and the clock of frames. A turn: if a frame is due and something visible
//! changed, parse bytes of panes for a few milliseconds and draw; then wait for whatever comes first; then take what
//! waits already, within a bound. The frame is looked at before the wait, so nothing can keep the screen from being
//! drawn. Never changes the state itself. Start at [`run`].
//!
//! | what waits | bound | when full |
//! |---|---|---|
//! | keys | the terminal's own buffer | the user waits |
//! | messages of the engine | the socket | the engine waits, panes skip |
//! | answers of the disk | 64 | the reader waits |

use std::{
    io,
    path::PathBuf,
    time::{Duration, Instant},
};

use crossterm::event::{Event as Input, EventStream};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};
use tokio_stream::StreamExt;

use super::{
    Planner, compose, deeds,
    message::{Effect, Msg},
    state::State,
    terminal::Terminal,
    theme::Theme,
    update::{self, update},
    view,
    writer::Writer,
};
use crate::{
    engine::door::{client::Client, wire::FromEngine},
    model::event::Level,
};

/// The least time between two frames.
const FRAME: Duration = Duration::from_millis(16);

/// The next frame comes so many times later than this one took: where the terminal is slow (ssh), keys do not wait for it.
const SLOW: u32 = 4;

/// The longest time between two frames while something changes.
const SLOWEST: Duration = Duration::from_millis(250);

/// How long a turn may parse bytes of panes.
const PARSE: Duration = Duration::from_millis(4);

/// Messages of one kind taken in one turn.
const AT_ONCE: usize = 128;

/// How long whoever leaves waits for a session that is being written.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers of the disk that may wait.
const ANSWERS: usize = 64;

/// What the loop needs beside the state.
pub struct Loop<'t> {
    /// This program, which is the engine too.
    pub program: PathBuf,
    /// Finds a theme by its name; where there is none such another one, and why.
    pub theme: &'t dyn Fn(&str) -> (Theme, Option<String>),
    /// Places a session on paper.
    pub planner: Planner,
    /// Where swap files are that cannot lie beside their sessions.
    pub swap_folder: Option<PathBuf>,
}

/// Runs until the user leaves.
///
/// # Errors
/// When the terminal cannot be read or drawn on.
pub async fn run(state: &mut State, terminal: &mut Terminal, parts: Loop<'_>) -> io::Result<()> {
    let (answers, mut answered) = mpsc::channel(ANSWERS);
    let writer = Writer::begin(parts.swap_folder.clone(), answers.clone());
    let result = turns(state, terminal, parts, &writer, answers, &mut answered).await;
    leave(state, writer, answered).await;
    result
}

/// Nothing that was written is lost, whatever ended the turns: the terminal may be gone by now.
async fn leave(state: &mut State, writer: Writer, mut answered: mpsc::Receiver<Msg>) {
    let deadline = Instant::now() + PATIENCE;
    while state.saving.is_under_way {
        let Ok(Some(msg)) = tokio::time::timeout_at(deadline.into(), answered.recv()).await else {
            break;
        };
        let is_failed = matches!(&msg, Msg::Saved(saved) if saved.result.is_err());
        // Whoever left thought that it was saved.
        state.compose.has_left &= !is_failed;
        for effect in update(state, msg, Instant::now()) {
            if let Effect::Save(_) | Effect::Swap(_) | Effect::Keep { .. } = effect {
                writer.ask(effect);
            }
        }
    }
    // Whoever left on purpose wants nothing kept; whoever was cut off finds it again.
    match state.compose.has_left && !state.saving.is_under_way {
        true => compose::files::forget_swaps(state),
        false => compose::files::keep_now(state),
    }
    for effect in state.effects.drain(..) {
        writer.ask(effect);
    }
    drop(answered);
    writer.finish(PATIENCE);
}

async fn turns(
    state: &mut State,
    terminal: &mut Terminal,
    parts: Loop<'_>,
    writer: &Writer,
    answers: mpsc::Sender<Msg>,
    answered: &mut mpsc::Receiver<Msg>,
) -> io::Result<()> {
    let mut keys = EventStream::new();
    let mut term = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // Not left to the reader of keys: that one loses a change of the size that comes together with a key.
    let mut window = signal(SignalKind::window_change())?;
    let mut client: Option<Client> = None;
    // The wish: a file may call itself something else.
    let mut wished = String::new();
    let mut theme = Theme::default();
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
                    Effect::Launch(opening) => match Client::launch(&parts.program, *opening) {
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
                        if let Some(client) = &mut client
                            && let Err(error) = client.send(message.clone())
                        {
                            let why = error.to_string();
                            update::refused(state, &message, why, Instant::now());
                        }
                    }
                    Effect::Suspend => {
                        terminal.lend(deeds::suspend)?;
                        frame.is_dirty = true;
                    }
                    Effect::Page(path) => {
                        // Its keys are its own.
                        drop(std::mem::replace(&mut keys, EventStream::new()));
                        let told = terminal.lend(|| deeds::page(&path))?;
                        if let Err(text) = told {
                            effects.extend(update(state, Msg::Told(text), Instant::now()));
                        }
                        frame.is_dirty = true;
                    }
                    Effect::Edit(text) => {
                        drop(std::mem::replace(&mut keys, EventStream::new()));
                        let msg = terminal.lend(|| deeds::edit(&text))?;
                        effects.extend(update(state, msg, Instant::now()));
                        frame.is_dirty = true;
                    }
                    Effect::Redraw => terminal.clear()?,
                    Effect::Copy(text) => terminal.copy(&text)?,
                    Effect::Alert(text) => {
                        let told = state.config.desktop_notifications.then_some(text.as_str());
                        terminal.alert(state.config.bell, told)?;
                    }
                    Effect::Plan(session, folder) => {
                        deeds::plan(session, folder, parts.planner.clone(), answers.clone());
                    }
                    file @ (Effect::Save(_)
                    | Effect::Open(_)
                    | Effect::Swap(_)
                    | Effect::Keep { .. }
                    | Effect::Write { .. }) => {
                        if let Some(msg) = writer.ask(file) {
                            effects.extend(update(state, msg, Instant::now()));
                        }
                    }
                    disk => deeds::begin(disk, answers.clone()),
                }
            }
        }
        let now = Instant::now();
        let working = state.run.as_ref().is_some_and(|run| run.has_work());
        if (frame.is_dirty || working) && frame.is_due(now) {
            if state.is_stale {
                update::settle(state);
                effects.extend(state.effects.drain(..));
            }
            if let Some(run) = &mut state.run {
                run.parse(now + PARSE, &mut effects);
            }
            if wished != state.theme {
                wished.clone_from(&state.theme);
                let (found, why) = (parts.theme)(&wished);
                theme = found;
                if let Some(why) = why {
                    let text = format!("theme {wished:?} cannot be used: {why}");
                    state.toasts.push(Level::Warning, text, now);
                }
            }
            let begin = Instant::now();
            terminal.draw(|frame| view::draw(state, &theme, frame))?;
            frame.drawn(begin, Instant::now());
            if !effects.is_empty() {
                continue;
            }
        }
        let working = state.run.as_ref().is_some_and(|run| run.has_work());
        let wake = match frame.is_dirty || working {
            true => Some(frame.due),
            false => state.due(),
        };
        let mut came = Vec::new();
        tokio::select! {
            biased;
            _ = term.recv() => return Ok(()),
            _ = hangup.recv() => return Ok(()),
            _ = interrupt.recv() => {}
            _ = window.recv() => {
                let (width, height) = terminal.size()?;
                came.push(Msg::Input(Input::Resize(width, height)));
            }
            key = keys.next() => match key {
                Some(Ok(key)) => came.push(Msg::Input(key)),
                // The terminal is gone.
                Some(Err(_)) | None => return Ok(()),
            },
            message = next(&mut client) => came.push(Msg::Engine(Box::new(message))),
            Some(answer) = answered.recv() => came.push(answer),
            () = until(wake) => if !frame.is_dirty && !working { came.push(Msg::Due) },
        }
        for msg in came {
            frame.is_dirty = true;
            effects.extend(update(state, msg, Instant::now()));
        }
        for _ in 0..AT_ONCE {
            let Some(message) = ready(next(&mut client)) else {
                break;
            };
            let is_end = matches!(message, FromEngine::Gone(_) | FromEngine::Over);
            let msg = Msg::Engine(Box::new(message));
            frame.is_dirty = true;
            effects.extend(update(state, msg, Instant::now()));
            if is_end {
                break;
            }
        }
    }
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
}

impl Default for Frame {
    fn default() -> Self {
        Self {
            is_dirty: true,
            due: Instant::now(),
            every: FRAME,
        }
    }
}

impl Frame {
    fn is_due(&self, now: Instant) -> bool {
        now >= self.due
    }

    /// A frame was drawn. A terminal that takes long to take it gets fewer: else keys would wait for the screen.
    fn drawn(&mut self, begin: Instant, end: Instant) {
        let took = end - begin;
        self.every = (took * SLOW).clamp(FRAME, SLOWEST);
        self.is_dirty = false;
        self.due = end + self.every - took.min(self.every - FRAME);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_change_is_drawn_at_once_and_a_slow_terminal_gets_fewer_frames() {
        let mut frame = Frame::default();
        let begin = Instant::now();
        assert!(frame.is_due(begin));
        frame.drawn(begin, begin + Duration::from_millis(1));
        assert_eq!(frame.every, FRAME);
        assert!(frame.is_due(begin + Duration::from_millis(20)));
        frame.drawn(begin, begin + Duration::from_millis(30));
        assert_eq!(frame.every, Duration::from_millis(120));
        frame.drawn(begin, begin + Duration::from_secs(3));
        assert_eq!(frame.every, SLOWEST);
    }
}
