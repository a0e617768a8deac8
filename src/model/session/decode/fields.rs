//! The fields of each type of a session, and how each is read.
//!
//! A type has one table of its fields and one function that reads a field by name; `set` uses the same
//! functions for a single field. Templates are in `template`. Start at [`Decoder::session`].

use super::{Decoder, Variant};
use crate::model::{
    cpuset::{COUNT_MAX, CpuSet, INDEX_MAX},
    document::{Session, Step, TimelineEntry, VERSION},
    host::{DeclaredHost, HostSpec},
    ids::{GroupName, HostName, QueueName, Selector, TemplateName},
    policy::{Distribution, Placement, Policy},
    queue::{QueueServer, QueueSpec},
    ron_text::{Kind, Node, Paren},
    session::problem::nearest,
    template::{ProcessGroup, REPLICAS_MAX},
};

pub(in crate::model::session) const SESSION_FIELDS: &[&str] = &[
    "version",
    "name",
    "python",
    "hosts",
    "queues",
    "queue_server",
    "timeline",
    "policy",
    "groups",
];
pub(in crate::model::session) const GROUP_FIELDS: &[&str] = &[
    "templates",
    "policy",
    "walltime",
    "ignore_error_on_exit",
    "after",
];
pub(in crate::model::session) const TEMPLATE_FIELDS: &[&str] = &[
    "target", "args", "kwargs", "replicas", "env", "cwd", "stdin", "stdout", "stderr", "terminal",
    "policy", "restart", "critical", "ready", "stop", "after", "alerts", "watch",
];
pub(in crate::model::session) const QUEUE_FIELDS: &[&str] = &["maxsize", "maxbytes", "joinable"];
pub(in crate::model::session) const POLICY_FIELDS: &[&str] = &[
    "placement",
    "distribution",
    "cpu_affinity",
    "gpu_affinity",
    "cpus",
    "gpus",
];
pub(in crate::model::session) const STOP_FIELDS: &[&str] = &["signal", "grace"];
pub(in crate::model::session) const DECLARED_FIELDS: &[&str] = &["name", "cpus", "gpus"];

const SERVERS: &[Variant] = &[("Embedded", "Embedded"), ("Redis", "Redis(\"unix:///…\")")];
const HOSTS: &[Variant] = &[
    ("Ssh", "Ssh(\"node[01-03]\")"),
    ("Slurm", "Slurm(\"-N 4\")"),
    ("Declared", "Declared(name: \"…\", cpus: 64, gpus: 4)"),
];
const STEPS: &[Variant] = &[
    ("Start", "Start(\"group/template\")"),
    ("Stop", "Stop(\"group/template\")"),
    ("Kill", "Kill(\"group/template\")"),
    ("Mute", "Mute(\"group/template\")"),
    ("Restart", "Restart(\"group/template\")"),
    ("Unmute", "Unmute(\"group/template\")"),
    ("Scale", "Scale(\"group/template\", 4)"),
    ("Send", "Send(\"group/template.0\", \"text\\n\")"),
];
const PLACEMENTS: &[Variant] = &[
    ("Anywhere", "Anywhere"),
    ("Local", "Local"),
    ("HostName", "HostName(\"node02\")"),
    ("HostId", "HostId(1)"),
];
const DISTRIBUTIONS: &[Variant] = &[("RoundRobin", "RoundRobin"), ("Block", "Block")];

/// Puts a value that could be read in its place; otherwise the default stays.
pub(super) fn put<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

/// Whether a struct has this field, or one that was most likely meant to be it.
pub(super) fn mentions(node: &Node, field: &str) -> bool {
    let items = node
        .body()
        .map(|body| body.items.as_slice())
        .unwrap_or_default();
    items
        .iter()
        .filter_map(|item| item.key_text())
        .any(|name| nearest(name, [field]).is_some())
}

impl Decoder<'_> {
    /// The whole session.
    pub(in crate::model::session) fn session(&mut self, root: &Node) -> Session {
        let mut session = Session::default();
        let fields = self.fields(root, "Session", SESSION_FIELDS);
        if !mentions(root, "version") && matches!(root.kind, Kind::Paren(_)) {
            let span = crate::model::ron_text::Span::new(root.span.start, root.span.start + 1);
            let help = format!("begin with Session(version: {VERSION}, …");
            self.field("version", |d| {
                d.problem_with(span, "the version is missing", Some(help))
            });
        }
        for (name, node) in fields {
            self.field(name, |d| d.session_field(&mut session, name, node));
        }
        session
    }

    pub(in crate::model::session) fn session_field(
        &mut self,
        session: &mut Session,
        name: &str,
        node: &Node,
    ) {
        match name {
            "version" => self.version(session, node),
            "name" => session.name = self.optional(node, Self::text),
            "python" => session.python = self.optional(node, Self::text),
            "hosts" => session.hosts = self.list(node, Self::host),
            "queues" => {
                session.queues.clear();
                for (name, span, node) in self.entries(node, "queue name") {
                    let mut queue = QueueSpec::default();
                    self.field(name, |d| {
                        d.each(node, "Queue", QUEUE_FIELDS, &mut queue, Self::queue_field);
                        match QueueName::new(name) {
                            Ok(name) => drop(session.queues.insert(name, queue)),
                            Err(problem) => d.problem(span, problem.to_string()),
                        }
                    });
                }
            }
            "queue_server" => put(&mut session.queue_server, self.queue_server(node)),
            "timeline" => session.timeline = self.list(node, Self::timeline_entry),
            "policy" => session.policy = self.policy(node),
            "groups" => {
                session.groups.clear();
                for (name, span, node) in self.entries(node, "group name") {
                    let mut group = ProcessGroup::default();
                    self.field(name, |d| {
                        d.each(
                            node,
                            "ProcessGroup",
                            GROUP_FIELDS,
                            &mut group,
                            Self::group_field,
                        );
                        match GroupName::new(name) {
                            Ok(name) => drop(session.groups.insert(name, group)),
                            Err(problem) => d.problem(span, problem.to_string()),
                        }
                    });
                }
            }
            _ => {}
        }
    }

    /// Reads every field of a struct by its function.
    pub(super) fn each<T>(
        &mut self,
        node: &Node,
        type_name: &str,
        known: &[&'static str],
        value: &mut T,
        read: fn(&mut Self, &mut T, &str, &Node),
    ) {
        for (name, node) in self.fields(node, type_name, known) {
            self.field(name, |d| read(d, value, name, node));
        }
    }

    fn version(&mut self, session: &mut Session, node: &Node) {
        match &node.kind {
            Kind::Integer(number) if *number > i128::from(VERSION) => {
                let message =
                    format!("this session is version {number}, this program reads up to {VERSION}");
                self.problem_with(
                    node.span,
                    message,
                    Some("a newer dragon-tui reads it".to_owned()),
                );
            }
            _ => put(
                &mut session.version,
                self.integer(node, 1, u64::from(VERSION)),
            ),
        }
    }

    pub(in crate::model::session) fn queue_field(
        &mut self,
        queue: &mut QueueSpec,
        name: &str,
        node: &Node,
    ) {
        let count = |d: &mut Self, node: &Node| d.integer(node, 1, u64::MAX);
        match name {
            "maxsize" => queue.maxsize = self.optional(node, count),
            "maxbytes" => queue.maxbytes = self.optional(node, count),
            "joinable" => put(&mut queue.joinable, self.boolean(node)),
            _ => {}
        }
    }

    fn queue_server(&mut self, node: &Node) -> Option<QueueServer> {
        let (variant, paren) = self.variant(node, SERVERS)?;
        match variant {
            "Redis" => self
                .text_of(variant, paren, SERVERS)
                .map(QueueServer::Redis),
            _ => Some(QueueServer::Embedded),
        }
    }

    /// The one text in the parentheses of a variant.
    pub(super) fn text_of(
        &mut self,
        variant: &str,
        paren: Option<&Paren>,
        known: &[Variant],
    ) -> Option<String> {
        let [node] = self.one(variant, paren, known)?;
        self.text(node)
    }

    pub(super) fn one<'n, const N: usize>(
        &mut self,
        variant: &str,
        paren: Option<&'n Paren>,
        known: &[Variant],
    ) -> Option<[&'n Node; N]> {
        let form = known
            .iter()
            .find(|(name, _)| *name == variant)
            .map_or("", |(_, form)| form);
        self.values(variant, paren, form)
    }

    fn host(&mut self, node: &Node) -> Option<HostSpec> {
        let (variant, paren) = self.variant(node, HOSTS)?;
        match variant {
            "Ssh" => self.text_of(variant, paren, HOSTS).map(HostSpec::Ssh),
            "Slurm" => self.text_of(variant, paren, HOSTS).map(HostSpec::Slurm),
            _ => self.declared(node, paren?).map(HostSpec::Declared),
        }
    }

    fn declared(&mut self, node: &Node, paren: &Paren) -> Option<DeclaredHost> {
        // RON's strict form has the struct in parentheses of its own: `Declared((name: …))`.
        let inner = match paren.body.items.as_slice() {
            [item] if item.key.is_none() => match &item.value.kind {
                Kind::Paren(inner) => inner,
                _ => paren,
            },
            _ => paren,
        };
        if !std::ptr::eq(inner, paren)
            && let Some((name, span)) = &inner.name
            && &**name != "DeclaredHost"
        {
            let message = format!("expected `DeclaredHost(…)`, found `{name}(…)`");
            self.problem(*span, message);
            return None;
        }
        let fields = self.named(&inner.body.items, DECLARED_FIELDS);
        let mut host = DeclaredHost {
            name: HostName::new(""),
            cpus: 0,
            gpus: 0,
        };
        let (mut named, mut counted) = (false, false);
        for (name, value) in fields {
            self.field(name, |d| match name {
                "name" => {
                    named = true;
                    put(
                        &mut host.name,
                        d.text(value).map(|text| HostName::new(&text)),
                    );
                }
                "cpus" => {
                    counted = true;
                    put(&mut host.cpus, d.integer(value, 1, u64::from(COUNT_MAX)));
                }
                _ => put(&mut host.gpus, d.integer(value, 0, u64::from(COUNT_MAX))),
            });
        }
        for (there, name) in [(named, "name"), (counted, "cpus")] {
            if !there {
                self.field(name, |d| {
                    d.problem(node.span, format!("a declared host lacks `{name}`"))
                });
            }
        }
        (named && counted).then_some(host)
    }

    fn timeline_entry(&mut self, node: &Node) -> Option<TimelineEntry> {
        let (mut at, mut step) = (None, None);
        let (mut has_at, mut has_step) = (false, false);
        let before = self.problems.len();
        for (name, value) in self.fields(node, "TimelineEntry", &["at", "do"]) {
            self.field(name, |d| match name {
                "at" => (at, has_at) = (d.duration(value), true),
                _ => (step, has_step) = (d.step(value), true),
            });
        }
        if self.problems.len() == before && node.kind != Kind::Broken {
            for (there, name) in [(has_at, "at"), (has_step, "do")] {
                if !there {
                    let help =
                        Some("write (at: \"2.5s\", do: Mute(\"group/template\"))".to_owned());
                    self.field(name, |d| {
                        d.problem_with(
                            node.span,
                            format!("an entry of the timeline lacks `{name}`"),
                            help,
                        )
                    });
                }
            }
        }
        Some(TimelineEntry {
            at: at?,
            step: step?,
        })
    }

    fn step(&mut self, node: &Node) -> Option<Step> {
        let (variant, paren) = self.variant(node, STEPS)?;
        let selector = |d: &mut Self, node: &Node| d.parsed(node, |text| text.parse::<Selector>());
        match variant {
            "Scale" => {
                let [who, count] = self.one(variant, paren, STEPS)?;
                let who = selector(self, who);
                let count = self.integer(count, 1, u64::from(REPLICAS_MAX));
                Some(Step::Scale(who?, count?))
            }
            "Send" => {
                let [who, text] = self.one(variant, paren, STEPS)?;
                let who = selector(self, who);
                let text = self.text(text);
                Some(Step::Send(who?, text?))
            }
            _ => {
                let [who] = self.one(variant, paren, STEPS)?;
                let who = selector(self, who)?;
                Some(match variant {
                    "Start" => Step::Start(who),
                    "Stop" => Step::Stop(who),
                    "Kill" => Step::Kill(who),
                    "Restart" => Step::Restart(who),
                    "Mute" => Step::Mute(who),
                    _ => Step::Unmute(who),
                })
            }
        }
    }

    pub(super) fn policy(&mut self, node: &Node) -> Policy {
        let mut policy = Policy::default();
        self.each(
            node,
            "Policy",
            POLICY_FIELDS,
            &mut policy,
            Self::policy_field,
        );
        policy
    }

    pub(in crate::model::session) fn policy_field(
        &mut self,
        policy: &mut Policy,
        name: &str,
        node: &Node,
    ) {
        let most = u64::from(u32::MAX);
        match name {
            "placement" => policy.placement = self.optional(node, Self::placement),
            "distribution" => {
                policy.distribution =
                    self.optional(node, |d, node| match d.variant(node, DISTRIBUTIONS)? {
                        ("Block", _) => Some(Distribution::Block),
                        _ => Some(Distribution::RoundRobin),
                    });
            }
            "cpu_affinity" => policy.cpu_affinity = self.optional(node, Self::indices),
            "gpu_affinity" => policy.gpu_affinity = self.optional(node, Self::indices),
            "cpus" => policy.cpus = self.optional(node, |d, node| d.integer(node, 1, most)),
            "gpus" => policy.gpus = self.optional(node, |d, node| d.integer(node, 0, most)),
            _ => {}
        }
    }

    fn placement(&mut self, node: &Node) -> Option<Placement> {
        let (variant, paren) = self.variant(node, PLACEMENTS)?;
        match variant {
            "HostName" => self
                .text_of(variant, paren, PLACEMENTS)
                .map(|name| Placement::HostName(HostName::new(&name))),
            "HostId" => {
                let [id] = self.one(variant, paren, PLACEMENTS)?;
                self.integer(id, 0, u64::from(u32::MAX))
                    .map(Placement::HostId)
            }
            "Local" => Some(Placement::Local),
            _ => Some(Placement::Anywhere),
        }
    }

    fn indices(&mut self, node: &Node) -> Option<CpuSet> {
        match &node.kind {
            Kind::Text(_) => self.parsed(node, |text| text.parse::<CpuSet>()),
            Kind::List(_) => {
                let most = u64::from(INDEX_MAX);
                Some(
                    self.list(node, |d, node| d.integer(node, 0, most))
                        .into_iter()
                        .collect(),
                )
            }
            _ => {
                self.expected("indices such as [0, 2] or \"0-3,8\"", node);
                None
            }
        }
    }

    pub(in crate::model::session) fn group_field(
        &mut self,
        group: &mut ProcessGroup,
        name: &str,
        node: &Node,
    ) {
        match name {
            "templates" => {
                group.templates.clear();
                for (name, span, node) in self.entries(node, "template name") {
                    self.field(name, |d| {
                        let template = d.template(node);
                        match TemplateName::new(name) {
                            Ok(name) => drop(group.templates.insert(name, template)),
                            Err(problem) => d.problem(span, problem.to_string()),
                        }
                    });
                }
            }
            "policy" => group.policy = self.policy(node),
            "walltime" => group.walltime = self.optional(node, Self::duration),
            "ignore_error_on_exit" => put(&mut group.ignore_error_on_exit, self.boolean(node)),
            "after" => group.after = self.list(node, Self::after),
            _ => {}
        }
    }
}
