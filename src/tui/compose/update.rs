//! What keys do on the compose screen.
//!
//! Changes the draft, always through `change`, which remembers how it was. Start at [`act`] and [`typed`].

use std::sync::Arc;

use crossterm::event::KeyEvent;
use ratatui::layout::Position;

use super::{
    Editing, Focus, Snapshot, command,
    edit::{self, Kind},
    files,
    form::{self, Field, Shown},
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
            let text = state.compose.rejected.take();
            let text = text.unwrap_or_else(|| state.draft.written());
            state.effect(Effect::Edit(text));
        }
        Action::PasteCommand => state.overlays.push(Overlay::prompt(For::Command, "")),
        Action::PolicyEdit => to_field(state, "policy.placement"),
        Action::Why => why(state),
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

fn in_tree(state: &mut State, action: Action) -> bool {
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
    if compose.at != node {
        compose.editing = None;
        if !same_kind {
            compose.field = 0;
        }
        compose.at = node;
    }
}

fn fold(state: &mut State, action: Action) {
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
    let scroll = &mut state.compose.scroll;
    *scroll = match action {
        Action::Up => scroll.saturating_sub(1),
        Action::Down => *scroll + 1,
        Action::PageUp => scroll.saturating_sub(PAGE),
        Action::PageDown => *scroll + PAGE,
        Action::Home => 0,
        Action::Back => {
            state.compose.focus = Focus::Tree;
            return true;
        }
        _ => return false,
    };
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
            begin_typing(state, field.text());
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

/// Begins to type into the field that is selected.
pub fn begin_typing(state: &mut State, text: String) {
    state.compose.focus = Focus::Form;
    state.compose.editing = Some(Editing {
        input: Input::new(&text),
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

/// To the next choice, after the last to the first.
fn turn(state: &mut State, field: &Field) -> bool {
    match field.shown() {
        Shown::Choice(words, at, _) if at + 1 == words.len() => {
            step(state, field, -(words.len() as i64), true)
        }
        Shown::Choice(..) => step(state, field, 1, true),
        Shown::Text(..) | Shown::Number(..) => {
            begin_typing(state, field.text());
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
fn accept(state: &mut State) {
    let (Some(editing), Some(field)) = (&state.compose.editing, field(state)) else {
        return;
    };
    let text = editing.input.text().to_owned();
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
        None => import(state, text),
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
    let session = &state.draft.session;
    session.groups.is_empty() && session.queues.is_empty() && session.hosts.is_empty()
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
    if change(state, "deleted", None, |session, at| {
        Ok(edit::delete(session, at))
    }) {
        let text = format!("{title} deleted: u takes it back");
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
            at: state.compose.at.clone(),
            what: what.to_owned(),
        };
        state.compose.history.push(before, series, state.now);
        touched(state);
    }
    if let Some(group) = node.group().filter(|_| !matches!(node, Node::Group(_))) {
        state.compose.folded.remove(group);
    }
    select(state, node);
    is_other
}

/// The session is another one than it was.
fn touched(state: &mut State) {
    state.compose.problems = None;
    state.compose.planning.stale = true;
    state.compose.changed = Some(state.now);
}

/// Back in time, or forward.
fn travel(state: &mut State, back: bool) {
    let now = Snapshot {
        session: Arc::new(state.draft.session.clone()),
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
    let node = match to.at.is_in(&state.draft.session) {
        true => to.at,
        false => Node::Session,
    };
    select(state, node);
    touched(state);
}

/// Shows everything that is wrong.
fn why(state: &mut State) {
    let problems: Vec<_> = state.compose.wrong().cloned().collect();
    if problems.is_empty() {
        let text = "nothing is wrong: everything has its place";
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
        let session = state.draft.session.clone();
        state.effect(Effect::Plan(Box::new(session)));
    }
}

/// A plan came.
pub fn planned(state: &mut State, plan: Plan) {
    let planning = &mut state.compose.planning;
    planning.asked = false;
    planning.plan = Some(plan);
}

/// The mouse was pressed.
pub fn clicked(state: &mut State, at: Position) {
    if is_first_minute(state) {
        return;
    }
    let places = view::places(state.places.body, state.compose.focus);
    if let Some(node) = view::row_at(state, places.tree, at) {
        let again = state.compose.focus == Focus::Tree && state.compose.at == node;
        state.compose.focus = Focus::Tree;
        select(state, node);
        if again {
            fold(state, Action::Toggle);
        }
    } else if let Some(field) = view::field_at(state, places.form, at) {
        let again = state.compose.focus == Focus::Form && state.compose.field == field;
        state.compose.focus = Focus::Form;
        if again && state.compose.editing.is_none() {
            in_form(state, Action::Enter);
        } else if !again {
            state.compose.editing = None;
            state.compose.field = field;
        }
    } else if places.plan.contains(at) {
        state.compose.focus = Focus::Plan;
        state.compose.editing = None;
    }
}
