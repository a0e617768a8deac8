//! The rules of meaning: what a session must obey beyond the form of its fields.
//!
//! Works on any [`Session`], read from a file or composed in memory, and reports every problem with the path
//! of its field. Looks at nothing outside the session: whether a file or host exists is the engine's business,
//! and so is the syntax of regular expressions, which [`Session::patterns`] lists.

mod files;
mod order;
mod template;
mod timeline;

use std::collections::{HashMap, HashSet};

use self::order::order_problems;
use super::{
    decode::grouped,
    problem::{FieldPath, Problem, Problems, did_you_mean},
};
use crate::model::{
    cpuset::{COUNT_MAX, CpuSet},
    document::{Session, VERSION},
    host::{DeclaredHost, HostSpec},
    hostlist::{self, HOSTS_MAX},
    policy::{Placement, Policy},
    queue::QueueServer,
    template::{After, Alert, ProcessTemplate, Ready},
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
    pub(super) queues: Names,
    pub(super) groups: Names,
    /// Of each group.
    pub(super) templates: HashMap<String, Names>,
    /// Some of the hosts could not be read: how many there are is not known.
    pub(super) hosts: bool,
    /// Some steps of the timeline could not be read.
    pub(super) timeline: bool,
    /// Every field that could not be read.
    pub(super) lost: HashSet<FieldPath>,
}

/// Some names of one kind.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Whatever the name is.
    pub(super) all: bool,
    pub(super) some: HashSet<String>,
}

impl Names {
    fn contains(&self, name: &str) -> bool {
        self.all || self.some.contains(name)
    }
}

impl Broken {
    fn template(&self, group: &str, name: &str) -> bool {
        self.templates
            .get(group)
            .is_some_and(|names| names.contains(name))
    }
}

impl Session {
    /// Every problem of the session, without a place in a text. A session without anything to run has a
    /// warning: it can be composed further.
    pub fn validate(&self) -> Vec<Problem> {
        self.validate_beside(&Broken::default()).into_list()
    }

    /// The same for a session that is to be run now: one without anything to run has an error.
    pub fn validate_to_run(&self) -> Vec<Problem> {
        let mut problems = self.validate();
        if let Some(nothing) = self.nothing_to_run() {
            problems.retain(Problem::is_error);
            problems.push(nothing);
        }
        problems
    }

    pub(super) fn nothing_to_run(&self) -> Option<Problem> {
        let path = FieldPath::root().name("groups");
        let nothing = Problem::error(path, "nothing to run: the session has no template")
            .with_help("add a ProcessGroup with a ProcessTemplate");
        (self.process_count() == 0).then_some(nothing)
    }

    pub(super) fn validate_beside(&self, broken: &Broken) -> Problems {
        let mut rules = Rules {
            session: self,
            broken,
            hosts: None,
            scaled: timeline::scaled(self),
            problems: Problems::default(),
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
    /// How many hosts are listed, if that is known.
    hosts: Option<usize>,
    /// The greatest number of ranks that the timeline gives a template.
    scaled: HashMap<(&'s str, &'s str), u32>,
    problems: Problems,
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
                .filter_map(|scheme| url.strip_prefix(scheme))
                .any(|rest| !rest.trim_matches('/').is_empty())
        {
            self.error_with(
                root.name("queue_server"),
                format!("{url:?} is no URL of a Redis"),
                "write unix:///path, redis://host:6379 or rediss://host:6379",
            );
        }
        self.policy(&root.name("policy"), &session.policy);
        self.groups();
        self.files();
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

    /// Every host, and how many there are, where every one is known by name: how many Slurm gives is not known before.
    fn hosts(&mut self, path: &FieldPath) {
        let mut declared = HashSet::new();
        let (mut count, mut known) = (0, !self.broken.hosts);
        for (index, host) in self.session.hosts.iter().enumerate() {
            if self.problems.is_full() {
                return;
            }
            let path = path.index(index);
            let found = match host {
                HostSpec::Ssh(list) => match hostlist::expand(list) {
                    Ok(hosts) => Some(hosts.len()),
                    Err(problem) => {
                        self.error_with(
                            path.clone(),
                            problem.to_string(),
                            "write for example Ssh(\"node[01-03],login1\")",
                        );
                        None
                    }
                },
                HostSpec::Slurm(options) => {
                    self.filled(&path, options);
                    None
                }
                HostSpec::Declared(host) => {
                    self.declared(&path, host);
                    if !declared.insert(&host.name) {
                        let message = format!("host {:?} is declared twice", host.name);
                        self.error(path.name("name"), message);
                    }
                    Some(1)
                }
            };
            known &= found.is_some();
            count += found.unwrap_or(1);
            if count > HOSTS_MAX {
                let message = format!("the session lists more than {HOSTS_MAX} hosts");
                self.error(path, message);
                return;
            }
        }
        self.hosts = known.then_some(count);
    }

    fn declared(&mut self, path: &FieldPath, host: &DeclaredHost) {
        self.host(&path.name("name"), host.name.as_str());
        for (field, count, least) in [("cpus", host.cpus, 1), ("gpus", host.gpus, 0)] {
            if !(least..=COUNT_MAX).contains(&count) {
                let most = grouped(u64::from(COUNT_MAX));
                self.error(
                    path.name(field),
                    format!("{field} must be {least} to {most}"),
                );
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
        self.counts(path, policy);
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

    /// Counts that no host can give out of the indices that are allowed.
    fn counts(&mut self, path: &FieldPath, policy: &Policy) {
        for (what, count, set) in beyond(policy) {
            let most = set.len();
            let field = format!("{}_affinity", what.trim_end_matches('s'));
            let message =
                format!("{count} {what} are asked for, but {field} allows only {most}: {set}");
            self.error(path.name(what), message);
        }
    }

    fn host_id(&mut self, path: &FieldPath, id: u32) {
        // Without any host listed here the command line may list some.
        if let Some(count) = self.hosts
            && count > 0
            && id as usize >= count
        {
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
        order_problems(
            "group",
            &order,
            &broken,
            &|name| root.name(name),
            &mut self.problems,
        );
        for (name, group) in &session.groups {
            if self.problems.is_full() {
                return;
            }
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
            let broken = |template: &str| self.broken.template(name.as_str(), template);
            let templates = path.name("templates");
            let inner = |name: &str| templates.name(name);
            order_problems("template", &order, &broken, &inner, &mut self.problems);
            for (name, template) in &group.templates {
                if self.problems.is_full() {
                    return;
                }
                self.waits(&templates.name(name.as_str()), template, group);
                // What no level asks for by itself may come of them together.
                let levels = [&template.policy, &group.policy, &session.policy];
                if levels.iter().all(|policy| beyond(policy).next().is_none()) {
                    let [own, outer, outermost] = levels.map(Clone::clone);
                    let merged = own.over(outer).over(outermost);
                    self.counts(&templates.name(name.as_str()).name("policy"), &merged);
                }
                self.template(&templates.name(name.as_str()), template);
            }
        }
    }
}

/// The counts of a policy that are more than the indices it allows.
fn beyond(policy: &Policy) -> impl Iterator<Item = (&'static str, u32, &CpuSet)> {
    [
        ("cpus", policy.cpus, &policy.cpu_affinity),
        ("gpus", policy.gpus, &policy.gpu_affinity),
    ]
    .into_iter()
    .filter_map(|(what, count, set)| Some((what, count?, set.as_ref()?)))
    .filter(|(_, count, set)| !set.is_empty() && *count as usize > set.len())
}
