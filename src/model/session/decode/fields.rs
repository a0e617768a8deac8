//! The fields of each type of a session, and how each is read.
//!
//! A type has one table of its fields and one function that reads a field by name; `set` uses the same
//! functions for a single field. Start at [`Decoder::session`].

use super::{Decoder, Variant};
use crate::model::{
    cpuset::CpuSet,
    document::{Session, Step, TimelineEntry, VERSION},
    host::{DeclaredHost, HostSpec},
    ids::{GroupName, HostName, QueueName, Selector, TemplateName},
    policy::{Distribution, Placement, Policy},
    queue::{QueueServer, QueueSpec},
    ron_text::{Kind, Node, Paren},
    session::problem::{Part, did_you_mean, nearest},
    template::{
        After, Alert, ProcessGroup, ProcessTemplate, REPLICAS_MAX, Ready, Restart, Signal, Stderr,
        Stdin, Stdout, Stop, Target, Terminal, Value,
    },
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
const DECLARED_FIELDS: &[&str] = &["name", "cpus", "gpus"];

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
const TARGETS: &[Variant] = &[
    ("Program", "Program(\"name or path\")"),
    ("Shell", "Shell(\"a | b\")"),
    ("Python", "Python(\"file.py:function\")"),
];
const STDINS: &[Variant] = &[
    ("Pane", "Pane"),
    ("DevNull", "DevNull"),
    ("File", "File(\"path\")"),
];
const STDERRS: &[Variant] = &[
    ("Stdout", "Stdout"),
    ("Pane", "Pane"),
    ("DevNull", "DevNull"),
    ("File", "File(\"path\")"),
];
const TERMINALS: &[Variant] = &[("Auto", "Auto"), ("Pty", "Pty"), ("Pipe", "Pipe")];
const RESTARTS: &[Variant] = &[
    ("Never", "Never"),
    ("OnFailure", "OnFailure(max: 3)"),
    ("Always", "Always"),
];
const READIES: &[Variant] = &[
    ("Line", "Line(r\"regex\")"),
    ("Tcp", "Tcp(\"host:port\")"),
    ("Exec", "Exec([\"program\", \"argument\"])"),
];
const AFTERS: &[Variant] = &[
    ("Started", "Started(\"name\")"),
    ("Ready", "Ready(\"name\")"),
    ("Succeeded", "Succeeded(\"name\")"),
    ("Ended", "Ended(\"name\")"),
];
const ALERTS: &[Variant] = &[
    ("Died", "Died"),
    ("Failed", "Failed"),
    ("Quiet", "Quiet(\"60s\")"),
    ("Line", "Line(r\"regex\")"),
];
const SIGNALS: &[Variant] = &[
    ("HUP", "HUP"),
    ("INT", "INT"),
    ("QUIT", "QUIT"),
    ("KILL", "KILL"),
    ("USR1", "USR1"),
    ("USR2", "USR2"),
    ("TERM", "TERM"),
    ("CONT", "CONT"),
    ("STOP", "STOP"),
];

/// Puts a value that could be read in its place; otherwise the default stays.
fn put<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

/// Whether a struct has this field, or one that was most likely meant to be it.
fn mentions(node: &Node, field: &str) -> bool {
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
    fn each<T>(
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
    fn text_of(
        &mut self,
        variant: &str,
        paren: Option<&Paren>,
        known: &[Variant],
    ) -> Option<String> {
        let [node] = self.one(variant, paren, known)?;
        self.text(node)
    }

    fn one<'n, const N: usize>(
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
                    put(&mut host.cpus, d.integer(value, 1, u64::from(u32::MAX)));
                }
                _ => put(&mut host.gpus, d.integer(value, 0, u64::from(u32::MAX))),
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
                    "Mute" => Step::Mute(who),
                    _ => Step::Unmute(who),
                })
            }
        }
    }

    fn policy(&mut self, node: &Node) -> Policy {
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
                let most = u64::from(crate::model::cpuset::INDEX_MAX);
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

    fn after(&mut self, node: &Node) -> Option<After> {
        let (variant, paren) = self.variant(node, AFTERS)?;
        let name = self.text_of(variant, paren, AFTERS)?;
        Some(match variant {
            "Started" => After::Started(name),
            "Ready" => After::Ready(name),
            "Succeeded" => After::Succeeded(name),
            _ => After::Ended(name),
        })
    }

    fn template(&mut self, node: &Node) -> ProcessTemplate {
        let mut template = ProcessTemplate::default();
        let fields = self.fields(node, "ProcessTemplate", TEMPLATE_FIELDS);
        if !mentions(node, "target")
            && let Kind::Paren(paren) = &node.kind
        {
            let span = paren.name.as_ref().map_or(node.span, |(_, span)| *span);
            let help = Some(
                "add target: Program(\"…\"), Shell(\"…\") or Python(\"file.py:function\")"
                    .to_owned(),
            );
            self.field("target", |d| {
                d.problem_with(span, "the target is missing", help)
            });
        }
        for (name, node) in fields {
            self.field(name, |d| d.template_field(&mut template, name, node));
        }
        template
    }

    pub(in crate::model::session) fn template_field(
        &mut self,
        template: &mut ProcessTemplate,
        name: &str,
        node: &Node,
    ) {
        match name {
            "target" => put(&mut template.target, self.target(node)),
            "args" => template.args = self.list(node, Self::value),
            "kwargs" => {
                template.kwargs.clear();
                for (name, _, node) in self.entries(node, "argument's name") {
                    let value = self.field(name, |d| d.value(node));
                    template
                        .kwargs
                        .extend(value.map(|value| (name.to_owned(), value)));
                }
            }
            "replicas" => put(
                &mut template.replicas,
                self.integer(node, 1, u64::from(REPLICAS_MAX)),
            ),
            "env" => {
                template.env.clear();
                for (name, _, node) in self.entries(node, "variable's name") {
                    let value = self.field(name, |d| d.text(node));
                    template
                        .env
                        .extend(value.map(|value| (name.to_owned(), value)));
                }
            }
            "cwd" => template.cwd = self.optional(node, Self::text),
            "stdin" => template.stdin = self.optional(node, Self::stdin),
            "stdout" => put(&mut template.stdout, self.stdout(node)),
            "stderr" => put(&mut template.stderr, self.stderr(node)),
            "terminal" => put(&mut template.terminal, self.terminal(node)),
            "policy" => template.policy = self.policy(node),
            "restart" => put(&mut template.restart, self.restart(node)),
            "critical" => put(&mut template.critical, self.boolean(node)),
            "ready" => template.ready = self.optional(node, Self::ready),
            "stop" => {
                template.stop = Stop::default();
                self.each(
                    node,
                    "Stop",
                    STOP_FIELDS,
                    &mut template.stop,
                    Self::stop_field,
                );
            }
            "after" => template.after = self.list(node, Self::after),
            "alerts" => template.alerts = self.list(node, Self::alert),
            "watch" => template.watch = self.list(node, Self::text),
            _ => {}
        }
    }

    fn target(&mut self, node: &Node) -> Option<Target> {
        let (variant, paren) = self.variant(node, TARGETS)?;
        let text = self.text_of(variant, paren, TARGETS)?;
        Some(match variant {
            "Program" => Target::Program(text),
            "Shell" => Target::Shell(text),
            _ => Target::Python(text),
        })
    }

    /// An argument: any plain value, and `Queue("name")`.
    fn value(&mut self, node: &Node) -> Option<Value> {
        match &node.kind {
            Kind::Bool(value) => Some(Value::Bool(*value)),
            Kind::Integer(number) => match i64::try_from(*number) {
                Ok(number) => Some(Value::Int(number)),
                Err(_) => {
                    self.problem(
                        node.span,
                        format!("a whole number must be {} to {}", i64::MIN, i64::MAX),
                    );
                    None
                }
            },
            Kind::Float(number) => Some(Value::Float(*number)),
            Kind::Char(c) => Some(Value::Text(c.to_string())),
            Kind::Text(text) => Some(Value::Text(text.clone())),
            Kind::Name(name) if &**name == "None" => Some(Value::None),
            Kind::List(body) => Some(Value::List(self.values_of(body))),
            Kind::Map(body) => {
                let mut entries = Vec::with_capacity(body.items.len());
                for (index, item) in body.items.iter().enumerate() {
                    let Some(key) = &item.key else { continue };
                    let part = item
                        .key_text()
                        .map_or(Part::Index(index), |key| Part::Name(key.to_owned()));
                    let (key, value) = self.within(part, |d| (d.value(key), d.value(&item.value)));
                    entries.extend(key.zip(value));
                }
                Some(Value::Map(entries))
            }
            Kind::Paren(paren) => match &paren.name {
                None if paren.body.items.is_empty() => Some(Value::None),
                None if paren.body.items.iter().all(|item| item.key.is_none()) => {
                    Some(Value::List(self.values_of(&paren.body)))
                }
                Some((name, _)) if &**name == "Queue" => {
                    let [name] = self.values("Queue", Some(paren), "Queue(\"name\")")?;
                    self.parsed(name, QueueName::new).map(Value::Queue)
                }
                Some((name, _)) if &**name == "Some" => {
                    let [inner] = self.values("Some", Some(paren), "Some(value)")?;
                    self.value(inner)
                }
                _ => self.no_value(node),
            },
            Kind::Name(_) | Kind::Bytes => self.no_value(node),
            Kind::Broken => None,
        }
    }

    fn values_of(&mut self, body: &crate::model::ron_text::Body) -> Vec<Value> {
        let items = body.items.iter().enumerate();
        items
            .filter_map(|(index, item)| self.within(Part::Index(index), |d| d.value(&item.value)))
            .collect()
    }

    fn no_value(&mut self, node: &Node) -> Option<Value> {
        let name = match &node.kind {
            Kind::Name(name) => name,
            Kind::Paren(paren) if let Some((name, _)) = &paren.name => name,
            _ => "",
        };
        let near = did_you_mean(name, ["Queue", "None", "true", "false"]);
        let help =
            "an argument is text, a number, true, false, None, a list, a map or Queue(\"name\")";
        self.problem_with(
            node.span,
            format!("{} is no value for an argument{near}", node.describe()),
            Some(help.to_owned()),
        );
        None
    }

    fn stdin(&mut self, node: &Node) -> Option<Stdin> {
        let (variant, paren) = self.variant(node, STDINS)?;
        match variant {
            "Pane" => Some(Stdin::Pane),
            "DevNull" => Some(Stdin::DevNull),
            _ => self.text_of(variant, paren, STDINS).map(Stdin::File),
        }
    }

    fn stdout(&mut self, node: &Node) -> Option<Stdout> {
        let (variant, paren) = self.variant(node, STDINS)?;
        match variant {
            "Pane" => Some(Stdout::Pane),
            "DevNull" => Some(Stdout::DevNull),
            _ => self.text_of(variant, paren, STDINS).map(Stdout::File),
        }
    }

    fn stderr(&mut self, node: &Node) -> Option<Stderr> {
        let (variant, paren) = self.variant(node, STDERRS)?;
        match variant {
            "Stdout" => Some(Stderr::Stdout),
            "Pane" => Some(Stderr::Pane),
            "DevNull" => Some(Stderr::DevNull),
            _ => self.text_of(variant, paren, STDERRS).map(Stderr::File),
        }
    }

    fn terminal(&mut self, node: &Node) -> Option<Terminal> {
        Some(match self.variant(node, TERMINALS)?.0 {
            "Pty" => Terminal::Pty,
            "Pipe" => Terminal::Pipe,
            _ => Terminal::Auto,
        })
    }

    fn restart(&mut self, node: &Node) -> Option<Restart> {
        let (variant, paren) = self.variant(node, RESTARTS)?;
        match variant {
            "Never" => Some(Restart::Never),
            "Always" => Some(Restart::Always),
            _ => {
                let before = self.problems.len();
                let fields = self.named(&paren?.body.items, &["max"]);
                match fields.first() {
                    // What stands in place of the field was reported.
                    None if self.problems.len() > before => None,
                    Some((_, node)) => {
                        let max = self.field("max", |d| d.integer(node, 1, u64::from(u32::MAX)))?;
                        Some(Restart::OnFailure { max })
                    }
                    None => {
                        self.problem_with(
                            node.span,
                            "`OnFailure` lacks `max`",
                            Some("write OnFailure(max: 3)".to_owned()),
                        );
                        None
                    }
                }
            }
        }
    }

    fn ready(&mut self, node: &Node) -> Option<Ready> {
        let (variant, paren) = self.variant(node, READIES)?;
        match variant {
            "Line" => self.text_of(variant, paren, READIES).map(Ready::Line),
            "Tcp" => self.text_of(variant, paren, READIES).map(Ready::Tcp),
            _ => {
                let [command] = self.one(variant, paren, READIES)?;
                Some(Ready::Exec(self.list(command, Self::text)))
            }
        }
    }

    pub(in crate::model::session) fn stop_field(
        &mut self,
        stop: &mut Stop,
        name: &str,
        node: &Node,
    ) {
        match name {
            "signal" => put(&mut stop.signal, self.signal(node)),
            "grace" => put(&mut stop.grace, self.duration(node)),
            _ => {}
        }
    }

    fn signal(&mut self, node: &Node) -> Option<Signal> {
        if let Kind::Name(name) = &node.kind
            && let Some(short) = name.strip_prefix("SIG")
            && SIGNALS.iter().any(|(signal, _)| *signal == short)
        {
            self.problem(
                node.span,
                format!("unknown variant `{name}`: did you mean `{short}`?"),
            );
            return None;
        }
        let (name, _) = self.variant(node, SIGNALS)?;
        let index = SIGNALS.iter().position(|(signal, _)| *signal == name)?;
        Signal::ALL.get(index).copied()
    }

    fn alert(&mut self, node: &Node) -> Option<Alert> {
        let (variant, paren) = self.variant(node, ALERTS)?;
        match variant {
            "Died" => Some(Alert::Died),
            "Failed" => Some(Alert::Failed),
            "Line" => self.text_of(variant, paren, ALERTS).map(Alert::Line),
            _ => {
                let [quiet] = self.one(variant, paren, ALERTS)?;
                self.duration(quiet).map(Alert::Quiet)
            }
        }
    }
}
