//! The rules of one template: target and arguments fit together, and everything can be handed to a process.

use super::{FieldPath, Rules};
use crate::model::{
    hostlist,
    ron_text::is_identifier,
    session::problem::did_you_mean,
    template::{
        Alert, ProcessTemplate, REPLICAS_MAX, Ready, Restart, Signal, Stderr, Stdin, Stdout,
        Target, Value,
    },
};

impl Rules<'_> {
    pub(super) fn template(&mut self, path: &FieldPath, template: &ProcessTemplate) {
        self.target(&path.name("target"), &template.target);
        if !(1..=REPLICAS_MAX).contains(&template.replicas) {
            self.error(path.name("replicas"), "replicas must be 1 to 1,000,000");
        }
        self.arguments(path, template);
        for (name, value) in &template.env {
            let path = path.name("env").name(name);
            if name.is_empty() || name.contains(['=', '\0']) {
                self.error(
                    path.clone(),
                    format!(
                        "{name:?} cannot be the name of a variable: it is empty or holds `=` or NUL"
                    ),
                );
            }
            self.no_nul(&path, value);
        }
        if let Some(cwd) = &template.cwd {
            self.filled(&path.name("cwd"), cwd);
        }
        if let Some(Stdin::File(file)) = &template.stdin {
            self.filled(&path.name("stdin"), file);
        }
        if let Stdout::File(file) = &template.stdout {
            self.filled(&path.name("stdout"), file);
        }
        if let Stderr::File(file) = &template.stderr {
            self.filled(&path.name("stderr"), file);
        }
        self.policy(&path.name("policy"), &template.policy);
        if template.restart == (Restart::OnFailure { max: 0 }) {
            self.error_with(
                path.name("restart").name("max"),
                "max must be 1 or more",
                "write restart: Never",
            );
        }
        if let Signal::CONT | Signal::STOP = template.stop.signal {
            self.error_with(
                path.name("stop").name("signal"),
                format!("{:?} ends no process", template.stop.signal),
                "write INT, TERM, HUP, QUIT, USR1, USR2 or KILL",
            );
        }
        self.ready(&path.name("ready"), template.ready.as_ref());
        for (index, alert) in template.alerts.iter().enumerate() {
            let path = path.name("alerts").index(index);
            match alert {
                Alert::Quiet(time) if time.is_zero() => self.error(
                    path,
                    "a process is always quiet for no time: write for example Quiet(\"60s\")",
                ),
                Alert::Line(text) => self.filled(&path, text),
                _ => {}
            }
        }
        for (index, file) in template.watch.iter().enumerate() {
            self.filled(&path.name("watch").index(index), file);
        }
    }

    fn target(&mut self, path: &FieldPath, target: &Target) {
        match target {
            Target::Program(text) | Target::Shell(text) if text.trim().is_empty() => {
                self.error(path.clone(), "there is nothing to run: the text is empty");
            }
            Target::Program(text) | Target::Shell(text) => self.no_nul(path, text),
            Target::Python(text) => {
                self.no_nul(path, text);
                // The last colon: a path may hold others.
                let (place, function) = text.rsplit_once(':').unwrap_or((text, ""));
                let named = !function.is_empty() && function.split('.').all(is_identifier);
                if place.trim().is_empty() || !named {
                    self.error_with(
                        path.clone(),
                        format!("{text:?} names no Python function"),
                        "write Python(\"file.py:function\") or Python(\"package.module:function\")",
                    );
                }
            }
        }
    }

    fn arguments(&mut self, path: &FieldPath, template: &ProcessTemplate) {
        // A target that could not be read may have been one.
        let python = matches!(template.target, Target::Python(_))
            || self.broken.lost.contains(&path.name("target"));
        for (index, value) in template.args.iter().enumerate() {
            let path = path.name("args").index(index);
            let wrong = match value {
                _ if python => None,
                Value::List(_) => Some("a list"),
                Value::Map(_) => Some("a map"),
                Value::None => Some("None"),
                _ => None,
            };
            match wrong {
                Some(what) => self.error_with(
                    path,
                    format!("{what} cannot be given to a program: only Python targets take it"),
                    "write it as text",
                ),
                None => self.value(&path, value),
            }
        }
        if !python && !template.kwargs.is_empty() {
            self.error_with(
                path.name("kwargs"),
                "only Python targets have named arguments",
                "write them in args, such as args: [\"--name\", \"value\"]",
            );
            return;
        }
        for (name, value) in &template.kwargs {
            let path = path.name("kwargs").name(name);
            if !is_identifier(name) {
                self.error(
                    path.clone(),
                    format!("{name:?} cannot be the name of an argument in Python"),
                );
            }
            self.value(&path, value);
        }
    }

    /// Queues that exist, text without NUL, all the way down.
    fn value(&mut self, path: &FieldPath, value: &Value) {
        match value {
            _ if self.problems.is_full() => {}
            Value::Text(text) => self.no_nul(path, text),
            Value::Queue(name)
                if !self.session.queues.contains_key(name)
                    && !self.broken.queues.contains(name.as_str()) =>
            {
                let near = did_you_mean(
                    name.as_str(),
                    self.session.queues.keys().map(|name| name.as_str()),
                );
                let help = if self.session.queues.is_empty() {
                    format!("add queues: {{ \"{name}\": Queue() }}")
                } else {
                    let known: Vec<&str> = self
                        .session
                        .queues
                        .keys()
                        .take(20)
                        .map(|name| name.as_str())
                        .collect();
                    format!("the session has {}", known.join(", "))
                };
                self.error_with(
                    path.clone(),
                    format!("there is no queue `{name}`{near}"),
                    help,
                );
            }
            Value::List(values) => {
                for (index, value) in values.iter().enumerate() {
                    self.value(&path.index(index), value);
                }
            }
            Value::Map(entries) => {
                for (index, (key, value)) in entries.iter().enumerate() {
                    let inner = match key {
                        Value::Text(key) => path.name(key),
                        _ => path.index(index),
                    };
                    self.value(&inner, key);
                    self.value(&inner, value);
                }
            }
            _ => {}
        }
    }

    fn ready(&mut self, path: &FieldPath, ready: Option<&Ready>) {
        match ready {
            Some(Ready::Line(text)) => self.filled(path, text),
            Some(Ready::Tcp(address)) if !is_address(address) => self.error_with(
                path.clone(),
                format!("{address:?} is no address"),
                "write Tcp(\"localhost:8080\")",
            ),
            Some(Ready::Tcp(_)) => {}
            Some(Ready::Exec(command)) => {
                if command
                    .first()
                    .is_none_or(|program| program.trim().is_empty())
                {
                    self.error(path.clone(), "there is no program to run: write for example Exec([\"test\", \"-e\", \"/tmp/up\"])");
                }
                for text in command {
                    self.no_nul(path, text);
                }
            }
            None => {}
        }
    }
}

/// Whether this is a host (an IPv6 address in brackets too) and a port, with placeholders anywhere.
fn is_address(text: &str) -> bool {
    let filled = ["{rank}", "{nproc}", "{host}"]
        .iter()
        .fold(text.to_owned(), |text, placeholder| {
            text.replace(placeholder, "1")
        });
    let Some((host, port)) = filled.rsplit_once(':') else {
        return false;
    };
    let plain = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    hostlist::is_host(plain) && digits && port.parse::<u16>().is_ok_and(|port| port > 0)
}
