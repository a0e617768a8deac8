//! The parts of a session as a tree: what can be selected.
//!
//! Owns [`Node`] and the rows of the tree. Never changes a session. Start at [`rows`].

use std::collections::HashSet;

use crate::model::{
    document::Session,
    host::HostSpec,
    ids::{GroupName, QueueName, TemplateName},
    session::{FieldPath, Part, Problem},
};

/// Something of a session that has fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Node {
    /// The session itself.
    #[default]
    Session,
    /// A group.
    Group(GroupName),
    /// A template of a group.
    Template(GroupName, TemplateName),
    /// The heading of the queues.
    Queues,
    /// A queue.
    Queue(QueueName),
    /// The heading of the hosts.
    Hosts,
    /// One entry of the list of hosts, from 0.
    Host(usize),
}

impl Node {
    /// The group that it is, or is in.
    pub fn group(&self) -> Option<&GroupName> {
        match self {
            Node::Group(group) | Node::Template(group, _) => Some(group),
            _ => None,
        }
    }

    /// In a word or two, for titles.
    pub fn title(&self, session: &Session) -> String {
        match self {
            Node::Session => "session".to_owned(),
            Node::Group(group) => format!("group {group}"),
            Node::Template(group, template) if session.groups.len() > 1 => {
                format!("template {group}/{template}")
            }
            Node::Template(_, template) => format!("template {template}"),
            Node::Queues => "queues".to_owned(),
            Node::Queue(queue) => format!("queue {queue}"),
            Node::Hosts => "hosts".to_owned(),
            Node::Host(index) => match session.hosts.get(*index) {
                Some(host) => format!("host {}", host_label(host)),
                None => "host".to_owned(),
            },
        }
    }

    /// Where problems say it is.
    pub fn path(&self) -> FieldPath {
        let root = FieldPath::root();
        match self {
            Node::Session => root,
            Node::Group(group) => root.name("groups").name(group.as_str()),
            Node::Template(group, template) => {
                FieldPath::template(group.as_str(), template.as_str())
            }
            Node::Queues => root.name("queues"),
            Node::Queue(queue) => root.name("queues").name(queue.as_str()),
            Node::Hosts => root.name("hosts"),
            Node::Host(index) => root.name("hosts").index(*index),
        }
    }

    /// Whether a problem is about this and not about something further in.
    pub fn has(&self, problem: &Problem) -> bool {
        Node::of(&problem.path) == *self
    }

    /// What a path leads to.
    pub fn of(path: &FieldPath) -> Node {
        let name = |at: usize| match path.parts().get(at) {
            Some(Part::Name(name)) => Some(&**name),
            _ => None,
        };
        match name(0) {
            Some("groups") => {
                let Some(group) = name(1).and_then(|name| GroupName::new(name).ok()) else {
                    return Node::Session;
                };
                match (name(2), name(3).map(TemplateName::new)) {
                    (Some("templates"), Some(Ok(template))) => Node::Template(group, template),
                    _ => Node::Group(group),
                }
            }
            Some("queues") => match name(1).map(QueueName::new) {
                Some(Ok(queue)) => Node::Queue(queue),
                _ => Node::Queues,
            },
            Some("hosts") => match path.parts().get(1) {
                Some(Part::Index(index)) => Node::Host(*index),
                _ => Node::Hosts,
            },
            _ => Node::Session,
        }
    }

    /// Whether the session has it.
    pub fn is_in(&self, session: &Session) -> bool {
        match self {
            Node::Session | Node::Queues | Node::Hosts => true,
            Node::Group(group) => session.groups.contains_key(group),
            Node::Template(group, template) => session.template(group, template).is_some(),
            Node::Queue(queue) => session.queues.contains_key(queue),
            Node::Host(index) => *index < session.hosts.len(),
        }
    }
}

/// A host in few words.
pub fn host_label(host: &HostSpec) -> String {
    match host {
        HostSpec::Ssh(hosts) => hosts.clone(),
        HostSpec::Slurm(options) => format!("slurm {options}"),
        HostSpec::Declared(host) => host.name.to_string(),
    }
}

/// A row of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is about.
    pub node: Node,
    /// How far in it stands, 0 or 1.
    pub depth: u16,
    /// Whether it has rows of its own that are hidden now; absent: it can have none.
    pub folded: Option<bool>,
}

/// The rows of the tree, those in folded groups left out.
pub fn rows(session: &Session, folded: &HashSet<GroupName>) -> Vec<Row> {
    let row = |node, depth, folded| Row {
        node,
        depth,
        folded,
    };
    let mut rows = vec![row(Node::Session, 0, None)];
    for (name, group) in &session.groups {
        let hidden = folded.contains(name);
        rows.push(row(Node::Group(name.clone()), 0, Some(hidden)));
        if !hidden {
            let templates = group.templates.keys();
            rows.extend(
                templates
                    .map(|template| row(Node::Template(name.clone(), template.clone()), 1, None)),
            );
        }
    }
    rows.push(row(Node::Queues, 0, None));
    rows.extend(
        session
            .queues
            .keys()
            .map(|name| row(Node::Queue(name.clone()), 1, None)),
    );
    rows.push(row(Node::Hosts, 0, None));
    rows.extend((0..session.hosts.len()).map(|index| row(Node::Host(index), 1, None)));
    rows
}
