//! The rules of meaning: what a session must obey beyond the form of its fields.
//!
//! Works on any [`Session`], read from a file or composed in memory, and reports every problem with the path
//! of its field. Looks at nothing outside the session: whether a file or host exists is the engine's business,
//! and so is the syntax of regular expressions, which [`Session::patterns`] lists.

mod template;

use std::collections::HashSet;

use super::problem::{FieldPath, Problem, did_you_mean};
use crate::model::{
    document::{Session, Step, VERSION},
    host::HostSpec,
    hostlist,
    policy::{Placement, Policy},
    queue::QueueServer,
    template::{After, Alert, ProcessTemplate, REPLICAS_MAX, Ready},
};

/// A regular expression of a session, with the field that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern<'s> {
    /// The field.
    pub path: FieldPath,
    /// The expression.
    pub text: &'s str,
}

/// Names that stand in a file and could not be read: referring to one is no second problem.
#[derive(Debug, Default)]
pub(super) struct Broken {
    pub(super) queues: HashSet<String>,
    pub(super) groups: HashSet<String>,
    /// Group and template.
    pub(super) templates: HashSet<(String, String)>,
}

impl Session {
    /// Every problem of the session, without a place in a text. A session without anything to run has a
    /// warning: it can be composed further.
    pub fn validate(&self) -> Vec<Problem> {
        self.validate_beside(&Broken::default())
    }

    /// The same for a session that is to be run now: one without anything to run has an error.
    pub fn validate_to_run(&self) -> Vec<Problem> {
        let mut problems = self.validate();
        if self.process_count() == 0 {
            problems.retain(Problem::is_error);
            problems.push(
                Problem::error(
                    FieldPath::root().name("groups"),
                    "nothing to run: the session has no template",
                )
                .with_help("add a ProcessGroup with a ProcessTemplate"),
            );
        }
        problems
    }

    pub(super) fn validate_beside(&self, broken: &Broken) -> Vec<Problem> {
        let mut rules = Rules {
            session: self,
            broken,
            problems: Vec::new(),
        };
        rules.session();
        rules.problems
    }

    /// Every regular expression of the session; whoever has a regex engine checks them.
    pub fn patterns(&self) -> Vec<Pattern<'_>> {
        let mut patterns = Vec::new();
        for (path, template) in self.templates() {
            if let Some(Ready::Line(text)) = &template.ready {
                patterns.push(Pattern {
                    path: path.name("ready"),
                    text,
                });
            }
            for (index, alert) in template.alerts.iter().enumerate() {
                if let Alert::Line(text) = alert {
                    patterns.push(Pattern {
                        path: path.name("alerts").index(index),
                        text,
                    });
                }
            }
        }
        patterns
    }

    /// Every template with its path.
    fn templates(&self) -> impl Iterator<Item = (FieldPath, &ProcessTemplate)> {
        self.groups.iter().flat_map(|(group, spec)| {
            spec.templates.iter().map(move |(name, template)| {
                (FieldPath::template(group.as_str(), name.as_str()), template)
            })
        })
    }
}

struct Rules<'s> {
    session: &'s Session,
    broken: &'s Broken,
    problems: Vec<Problem>,
}

impl<'s> Rules<'s> {
    fn error(&mut self, path: FieldPath, message: impl Into<String>) {
        self.problems.push(Problem::error(path, message));
    }

    fn error_with(
        &mut self,
        path: FieldPath,
        message: impl Into<String>,
        help: impl Into<Box<str>>,
    ) {
        self.problems
            .push(Problem::error(path, message).with_help(help));
    }

    fn warn(&mut self, path: FieldPath, message: impl Into<String>) {
        self.problems.push(Problem::warning(path, message));
    }

    fn session(&mut self) {
        let root = FieldPath::root();
        let session = self.session;
        if !(1..=VERSION).contains(&session.version) {
            self.error(
                root.name("version"),
                format!("version must be 1 to {VERSION}"),
            );
        }
        for (field, text) in [("name", &session.name), ("python", &session.python)] {
            if let Some(text) = text {
                self.filled(&root.name(field), text);
            }
        }
        self.hosts(&root.name("hosts"));
        for (name, queue) in &session.queues {
            let path = root.name("queues").name(name.as_str());
            for (field, limit) in [("maxsize", queue.maxsize), ("maxbytes", queue.maxbytes)] {
                if limit == Some(0) {
                    self.error_with(
                        path.name(field),
                        format!("{field} must be 1 or more"),
                        "leave it out for a queue without limit",
                    );
                }
            }
        }
        if let QueueServer::Redis(url) = &session.queue_server
            && !["unix://", "redis://", "rediss://"]
                .iter()
                .any(|scheme| url.starts_with(scheme))
        {
            self.error_with(
                root.name("queue_server"),
                format!("{url:?} is no URL of a Redis"),
                "write unix:///path, redis://host:6379 or rediss://host:6379",
            );
        }
        self.policy(&root.name("policy"), &session.policy);
        self.groups();
        self.timeline(&root.name("timeline"));
    }

    /// Text that must not be empty, and can be handed to the operating system.
    fn filled(&mut self, path: &FieldPath, text: &str) {
        if text.is_empty() {
            self.error(path.clone(), "the text is empty");
        }
        self.no_nul(path, text);
    }

    fn no_nul(&mut self, path: &FieldPath, text: &str) {
        if text.contains('\0') {
            self.error(
                path.clone(),
                "the text holds a NUL character, which no program can be given",
            );
        }
    }

    fn hosts(&mut self, path: &FieldPath) {
        let mut declared = HashSet::new();
        for (index, host) in self.session.hosts.iter().enumerate() {
            let path = path.index(index);
            match host {
                HostSpec::Ssh(list) => {
                    if let Err(problem) = hostlist::expand(list) {
                        self.error_with(
                            path,
                            problem.to_string(),
                            "write for example Ssh(\"node[01-03],login1\")",
                        );
                    }
                }
                HostSpec::Slurm(options) => self.filled(&path, options),
                HostSpec::Declared(host) => {
                    self.host(&path.name("name"), host.name.as_str());
                    if host.cpus == 0 {
                        self.error(path.name("cpus"), "cpus must be 1 or more");
                    }
                    if !declared.insert(&host.name) {
                        self.error(
                            path.name("name"),
                            format!("host {:?} is declared twice", host.name),
                        );
                    }
                }
            }
        }
    }

    fn host(&mut self, path: &FieldPath, name: &str) {
        if !hostlist::is_host(name) {
            self.error_with(
                path.clone(),
                format!("{name:?} cannot be the name of a host"),
                "write one name, such as \"node02\" or \"node02.site\"",
            );
        }
    }

    fn policy(&mut self, path: &FieldPath, policy: &Policy) {
        match &policy.placement {
            Some(Placement::HostName(name)) => self.host(&path.name("placement"), name.as_str()),
            Some(Placement::HostId(id)) => self.host_id(&path.name("placement"), *id),
            _ => {}
        }
        if policy.cpus == Some(0) {
            self.error_with(
                path.name("cpus"),
                "cpus must be 1 or more",
                "leave it out for a process that shares its cpus",
            );
        }
        if policy
            .cpu_affinity
            .as_ref()
            .is_some_and(|set| set.is_empty())
        {
            self.error_with(
                path.name("cpu_affinity"),
                "no cpu at all is left",
                "leave it out to allow every cpu",
            );
        }
    }

    /// Only where every host is known by name: how many Slurm gives is not known before.
    fn host_id(&mut self, path: &FieldPath, id: u32) {
        let mut count = 0;
        for host in &self.session.hosts {
            match host {
                HostSpec::Slurm(_) => return,
                HostSpec::Declared(_) => count += 1,
                HostSpec::Ssh(list) => match hostlist::expand(list) {
                    Ok(hosts) => count += hosts.len(),
                    Err(_) => return,
                },
            }
        }
        // Without any host listed here the command line may list some.
        if count > 0 && id as usize >= count {
            self.error(
                path.clone(),
                format!("there is no host {id}: the session lists {count}, and counts from 0"),
            );
        }
    }

    fn groups(&mut self) {
        let session = self.session;
        let root = FieldPath::root().name("groups");
        if session.groups.is_empty() {
            self.warn(
                root.clone(),
                "the session has no group: there is nothing to run",
            );
        }
        let order: Vec<(&str, &[After])> = session
            .groups
            .iter()
            .map(|(name, group)| (name.as_str(), group.after.as_slice()))
            .collect();
        let broken = |name: &str| self.broken.groups.contains(name);
        let found = order_problems("group", &order, &broken, |name| root.name(name));
        self.problems.extend(found);
        for (name, group) in &session.groups {
            let path = root.name(name.as_str());
            if group.templates.is_empty() {
                self.warn(
                    path.name("templates"),
                    "the group has no template: there is nothing to run",
                );
            }
            if group.walltime.is_some_and(|walltime| walltime.is_zero()) {
                self.error(
                    path.name("walltime"),
                    "the walltime must be more than nothing",
                );
            }
            self.policy(&path.name("policy"), &group.policy);
            let order: Vec<(&str, &[After])> = group
                .templates
                .iter()
                .map(|(name, template)| (name.as_str(), template.after.as_slice()))
                .collect();
            let broken = |template: &str| {
                self.broken
                    .templates
                    .contains(&(name.to_string(), template.to_owned()))
            };
            let templates = path.name("templates");
            let found = order_problems("template", &order, &broken, |name| templates.name(name));
            self.problems.extend(found);
            for (name, template) in &group.templates {
                self.template(&templates.name(name.as_str()), template);
            }
        }
    }

    fn timeline(&mut self, path: &FieldPath) {
        let session = self.session;
        // A template that is scaled may have any number of ranks by then.
        let scaled: HashSet<_> = session
            .timeline
            .iter()
            .filter_map(|entry| match &entry.step {
                Step::Scale(who, _) => Some((&who.group, &who.template)),
                _ => None,
            })
            .collect();
        for (index, entry) in session.timeline.iter().enumerate() {
            let path = path.index(index).name("do");
            let who = entry.step.selector();
            if let Step::Scale(_, replicas) = &entry.step {
                if who.template.is_none() || who.rank.is_some() {
                    self.error_with(
                        path.clone(),
                        format!(
                            "{:?} is no template: only a template can be scaled",
                            who.to_string()
                        ),
                        "write Scale(\"group/template\", 4)",
                    );
                }
                if !(1..=REPLICAS_MAX).contains(replicas) {
                    self.error(path.clone(), "replicas must be 1 to 1,000,000");
                }
            }
            if self.broken.groups.contains(who.group.as_str()) {
                continue;
            }
            let Some(group) = session.groups.get(&who.group) else {
                let near = did_you_mean(
                    who.group.as_str(),
                    session.groups.keys().map(|name| name.as_str()),
                );
                self.error(path, format!("there is no group `{}`{near}", who.group));
                continue;
            };
            let Some(name) = &who.template else { continue };
            if self
                .broken
                .templates
                .contains(&(who.group.to_string(), name.to_string()))
            {
                continue;
            }
            let Some(template) = group.templates.get(name) else {
                let near = did_you_mean(
                    name.as_str(),
                    group.templates.keys().map(|name| name.as_str()),
                );
                self.error(
                    path,
                    format!("group `{}` has no template `{name}`{near}", who.group),
                );
                continue;
            };
            if let Some(rank) = who.rank
                && rank >= template.replicas
                && !scaled.contains(&(&who.group, &who.template))
            {
                self.error(
                    path,
                    format!(
                        "{who} selects nothing: the ranks of `{name}` are 0 to {}",
                        template.replicas.saturating_sub(1)
                    ),
                );
            }
        }
    }
}

/// What is wrong with the `after` of all groups, or of all templates of one group.
fn order_problems(
    what: &str,
    nodes: &[(&str, &[After])],
    broken: &dyn Fn(&str) -> bool,
    path: impl Fn(&str) -> FieldPath,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let index_of: std::collections::HashMap<&str, usize> = nodes
        .iter()
        .enumerate()
        .map(|(index, (name, _))| (*name, index))
        .collect();
    let mut edges: Vec<Vec<(usize, usize)>> = vec![Vec::new(); nodes.len()];
    for (from, (name, after)) in nodes.iter().enumerate() {
        for (index, condition) in after.iter().enumerate() {
            let field = path(name).name("after").index(index);
            match index_of.get(condition.name()) {
                Some(to) if *to == from => problems.push(Problem::error(
                    field,
                    format!("{what} `{name}` waits for itself"),
                )),
                Some(to) => edges[from].push((*to, index)),
                None if broken(condition.name()) => {}
                None => {
                    let near = did_you_mean(
                        condition.name(),
                        nodes
                            .iter()
                            .map(|(other, _)| *other)
                            .filter(|other| other != name),
                    );
                    problems.push(Problem::error(
                        field,
                        format!(
                            "there is no {what} `{}`{near}",
                            condition.name().escape_debug()
                        ),
                    ));
                }
            }
        }
    }
    for cycle in cycles(&edges) {
        let names: Vec<&str> = cycle.iter().map(|(node, _)| nodes[*node].0).collect();
        let (first, condition) = cycle[0];
        let field = path(nodes[first].0).name("after").index(condition);
        let message = format!(
            "{what}s wait for each other: {} -> {}",
            names.join(" -> "),
            names[0]
        );
        problems.push(Problem::error(field, message).with_help("take one of these conditions out"));
    }
    problems
}

/// One cycle for each way back that a depth-first walk meets; without recursion, as chains may be long.
fn cycles(edges: &[Vec<(usize, usize)>]) -> Vec<Vec<(usize, usize)>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    /// More would say nothing new.
    const CYCLES_MAX: usize = 20;
    let mut marks = vec![Mark::New; edges.len()];
    let mut found = Vec::new();
    for start in 0..edges.len() {
        if marks[start] != Mark::New {
            continue;
        }
        marks[start] = Mark::Open;
        // Each node of the way, with the number of its edges that were walked.
        let mut way = vec![(start, 0)];
        while let Some((node, walked)) = way.last_mut() {
            let (node, edge) = (*node, *walked);
            *walked += 1;
            match edges[node].get(edge) {
                None => {
                    marks[node] = Mark::Done;
                    way.pop();
                }
                Some((to, _)) => match marks[*to] {
                    Mark::New => {
                        marks[*to] = Mark::Open;
                        way.push((*to, 0));
                    }
                    Mark::Open if found.len() < CYCLES_MAX => {
                        let from = way.iter().position(|(node, _)| node == to).unwrap_or(0);
                        // The edge walked last from each node is the one that the cycle uses.
                        found.push(
                            way[from..]
                                .iter()
                                .map(|(node, walked)| (*node, edges[*node][walked - 1].1))
                                .collect(),
                        );
                    }
                    _ => {}
                },
            }
        }
    }
    found
}
