//! Changes of a session as a whole: new parts, copies, other places, other names.
//!
//! Owns what happens to the rest when one part changes: names stay unique, and what refers to a part by its name goes on
//! referring to it. Pure; single fields are the business of [`form`](super::form). Each function gives what is to be
//! selected afterwards.

use std::{borrow::Borrow, cmp::Ordering, collections::HashSet};

use indexmap::IndexMap;

use super::{node::Node, references};
use crate::model::{
    document::Session,
    host::{DeclaredHost, HostSpec},
    ids::{GroupName, HostName, NAME_MAX, QueueName, TemplateName},
    queue::QueueSpec,
    template::{ProcessGroup, ProcessTemplate},
};

/// A kind of part that can be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A ProcessTemplate.
    Template,
    /// A ProcessGroup.
    Group,
    /// A Queue.
    Queue,
    /// A host.
    Host,
}

/// Adds a part near to what is selected.
pub fn add(session: &mut Session, at: &Node, kind: Kind) -> Node {
    match kind {
        Kind::Template => add_template(session, at, UNNAMED, ProcessTemplate::default()),
        Kind::Group => {
            let name = free(&session.groups, "group", GroupName::new);
            let Some(name) = name else { return at.clone() };
            let place = after(&session.groups, at.group());
            session
                .groups
                .shift_insert(place, name.clone(), ProcessGroup::default());
            Node::Group(name)
        }
        Kind::Queue => {
            let name = free(&session.queues, "queue", QueueName::new);
            let Some(name) = name else { return at.clone() };
            let before = match at {
                Node::Queue(queue) => Some(queue),
                _ => None,
            };
            let place = after(&session.queues, before);
            session
                .queues
                .shift_insert(place, name.clone(), QueueSpec::default());
            Node::Queue(name)
        }
        Kind::Host => {
            let place = match at {
                Node::Host(index) => (index + 1).min(session.hosts.len()),
                _ => session.hosts.len(),
            };
            let host = DeclaredHost {
                name: free_host(session, "node01"),
                cpus: 1,
                gpus: 0,
            };
            let before = session.hosts.clone();
            session.hosts.insert(place, HostSpec::Declared(host));
            references::hosts_moved(session, &before, |old| {
                Some(old + usize::from(old >= place))
            });
            Node::Host(place)
        }
    }
}

/// Adds a template to the group that is selected, or to the last one, or to a new one.
pub fn add_template(
    session: &mut Session,
    at: &Node,
    name: &str,
    template: ProcessTemplate,
) -> Node {
    let group = at
        .group()
        .filter(|group| session.groups.contains_key(*group))
        .or_else(|| session.groups.keys().last())
        .cloned();
    let group = match group {
        Some(group) => group,
        None => match add(session, &Node::Session, Kind::Group) {
            Node::Group(group) => group,
            other => return other,
        },
    };
    let Some(spec) = session.groups.get_mut(&group) else {
        return at.clone();
    };
    let Some(name) = free(&spec.templates, name, TemplateName::new) else {
        return at.clone();
    };
    let before = match at {
        Node::Template(of, template) if *of == group => Some(template),
        _ => None,
    };
    let place = after(&spec.templates, before);
    spec.templates.shift_insert(place, name.clone(), template);
    Node::Template(group, name)
}

/// Adds a second one like it, right after it.
pub fn duplicate(session: &mut Session, at: &Node) -> Option<Node> {
    Some(match at {
        Node::Group(name) => {
            let copy = session.groups.get(name)?.clone();
            let new = free(&session.groups, name.as_str(), GroupName::new)?;
            let place = after(&session.groups, Some(name));
            session.groups.shift_insert(place, new.clone(), copy);
            Node::Group(new)
        }
        Node::Template(group, name) => {
            let copy = session.template(group, name)?.clone();
            add_template(session, at, name.as_str(), copy)
        }
        Node::Queue(name) => {
            let copy = session.queues.get(name)?.clone();
            let new = free(&session.queues, name.as_str(), QueueName::new)?;
            let place = after(&session.queues, Some(name));
            session.queues.shift_insert(place, new.clone(), copy);
            Node::Queue(new)
        }
        Node::Host(index) => {
            let mut copy = session.hosts.get(*index)?.clone();
            if let HostSpec::Declared(host) = &mut copy {
                host.name = free_host(session, host.name.as_str());
            }
            let before = session.hosts.clone();
            session.hosts.insert(index + 1, copy);
            references::hosts_moved(session, &before, |old| {
                Some(old + usize::from(old > *index))
            });
            Node::Host(index + 1)
        }
        Node::Session | Node::Queues | Node::Hosts => return None,
    })
}

/// Takes a part out; what stands in its place then is selected.
pub fn delete(session: &mut Session, at: &Node) -> Option<Node> {
    match at {
        Node::Group(name) => {
            let index = session.groups.get_index_of(name)?;
            session.groups.shift_remove(name);
            Some(match neighbour(&session.groups, index) {
                Some(name) => Node::Group(name),
                None => Node::Session,
            })
        }
        Node::Template(group, name) => {
            let templates = &mut session.groups.get_mut(group)?.templates;
            let index = templates.get_index_of(name)?;
            templates.shift_remove(name);
            Some(match neighbour(templates, index) {
                Some(name) => Node::Template(group.clone(), name),
                None => Node::Group(group.clone()),
            })
        }
        Node::Queue(name) => {
            let index = session.queues.get_index_of(name)?;
            session.queues.shift_remove(name);
            Some(match neighbour(&session.queues, index) {
                Some(name) => Node::Queue(name),
                None => Node::Queues,
            })
        }
        Node::Host(index) if *index < session.hosts.len() => {
            let before = session.hosts.clone();
            session.hosts.remove(*index);
            references::hosts_moved(session, &before, |old| match old.cmp(index) {
                Ordering::Less => Some(old),
                Ordering::Equal => None,
                Ordering::Greater => Some(old - 1),
            });
            Some(match session.hosts.len() {
                0 => Node::Hosts,
                left => Node::Host((*index).min(left - 1)),
            })
        }
        _ => None,
    }
}

/// Moves a part before the one above or after the one below. A template at the edge of its group goes on into the next.
pub fn shift(session: &mut Session, at: &Node, up: bool) -> Option<Node> {
    match at {
        Node::Group(name) => {
            let index = session.groups.get_index_of(name)?;
            let to = beside(index, session.groups.len(), up)?;
            session.groups.move_index(index, to);
            Some(at.clone())
        }
        Node::Template(group, name) => {
            let templates = &mut session.groups.get_mut(group)?.templates;
            let index = templates.get_index_of(name)?;
            match beside(index, templates.len(), up) {
                Some(to) => {
                    templates.move_index(index, to);
                    Some(at.clone())
                }
                None => into_next_group(session, group, name, up),
            }
        }
        Node::Queue(name) => {
            let index = session.queues.get_index_of(name)?;
            let to = beside(index, session.queues.len(), up)?;
            session.queues.move_index(index, to);
            Some(at.clone())
        }
        Node::Host(index) => {
            let to = beside(*index, session.hosts.len(), up)?;
            let before = session.hosts.clone();
            session.hosts.swap(*index, to);
            references::hosts_moved(session, &before, |old| match old {
                old if old == *index => Some(to),
                old if old == to => Some(*index),
                old => Some(old),
            });
            Some(Node::Host(to))
        }
        Node::Session | Node::Queues | Node::Hosts => None,
    }
}

fn into_next_group(
    session: &mut Session,
    group: &GroupName,
    name: &TemplateName,
    up: bool,
) -> Option<Node> {
    let index = session.groups.get_index_of(group)?;
    let to = beside(index, session.groups.len(), up)?;
    let target = session.groups.get_index(to)?.0.clone();
    let new = free(
        &session.groups.get(&target)?.templates,
        name.as_str(),
        TemplateName::new,
    )?;
    let template = session
        .groups
        .get_mut(group)?
        .templates
        .shift_remove(name)?;
    let templates = &mut session.groups.get_mut(&target)?.templates;
    let place = if up { templates.len() } else { 0 };
    templates.shift_insert(place, new.clone(), template);
    references::template_moved(session, (group, name), (&target, &new));
    Some(Node::Template(target, new))
}

/// Gives a part another name, and everything that refers to it.
///
/// # Errors
/// When the name is none, or another part has it.
pub fn rename(session: &mut Session, at: &Node, new: &str) -> Result<Node, String> {
    let taken = |what: &str| format!("there is a {what} {new} already");
    match at {
        Node::Group(old) => {
            let name = GroupName::new(new).map_err(|error| error.to_string())?;
            if name == *old {
                return Ok(at.clone());
            }
            if session.groups.contains_key(&name) {
                return Err(taken("group"));
            }
            replace_key(&mut session.groups, old, name.clone());
            references::group_renamed(session, old, &name);
            Ok(Node::Group(name))
        }
        Node::Template(group, old) => {
            let name = TemplateName::new(new).map_err(|error| error.to_string())?;
            if name == *old {
                return Ok(at.clone());
            }
            let Some(spec) = session.groups.get_mut(group) else {
                return Ok(at.clone());
            };
            if spec.templates.contains_key(&name) {
                return Err(taken("template"));
            }
            replace_key(&mut spec.templates, old, name.clone());
            references::template_renamed(session, group, old, &name);
            Ok(Node::Template(group.clone(), name))
        }
        Node::Queue(old) => {
            let name = QueueName::new(new).map_err(|error| error.to_string())?;
            if name == *old {
                return Ok(at.clone());
            }
            if session.queues.contains_key(&name) {
                return Err(taken("queue"));
            }
            replace_key(&mut session.queues, old, name.clone());
            references::queue_renamed(session, old, &name);
            Ok(Node::Queue(name))
        }
        Node::Host(index) => {
            if let Some(HostSpec::Declared(host)) = session.hosts.get_mut(*index) {
                let old = std::mem::replace(&mut host.name, HostName::new(new));
                references::host_renamed(session, &old, &HostName::new(new));
            }
            Ok(at.clone())
        }
        Node::Session | Node::Queues | Node::Hosts => Ok(at.clone()),
    }
}

/// Gives a template that nobody named yet a name.
pub fn name_at_last(session: &mut Session, at: &Node, name: &str) -> Node {
    let Node::Template(group, old) = at else {
        return at.clone();
    };
    let is_named = old
        .as_str()
        .strip_prefix(UNNAMED)
        .is_none_or(|rest| !rest.chars().all(|c| c == '-' || c.is_ascii_digit()));
    let templates = session.groups.get(group).map(|group| &group.templates);
    let free = templates.and_then(|templates| free(templates, name, TemplateName::new));
    match free {
        Some(name) if !is_named => {
            rename(session, at, name.as_str()).unwrap_or_else(|_| at.clone())
        }
        _ => at.clone(),
    }
}

/// What a template is called until it is known what it runs.
const UNNAMED: &str = "template";

/// The name of the session's part that a new one is to have: `name`, or `name-2`, `name-3`…
fn free<K, V, E>(
    map: &IndexMap<K, V>,
    wanted: &str,
    make: impl Fn(&str) -> Result<K, E>,
) -> Option<K>
where
    K: std::hash::Hash + Eq + Borrow<str>,
{
    let wanted = proper(wanted);
    if !map.contains_key(wanted.as_str()) {
        return make(&wanted).ok();
    }
    let base = match wanted.rsplit_once('-') {
        Some((base, number)) if !base.is_empty() && number.parse::<u32>().is_ok() => base,
        _ => &wanted,
    };
    let base = &base[..base.len().min(NAME_MAX - 8)];
    // One look at all of them: there may be thousands.
    let number = |name: &K| -> Option<u32> {
        let rest = name.borrow().strip_prefix(base)?;
        rest.strip_prefix('-')?.parse().ok()
    };
    let taken: HashSet<u32> = map.keys().filter_map(number).collect();
    let free = (2u32..10_000_000).find(|number| !taken.contains(number))?;
    make(&format!("{base}-{free}")).ok()
}

fn free_host(session: &Session, wanted: &str) -> HostName {
    let is_free = |name: &HostName| {
        !session
            .hosts
            .iter()
            .any(|host| matches!(host, HostSpec::Declared(host) if host.name == *name))
    };
    let base = wanted.trim_end_matches(|c: char| c.is_ascii_digit());
    let width = wanted.len() - base.len();
    let number: u64 = wanted[base.len()..].parse().unwrap_or(1);
    std::iter::once(HostName::new(wanted))
        .chain(
            (number.saturating_add(1)..)
                .map(|number| HostName::new(&format!("{base}{number:0width$}"))),
        )
        .find(is_free)
        .unwrap_or_else(|| HostName::new(wanted))
}

/// A text as a name: what no name may hold becomes `-`.
pub fn proper(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| match c {
            'A'..='Z' | 'a'..='z' | '0'..='9' | '_' | '-' => c,
            _ => '-',
        })
        .take(NAME_MAX)
        .collect();
    let plain = plain.trim_matches('-');
    match plain {
        "" => "process".to_owned(),
        plain => plain.to_owned(),
    }
}

/// The place behind a key; behind all, where there is none.
fn after<K: std::hash::Hash + Eq, V>(map: &IndexMap<K, V>, key: Option<&K>) -> usize {
    key.and_then(|key| map.get_index_of(key))
        .map_or(map.len(), |index| index + 1)
}

/// The key that stands at a place now, or the last one.
fn neighbour<K: Clone, V>(map: &IndexMap<K, V>, index: usize) -> Option<K> {
    let index = index.min(map.len().checked_sub(1)?);
    map.get_index(index).map(|(key, _)| key.clone())
}

fn beside(index: usize, length: usize, up: bool) -> Option<usize> {
    match up {
        true => index.checked_sub(1),
        false => (index + 1 < length).then_some(index + 1),
    }
}

fn replace_key<K: std::hash::Hash + Eq, V>(map: &mut IndexMap<K, V>, old: &K, new: K) {
    if let Some((index, _, value)) = map.shift_remove_full(old) {
        map.shift_insert(index, new, value);
    }
}
