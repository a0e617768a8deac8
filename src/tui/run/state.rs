//! The run that is looked at: one that goes on, or one that is past.
//!
//! Owns what is selected, which panes are open, and what is typed to whom (`typing`). Facts are folded in
//! [`Facts`]. Start at [`State::arrange`].

mod typing;

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ratatui::layout::Rect;

use super::{
    copying::Selection,
    hits::Search,
    merged::Merged,
    pane::{Pane, TAIL, Ways},
    parked::{self, Parked},
    tiles::{self, Layout},
    tree::{Tree, process_of},
};
use crate::{
    engine::door::wire::ToEngine,
    model::{
        document::Session,
        event::{Channel, Command, Stamped},
        ids::{ProcessId, Selector},
        template::Stderr,
    },
    record::log_path,
    term::keys,
    tui::{
        facts::{Facts, Said},
        message::Effect,
        queues::{History, Look},
        runs::{
            Ends, Past,
            reading::{Moment, Opened},
        },
        timeline::Noted,
    },
};

/// How long a program whose picture is not known has another size, so that it draws itself anew: long enough to be seen
/// by it.
const NUDGE: Duration = Duration::from_millis(100);

/// How long a frame waits for a program that is in the middle of changing its picture.
const TORN_MAX: Duration = Duration::from_millis(50);

/// Seconds for which a process that has begun counts as new: what it asked of its terminal meanwhile, it still waits
/// for.
const NEW: f64 = 3.0;
/// How it stands with the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// Asked for, not there yet.
    Starting,
    /// There.
    Up,
    /// The run is over and recorded.
    Over,
    /// It is gone, and why.
    Gone(String),
    /// This is the past, read from its record.
    Past,
}

/// Where keys go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Focus {
    /// The tree.
    #[default]
    Tree,
    /// The pane of what is selected.
    Pane,
}

/// A run.
pub struct State {
    /// Its session, as it was started.
    pub session: Session,
    /// The text of it.
    pub text: String,
    /// What is known of it.
    pub facts: Facts,
    /// Its record.
    pub folder: Option<PathBuf>,
    /// The engine.
    pub link: Link,
    /// The rows at the left.
    pub tree: Tree,
    /// The panes that are open, with their places.
    pub panes: Vec<(Pane, Rect)>,
    /// Panes that were open before.
    pub parked: Parked,
    /// How many are wanted.
    pub layout: Layout,
    /// Which page of them, from 0, and how many there are.
    pub page: usize,
    /// See `page`.
    pub pages: usize,
    /// Only the pane of what is selected.
    pub zoom: bool,
    /// Where keys go.
    pub focus: Focus,
    /// Keys go to these processes as they are typed.
    pub typing: Option<Selector>,
    /// All output in one pane.
    pub merged: Option<Merged>,
    /// The same while panes are shown: it is gone on with.
    pub merged_before: Option<Merged>,
    /// Merged views so far.
    pub(super) numbers: u64,
    /// What is chosen to be copied of a pane.
    pub selection: Option<Selection>,
    /// What is searched for in panes.
    pub search: Option<regex::Regex>,
    /// What was found of it in the logs.
    pub found: Option<Search>,
    /// What is known of the queues.
    pub queues: History,
    /// What is looked at of them.
    pub look: Look,
    /// What the engine says of why a rank does not run.
    pub because: Option<(ProcessId, String)>,
    /// Which past run it is, and which moment of it.
    pub past: Option<Box<Past>>,
    /// What programs are told that ask for foreground and background.
    pub colours: Option<[(u8, u8, u8); 2]>,
    /// How long its logs were at that moment.
    ends: Ends,
    /// What the user did since it was started.
    pub noted: Noted,
    /// The clock of the run: seconds of the newest event, and when it came.
    clock: (f64, Option<Instant>),
    /// Whose output is asked for, sorted.
    pub(super) watched: Vec<ProcessId>,
    /// Processes whose first questions to their terminal were answered from their logs.
    answered: BTreeSet<ProcessId>,
    scrollback: usize,
    /// Places in logs: what lies before is not shown, because the user cleared it away.
    cleared: HashMap<ProcessId, u64>,
    /// Who got the press of a mouse button gets its release.
    pub(super) grabbed: Option<ProcessId>,
}

impl State {
    /// A run that is asked for.
    pub fn new(session: &Session, scrollback: usize) -> Self {
        Self {
            session: session.clone(),
            text: String::new(),
            facts: Facts::of(session),
            folder: None,
            link: Link::Starting,
            tree: Tree::default(),
            panes: Vec::new(),
            parked: Parked::default(),
            layout: Layout::default(),
            page: 0,
            pages: 1,
            zoom: false,
            focus: Focus::default(),
            typing: None,
            merged: None,
            merged_before: None,
            numbers: 0,
            selection: None,
            search: None,
            found: None,
            queues: History::default(),
            look: Look::default(),
            because: None,
            past: None,
            colours: None,
            ends: Ends::default(),
            noted: Noted::default(),
            clock: (0.0, None),
            watched: Vec::new(),
            answered: BTreeSet::new(),
            scrollback,
            cleared: HashMap::new(),
            grabbed: None,
        }
    }

    /// A past run as it was in the end.
    pub fn of_the_past(opened: Opened, scrollback: usize) -> Self {
        let mut run = Self::new(&opened.session, scrollback);
        let past = Past::new(opened.listed, &opened.through);
        run.folder = Some(past.listed.path.clone());
        run.link = Link::Past;
        run.past = Some(Box::new(past));
        run.turn_to(opened.through.moment);
        run
    }

    /// A past run as it was at another moment: what is to be read anew for that.
    pub fn turn_to(&mut self, moment: Moment) -> Vec<Effect> {
        self.facts = moment.facts;
        self.queues = moment.queues;
        self.clock = (moment.at, None);
        let before = std::mem::replace(&mut self.ends, moment.ends);
        // They hold what was there at another moment.
        self.parked.clear();
        self.merged_before = None;
        if let Some(merged) = self.merged.take() {
            self.merge_anew(merged);
        }
        let changed = self.panes.iter().map(|(pane, _)| &pane.process);
        let changed = changed.filter(|process| before.of(process) != self.ends.of(process));
        changed
            .filter_map(|process| self.read_tail(process))
            .collect()
    }

    /// Where the log of a process ends at the moment that is looked at; absent: where it ends.
    pub fn until(&self, process: &ProcessId) -> Option<u64> {
        self.ends.of(process)
    }

    /// Another run is looked at: nothing of this one is drawn, so that its output need not come.
    pub fn set_aside(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.typing = None;
        if self.merged.is_none() {
            self.close_panes();
            self.watch(Vec::new(), &mut effects);
        }
        effects
    }

    /// The user did something.
    pub fn note(&mut self, command: &Command, now: Instant) {
        if self.link == Link::Up {
            self.noted.take(self.seconds(now), command);
        }
    }

    /// Whether processes of it may be alive.
    pub fn is_live(&self) -> bool {
        match self.link {
            Link::Starting | Link::Up => self.facts.outcome.is_none(),
            Link::Over | Link::Gone(_) | Link::Past => false,
        }
    }

    /// Seconds since the run began, as far as is known.
    pub fn seconds(&self, now: Instant) -> f64 {
        match self.clock {
            (at, Some(came)) if self.is_live() => {
                at + now.saturating_duration_since(came).as_secs_f64()
            }
            (at, _) => at,
        }
    }

    /// Takes in a fact; what the user should hear of is returned.
    pub fn apply(&mut self, stamped: &Stamped, now: Instant) -> Option<Said> {
        // The clock goes by events, and on by ours between them.
        if stamped.at >= self.seconds(now) || self.clock.1.is_none() {
            self.clock = (stamped.at, Some(now));
        }
        let said = self.facts.apply(stamped);
        if self.facts.outcome.is_some() {
            self.clock = (stamped.at, None);
            self.typing = None;
        }
        said
    }

    /// What is selected.
    pub fn selected(&self) -> Option<Selector> {
        self.tree.selected(&self.facts)
    }

    /// What a wish is about: in the merged view whose line is marked, or all of it.
    pub fn meant(&self) -> Option<Selector> {
        match &self.merged {
            Some(merged) => Some(match merged.marked() {
                Some(process) => super::tree::selector_of(process),
                None => merged.of.clone(),
            }),
            None => self.selected(),
        }
    }

    /// The process that is selected, or the first one of what is; in the merged view whose line is marked.
    pub fn current(&self) -> Option<ProcessId> {
        if let Some(merged) = &self.merged
            && let Some(marked) = merged.marked()
        {
            return Some(marked.clone());
        }
        let selected = self.selected()?;
        process_of(&selected).or_else(|| {
            let first = self.facts.selected(Some(&selected)).next();
            first.map(|(process, _)| process)
        })
    }

    /// Selects a process.
    pub fn go_to(&mut self, process: &ProcessId) {
        let selector = super::tree::selector_of(process);
        self.tree.select(selector, &self.facts);
        self.facts.seen(process);
    }

    /// The open pane of what is selected.
    pub fn current_pane(&mut self) -> Option<&mut Pane> {
        let current = self.current()?;
        let pane = self
            .panes
            .iter_mut()
            .find(|(pane, _)| pane.process == current);
        pane.map(|(pane, _)| pane)
    }

    /// An open pane.
    pub fn pane(&mut self, process: &ProcessId) -> Option<&mut Pane> {
        let pane = self
            .panes
            .iter_mut()
            .find(|(pane, _)| pane.process == *process);
        pane.map(|(pane, _)| pane)
    }

    /// Closes all panes for now.
    fn close_panes(&mut self) {
        for (pane, _) in self.panes.drain(..) {
            self.parked.park(pane);
        }
    }

    /// Where the log of a process is, or would be; absent: the record is not known yet.
    pub fn log(&self, process: &ProcessId) -> Option<PathBuf> {
        Some(log_path(self.folder.as_deref()?, process))
    }

    /// The ranks whose panes belong to what is selected; none: nothing is selected.
    fn scope(&self) -> Option<Selector> {
        let selected = self.selected()?;
        if self.zoom {
            return self.current().as_ref().map(super::tree::selector_of);
        }
        Some(match (&selected.template, selected.rank) {
            // A rank is shown among those of its group.
            (None, _) | (_, Some(_)) => Selector::group(selected.group),
            (Some(_), None) => selected,
        })
    }

    /// Opens the panes that belong to what is selected in this area, closes the others, and says what is to be done
    /// for it.
    pub fn arrange(&mut self, area: Rect, now: Instant) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.keep_typing();
        if self.merged.is_some() {
            self.close_panes();
            self.parked.trim(0);
            return self.arrange_merged();
        }
        let scope = self.scope();
        let all = scope
            .as_ref()
            .map_or(0, |scope| self.facts.count(Some(scope)).total as usize);
        let layout = if self.zoom {
            Layout::Fixed(1)
        } else {
            self.layout
        };
        let each = layout.capacity(area, all);
        self.pages = all.div_ceil(each).max(1);
        let selected = self.selected().as_ref().and_then(process_of);
        let at = selected.and_then(|process| self.facts.position(scope.as_ref(), &process));
        self.page = match at {
            // The pane of the rank that is selected is always there.
            Some(at) => at / each,
            None => self.page.min(self.pages - 1),
        };
        let shown = match &scope {
            Some(scope) => self.facts.page(Some(scope), self.page * each, each),
            None => Vec::new(),
        };
        let tiles = tiles::split(area, shown.len());
        let mut before = std::mem::take(&mut self.panes);
        for (process, tile) in shown.iter().zip(tiles) {
            let open = before.iter().position(|(pane, _)| pane.process == *process);
            let (mut pane, is_opened) = match open {
                Some(at) => (before.swap_remove(at).0, false),
                None => (self.open(process, inside(tile)), true),
            };
            self.fit(&mut pane, inside(tile), shown.len(), now, &mut effects);
            self.panes.push((pane, tile));
            // Else when the engine says that live bytes come: none falls between the log and them.
            if is_opened && (self.link != Link::Up || self.watched.binary_search(process).is_ok()) {
                effects.extend(self.read_tail(process));
            }
        }
        for (pane, _) in before {
            self.parked.park(pane);
        }
        let open = self.panes.iter().map(|(pane, _)| pane.screen.cells());
        self.parked.trim(open.sum());
        self.watch(shown, &mut effects);
        effects
    }

    /// The pane of a process, as it was when it was closed.
    fn open(&mut self, process: &ProcessId, (rows, cols): (u16, u16)) -> Pane {
        self.parked.take(process).unwrap_or_else(|| {
            let from = self.cleared.get(process).copied().unwrap_or(0);
            let scrollback = parked::scrollback(self.scrollback, 1, cols);
            Pane::new(process.clone(), (rows, cols), scrollback, from)
        })
    }

    /// Gives a pane its size, tells its program, and what else there is to be known of both.
    fn fit(
        &self,
        pane: &mut Pane,
        (rows, cols): (u16, u16),
        open: usize,
        now: Instant,
        effects: &mut Vec<Effect>,
    ) {
        let scrollback = parked::scrollback(self.scrollback, open, cols);
        pane.screen.set_scrollback(scrollback);
        pane.screen.resize(rows, cols);
        if let Some([foreground, background]) = self.colours {
            pane.screen.set_colors(foreground, background);
        }
        let Some(rank) = self.facts.rank(&pane.process) else {
            return;
        };
        let template = self
            .session
            .template(&pane.process.group, &pane.process.template);
        let apart = template
            .is_some_and(|template| matches!(template.stderr, Stderr::Pane | Stderr::DevNull));
        // A record that was cut off may not say it.
        let unknown = match &self.link {
            Link::Past => self.past.as_ref().is_some_and(|past| past.is_at_end()),
            Link::Over | Link::Gone(_) => true,
            Link::Starting | Link::Up => false,
        };
        let channel = rank.channel.or(unknown.then_some(Channel::Pipe));
        pane.ways = channel.map(|channel| Ways { channel, apart });
        if self.link != Link::Up || !self.facts.is_live() {
            return;
        }
        if rank.state.is_live() {
            pane.begins(rank.incarnation);
        }
        if rank.channel == Some(Channel::Pipe) {
            return;
        }
        pane.nudged = pane.nudged.filter(|since| now < *since + NUDGE);
        let rows = match pane.nudged {
            Some(_) => rows.saturating_sub(1).max(1),
            None => rows,
        };
        let told = (rank.incarnation, rows, cols);
        if pane.told != Some(told) {
            pane.told = Some(told);
            let command = Command::Resize(pane.process.clone(), rows, cols);
            effects.push(Effect::Send(ToEngine::Command(command)));
        }
        let has_focus = self
            .typing
            .as_ref()
            .is_some_and(|to| to.selects(&pane.process));
        if has_focus != pane.has_focus {
            pane.has_focus = has_focus;
            let bytes = keys::focus(has_focus, &pane.screen.modes());
            effects.extend(self.answer(&pane.process, bytes));
        }
    }

    /// Something for a program that the user did not type, if it lives.
    pub fn answer(&self, process: &ProcessId, bytes: Vec<u8>) -> Option<Effect> {
        let is_read = !bytes.is_empty() && self.takes_input(process).is_ok();
        is_read.then(|| {
            let to = super::tree::selector_of(process);
            Effect::Send(ToEngine::Command(Command::Send(to, bytes)))
        })
    }

    /// Reads the end of a log, as far as its pane does not show it.
    pub fn read_tail(&self, process: &ProcessId) -> Option<Effect> {
        let open = self.panes.iter().find(|(pane, _)| pane.process == *process);
        // Of the past it is read as it was, and not gone on with.
        let open = open.filter(|(pane, _)| self.link != Link::Past || pane.is_loading());
        let cleared = self.cleared.get(process).copied().unwrap_or(0);
        Some(Effect::ReadTail {
            process: process.clone(),
            path: self.log(process)?,
            from: open.map_or(cleared, |(pane, _)| pane.shown_until()),
            bytes: TAIL,
            until: self.until(process),
        })
    }

    /// The end of a log was read, as if it ended at `until`.
    pub fn loaded(
        &mut self,
        process: &ProcessId,
        at: u64,
        bytes: Vec<u8>,
        until: Option<u64>,
        now: Instant,
    ) {
        // Of another moment: the one that is wanted is on its way.
        if until != self.until(process) {
            return;
        }
        let rank = self.facts.rank(process);
        let life = rank.map(|rank| rank.incarnation).unwrap_or_default();
        // A program that asks at once does so before its pane is there, and may wait for the answer.
        let began = rank.filter(|it| it.restarts() == 0);
        let began = began.and_then(|rank| rank.began);
        let is_new =
            self.link == Link::Up && began.is_some_and(|began| self.seconds(now) - began < NEW);
        let answers = is_new && self.answered.insert(process.clone());
        let (is_past, scrollback) = (self.link == Link::Past, self.scrollback);
        let from = self.cleared.get(process).copied().unwrap_or(0);
        let open = self.panes.len();
        if let Some(pane) = self.pane(process) {
            if is_past && !pane.is_loading() {
                let size = pane.screen.size();
                let scrollback = parked::scrollback(scrollback, open, size.cols);
                let ways = pane.ways;
                *pane = Pane::new(process.clone(), (size.rows, size.cols), scrollback, from);
                pane.ways = ways;
            }
            if pane.loaded(life, at, bytes, answers) {
                pane.nudged = Some(now);
            }
        }
    }

    /// Forgets what a pane shows, until more comes.
    pub fn clear_current(&mut self) {
        if let Some(pane) = self.current_pane() {
            pane.screen.clear();
            let (process, until) = (pane.process.clone(), pane.shown_until());
            self.cleared.insert(process, until);
        }
    }

    /// The engine did not take it: it is asked again with the next change.
    pub fn refused(&mut self, message: &ToEngine) {
        match message {
            ToEngine::Watch(_) => self.watched.clear(),
            ToEngine::Command(Command::Resize(process, ..)) => {
                let open = self.panes.iter_mut().map(|(pane, _)| pane);
                let mut known = open.chain(self.parked.iter_mut());
                if let Some(pane) = known.find(|pane| pane.process == *process) {
                    pane.told = None;
                }
            }
            _ => {}
        }
    }

    pub(super) fn watch(&mut self, mut wanted: Vec<ProcessId>, effects: &mut Vec<Effect>) {
        wanted.sort_unstable();
        if wanted != self.watched && self.link == Link::Up {
            self.watched.clone_from(&wanted);
            effects.push(Effect::Send(ToEngine::Watch(wanted)));
        }
    }

    /// The engine answered: where its record is. Panes are opened anew, to read their logs.
    pub fn welcomed(&mut self, folder: &Path) {
        self.folder = Some(folder.to_owned());
        self.link = Link::Up;
        self.watched.clear();
        self.panes.clear();
        self.parked.clear();
    }

    /// The size of the terminal that a process of what is shown begins with: rows and columns.
    pub fn pane_size(&self) -> Option<(u16, u16)> {
        self.panes.first().map(|(_, tile)| inside(*tile))
    }

    /// Parses what waits in the open panes until `until`, a piece of each in turn.
    pub fn parse(&mut self, until: Instant, effects: &mut Vec<Effect>) {
        loop {
            let mut worked = false;
            let mut replies = Vec::new();
            for (pane, _) in self.panes.iter_mut().filter(|(pane, _)| pane.has_work()) {
                worked = true;
                let reply = pane.parse();
                let is_torn = pane.screen.is_updating();
                let since = pane.torn_since.or_else(|| Some(Instant::now()));
                pane.torn_since = since.filter(|_| is_torn);
                if !reply.is_empty() {
                    replies.push((pane.process.clone(), reply));
                }
            }
            for (process, reply) in replies {
                effects.extend(self.answer(&process, reply));
            }
            if !worked || Instant::now() >= until {
                return;
            }
        }
    }

    /// A program is in the middle of changing its picture, and says when it is whole again: until then nothing is to be
    /// drawn, but no longer than this.
    pub fn torn_until(&self, now: Instant) -> Option<Instant> {
        let panes = self.panes.iter();
        let torn = panes.filter_map(|(pane, _)| pane.torn_since.map(|since| since + TORN_MAX));
        torn.filter(|until| *until > now).max()
    }

    /// Whether bytes wait to be parsed.
    pub fn has_work(&self) -> bool {
        self.panes.iter().any(|(pane, _)| pane.has_work())
    }
}

/// Rows and columns within the border of a pane.
fn inside(tile: Rect) -> (u16, u16) {
    (
        tile.height.saturating_sub(2).max(1),
        tile.width.saturating_sub(2).max(2),
    )
}
