//! From the values of a session to what is written of them: only what differs from the defaults.
//!
//! Owns [`Doc`], the written form of a value before it is text, and the canonical layout. Two values are the
//! same for a file when their documents are equal; `patch` builds on that.

use std::time::Duration;

use indexmap::IndexMap;

use crate::model::{
    cpuset::CpuSet,
    document::{Session, Step},
    host::HostSpec,
    policy::{Distribution, Placement, Policy},
    queue::{QueueServer, QueueSpec},
    ron_text::write_text,
    template::{
        After, Alert, ProcessGroup, ProcessTemplate, Ready, Restart, Stderr, Stdin, Stdout, Stop,
        Target, Terminal, Value, humantime_text,
    },
};

/// What one step of indentation is, where the file does not say otherwise.
pub(super) const STEP: &str = "    ";

/// The greatest width of a line that holds a value with entries.
const WIDTH: usize = 100;

/// A value as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Doc {
    /// A value without parts.
    Leaf(String),
    /// `Name(field: …)`; without a name for an entry of the timeline.
    Struct(&'static str, Vec<(&'static str, Doc)>),
    /// `Name(value, …)`.
    Variant(&'static str, Vec<Doc>),
    /// `[…]`.
    List(Vec<Doc>),
    /// `{ key: … }`, keys as they are written.
    Map(Vec<(String, Doc)>),
}

impl Doc {
    /// A whole file.
    pub(super) fn document(&self) -> String {
        format!("{}\n", self.pretty("", STEP, 0))
    }

    /// The value from where a line is indented by `indent` and `used` further characters stand before it.
    pub(super) fn pretty(&self, indent: &str, step: &str, used: usize) -> String {
        if !self.is_tall() {
            let line = self.inline();
            if indent.len() + used + line.chars().count() < WIDTH {
                return line;
            }
        }
        let inner = format!("{indent}{step}");
        let entry = |key: &str, value: &Doc| {
            format!(
                "{inner}{key}{},\n",
                value.pretty(&inner, step, key.chars().count())
            )
        };
        let (open, entries, close): (String, String, &str) = match self {
            Doc::Leaf(text) => return text.clone(),
            Doc::Struct(name, fields) => (
                format!("{name}("),
                fields
                    .iter()
                    .map(|(key, value)| entry(&format!("{key}: "), value))
                    .collect(),
                ")",
            ),
            // A variant holds one value or two short ones; a line break would help no reader.
            Doc::Variant(..) => return self.inline(),
            Doc::List(values) => (
                "[".to_owned(),
                values.iter().map(|value| entry("", value)).collect(),
                "]",
            ),
            Doc::Map(entries) => (
                "{".to_owned(),
                entries
                    .iter()
                    .map(|(key, value)| entry(&format!("{key}: "), value))
                    .collect(),
                "}",
            ),
        };
        format!("{open}\n{entries}{indent}{close}")
    }

    /// The value on one line.
    pub(super) fn inline(&self) -> String {
        let list = |values: &[Doc]| {
            values
                .iter()
                .map(Doc::inline)
                .collect::<Vec<_>>()
                .join(", ")
        };
        match self {
            Doc::Leaf(text) => text.clone(),
            Doc::Struct(name, fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(key, value)| format!("{key}: {}", value.inline()))
                    .collect();
                format!("{name}({})", fields.join(", "))
            }
            Doc::Variant(name, values) => format!("{name}({})", list(values)),
            Doc::List(values) => format!("[{}]", list(values)),
            Doc::Map(entries) if entries.is_empty() => "{}".to_owned(),
            Doc::Map(entries) => {
                let entries: Vec<String> = entries
                    .iter()
                    .map(|(key, value)| format!("{key}: {}", value.inline()))
                    .collect();
                format!("{{ {} }}", entries.join(", "))
            }
        }
    }

    /// Whether it takes several lines however short it is.
    fn is_tall(&self) -> bool {
        match self {
            Doc::Struct("Session" | "ProcessGroup" | "ProcessTemplate", fields) => {
                !fields.is_empty()
            }
            Doc::List(values) => {
                values.len() > 1
                    && values
                        .iter()
                        .any(|value| matches!(value, Doc::Struct("", _)))
            }
            Doc::Map(entries) => entries.iter().any(|(_, value)| value.is_tall()),
            _ => false,
        }
    }
}

fn leaf(value: impl ToString) -> Doc {
    Doc::Leaf(value.to_string())
}

fn text(value: &str) -> Doc {
    Doc::Leaf(write_text(value))
}

fn texts(values: &[String]) -> Doc {
    Doc::List(values.iter().map(|value| text(value)).collect())
}

fn duration(value: Duration) -> Doc {
    text(&humantime_text::format(value))
}

/// The fields of a struct that are written.
#[derive(Default)]
struct Fields(Vec<(&'static str, Doc)>);

impl Fields {
    fn put(&mut self, name: &'static str, doc: Doc) {
        self.0.push((name, doc));
    }

    fn put_some<T>(&mut self, name: &'static str, value: Option<T>, write: impl FnOnce(T) -> Doc) {
        if let Some(value) = value {
            self.put(name, write(value));
        }
    }

    /// Writes the value unless it is the default.
    fn put_changed<'v, T: PartialEq>(
        &mut self,
        name: &'static str,
        value: &'v T,
        default: &T,
        write: impl FnOnce(&'v T) -> Doc,
    ) {
        if value != default {
            self.put(name, write(value));
        }
    }

    /// Writes a list or map unless it is empty.
    fn put_filled(&mut self, name: &'static str, doc: Doc) {
        let empty = match &doc {
            Doc::List(values) => values.is_empty(),
            Doc::Map(entries) => entries.is_empty(),
            Doc::Struct(_, fields) => fields.is_empty(),
            _ => false,
        };
        if !empty {
            self.put(name, doc);
        }
    }
}

fn map<K: AsRef<str>, V>(entries: &IndexMap<K, V>, write: impl Fn(&V) -> Doc) -> Doc {
    Doc::Map(
        entries
            .iter()
            .map(|(key, value)| (write_text(key.as_ref()), write(value)))
            .collect(),
    )
}

fn list<T>(values: &[T], write: impl Fn(&T) -> Doc) -> Doc {
    Doc::List(values.iter().map(write).collect())
}

pub(super) fn session(session: &Session) -> Doc {
    let mut fields = Fields::default();
    fields.put("version", leaf(session.version));
    fields.put_some("name", session.name.as_deref(), text);
    fields.put_some("python", session.python.as_deref(), text);
    fields.put_filled("hosts", list(&session.hosts, host));
    fields.put_filled(
        "queues",
        Doc::Map(
            session
                .queues
                .iter()
                .map(|(name, spec)| (write_text(name.as_str()), queue(spec)))
                .collect(),
        ),
    );
    if let QueueServer::Redis(url) = &session.queue_server {
        fields.put("queue_server", Doc::Variant("Redis", vec![text(url)]));
    }
    fields.put_filled(
        "timeline",
        list(&session.timeline, |entry| {
            Doc::Struct(
                "",
                vec![("at", duration(entry.at)), ("do", step(&entry.step))],
            )
        }),
    );
    fields.put_filled("policy", policy(&session.policy));
    fields.put_filled(
        "groups",
        Doc::Map(
            session
                .groups
                .iter()
                .map(|(name, spec)| (write_text(name.as_str()), group(spec)))
                .collect(),
        ),
    );
    Doc::Struct("Session", fields.0)
}

fn host(host: &HostSpec) -> Doc {
    match host {
        HostSpec::Ssh(hosts) => Doc::Variant("Ssh", vec![text(hosts)]),
        HostSpec::Slurm(options) => Doc::Variant("Slurm", vec![text(options)]),
        HostSpec::Declared(host) => {
            let mut fields = Fields::default();
            fields.put("name", text(host.name.as_str()));
            fields.put("cpus", leaf(host.cpus));
            fields.put_changed("gpus", &host.gpus, &0, leaf);
            Doc::Struct("Declared", fields.0)
        }
    }
}

pub(super) fn queue(queue: &QueueSpec) -> Doc {
    let mut fields = Fields::default();
    fields.put_some("maxsize", queue.maxsize, leaf);
    fields.put_some("maxbytes", queue.maxbytes, leaf);
    fields.put_changed("joinable", &queue.joinable, &false, leaf);
    Doc::Struct("Queue", fields.0)
}

fn step(step: &Step) -> Doc {
    let name = match step {
        Step::Start(_) => "Start",
        Step::Stop(_) => "Stop",
        Step::Kill(_) => "Kill",
        Step::Mute(_) => "Mute",
        Step::Restart(_) => "Restart",
        Step::Unmute(_) => "Unmute",
        Step::Scale(..) => "Scale",
        Step::Send(..) => "Send",
    };
    let mut values = vec![text(&step.selector().to_string())];
    match step {
        Step::Scale(_, replicas) => values.push(leaf(replicas)),
        Step::Send(_, typed) => values.push(text(typed)),
        _ => {}
    }
    Doc::Variant(name, values)
}

fn indices(set: &CpuSet) -> Doc {
    let written = set.to_string();
    if written.contains('-') {
        text(&written)
    } else {
        Doc::List(set.iter().map(leaf).collect())
    }
}

fn policy(policy: &Policy) -> Doc {
    let mut fields = Fields::default();
    fields.put_some(
        "placement",
        policy.placement.as_ref(),
        |placement| match placement {
            Placement::Anywhere => leaf("Anywhere"),
            Placement::Local => leaf("Local"),
            Placement::HostName(name) => Doc::Variant("HostName", vec![text(name.as_str())]),
            Placement::HostId(id) => Doc::Variant("HostId", vec![leaf(id)]),
        },
    );
    fields.put_some(
        "distribution",
        policy.distribution,
        |distribution| match distribution {
            Distribution::RoundRobin => leaf("RoundRobin"),
            Distribution::Block => leaf("Block"),
        },
    );
    fields.put_some("cpu_affinity", policy.cpu_affinity.as_ref(), indices);
    fields.put_some("gpu_affinity", policy.gpu_affinity.as_ref(), indices);
    fields.put_some("cpus", policy.cpus, leaf);
    fields.put_some("gpus", policy.gpus, leaf);
    Doc::Struct("Policy", fields.0)
}

fn after(after: &After) -> Doc {
    let name = match after {
        After::Started(_) => "Started",
        After::Ready(_) => "Ready",
        After::Succeeded(_) => "Succeeded",
        After::Ended(_) => "Ended",
    };
    Doc::Variant(name, vec![text(after.name())])
}

pub(super) fn group(group: &ProcessGroup) -> Doc {
    let mut fields = Fields::default();
    fields.put_filled(
        "templates",
        Doc::Map(
            group
                .templates
                .iter()
                .map(|(name, spec)| (write_text(name.as_str()), template(spec)))
                .collect(),
        ),
    );
    fields.put_filled("policy", policy(&group.policy));
    fields.put_some("walltime", group.walltime, duration);
    fields.put_changed(
        "ignore_error_on_exit",
        &group.ignore_error_on_exit,
        &false,
        leaf,
    );
    fields.put_filled("after", list(&group.after, after));
    Doc::Struct("ProcessGroup", fields.0)
}

pub(super) fn template(template: &ProcessTemplate) -> Doc {
    let default = ProcessTemplate::default();
    let mut fields = Fields::default();
    fields.put(
        "target",
        match &template.target {
            Target::Program(program) => Doc::Variant("Program", vec![text(program)]),
            Target::Shell(line) => Doc::Variant("Shell", vec![text(line)]),
            Target::Python(function) => Doc::Variant("Python", vec![text(function)]),
        },
    );
    fields.put_filled("args", list(&template.args, value));
    fields.put_filled("kwargs", map(&template.kwargs, value));
    fields.put_changed("replicas", &template.replicas, &default.replicas, leaf);
    fields.put_filled("env", map(&template.env, |value| text(value)));
    fields.put_some("cwd", template.cwd.as_deref(), text);
    fields.put_some("stdin", template.stdin.as_ref(), |stdin| match stdin {
        Stdin::Pane => leaf("Pane"),
        Stdin::DevNull => leaf("DevNull"),
        Stdin::File(file) => Doc::Variant("File", vec![text(file)]),
    });
    fields.put_changed(
        "stdout",
        &template.stdout,
        &default.stdout,
        |stdout| match stdout {
            Stdout::Pane => leaf("Pane"),
            Stdout::DevNull => leaf("DevNull"),
            Stdout::File(file) => Doc::Variant("File", vec![text(file)]),
        },
    );
    fields.put_changed(
        "stderr",
        &template.stderr,
        &default.stderr,
        |stderr| match stderr {
            Stderr::Stdout => leaf("Stdout"),
            Stderr::Pane => leaf("Pane"),
            Stderr::DevNull => leaf("DevNull"),
            Stderr::File(file) => Doc::Variant("File", vec![text(file)]),
        },
    );
    fields.put_changed(
        "terminal",
        &template.terminal,
        &default.terminal,
        |terminal| {
            leaf(match terminal {
                Terminal::Auto => "Auto",
                Terminal::Pty => "Pty",
                Terminal::Pipe => "Pipe",
            })
        },
    );
    fields.put_filled("policy", policy(&template.policy));
    fields.put_changed(
        "restart",
        &template.restart,
        &default.restart,
        |restart| match restart {
            Restart::Never => leaf("Never"),
            Restart::Always => leaf("Always"),
            Restart::OnFailure { max } => Doc::Struct("OnFailure", vec![("max", leaf(max))]),
        },
    );
    fields.put_changed("critical", &template.critical, &false, leaf);
    fields.put_some("ready", template.ready.as_ref(), |ready| match ready {
        Ready::Line(pattern) => Doc::Variant("Line", vec![text(pattern)]),
        Ready::Tcp(address) => Doc::Variant("Tcp", vec![text(address)]),
        Ready::Exec(command) => Doc::Variant("Exec", vec![texts(command)]),
    });
    fields.put_filled("stop", stop(&template.stop));
    fields.put_filled("after", list(&template.after, after));
    fields.put_filled(
        "alerts",
        list(&template.alerts, |alert| match alert {
            Alert::Died => leaf("Died"),
            Alert::Failed => leaf("Failed"),
            Alert::Quiet(time) => Doc::Variant("Quiet", vec![duration(*time)]),
            Alert::Line(pattern) => Doc::Variant("Line", vec![text(pattern)]),
        }),
    );
    fields.put_filled("watch", texts(&template.watch));
    Doc::Struct("ProcessTemplate", fields.0)
}

fn stop(stop: &Stop) -> Doc {
    let default = Stop::default();
    let mut fields = Fields::default();
    fields.put_changed("signal", &stop.signal, &default.signal, |signal| {
        leaf(format!("{signal:?}"))
    });
    fields.put_changed("grace", &stop.grace, &default.grace, |grace| {
        duration(*grace)
    });
    Doc::Struct("Stop", fields.0)
}

/// An argument as it is written on one line: equal for values that mean the same.
pub(super) fn written_value(argument: &Value) -> String {
    value(argument).inline()
}

fn value(argument: &Value) -> Doc {
    match argument {
        Value::None => leaf("None"),
        Value::Bool(value) => leaf(value),
        Value::Int(number) => leaf(number),
        Value::Float(number) => leaf(format!("{number:?}")),
        Value::Text(content) => text(content),
        Value::List(values) => list(values, value),
        Value::Map(entries) => Doc::Map(
            entries
                .iter()
                .map(|(key, entry)| (value(key).inline(), value(entry)))
                .collect(),
        ),
        Value::Queue(name) => Doc::Variant("Queue", vec![text(name.as_str())]),
    }
}
