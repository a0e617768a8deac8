//! What keys do on the compose screen.
//!
//! Changes the draft, always through `change`, which remembers how it was. Start at [`act`] and [`typed`].

use std::sync::Arc;

use crossterm::event::KeyEvent;

use super::{
    Editing, Focus, Snapshot, command,
    edit::{self, Kind},
    files,
    form::{self, Field, Shown},
    lists,
    node::{self, Node},
    pick, shipped, view,
};
use crate::{
    engine::door::preview::Plan,
    model::{document::Session, event::Level, session::written},
    tui::{
        keymap::Action,
        message::Effect,
        overlay::{For, Overlay},
        state::{State, Tab},
        widget::input::Input,
    },
};

/// Rows that a page key goes over.
const PAGE: usize = 10;

/// Does what a key means. False: it means nothing here.
pub fn act(state: &mut State, action: Action) -> bool {
    if state.compose.editing.is_some() {
        return while_typing(state, action);
    }
    match action {
        // There is nothing to go into yet.
        Action::Enter | Action::NextFocus | Action::PrevFocus if is_first_minute(state) => {}
        Action::NextFocus => focus_on(state, 1),
        Action::PrevFocus => focus_on(state, 2),
        Action::New => new(state),
        Action::NewGroup => add(state, Kind::Group),
        Action::NewTemplate => add(state, Kind::Template),
        Action::NewQueue => add(state, Kind::Queue),
        Action::NewHost => add(state, Kind::Host),
        Action::Duplicate => {
            change(state, "duplicated", None, |session, at| {
                Ok(edit::duplicate(session, at))
            });
        }
        Action::MoveUp => {
            change(state, "moved", None, |session, at| {
                Ok(edit::shift(session, at, true))
            });
        }
        Action::MoveDown => {
            change(state, "moved", None, |session, at| {
                Ok(edit::shift(session, at, false))
            });
        }
        Action::Undo => travel(state, true),
        Action::Redo => travel(state, false),
        Action::ScaleUp => scale(state, 1),
        Action::ScaleDown => scale(state, -1),
        Action::Open => pick::open_sessions(state),
        Action::RunExample if is_first_minute(state) => {
            files::open_shipped(state, shipped::EXAMPLE, true);
        }
        Action::EditText => {
            let text = state.compose.rejected.clone();
            let text = text.unwrap_or_else(|| state.draft.written());
            state.effect(Effect::Edit(text));
        }
        Action::PasteCommand => state.overlays.push(Overlay::prompt(For::Command, "")),
        Action::PolicyEdit => to_field(state, "policy.placement"),
        Action::Why => why(state),
        Action::Search => lists::open_parts(state),
        _ => {
            return match state.compose.focus {
                Focus::Tree => in_tree(state, action),
                Focus::Form => in_form(state, action),
                Focus::Plan => in_plan(state, action),
            };
        }
    }
    true
}

/// Shows the screen; what is on the disk may be another by now.
pub fn show(state: &mut State) {
    if state.tab != Tab::Compose {
        state.compose.planning.stale = true;
    }
    state.tab = Tab::Compose;
}

/// Goes on to another part of the screen: 1 to the next, 2 to the one before.
fn focus_on(state: &mut State, by: usize) {
    let parts = [Focus::Tree, Focus::Form, Focus::Plan];
    let at = parts.iter().position(|part| *part == state.compose.focus);
    let has_form = !fields(state).is_empty();
    let mut to = (at.unwrap_or(0) + by) % parts.len();
    if parts[to] == Focus::Form && !has_form {
        to = (to + by) % parts.len();
    }
    state.compose.focus = parts[to];
}

pub(super) fn in_tree(state: &mut State, action: Action) -> bool {
    let rows = node::rows(&state.draft.session, &state.compose.folded);
    let at = rows.iter().position(|row| row.node == state.compose.at);
    let at = at.unwrap_or(0);
    let last = rows.len().saturating_sub(1);
    let to = match action {
        Action::Up => at.saturating_sub(1),
        Action::Down => (at + 1).min(last),
        Action::PageUp => at.saturating_sub(PAGE),
        Action::PageDown => (at + PAGE).min(last),
        Action::Home => 0,
        Action::End => last,
        Action::Delete => {
            delete(state);
            return true;
        }
        Action::Toggle | Action::Left | Action::Right | Action::Enter => {
            fold(state, action);
            return true;
        }
        _ => return false,
    };
    if let Some(row) = rows.into_iter().nth(to) {
        select(state, row.node);
    }
    true
}

/// Selects a part.
pub fn select(state: &mut State, node: Node) {
    let compose = &mut state.compose;
    let same_kind = std::mem::discriminant(&compose.at) == std::mem::discriminant(&node);
    compose.editing = None;
    if compose.at != node {
        if !same_kind {
            compose.field = 0;
        }
        compose.at = node;
    }
}

/// Shows or hides what a row holds, or goes on to its fields.
pub(super) fn fold(state: &mut State, action: Action) {
    let has_form = !fields(state).is_empty();
    let compose = &mut state.compose;
    match (&compose.at, action) {
        (Node::Group(group), Action::Toggle) => {
            let was_folded = compose.folded.remove(group);
            if !was_folded {
                compose.folded.insert(group.clone());
            }
        }
        (Node::Group(group), Action::Right) if compose.folded.contains(group) => {
            compose.folded.remove(group);
        }
        (Node::Group(group), Action::Left) => {
            compose.folded.insert(group.clone());
        }
        (Node::Template(group, _), Action::Left) => compose.at = Node::Group(group.clone()),
        (Node::Queue(_), Action::Left) => compose.at = Node::Queues,
        (Node::Host(_), Action::Left) => compose.at = Node::Hosts,
        (Node::Queues, Action::Enter) if state.draft.session.queues.is_empty() => {
            add(state, Kind::Queue);
        }
        (Node::Hosts, Action::Enter) if state.draft.session.hosts.is_empty() => {
            add(state, Kind::Host);
        }
        (_, Action::Right | Action::Enter) if has_form => {
            state.compose.focus = Focus::Form;
        }
        _ => {}
    }
}

fn in_plan(state: &mut State, action: Action) -> bool {
    let inner = view::places(state.places.body, state.compose.focus).plan;
    let last = view::plan_end(state, inner);
    let scroll = &mut state.compose.scroll;
    *scroll = match action {
        Action::Up => scroll.saturating_sub(1),
        Action::Down => *scroll + 1,
        Action::PageUp => scroll.saturating_sub(PAGE),
        Action::PageDown => *scroll + PAGE,
        Action::Home => 0,
        Action::End => last,
        Action::Back => {
            state.compose.focus = Focus::Tree;
            return true;
        }
        Action::Enter | Action::Toggle => {
            focus_on(state, 2);
            return true;
        }
        _ => return false,
    };
    *scroll = (*scroll).min(last);
    true
}

/// The fields of what is selected.
pub fn fields(state: &State) -> Vec<Field> {
    form::fields(&state.draft.session, &state.compose.at)
}

/// The field that is selected.
pub fn field(state: &State) -> Option<Field> {
    let mut fields = fields(state);
    let at = state.compose.field.min(fields.len().checked_sub(1)?);
    Some(fields.swap_remove(at))
}

fn in_form(state: &mut State, action: Action) -> bool {
    let fields = fields(state);
    let last = fields.len().saturating_sub(1);
    let at = state.compose.field.min(last);
    let Some(field) = fields.get(at) else {
        state.compose.focus = Focus::Tree;
        return true;
    };
    state.compose.field = match action {
        Action::Up => at.saturating_sub(1),
        Action::Down => (at + 1).min(last),
        Action::PageUp => at.saturating_sub(PAGE),
        Action::PageDown => (at + PAGE).min(last),
        Action::Home => 0,
        Action::End => last,
        Action::Left => return step(state, field, -1, true),
        Action::Right => return step(state, field, 1, true),
        Action::Toggle => return turn(state, field),
        Action::Enter if field.is_typed() => {
            begin_typing(state, typed_of(field));
            return true;
        }
        Action::Enter => return turn(state, field),
        Action::Delete => {
            change(state, "reset", None, |session, at| {
                form::reset(session, at, field).map(|()| Some(at.clone()))
            });
            return true;
        }
        Action::Back => {
            state.compose.focus = Focus::Tree;
            return true;
        }
        _ => return false,
    };
    true
}

/// The text that typing begins with: a program with a blank in its path stands in quotes, as in a shell.
fn typed_of(field: &Field) -> String {
    let text = field.text();
    let is_program = |written: &String| written.starts_with("Program(");
    match field.spec.key == "target" && field.written.as_ref().is_some_and(is_program) {
        true if !text.is_empty() => command::join([text.as_str()]),
        _ => text,
    }
}

/// Begins to type into the field that is selected.
pub fn begin_typing(state: &mut State, text: String) {
    state.compose.focus = Focus::Form;
    let input = Input::new(&text);
    if input.text() != text {
        let text = "it has several lines, or is too long for one: esc, then E edits it as text";
        return state.toasts.push(Level::Warning, text, state.now);
    }
    state.compose.editing = Some(Editing {
        input,
        before: text,
        problem: None,
    });
}

/// One step of a number or choice.
fn step(state: &mut State, field: &Field, by: i64, choose: bool) -> bool {
    let series = match field.shown() {
        Shown::Number(..) => Some(format!("{:?} {}", state.compose.at, field.spec.key)),
        _ => None,
    };
    change(state, field.spec.label, series, |session, at| {
        form::step(session, at, field, by, choose).map(|_| Some(at.clone()))
    });
    true
}

/// Some steps of the field that is selected.
pub(super) fn step_selected(state: &mut State, by: i64) {
    if let Some(field) = field(state) {
        step(state, &field, by, true);
    }
}

/// To the next choice, after the last to the first.
fn turn(state: &mut State, field: &Field) -> bool {
    match field.shown() {
        Shown::Choice(words, at, _) if at + 1 == words.len() => {
            step(state, field, -(words.len() as i64), true)
        }
        Shown::Choice(..) => step(state, field, 1, true),
        Shown::Text(..) | Shown::Number(..) => {
            begin_typing(state, typed_of(field));
            true
        }
    }
}

/// `+` and `-`: the number that is selected, else the one that matters most.
fn scale(state: &mut State, by: i64) {
    let fields = fields(state);
    let selected = fields
        .get(state.compose.field)
        .filter(|_| state.compose.focus == Focus::Form)
        .filter(|field| match &field.spec.kind {
            form::spec::Kind::Number { .. } => true,
            form::spec::Kind::Choice(_) => field.text().parse::<u64>().is_ok(),
            _ => false,
        });
    let main = ["replicas", "maxsize", "cpus"]
        .iter()
        .find_map(|key| fields.iter().find(|field| field.spec.key == *key));
    if let Some(field) = selected.or(main) {
        step(state, field, by, false);
    }
}

fn to_field(state: &mut State, key: &str) {
    let at = fields(state).iter().position(|field| field.spec.key == key);
    if let Some(at) = at {
        state.compose.field = at;
        state.compose.focus = Focus::Form;
    }
}

fn while_typing(state: &mut State, action: Action) -> bool {
    match action {
        Action::Enter => accept(state),
        Action::Back => state.compose.editing = None,
        Action::NextFocus => pick::complete(state),
        _ => {}
    }
    true
}

/// Takes what was typed, if the model does.
pub(super) fn accept(state: &mut State) {
    let (Some(editing), Some(field)) = (&state.compose.editing, field(state)) else {
        return;
    };
    let text = editing.input.text().to_owned();
    // Whoever only looked changes nothing.
    if text == editing.before && !text.is_empty() {
        state.compose.editing = None;
        return;
    }
    let mut changed = state.draft.session.clone();
    match form::type_into(&mut changed, &state.compose.at, &field, &text) {
        Ok(mut node) => {
            if let (Node::Template(group, name), "target") = (&node, field.spec.key)
                && let Some(template) = changed
                    .groups
                    .get_mut(group)
                    .and_then(|group| group.templates.get_mut(name))
                && let Some(name) = command::understand(template)
            {
                node = edit::name_at_last(&mut changed, &node, &name);
            }
            state.compose.editing = None;
            change(state, field.spec.label, None, |session, _| {
                *session = changed;
                Ok(Some(node))
            });
        }
        Err(problem) => {
            if let Some(editing) = &mut state.compose.editing {
                editing.problem = Some(problem);
            }
        }
    }
}

/// A key that is text.
pub fn typed(state: &mut State, key: &KeyEvent) {
    if let Some(editing) = &mut state.compose.editing
        && editing.input.key(key)
    {
        editing.problem = None;
    }
}

/// Text from the clipboard: into the field, or as commands.
pub fn pasted(state: &mut State, text: &str) {
    match &mut state.compose.editing {
        Some(editing) => {
            editing.input.paste(text);
            editing.problem = None;
        }
        // Terminals send the end of a line as they send the key.
        None => import(state, &text.replace("\r\n", "\n").replace('\r', "\n")),
    }
}

/// Makes templates of command lines.
pub fn import(state: &mut State, text: &str) {
    let commands = command::import_all(text);
    if commands.is_empty() {
        return;
    }
    change(state, "command", None, |session, at| {
        let mut at = at.clone();
        for (name, template) in commands {
            at = edit::add_template(session, &at, &name, template);
        }
        Ok(Some(at))
    });
    state.compose.focus = Focus::Tree;
}

/// Something new: on an empty session a group with a template, so that the first thing asked is what to run.
fn new(state: &mut State) {
    if is_first_minute(state) {
        change(state, "group", None, |session, at| {
            edit::add(session, at, Kind::Group);
            Ok(Some(edit::add(session, &Node::Session, Kind::Template)))
        });
        to_field(state, "target");
        begin_typing(state, String::new());
        return;
    }
    let kind = match &state.compose.at {
        Node::Session => Kind::Group,
        Node::Group(_) | Node::Template(..) => Kind::Template,
        Node::Queues | Node::Queue(_) => Kind::Queue,
        Node::Hosts | Node::Host(_) => Kind::Host,
    };
    pick::open_new(state, kind);
}

/// Whether there is nothing at all yet.
pub fn is_first_minute(state: &State) -> bool {
    // Whoever has a file sees what is in it.
    state.draft.path.is_none() && written::alike(&state.draft.session, &Session::default())
}

/// Adds a part, and asks for the first thing that it needs.
pub fn add(state: &mut State, kind: Kind) {
    let changed = change(state, "new", None, |session, at| {
        Ok(Some(edit::add(session, at, kind)))
    });
    if changed {
        state.compose.field = 0;
        to_field(
            state,
            match kind {
                Kind::Template => "target",
                Kind::Host => "name",
                Kind::Group | Kind::Queue => "",
            },
        );
        let text = field(state).map(|field| field.text()).unwrap_or_default();
        begin_typing(state, text);
    }
}

fn delete(state: &mut State) {
    let title = state.compose.at.title(&state.draft.session);
    let errors = |session: &Session| {
        let problems = session.validate();
        problems.iter().filter(|problem| problem.is_error()).count()
    };
    let before = errors(&state.draft.session);
    if change(state, "deleted", None, |session, at| {
        Ok(edit::delete(session, at))
    }) {
        let text = match errors(&state.draft.session).saturating_sub(before) {
            0 => format!("{title} deleted: u takes it back"),
            1 => format!("{title} deleted: one place still names it, w shows which"),
            more => format!("{title} deleted: {more} places still name it, w shows which"),
        };
        state.toasts.push(Level::Info, text, state.now);
    }
}

/// Changes the session, so that it can be taken back. False: nothing changed.
pub fn change(
    state: &mut State,
    what: &str,
    series: Option<String>,
    act: impl FnOnce(&mut Session, &Node) -> Result<Option<Node>, String>,
) -> bool {
    let mut changed = state.draft.session.clone();
    let result = act(&mut changed, &state.compose.at);
    let node = match result {
        Ok(Some(node)) => node,
        Ok(None) => return false,
        Err(problem) => {
            state.toasts.push(Level::Warning, problem, state.now);
            return false;
        }
    };
    let is_other = !written::alike(&changed, &state.draft.session);
    if is_other {
        let before = Snapshot {
            session: Arc::new(std::mem::replace(&mut state.draft.session, changed)),
            text: None,
            at: state.compose.at.clone(),
            what: what.to_owned(),
        };
        state.compose.history.push(before, series, state.now);
        files::touched(state);
    }
    if let Some(group) = node.group().filter(|_| !matches!(node, Node::Group(_))) {
        state.compose.folded.remove(group);
    }
    select(state, node);
    is_other
}

/// Puts another text in place of the session, so that it can be taken back.
pub fn change_text(state: &mut State, session: Session, text: Arc<str>) {
    let before = state.draft.text.replace(text);
    let before = Snapshot {
        session: Arc::new(std::mem::replace(&mut state.draft.session, session)),
        text: Some(before.unwrap_or_default()),
        at: state.compose.at.clone(),
        what: "text".to_owned(),
    };
    state.compose.history.push(before, None, state.now);
    files::touched(state);
}

/// Back in time, or forward.
fn travel(state: &mut State, back: bool) {
    let now = Snapshot {
        session: Arc::new(state.draft.session.clone()),
        text: Some(state.draft.text.clone().unwrap_or_default()),
        at: state.compose.at.clone(),
        what: String::new(),
    };
    let history = &mut state.compose.history;
    let to = match back {
        true => history.undo(now),
        false => history.redo(now),
    };
    let Some(to) = to else {
        let text = match back {
            true => "nothing to take back",
            false => "nothing was taken back",
        };
        state.toasts.push(Level::Info, text, state.now);
        return;
    };
    state.draft.session = Arc::unwrap_or_clone(to.session);
    if let Some(text) = to.text {
        state.draft.text = Some(text).filter(|text| !text.is_empty());
    }
    let text = match back {
        true => format!("taken back: {}", to.what),
        false => format!("made again: {}", to.what),
    };
    state.toasts.push(Level::Info, text, state.now);
    let node = match to.at.is_in(&state.draft.session) {
        true => to.at,
        false => Node::Session,
    };
    select(state, node);
    files::touched(state);
}

/// Shows everything that is wrong.
fn why(state: &mut State) {
    let problems: Vec<_> = state.compose.wrong().cloned().collect();
    let planning = &state.compose.planning;
    let text = match &planning.plan {
        Some(plan) if plan.too_large && !planning.is_old() => {
            "nothing is wrong with the session; so many ranks are placed only at the start"
        }
        Some(_) if !planning.is_old() => "nothing is wrong: everything has its place",
        _ => "nothing is wrong so far; it is still being placed",
    };
    if problems.is_empty() {
        state.toasts.push(Level::Info, text, state.now);
    } else {
        state
            .overlays
            .push(Overlay::problems("what is wrong", &problems, ""));
    }
}

/// Looks at the session after a change: what is wrong is found, a plan is asked for.
pub fn settle(state: &mut State) {
    if state.tab != Tab::Compose {
        return;
    }
    if !state.compose.at.is_in(&state.draft.session) {
        state.compose.at = Node::Session;
        state.compose.editing = None;
    }
    if state.compose.problems.is_none() {
        state.compose.problems = Some(state.draft.session.validate());
    }
    keep_planned(state);
}

/// Asks where everything would go, where that is not known.
pub fn keep_planned(state: &mut State) {
    let planning = &mut state.compose.planning;
    let wanted = planning.stale || planning.plan.is_none();
    if wanted && !planning.asked {
        planning.asked = true;
        planning.stale = false;
        let session = state.draft.to_run();
        let folder = state.draft.folder(&state.folder);
        state.effect(Effect::Plan(Box::new(session), folder));
    }
}

/// A plan came.
pub fn planned(state: &mut State, plan: Plan) {
    let planning = &mut state.compose.planning;
    planning.asked = false;
    planning.plan = Some(plan);
}
