//! Choosing from a list by a few letters: what is new, which file, which queue, which session.
//!
//! Owns [`Picker`] and what its items stand for. What is in a folder is asked of the disk and comes by a message; until
//! then the list is empty. Start at [`act`]; `complete` opens the list that fits a field.

use std::path::{Component, Path, PathBuf};

use crossterm::event::KeyEvent;

use super::{
    Focus,
    edit::Kind,
    files,
    form::spec::{self, Complete},
    lists,
    node::{Node, host_label},
    opening,
    swap::{Left, Swap},
    update,
};
use crate::{
    model::{event::Level, host::HostSpec, hostlist, ron_text::write_text},
    tui::{
        keymap::Action,
        message::Effect,
        overlay::{For, Overlay},
        state::State,
        widget::{
            fuzzy::{self, Hit},
            input::Input,
        },
    },
};

/// What is looked for in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// Every file.
    Files,
    /// Only folders.
    Folders,
    /// Sessions.
    Sessions,
    /// The functions of a Python file.
    Functions,
}

/// Something that was found there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
}

/// What an item stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// A new part.
    New(Kind),
    /// A template from a command line.
    Command,
    /// This text, in place of what was typed.
    Put(String),
    /// This text at the cursor, as one more value of a list.
    Insert(String),
    /// What is in this folder.
    Into(PathBuf),
    /// The functions of this Python file; its text in the field.
    Functions(PathBuf, String),
    /// A session.
    Open(PathBuf),
    /// A session whose path was typed.
    Typed(PathBuf),
    /// A session that comes with the program.
    Shipped(&'static str),
    /// Changes that were never saved.
    Recover(Left),
    /// These changes are not wanted, ever.
    ThrowAway(PathBuf),
    /// A part of the session.
    Select(Node),
    /// A theme.
    Theme(String),
    /// Nothing.
    Nothing,
}

/// One of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is called.
    pub label: String,
    /// A few words more.
    pub about: String,
    /// What it stands for.
    pub then: Then,
}

impl Item {
    pub(super) fn new(label: impl Into<String>, about: impl Into<String>, then: Then) -> Self {
        Self {
            label: label.into(),
            about: about.into(),
            then,
        }
    }
}

/// A list to choose from.
#[derive(Debug, Clone)]
pub struct Picker {
    /// What is chosen.
    pub title: String,
    /// All items.
    pub items: Vec<Item>,
    /// What was typed.
    pub input: Input,
    /// Those that fit, best first.
    pub found: Vec<Hit>,
    /// Which of them is selected.
    pub at: usize,
    /// The question that is not answered yet.
    pub waiting: Option<u64>,
    /// Each theme is on while it is selected; this one was before.
    pub before: Option<String>,
    /// What is listed, and where: for answers.
    source: Option<(Listing, PathBuf)>,
    /// Files are named from here.
    base: PathBuf,
}

impl Picker {
    pub(super) fn new(title: impl Into<String>, items: Vec<Item>) -> Self {
        let mut picker = Self {
            title: title.into(),
            items,
            input: Input::default(),
            found: Vec::new(),
            at: 0,
            waiting: None,
            before: None,
            source: None,
            base: PathBuf::new(),
        };
        picker.filter();
        picker
    }

    /// Looks again which items fit.
    pub fn filter(&mut self) {
        self.take_as_path();
        let labels = self.items.iter().map(|item| item.label.as_str());
        self.found = fuzzy::rank(self.input.text(), labels);
        // What was typed in full comes before whatever is like it.
        let typed = |hit: &Hit| matches!(self.items[hit.index].then, Then::Typed(_));
        if let Some(at) = self.found.iter().position(typed) {
            let typed = self.found.remove(at);
            self.found.insert(0, typed);
        }
        self.at = 0;
    }

    /// A path of a session is one more item for as long as it is typed.
    fn take_as_path(&mut self) {
        self.items
            .retain(|item| !matches!(item.then, Then::Typed(_)));
        let typed = self.input.text().trim();
        let is_path = typed.contains('/') || typed.ends_with(".ron");
        if is_path && matches!(self.source, Some((Listing::Sessions, _))) {
            let path = self.base.join(typed);
            if !self
                .items
                .iter()
                .any(|item| item.then == Then::Open(path.clone()))
            {
                let then = Then::Typed(path);
                self.items
                    .push(Item::new(self.input.text(), "as typed", then));
            }
        }
    }

    /// A key that is text.
    pub fn typed(&mut self, key: &KeyEvent) {
        if self.input.key(key) {
            self.filter();
        }
    }

    fn selected(&self) -> Option<&Item> {
        self.items.get(self.found.get(self.at)?.index)
    }
}

/// What can be added, what the cursor stands on first.
pub fn open_new(state: &mut State, first: Kind) {
    let kinds = [
        (Kind::Template, "template", "a process and its replicas"),
        (
            Kind::Group,
            "group",
            "templates that start and end together",
        ),
        (Kind::Queue, "queue", "items on their way between processes"),
        (Kind::Host, "host", "where processes may run"),
    ];
    let mut items: Vec<Item> = kinds
        .iter()
        .map(|(kind, label, about)| Item::new(*label, *about, Then::New(*kind)))
        .collect();
    let at = kinds.iter().position(|(kind, ..)| *kind == first);
    items.push(Item::new(
        "command",
        "a template from a shell command",
        Then::Command,
    ));
    let mut picker = Picker::new("new", items);
    picker.at = at.unwrap_or(0);
    state.overlays.push(Overlay::Pick(Box::new(picker)));
}

/// Sessions to open: those of late, those of this folder, those that come with the program.
pub fn open_sessions(state: &mut State) {
    // The one that is open now is not what is looked for.
    let open = state
        .draft
        .path
        .as_ref()
        .map(|path| state.folder.join(path));
    let recent = state.compose.recent.iter();
    let recent = recent.filter(|path| Some(*path) != open.as_ref());
    let mut items: Vec<Item> = recent
        .map(|path| {
            Item::new(
                path.display().to_string(),
                "recent",
                Then::Open(path.clone()),
            )
        })
        .collect();
    items.extend(
        super::shipped::SESSIONS
            .iter()
            .map(|name| Item::new(*name, "comes with dragon-tui", Then::Shipped(name))),
    );
    let mut picker = Picker::new("open a session: type a part of its name, or a path", items);
    picker.base = state.folder.clone();
    let folder = state.draft.folder(&state.folder);
    list(state, &mut picker, Listing::Sessions, folder);
    state.overlays.push(Overlay::Pick(Box::new(picker)));
}

/// Asks for what is in a folder.
fn list(state: &mut State, picker: &mut Picker, what: Listing, path: PathBuf) {
    state.tickets += 1;
    picker.waiting = Some(state.tickets);
    picker.source = Some((what, path.clone()));
    state.effect(Effect::List {
        ticket: state.tickets,
        what,
        path,
    });
}

/// What is in a folder came.
pub fn listed(state: &mut State, ticket: u64, entries: Result<Vec<Entry>, String>) {
    let mut failed = None;
    for overlay in &mut state.overlays {
        let Overlay::Pick(picker) = overlay else {
            continue;
        };
        if picker.waiting != Some(ticket) {
            continue;
        }
        picker.waiting = None;
        let Some((what, path)) = picker.source.clone() else {
            continue;
        };
        match entries {
            Ok(entries) => {
                let items = entries
                    .iter()
                    .map(|entry| item(what, &path, &picker.base, entry));
                let mut items: Vec<Item> = items.collect();
                if what != Listing::Functions && path.parent().is_some() {
                    let up = path.parent().unwrap_or(&path).to_owned();
                    items.insert(0, Item::new("..", "the folder above", Then::Into(up)));
                }
                // Recent sessions stay before what is in the folder.
                let known: Vec<&Then> = picker.items.iter().map(|item| &item.then).collect();
                items.retain(|item| !known.contains(&&item.then));
                let at = picker
                    .items
                    .iter()
                    .position(|item| matches!(item.then, Then::Shipped(_)))
                    .unwrap_or(picker.items.len());
                picker.items.splice(at..at, items);
            }
            Err(problem) => failed = Some(problem),
        }
        let at = picker.at;
        picker.filter();
        picker.at = at.min(picker.found.len().saturating_sub(1));
        break;
    }
    if let Some(problem) = failed {
        state.toasts.push(Level::Warning, problem, state.now);
    }
}

fn item(what: Listing, folder: &Path, base: &Path, entry: &Entry) -> Item {
    let path = folder.join(&entry.name);
    if what == Listing::Functions {
        let file = named_from(folder, base);
        let put = Then::Put(format!("{file}:{}", entry.name));
        return Item::new(entry.name.clone(), "", put);
    }
    if entry.is_folder && what != Listing::Folders {
        return Item::new(format!("{}/", entry.name), "", Then::Into(path));
    }
    let text = named_from(&path, base);
    match what {
        Listing::Sessions => Item::new(text, "", Then::Open(path)),
        _ if entry.name.ends_with(".py") => {
            Item::new(entry.name.clone(), "", Then::Functions(path, text))
        }
        _ => Item::new(entry.name.clone(), "", Then::Put(text)),
    }
}

/// A file as it is called from a folder; by its whole path when it lies elsewhere.
fn named_from(path: &Path, base: &Path) -> String {
    let plain = |path: &Path| -> Vec<std::ffi::OsString> {
        let mut parts: Vec<std::ffi::OsString> = Vec::new();
        for part in path.components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir => {
                    parts.pop();
                }
                part => parts.push(part.as_os_str().to_owned()),
            }
        }
        parts
    };
    let (path, base) = (plain(path), plain(base));
    let shared = path.iter().zip(&base).take_while(|(a, b)| a == b).count();
    let up = base.len() - shared;
    let whole: PathBuf = path.iter().collect();
    if up > 3 || shared <= 1 {
        return whole.display().to_string();
    }
    let mut relative: PathBuf = std::iter::repeat_n("..", up).collect();
    relative.extend(path.get(shared..).unwrap_or_default());
    relative.display().to_string()
}

/// Opens what can be chosen for the field that is typed.
pub fn complete(state: &mut State) {
    let Some(field) = update::field(state) else {
        return;
    };
    let session = &state.draft.session;
    let chosen = match field.shown() {
        super::form::Shown::Choice(words, at, _) => words.get(at).copied().unwrap_or_default(),
        _ => "",
    };
    let insert =
        |label: &str, about: &str, text: String| Item::new(label, about, Then::Insert(text));
    let (title, items): (&str, Vec<Item>) = match field.spec.complete {
        Complete::Nothing => return,
        Complete::Queue => (
            "which queue?",
            session
                .queues
                .keys()
                .map(|name| {
                    let text = format!("Queue({})", write_text(name.as_str()));
                    insert(name.as_str(), "", text)
                })
                .collect(),
        ),
        Complete::After => ("wait for what?", conditions(session, &state.compose.at)),
        Complete::Alert => (
            "what is pointed out?",
            vec![
                insert("Died", "it was ended by a signal", "Died".to_owned()),
                insert("Failed", "its status was not 0", "Failed".to_owned()),
                insert(
                    "Quiet",
                    "it wrote nothing for this long",
                    "Quiet(\"1m\")".to_owned(),
                ),
                insert(
                    "Line",
                    "a line matches this pattern",
                    "Line(\"(?i)error\")".to_owned(),
                ),
            ],
        ),
        Complete::Host => ("which host?", hosts(session)),
        Complete::Gpu => ("which GPU?", lists::gpus(state)),
        Complete::Target if chosen == "shell" => return,
        Complete::Target | Complete::File | Complete::Folder => {
            return files(state, field.spec, chosen == "python");
        }
    };
    if items.is_empty() {
        let text = match field.spec.complete {
            Complete::Queue => "there is no queue yet: esc, then Q adds one",
            Complete::Gpu => "no host has a GPU, as far as is known",
            _ => "there is nothing to choose from yet",
        };
        state.toasts.push(Level::Info, text, state.now);
        return;
    }
    state
        .overlays
        .push(Overlay::Pick(Box::new(Picker::new(title, items))));
}

fn conditions(session: &crate::model::document::Session, at: &Node) -> Vec<Item> {
    let names: Vec<&str> = match at {
        Node::Template(group, own) => session
            .groups
            .get(group)
            .into_iter()
            .flat_map(|group| group.templates.keys())
            .filter(|name| *name != own)
            .map(|name| name.as_str())
            .collect(),
        Node::Group(own) => session
            .groups
            .keys()
            .filter(|name| *name != own)
            .map(|name| name.as_str())
            .collect(),
        _ => Vec::new(),
    };
    let kinds = [
        ("Started", "all of it have started"),
        ("Ready", "all of it are ready"),
        ("Succeeded", "all of it have ended well"),
        ("Ended", "all of it have ended, well or not"),
    ];
    names
        .iter()
        .flat_map(|name| {
            kinds.map(|(kind, about)| {
                let text = format!("{kind}({})", write_text(name));
                Item::new(text.clone(), about, Then::Insert(text))
            })
        })
        .collect()
}

/// Hosts that the session names, each alone.
fn hosts(session: &crate::model::document::Session) -> Vec<Item> {
    const SHOWN: usize = 2_000;
    let mut items = Vec::new();
    for host in &session.hosts {
        match host {
            HostSpec::Declared(host) => {
                let name = host.name.to_string();
                let about = format!("{} cpu, {} gpu", host.cpus, host.gpus);
                items.push(Item::new(name.clone(), about, Then::Put(name)));
            }
            HostSpec::Ssh(list) => {
                let names = hostlist::expand(list).unwrap_or_default();
                items.extend(
                    names
                        .into_iter()
                        .take(SHOWN)
                        .map(|name| Item::new(name.clone(), "ssh", Then::Put(name))),
                );
            }
            HostSpec::Slurm(_) => items.push(Item::new(
                host_label(host),
                "its names are known when it is there",
                Then::Put(String::new()),
            )),
        }
    }
    items.push(Item::new(
        "localhost",
        "this machine",
        Then::Put("localhost".to_owned()),
    ));
    items
}

fn files(state: &mut State, spec: &spec::Spec, python: bool) {
    let typed = state.compose.editing.as_ref();
    let typed = typed.map_or("", |editing| match spec.kind {
        // Of a list the value that the cursor stands at.
        spec::Kind::List(_) => {
            let input = &editing.input;
            let before = input.text().get(..input.cursor()).unwrap_or_default();
            before.rsplit(',').next().unwrap_or_default().trim()
        }
        _ => editing.input.text(),
    });
    let typed = typed
        .split(':')
        .next()
        .unwrap_or_default()
        .trim_matches('"');
    let base = state.draft.folder(&state.folder);
    let path = base.join(typed);
    // What follows the last slash is the beginning of a name.
    let folder = match path.parent() {
        Some(parent) if !typed.is_empty() && !typed.ends_with('/') => parent.to_owned(),
        _ => path,
    };
    let (title, what) = match spec.complete {
        Complete::Folder => ("which folder?", Listing::Folders),
        _ if python => ("which file, which function?", Listing::Files),
        _ => ("which file?", Listing::Files),
    };
    let mut picker = Picker::new(title, Vec::new());
    picker.base = base;
    list(state, &mut picker, what, folder);
    state.overlays.push(Overlay::Pick(Box::new(picker)));
}

/// Does what a key means in a list.
pub fn act(state: &mut State, action: Action) {
    let page = usize::from(state.area.height / 2).max(1);
    let Some(Overlay::Pick(picker)) = state.overlays.last_mut() else {
        return;
    };
    let last = picker.found.len().saturating_sub(1);
    match action {
        Action::Up => picker.at = picker.at.saturating_sub(1),
        Action::Down => picker.at = (picker.at + 1).min(last),
        Action::PageUp => picker.at = picker.at.saturating_sub(page),
        Action::PageDown => picker.at = (picker.at + page).min(last),
        Action::Home => picker.at = 0,
        Action::End => picker.at = last,
        Action::Back => {
            if let Some(before) = picker.before.take() {
                state.theme = before;
            }
            drop(state.overlays.pop());
            return;
        }
        Action::Enter => return choose(state),
        _ => {}
    }
    preview(state);
}

/// A theme is on while it is selected: that is how one chooses.
pub fn preview(state: &mut State) {
    if let Some(Overlay::Pick(picker)) = state.overlays.last()
        && picker.before.is_some()
        && let Some(Then::Theme(name)) = picker.selected().map(|item| &item.then)
    {
        state.theme.clone_from(name);
    }
}

fn choose(state: &mut State) {
    let Some(Overlay::Pick(picker)) = state.overlays.pop() else {
        return;
    };
    let Some(item) = picker.selected() else {
        // A path that no item stands for.
        let typed = picker.input.text().trim();
        match picker.source {
            Some((Listing::Sessions, _)) if !typed.is_empty() => {
                let path = picker.base.join(typed);
                opening::asked(state, path, false);
            }
            _ => state.overlays.push(Overlay::Pick(picker)),
        }
        return;
    };
    match item.then.clone() {
        Then::New(kind) => update::add(state, kind),
        Then::Command => state.overlays.push(Overlay::prompt(For::Command, "")),
        Then::Put(text) => put(state, &text),
        Then::Insert(text) => insert(state, &text),
        Then::Open(path) | Then::Typed(path) => opening::asked(state, path, false),
        Then::Select(node) => {
            state.compose.focus = Focus::Tree;
            if let Some(group) = node.group().filter(|_| !matches!(node, Node::Group(_))) {
                state.compose.folded.remove(group);
            }
            update::select(state, node);
        }
        Then::Theme(name) => {
            let text = format!("theme: {} in config.ron keeps it", write_text(&name));
            state.theme = name;
            state.toasts.push(Level::Info, text, state.now);
        }
        Then::Recover(left) => opening::recover(state, left),
        Then::ThrowAway(file) => state.effect(Effect::Swap(Swap::Remove { file })),
        Then::Nothing => {}
        Then::Shipped(name) => files::open_shipped(state, name, false),
        Then::Functions(path, text) => {
            let python = update::field(state).is_some_and(|field| {
                matches!(field.shown(), super::form::Shown::Choice(words, at, _)
                    if words.get(at) == Some(&"python"))
            });
            if !python {
                return put(state, &text);
            }
            let mut next = Picker::new(format!("which function of {text}?"), Vec::new());
            next.base = picker.base;
            list(state, &mut next, Listing::Functions, path);
            state.overlays.push(Overlay::Pick(Box::new(next)));
        }
        Then::Into(folder) => {
            let what = picker.source.as_ref().map(|(what, _)| *what);
            let mut next = Picker::new(picker.title.clone(), Vec::new());
            next.base = picker.base;
            list(state, &mut next, what.unwrap_or(Listing::Files), folder);
            state.overlays.push(Overlay::Pick(Box::new(next)));
        }
    }
}

/// A whole value was chosen.
fn put(state: &mut State, text: &str) {
    let Some(field) = update::field(state) else {
        return;
    };
    if let spec::Kind::List(_) = field.spec.kind {
        return insert(state, &write_text(text));
    }
    // Without a slash it would be looked for in $PATH.
    let is_program = field
        .written
        .as_deref()
        .is_some_and(|text| field.spec.key == "target" && text.starts_with("Program("));
    let text = match is_program && !text.contains('/') {
        true => format!("./{text}"),
        false => text.to_owned(),
    };
    if let Some(editing) = &mut state.compose.editing {
        editing.input.set(&text);
        editing.problem = None;
    }
}

/// One more value of a list was chosen.
fn insert(state: &mut State, text: &str) {
    let Some(editing) = &mut state.compose.editing else {
        return;
    };
    let input = &mut editing.input;
    let before = input.text().get(..input.cursor()).unwrap_or_default();
    let open = before.trim_end();
    let lead = match open.chars().last() {
        None | Some('(' | '[' | '{' | ':') => "",
        Some(',') if before.ends_with(' ') => "",
        Some(',') => " ",
        Some(_) => ", ",
    };
    let text = format!("{lead}{text}");
    input.paste(&text);
    editing.problem = None;
}
