//! The fields of what is selected: what they show, and what becomes of them when they are edited.
//!
//! Owns the way between a field of the model and what a person types. The model itself reads every value, so a form takes
//! exactly what a file takes, with the same problems. Pure. Start at [`fields`]; `spec` has the tables.

pub mod spec;
#[cfg(test)]
mod tests;

use spec::{Choice, Kind, Payload, Spec};

use super::{
    command, edit,
    node::{Node, host_label},
};
use crate::model::{
    document::Session,
    host::{DeclaredHost, HostSpec},
    ids::{GroupName, HostName, QueueName, TemplateName},
    policy::{Distribution, Placement, Policy},
    ron_text::write_text,
    session::{Problem, set, written},
};

/// A field as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// What it is.
    pub spec: &'static Spec,
    /// Its value as it stands in a file; absent: the default.
    pub written: Option<String>,
    /// What counts where it is left open, when that comes from elsewhere.
    pub inherited: Option<String>,
}

/// What is drawn of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Text; the second: it is not set, this is what that means.
    Text(String, bool),
    /// A number to be turned; the second: it is not set.
    Number(String, bool),
    /// Words, which one is chosen, and what belongs to it.
    Choice(Vec<&'static str>, usize, Option<String>),
}

/// The fields of a part.
pub fn fields(session: &Session, node: &Node) -> Vec<Field> {
    let (specs, written): (&'static [Spec], Vec<(String, String)>) = match node {
        Node::Session => (spec::SESSION, written::session(session)),
        Node::Group(group) => match session.groups.get(group) {
            Some(group) => (spec::GROUP, written::group(group)),
            None => return Vec::new(),
        },
        Node::Template(group, name) => match session.template(group, name) {
            Some(template) => (spec::TEMPLATE, written::template(template)),
            None => return Vec::new(),
        },
        Node::Queue(queue) => match session.queues.get(queue) {
            Some(queue) => (spec::QUEUE, written::queue(queue)),
            None => return Vec::new(),
        },
        Node::Host(index) => match session.hosts.get(*index) {
            Some(host) => host_written(host),
            None => return Vec::new(),
        },
        Node::Queues | Node::Hosts => return Vec::new(),
    };
    let weaker = weaker(session, node);
    specs
        .iter()
        .map(|spec| {
            let value = match (spec.kind == Kind::Name, node) {
                (true, Node::Group(name)) => Some(name.to_string()),
                (true, Node::Template(_, name)) => Some(name.to_string()),
                (true, Node::Queue(name)) => Some(name.to_string()),
                _ => written
                    .iter()
                    .find(|(key, _)| key == spec.key)
                    .map(|(_, value)| value.clone()),
            };
            let value = match (&spec.kind, node) {
                (Kind::Env, Node::Template(group, name)) => {
                    session.template(group, name).and_then(env_line)
                }
                _ => value,
            };
            Field {
                spec,
                written: value,
                inherited: inherited(&weaker, spec.key),
            }
        })
        .collect()
}

fn env_line(template: &crate::model::template::ProcessTemplate) -> Option<String> {
    let words: Vec<String> = template
        .env
        .iter()
        .map(|(name, value)| match command::join([value.as_str()]) {
            quoted if value.is_empty() => format!("{name}={}", quoted.trim_matches('\'')),
            quoted => format!("{name}={quoted}"),
        })
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// The wishes that count where a part leaves them open.
fn weaker(session: &Session, node: &Node) -> Policy {
    match node {
        Node::Template(group, _) => session
            .groups
            .get(group)
            .map_or_else(Policy::default, |group| {
                group.policy.clone().over(session.policy.clone())
            }),
        Node::Group(_) => session.policy.clone(),
        _ => Policy::default(),
    }
}

fn inherited(policy: &Policy, key: &str) -> Option<String> {
    match key {
        "policy.placement" => policy
            .placement
            .as_ref()
            .map(|placement| match placement {
                Placement::Anywhere => "anywhere".to_owned(),
                Placement::Local => "local".to_owned(),
                Placement::HostName(name) => format!("host {name}"),
                Placement::HostId(id) => format!("host {id}"),
            })
            .or_else(|| Some("anywhere".to_owned())),
        "policy.distribution" => Some(
            match policy.distribution {
                Some(Distribution::Block) => "block",
                Some(Distribution::RoundRobin) | None => "round-robin",
            }
            .to_owned(),
        ),
        "policy.cpus" => policy.cpus.map(|count| count.to_string()),
        "policy.gpus" => policy.gpus.map(|count| count.to_string()),
        "policy.cpu_affinity" => policy.cpu_affinity.as_ref().map(ToString::to_string),
        "policy.gpu_affinity" => policy.gpu_affinity.as_ref().map(ToString::to_string),
        _ => None,
    }
}

fn host_written(host: &HostSpec) -> (&'static [Spec], Vec<(String, String)>) {
    let pair = |key: &str, value: String| (key.to_owned(), value);
    match host {
        HostSpec::Declared(host) => (
            spec::DECLARED,
            vec![
                pair("kind", "Declared".to_owned()),
                pair("name", write_text(host.name.as_str())),
                pair("cpus", host.cpus.to_string()),
                pair("gpus", host.gpus.to_string()),
            ],
        ),
        HostSpec::Ssh(hosts) => (
            spec::SSH,
            vec![
                pair("kind", "Ssh".to_owned()),
                pair("hosts", write_text(hosts)),
            ],
        ),
        HostSpec::Slurm(options) => (
            spec::SLURM,
            vec![
                pair("kind", "Slurm".to_owned()),
                pair("options", write_text(options)),
            ],
        ),
    }
}

impl Field {
    /// What is drawn of it.
    pub fn shown(&self) -> Shown {
        let text = self.text();
        let unset = self.written.is_none();
        let meaning = |words: &str| match &self.inherited {
            Some(value) => value.clone(),
            None => words.to_owned(),
        };
        match &self.spec.kind {
            Kind::Number { unset: words, .. } if unset && words.is_some() => {
                Shown::Number(meaning(words.unwrap_or_default()), true)
            }
            Kind::Number { .. } => Shown::Number(text, false),
            Kind::Choice(choices) => {
                let at = self.chosen(choices);
                let words = choices.iter().map(|choice| choice.word).collect();
                let payload = match (choices.get(at).map(|choice| choice.payload), at) {
                    (Some(Payload::Nothing) | None, 0) => {
                        return Shown::Choice(words, at, self.inherited.clone());
                    }
                    (Some(Payload::Nothing) | None, _) => None,
                    _ => Some(text),
                };
                Shown::Choice(words, at, payload)
            }
            Kind::Flag => Shown::Choice(vec!["no", "yes"], usize::from(self.is_set()), None),
            Kind::Text(words) if unset => Shown::Text((*words).to_owned(), true),
            Kind::Filled(default) if unset => Shown::Text((*default).to_owned(), true),
            Kind::Indices if unset => Shown::Text(meaning("all"), true),
            Kind::List(_) | Kind::Map(_) | Kind::Env if unset => {
                Shown::Text("none".to_owned(), true)
            }
            _ => Shown::Text(text, false),
        }
    }

    /// Whether what belongs to its choice is text to be typed, or the whole of it is.
    pub fn is_typed(&self) -> bool {
        match &self.spec.kind {
            Kind::Flag => false,
            Kind::Choice(choices) => choices
                .get(self.chosen(choices))
                .is_some_and(|choice| choice.payload != Payload::Nothing),
            _ => true,
        }
    }

    fn is_set(&self) -> bool {
        self.written.as_deref() == Some("true")
    }

    fn chosen(&self, choices: &[Choice]) -> usize {
        let Some(written) = &self.written else {
            return 0;
        };
        let head = written.split('(').next().unwrap_or_default();
        choices
            .iter()
            .position(|choice| choice.ron == head)
            .unwrap_or(0)
    }

    /// The text that is edited.
    pub fn text(&self) -> String {
        let written = self.written.as_deref();
        match &self.spec.kind {
            Kind::Name | Kind::Env => written.unwrap_or_default().to_owned(),
            Kind::Number { least, unset, .. } => match (written, unset) {
                (Some(text), _) => text.to_owned(),
                (None, Some(_)) => String::new(),
                (None, None) => least.to_string(),
            },
            Kind::Text(_) => written.map(unquoted).unwrap_or_default(),
            Kind::Filled(default) => written.map_or_else(|| (*default).to_owned(), unquoted),
            Kind::Indices => match written {
                Some(text) if text.starts_with('[') => within(text, '[', ']').to_owned(),
                Some(text) => unquoted(text),
                None => String::new(),
            },
            Kind::List(_) => within(written.unwrap_or_default(), '[', ']').to_owned(),
            Kind::Map(_) => within(written.unwrap_or_default(), '{', '}').to_owned(),
            Kind::Flag => if self.is_set() { "yes" } else { "no" }.to_owned(),
            Kind::Choice(choices) => {
                let inner = written.map_or("", |text| match text.split_once('(') {
                    Some((_, inner)) => inner.strip_suffix(')').unwrap_or(inner),
                    None => "",
                });
                match choices
                    .get(self.chosen(choices))
                    .map(|choice| choice.payload)
                {
                    Some(Payload::Text(_)) => unquoted(inner),
                    Some(Payload::Raw(before, _)) => {
                        inner.strip_prefix(before).unwrap_or(inner).to_owned()
                    }
                    Some(Payload::List(_)) => within(inner, '[', ']').to_owned(),
                    Some(Payload::Nothing) | None => String::new(),
                }
            }
        }
    }

    /// What a file would say after this text was typed.
    fn ron_of(&self, text: &str) -> Result<String, String> {
        let text = text.trim();
        Ok(match &self.spec.kind {
            Kind::Name | Kind::Flag => text.to_owned(),
            Kind::Number { unset: Some(_), .. } if text.is_empty() => "None".to_owned(),
            Kind::Number { .. } => plain_number(text),
            Kind::Text(_) if text.is_empty() => "None".to_owned(),
            Kind::Filled(default) if text.is_empty() => write_text(default),
            Kind::Text(_) | Kind::Filled(_) => write_text(text),
            Kind::Indices if text.is_empty() => "None".to_owned(),
            Kind::Indices => write_text(&text.replace(' ', "")),
            Kind::List(_) => format!("[{text}]"),
            Kind::Map(_) => format!("{{{text}}}"),
            Kind::Env => env_ron(text)?,
            Kind::Choice(choices) => match choices.get(self.chosen(choices)) {
                Some(choice) => choice_ron(choice, text),
                None => text.to_owned(),
            },
        })
    }
}

/// A number without what divides its thousands; a comma anywhere else is none of that.
fn plain_number(text: &str) -> String {
    let mut parts = text.split([',', ' ', '_']);
    let first = parts
        .next()
        .is_some_and(|part| (1..=3).contains(&part.len()));
    match first && parts.all(|part| part.len() == 3) || text.contains('_') {
        true => text.replace([',', ' ', '_'], ""),
        false => text.to_owned(),
    }
}

fn choice_ron(choice: &Choice, text: &str) -> String {
    match choice.payload {
        Payload::Nothing => choice.ron.to_owned(),
        Payload::Text(_) => format!("{}({})", choice.ron, write_text(text)),
        Payload::Raw(before, _) => format!("{}({before}{text})", choice.ron),
        Payload::List(_) => format!("{}([{text}])", choice.ron),
    }
}

fn env_ron(text: &str) -> Result<String, String> {
    let wrong = "write NAME=value, with quotes around a value of several words";
    let words = command::split_verbatim(text).ok_or("a quote is never closed")?;
    let mut entries = Vec::new();
    for word in words {
        let (name, value) = word.split_once('=').ok_or(wrong)?;
        if name.is_empty() {
            return Err(wrong.to_owned());
        }
        entries.push(format!("{}: {}", write_text(name), write_text(value)));
    }
    Ok(format!("{{ {} }}", entries.join(", ")))
}

/// Text as it stands in a file, without its quotes.
fn unquoted(written: &str) -> String {
    ron::from_str::<String>(written).unwrap_or_else(|_| written.to_owned())
}

fn within(text: &str, open: char, close: char) -> &str {
    text.strip_prefix(open)
        .and_then(|text| text.strip_suffix(close))
        .unwrap_or(text)
        .trim()
}

/// Gives a field the value that was typed; what is selected then (a name may have changed).
///
/// # Errors
/// What is wrong with it; the session is then as it was.
pub fn type_into(
    session: &mut Session,
    node: &Node,
    field: &Field,
    text: &str,
) -> Result<Node, String> {
    if field.spec.kind == Kind::Name {
        return edit::rename(session, node, text.trim());
    }
    let ron = field.ron_of(text)?;
    put(session, node, field.spec.key, &ron)?;
    Ok(node.clone())
}

/// Turns a number up or down, or goes to the next choice. False: there is no such step.
///
/// # Errors
/// What is wrong with the value that it would have.
pub fn step(
    session: &mut Session,
    node: &Node,
    field: &Field,
    by: i64,
    choose: bool,
) -> Result<bool, String> {
    let ron = match &field.spec.kind {
        Kind::Number { least, most, unset } => {
            // From what counts now, wherever that comes from.
            let text = match (&field.written, &field.inherited) {
                (None, Some(inherited)) => inherited.clone(),
                _ => field.text(),
            };
            let can_be_unset = unset.is_some() && field.written.is_some();
            let can_be_unset = can_be_unset || field.inherited.is_none() && unset.is_some();
            let Some(next) = turned(&text, *least, *most, can_be_unset, by) else {
                return Ok(false);
            };
            next.map_or("None".to_owned(), |number| number.to_string())
        }
        Kind::Flag => (!field.is_set()).to_string(),
        Kind::Choice(choices) => {
            let at = field.chosen(choices);
            if !choose {
                // A number that belongs to a choice is turned.
                let Some(Choice {
                    payload: Payload::Raw(..),
                    ..
                }) = choices.get(at)
                else {
                    return Ok(false);
                };
                let Some(Some(next)) = turned(&field.text(), 0, u64::from(u32::MAX), false, by)
                else {
                    return Ok(false);
                };
                choices
                    .get(at)
                    .map(|choice| choice_ron(choice, &next.to_string()))
                    .unwrap_or_default()
            } else {
                let to = at.saturating_add_signed(by as isize).min(choices.len() - 1);
                let Some(choice) = choices.get(to).filter(|_| to != at) else {
                    return Ok(false);
                };
                // What was typed for one kind of target is kept for the next.
                let text = field.text();
                let payload = match choice.payload {
                    Payload::Text("") => text,
                    // The first host there is, rather than none that is there.
                    Payload::Text(first) if choice.ron == "HostName" => {
                        let host = session.hosts.first().map(host_label);
                        host.unwrap_or_else(|| first.to_owned())
                    }
                    Payload::Text(first) | Payload::Raw(_, first) | Payload::List(first) => {
                        first.to_owned()
                    }
                    Payload::Nothing => String::new(),
                };
                choice_ron(choice, &payload)
            }
        }
        _ => return Ok(false),
    };
    put(session, node, field.spec.key, &ron).map(|()| true)
}

/// The number after a step; the inner absence: no number.
fn turned(text: &str, least: u64, most: u64, can_be_unset: bool, by: i64) -> Option<Option<u64>> {
    let Ok(number) = text.parse::<u64>() else {
        return (by > 0).then_some(Some(least.max(u64::from(can_be_unset && least == 0))));
    };
    match number.saturating_add_signed(by) {
        next if by < 0 && (number == least || next < least) => {
            can_be_unset.then_some(None).filter(|_| number == least)
        }
        next if next > most || next == number => None,
        next => Some(Some(next)),
    }
}

/// Gives a field its default again.
///
/// # Errors
/// When it has none.
pub fn reset(session: &mut Session, node: &Node, field: &Field) -> Result<(), String> {
    let ron = match &field.spec.kind {
        Kind::Name => return Err("it needs a name".to_owned()),
        Kind::Choice(choices) => match choices.first() {
            Some(choice) => choice_ron(choice, ""),
            None => return Ok(()),
        },
        Kind::Number {
            least, unset: None, ..
        } => least.to_string(),
        Kind::Number { .. } | Kind::Text(_) | Kind::Indices => "None".to_owned(),
        Kind::Filled(default) => write_text(default),
        Kind::List(_) => "[]".to_owned(),
        Kind::Map(_) | Kind::Env => "{}".to_owned(),
        Kind::Flag => "false".to_owned(),
    };
    put(session, node, field.spec.key, &ron)
}

/// Gives a field a value as a file would have it. The part is set alone, in a session of its own, so that no name can be
/// taken for that of a field.
fn put(session: &mut Session, node: &Node, key: &str, ron: &str) -> Result<(), String> {
    let said = |problem: Problem| {
        let help = problem
            .help
            .filter(|help| !help.starts_with("given as") && !help.contains("path=value"));
        match help {
            Some(help) => format!("{}: {help}", problem.message),
            None => problem.message,
        }
    };
    let mut alone = Session::default();
    match node {
        Node::Host(index) => {
            let Some(host) = session.hosts.get(*index) else {
                return Ok(());
            };
            let changed = host_with(host, key, ron)?;
            if let (HostSpec::Declared(old), HostSpec::Declared(new)) = (host, &changed)
                && old.name != new.name
            {
                let name = new.name.to_string();
                edit::rename(session, node, &name)?;
            }
            alone.hosts = vec![changed];
            let text = written_host(alone.hosts.first());
            set(&mut alone, &format!("hosts=[{text}]")).map_err(said)?;
            if let (Some(place), Some(host)) = (session.hosts.get_mut(*index), alone.hosts.pop()) {
                *place = host;
            }
        }
        Node::Template(group, name) => {
            let Some(template) = session
                .groups
                .get_mut(group)
                .and_then(|group| group.templates.get_mut(name))
            else {
                return Ok(());
            };
            let (g, t) = (named("g", GroupName::new)?, named("t", TemplateName::new)?);
            let spec = alone.groups.entry(g).or_default();
            spec.templates.insert(t, template.clone());
            set(&mut alone, &format!("g.t.{key}={ron}")).map_err(said)?;
            let changed = alone.groups.pop().and_then(|(_, mut g)| g.templates.pop());
            if let Some((_, changed)) = changed {
                *template = changed;
            }
        }
        Node::Group(name) => {
            let Some(group) = session.groups.get_mut(name) else {
                return Ok(());
            };
            let templates = std::mem::take(&mut group.templates);
            alone
                .groups
                .insert(named("g", GroupName::new)?, group.clone());
            let result = set(&mut alone, &format!("g.{key}={ron}")).map_err(said);
            if let (Ok(_), Some((_, changed))) = (&result, alone.groups.pop()) {
                *group = changed;
            }
            group.templates = templates;
            result?;
        }
        Node::Queue(name) => {
            let Some(queue) = session.queues.get_mut(name) else {
                return Ok(());
            };
            alone
                .queues
                .insert(named("q", QueueName::new)?, queue.clone());
            set(&mut alone, &format!("queues.q.{key}={ron}")).map_err(said)?;
            if let Some((_, changed)) = alone.queues.pop() {
                *queue = changed;
            }
        }
        Node::Session => {
            let groups = std::mem::take(&mut session.groups);
            let queues = std::mem::take(&mut session.queues);
            let result = set(session, &format!("{key}={ron}")).map_err(said);
            session.groups = groups;
            session.queues = queues;
            result?;
        }
        Node::Queues | Node::Hosts => {}
    }
    Ok(())
}

fn named<T, E: std::fmt::Display>(
    name: &str,
    make: impl Fn(&str) -> Result<T, E>,
) -> Result<T, String> {
    make(name).map_err(|error| error.to_string())
}

fn written_host(host: Option<&HostSpec>) -> String {
    match host {
        Some(HostSpec::Declared(host)) => format!(
            "Declared(name: {}, cpus: {}, gpus: {})",
            write_text(host.name.as_str()),
            host.cpus,
            host.gpus
        ),
        Some(HostSpec::Ssh(hosts)) => format!("Ssh({})", write_text(hosts)),
        Some(HostSpec::Slurm(options)) => format!("Slurm({})", write_text(options)),
        None => String::new(),
    }
}

fn host_with(host: &HostSpec, key: &str, ron: &str) -> Result<HostSpec, String> {
    let number = || {
        ron.parse::<u32>()
            .map_err(|_| format!("{ron:?} is no whole number from 0 to {}", u32::MAX))
    };
    let mut host = host.clone();
    match (&mut host, key) {
        (HostSpec::Declared(_), "kind") if ron.starts_with("Declared") => return Ok(host),
        (HostSpec::Ssh(_), "kind") if ron.starts_with("Ssh") => return Ok(host),
        (HostSpec::Slurm(_), "kind") if ron.starts_with("Slurm") => return Ok(host),
        (_, "kind") => {
            let name = match &host {
                HostSpec::Declared(host) => host.name.to_string(),
                HostSpec::Ssh(hosts) => hosts.clone(),
                HostSpec::Slurm(_) => "node01".to_owned(),
            };
            return Ok(match ron {
                "Ssh" => HostSpec::Ssh(name),
                "Slurm" => HostSpec::Slurm("-N 1".to_owned()),
                _ => HostSpec::Declared(DeclaredHost {
                    name: HostName::new(&name),
                    cpus: 1,
                    gpus: 0,
                }),
            });
        }
        (HostSpec::Declared(host), "name") => host.name = HostName::new(&unquoted(ron)),
        (HostSpec::Declared(host), "cpus") => host.cpus = number()?,
        (HostSpec::Declared(host), "gpus") => host.gpus = number()?,
        (HostSpec::Ssh(hosts), "hosts") => *hosts = unquoted(ron),
        (HostSpec::Slurm(options), "options") => *options = unquoted(ron),
        _ => {}
    }
    Ok(host)
}
