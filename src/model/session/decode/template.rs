//! The fields of a template, and the values that a process is given.
//!
//! Goes on where `fields` ends, in the same way. Start at [`Decoder::template`].

use std::collections::HashMap;

use super::{
    Decoder, Variant,
    fields::{STOP_FIELDS, TEMPLATE_FIELDS, mentions, put},
    indices,
};
use crate::model::{
    ids::QueueName,
    ron_text::{Body, Kind, Node, Span},
    session::{
        encode::written_value,
        problem::{Part, did_you_mean},
    },
    template::{
        After, Alert, ProcessTemplate, REPLICAS_MAX, Ready, Restart, Signal, Stderr, Stdin, Stdout,
        Stop, Target, Terminal, Value,
    },
};

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

impl Decoder<'_> {
    pub(super) fn after(&mut self, node: &Node) -> Option<After> {
        let (variant, paren) = self.variant(node, AFTERS)?;
        let name = self.text_of(variant, paren, AFTERS)?;
        Some(match variant {
            "Started" => After::Started(name),
            "Ready" => After::Ready(name),
            "Succeeded" => After::Succeeded(name),
            _ => After::Ended(name),
        })
    }

    pub(super) fn template(&mut self, node: &Node) -> ProcessTemplate {
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
            Kind::Map(body) => Some(Value::Map(self.map_of(body))),
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

    fn values_of(&mut self, body: &Body) -> Vec<Value> {
        self.elements(body, indices(body), |d, item| d.value(&item.value))
    }

    /// The entries of an argument that is a map: keys of any kind, each once.
    fn map_of(&mut self, body: &Body) -> Vec<(Value, Value)> {
        let mut seen: HashMap<String, Span> = HashMap::new();
        let parts = body.items.iter().enumerate().map(|(index, item)| {
            // A key that is text is a step of the path; as for the others, their place is.
            let key = item.key.as_ref().map(|key| &key.kind);
            match key {
                Some(Kind::Text(text)) => Part::Name(text.as_str().into()),
                _ => Part::Index(index),
            }
        });
        self.elements(body, parts, |d, item| {
            let node = item.key.as_ref()?;
            let key = d.value(node)?;
            // By what they mean: `1` and `0x1` are one key.
            let written = written_value(&key);
            if let Some(first) = seen.get(&written) {
                let message = format!(
                    "duplicate key {written}, first written at {}",
                    d.place(*first)
                );
                d.remark(node.span, message, None);
                return None;
            }
            seen.insert(written, node.span);
            Some((key, d.value(&item.value)?))
        })
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
