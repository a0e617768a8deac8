//! Everything that the screens know.
//!
//! Owns [`State`] and when it wants to be woken. Changed only by [`update`](super::update::update); drawn by
//! [`view`](super::view). Start at [`State::new`].

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use ratatui::layout::Rect;

use super::{
    alerts::Alerts,
    compose,
    config::Config,
    hosts,
    keymap::{Action, Context},
    message::Effect,
    overlay::{Overlay, Typed},
    run, runs,
    theme::Glyphs,
    tips::Tips,
    toast::Toasts,
    view::Places,
};
use crate::model::{
    document::Session,
    ids::HostName,
    session::{self, Problem},
};

/// How long keys are not taken by what opened by itself.
const DEAF: Duration = Duration::from_millis(300);

/// A screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Tab {
    /// Groups and templates are put together.
    Compose,
    /// They run.
    #[default]
    Run,
    /// What is between them.
    Queues,
    /// Where they run.
    Hosts,
    /// What ran before.
    Runs,
}

impl Tab {
    /// In the order of their keys.
    pub const ALL: [Tab; 5] = [Tab::Compose, Tab::Run, Tab::Queues, Tab::Hosts, Tab::Runs];

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Tab::Compose => "Compose",
            Tab::Run => "Run",
            Tab::Queues => "Queues",
            Tab::Hosts => "Hosts",
            Tab::Runs => "Runs",
        }
    }
}

/// The session as it is composed.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The session.
    pub session: Session,
    /// The text that it was read from, whose comments are kept.
    pub text: Option<Arc<str>>,
    /// Its file.
    pub path: Option<PathBuf>,
    /// The session as it is in the file.
    pub saved: Session,
    /// What the file says.
    pub saved_text: Option<Arc<str>>,
    /// What the command line changes for a run (`group.template.replicas=8`); it is in no file.
    pub assignments: Vec<String>,
    /// The folder that relative paths start from where there is no file; absent: the one this program was started in.
    pub base: Option<PathBuf>,
    /// Where it ran before, if it is to run as it did then.
    pub origin: Option<Origin>,
}

/// Where a session ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The folder that it was started in; absent: that is not known.
    pub cwd: Option<PathBuf>,
    /// Names that stood for hosts.
    pub aliases: Vec<(HostName, HostName)>,
}

impl Draft {
    /// A session that is in no file yet.
    pub fn empty() -> Self {
        Self {
            session: Session::default(),
            text: None,
            path: None,
            saved: Session::default(),
            saved_text: None,
            assignments: Vec::new(),
            base: None,
            origin: None,
        }
    }

    /// A session from a file, which says this.
    pub fn read(path: PathBuf, session: Session, text: Arc<str>) -> Self {
        Self {
            saved: session.clone(),
            session,
            text: Some(text.clone()),
            path: Some(path),
            saved_text: Some(text),
            ..Self::empty()
        }
    }

    /// Whether something is not in the file.
    pub fn is_changed(&self) -> bool {
        self.text != self.saved_text || !session::written::alike(&self.session, &self.saved)
    }

    /// The session as it would be run: with what the command line changes. One that does not fit any more, as what it
    /// names is gone, changes nothing.
    pub fn to_run(&self) -> Session {
        let mut session = self.session.clone();
        for assignment in &self.assignments {
            let _ = session::set(&mut session, assignment);
        }
        session
    }

    /// What it is called.
    pub fn name(&self) -> String {
        match &self.path {
            Some(path) => self.session.name_in(path),
            None => self
                .session
                .name
                .clone()
                .unwrap_or_else(|| "untitled".to_owned()),
        }
    }

    /// As it would be written.
    pub fn written(&self) -> String {
        session::save(&self.session, self.text.as_deref())
    }

    /// The folder that relative paths start from: that of its file, else this one.
    pub fn folder(&self, here: &Path) -> PathBuf {
        let parent = self.path.as_deref().and_then(Path::parent);
        let folder = parent.or(self.base.as_deref());
        here.join(folder.unwrap_or(Path::new("")))
    }

    /// What keeps it from being run.
    pub fn problems(&self) -> Vec<Problem> {
        self.to_run().validate_to_run()
    }
}

/// Everything that the screens know.
pub struct State {
    /// The screen that is shown.
    pub tab: Tab,
    /// The session as it is composed.
    pub draft: Draft,
    /// How it is composed.
    pub compose: compose::State,
    /// How it goes to its file.
    pub saving: compose::saving::Saving,
    /// The run that is looked at: the one that goes on, or a past one.
    pub run: Option<run::State>,
    /// The run that goes on while a past one is looked at.
    pub aside: Option<run::State>,
    /// What is looked at of the hosts.
    pub hosts: hosts::Look,
    /// What ran before.
    pub runs: runs::Screen,
    /// What lies over the screen, the last one on top.
    pub overlays: Vec<Overlay>,
    /// Short news.
    pub toasts: Toasts,
    /// Settings.
    pub config: Config,
    /// Which theme is on, by name.
    pub theme: String,
    /// Its foreground and background, where they are known.
    pub colours: Option<[(u8, u8, u8); 2]>,
    /// The themes there are.
    pub themes: Vec<String>,
    /// How states and bars are drawn.
    pub glyphs: &'static Glyphs,
    /// The size of the terminal.
    pub area: Rect,
    /// Where things are on the screen.
    pub places: Places,
    /// When this turn began.
    pub now: Instant,
    /// Searches so far: an answer to an old one is ignored.
    pub tickets: u64,
    /// What was typed into lines before.
    pub typed: Typed,
    /// Keys count again from here on: something opened that nobody asked for.
    pub deaf_until: Option<Instant>,
    /// Host names that stand for others.
    pub aliases: Vec<(HostName, HostName)>,
    /// The folder that this program was started in.
    pub folder: PathBuf,
    /// What of it a new user is still told.
    pub tips: Tips,
    /// What is to be heard.
    pub alerts: Alerts,
    /// The program leaves as soon as the run is over.
    pub leaving: bool,
    /// What was left was killed for it.
    pub aborting: bool,
    /// What the engine said since may have moved things.
    pub is_stale: bool,
    /// Effects of the turn.
    pub(super) effects: VecDeque<Effect>,
}

impl State {
    /// A state that shows a session.
    pub fn new(draft: Draft, config: Config, glyphs: &'static Glyphs) -> Self {
        let tab = if draft.session.groups.is_empty() {
            Tab::Compose
        } else {
            Tab::Run
        };
        Self {
            tab,
            draft,
            compose: compose::State::default(),
            saving: compose::saving::Saving::default(),
            run: None,
            aside: None,
            hosts: hosts::Look::default(),
            runs: runs::Screen::default(),
            overlays: Vec::new(),
            toasts: Toasts::default(),
            theme: config.theme.clone(),
            config,
            colours: None,
            themes: Vec::new(),
            glyphs,
            area: Rect::new(0, 0, 80, 24),
            places: Places::default(),
            now: Instant::now(),
            tickets: 0,
            typed: Typed::default(),
            deaf_until: None,
            aliases: Vec::new(),
            folder: PathBuf::new(),
            tips: Tips::default(),
            alerts: Alerts::default(),
            leaving: false,
            aborting: false,
            is_stale: false,
            effects: VecDeque::new(),
        }
    }

    /// Where keys go now.
    pub fn context(&self) -> Context {
        if let Some(overlay) = self.overlays.last() {
            return overlay.context();
        }
        match self.tab {
            Tab::Compose if self.compose.editing.is_some() => Context::Prompt,
            Tab::Compose if self.compose.focus == compose::Focus::Form => Context::Form,
            Tab::Compose => Context::Compose,
            Tab::Run => match &self.run {
                Some(run) if run.typing.is_some() => Context::Typing,
                Some(run) if run.merged.is_some() => Context::Merged,
                Some(run) if run.focus == run::Focus::Pane => Context::Pane,
                _ => Context::Run,
            },
            Tab::Queues => Context::Queues,
            Tab::Hosts => Context::Hosts,
            Tab::Runs if self.runs.is_filtering => Context::List,
            Tab::Runs => Context::Runs,
        }
    }

    /// Whether something that was written is in no file of the user's.
    pub fn has_unsaved(&self) -> bool {
        self.draft.is_changed() || self.compose.rejected.is_some()
    }

    /// The key to name for an action in a place, as it is shown.
    pub fn key(&self, context: Context, action: Action) -> String {
        let keys = self.config.keymap.keys(context, action);
        keys.first()
            .map_or_else(String::new, |key| key.label(self.glyphs))
    }

    /// Opens something that was not asked for at this moment. The next key may be meant for what was there before: it is
    /// not taken.
    pub fn open_unasked(&mut self, overlay: Overlay) {
        self.overlays.push(overlay);
        self.deaf_until = Some(self.now + DEAF);
    }

    /// Whether a past run is looked at.
    pub fn is_past(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.past.is_some())
    }

    /// The run that the engine speaks of, looked at or not.
    pub fn live_run(&self) -> Option<&run::State> {
        match self.is_past() {
            true => self.aside.as_ref(),
            false => self.run.as_ref(),
        }
    }

    /// See [`live_run`](Self::live_run).
    pub(super) fn live_run_mut(&mut self) -> Option<&mut run::State> {
        self.live_place().as_mut()
    }

    /// Where the run that the engine speaks of is kept.
    pub(super) fn live_place(&mut self) -> &mut Option<run::State> {
        match self.is_past() {
            true => &mut self.aside,
            false => &mut self.run,
        }
    }

    /// Whether processes may be alive.
    pub fn is_live(&self) -> bool {
        self.live_run().is_some_and(run::State::is_live)
    }

    /// When something changes on the screen although nothing happens: a second of the clock, the end of a toast.
    pub fn due(&self) -> Option<Instant> {
        let toast = self.toasts.due();
        let second = self.is_live().then(|| self.now + Duration::from_secs(1));
        let swap = self
            .compose
            .changed
            .map(|changed| changed + compose::keep::AFTER);
        let merged = self.run.as_ref().and_then(|run| run.merged.as_ref());
        let line = merged.and_then(|merged| merged.due());
        let noise = self.alerts.due();
        let others = second.into_iter().chain(swap).chain(line).chain(noise);
        toast.into_iter().chain(others).min()
    }

    /// The key for this where the keyboard is, as texts name it.
    pub fn key_here(&self, action: Action) -> String {
        self.key(self.context(), action)
    }

    /// Whether bytes wait to be parsed for what is shown.
    pub fn has_work(&self) -> bool {
        self.run.as_ref().is_some_and(run::State::has_work)
    }

    /// Whether the end of a log is being read for a pane that is shown.
    pub fn is_opening(&self) -> bool {
        let panes = self.run.iter().flat_map(|run| &run.panes);
        self.tab == Tab::Run && panes.into_iter().any(|(pane, _)| pane.is_loading())
    }

    /// Asks for something.
    pub(super) fn effect(&mut self, effect: Effect) {
        self.effects.push_back(effect);
    }

    /// Tells the engine something, if there is one; of a past run it is told nothing. Every wish of the user's goes
    /// through here, and is noted.
    pub(super) fn command(&mut self, command: crate::model::event::Command) {
        use crate::model::event::Command;
        let is_of_all = matches!(command, Command::Finish | Command::Abort);
        if self.is_past() && !is_of_all {
            return runs::update::refuse(self);
        }
        let now = self.now;
        if let Some(run) = self.live_run_mut() {
            run.note(&command, now);
        }
        self.effect(Effect::Send(crate::engine::door::wire::ToEngine::Command(
            command,
        )));
    }
}
