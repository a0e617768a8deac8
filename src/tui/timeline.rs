//! What the user did while a run went on, as the timeline of a session.
//!
//! Owns [`Noted`], bounded: a run of many days may be steered by hand. Never performs anything. Start at
//! [`Noted::session`] and [`ask`].

use std::{path::PathBuf, time::Duration};

use super::{
    compose::saving::{Over, Save, What},
    message::Effect,
    overlay::{For, Overlay},
    state::State,
};
use crate::model::{
    document::{Session, Step, TimelineEntry},
    event::{Command, Level},
    ids::Selector,
};

/// Steps that are kept; the later ones are left out and counted.
const STEPS_MAX: usize = 10_000;

/// Keys typed to the same processes within this time (seconds) are one step, up to so many bytes.
const TOGETHER: f64 = 0.3;
const TEXT_MAX: usize = 4 << 10;

/// What was done, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Noted {
    /// Seconds of the run, and what.
    pub steps: Vec<(f64, Step)>,
    /// Steps that a timeline cannot say or that were too many.
    pub left_out: usize,
    /// The second of the last key that was typed.
    typed_at: f64,
}

impl Noted {
    /// Notes a command. Questions and sizes are no deeds.
    pub fn take(&mut self, at: f64, command: &Command) {
        let step = match command {
            Command::Start(selector) => Step::Start(selector.clone()),
            Command::Stop(selector) => Step::Stop(selector.clone()),
            Command::Kill(selector) => Step::Kill(selector.clone()),
            Command::Mute(selector) => Step::Mute(selector.clone()),
            Command::Unmute(selector) => Step::Unmute(selector.clone()),
            Command::Scale(selector, replicas) => Step::Scale(selector.clone(), *replicas),
            Command::Restart(selector) => Step::Restart(selector.clone()),
            Command::Send(selector, bytes) => {
                let Ok(text) = std::str::from_utf8(bytes) else {
                    self.left_out += 1;
                    return;
                };
                let together = at - self.typed_at < TOGETHER;
                self.typed_at = at;
                if let (true, Some((_, Step::Send(to, typed)))) = (together, self.steps.last_mut())
                    && to == selector
                    && typed.len() + text.len() <= TEXT_MAX
                {
                    typed.push_str(text);
                    return;
                }
                Step::Send(selector.clone(), text.to_owned())
            }
            // Which ranks these were, only the engine knows.
            Command::RestartFailed(_) => {
                self.left_out += 1;
                return;
            }
            Command::Resize(..) | Command::Explain(_) | Command::Finish | Command::Abort => return,
        };
        self.push(at, step);
    }

    fn push(&mut self, at: f64, step: Step) {
        match self.steps.len() < STEPS_MAX {
            true => self.steps.push((at, step)),
            false => self.left_out += 1,
        }
    }

    /// A session with these steps in its timeline, beside those it has. A group that the timeline starts is not started
    /// at once any more: where that was done by hand a second time, the first time is said too.
    pub fn session(&self, session: &Session) -> Session {
        let mut session = session.clone();
        let starts = |step: &Step| match step {
            Step::Start(selector) if selector.template.is_none() => Some(selector.clone()),
            _ => None,
        };
        let timeline = session.timeline.iter();
        let mut said: Vec<Selector> = timeline.filter_map(|entry| starts(&entry.step)).collect();
        for group in self.steps.iter().filter_map(|(_, step)| starts(step)) {
            if !said.contains(&group) {
                session.timeline.push(TimelineEntry {
                    at: Duration::ZERO,
                    step: Step::Start(group.clone()),
                });
                said.push(group);
            }
        }
        let entries = self.steps.iter().map(|(at, step)| TimelineEntry {
            // To a hundredth of a second: easy to read, and finer than a hand.
            at: Duration::from_millis((at.max(0.0) * 100.0).round() as u64 * 10),
            step: step.clone(),
        });
        session.timeline.extend(entries);
        session.timeline.sort_by_key(|entry| entry.at);
        session
    }
}

/// Asks for a file for the session with what was done since its start.
pub fn ask(state: &mut State) {
    let Some(run) = &state.run else { return };
    if run.noted.steps.is_empty() {
        let text = "nothing was done yet: starting, stopping, muting, scaling and typing count";
        state.toasts.push(Level::Info, text, state.now);
        return;
    }
    let name = format!("{}-timeline.ron", state.draft.name());
    let folder = state.draft.folder(&state.folder);
    let name = match folder == state.folder {
        true => name,
        false => folder.join(name).display().to_string(),
    };
    state
        .overlays
        .push(Overlay::prompt(For::SaveTimeline, &name));
}

/// Writes it; where that is the file of the session that is composed, it becomes that session.
pub fn save_to(state: &mut State, path: PathBuf, over: Over) {
    let Some(run) = &state.run else { return };
    let save = Save {
        path,
        what: What::Timeline,
        session: run.noted.session(&run.session),
        original: Some(run.text.as_str().into()),
        from: state.draft.folder(&state.folder),
        over,
        swap: None,
    };
    if run.noted.left_out > 0 {
        let text = format!("{} steps could not be kept", run.noted.left_out);
        state.toasts.push(Level::Warning, text, state.now);
    }
    state.effect(Effect::Save(Box::new(save)));
}

#[cfg(test)]
mod tests;
