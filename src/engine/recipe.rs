//! From a template, a rank and a seat to the exact command, environment and files of one process.
//!
//! Owns the meaning of targets, arguments, placeholders and what every rank finds in its environment. Pure.
//! Start at [`Recipes::spec`].

use std::path::{Path, PathBuf};

use super::placement::Seat;
use crate::{
    agent::wire::{ChildKey, Sink, Source, SpawnSpec},
    model::{
        cpuset::CpuSet,
        document::Session,
        ids::{HostName, ProcessId},
        template::{ProcessTemplate, Stderr, Stdin, Stdout, Target, Terminal, Value},
    },
};

/// The longest list of arguments of a Python target, in bytes of JSON: one variable of the environment may
/// not be longer (MAX_ARG_STRLEN in Linux is 128 KiB).
pub const CALL_MAX: usize = 120 << 10;

/// What is the same for all processes of a run.
#[derive(Debug, Clone)]
pub struct Recipes {
    /// The id of the run.
    pub run: String,
    /// The folder of the session file: relative paths of targets and files are relative to it.
    pub session_folder: PathBuf,
    /// The Python interpreter, a path or a name.
    pub python: String,
    /// The socket of the queues.
    pub queue_socket: String,
    /// Rows and columns of a pty.
    pub size: (u16, u16),
}

/// What is the same for all processes on one host.
#[derive(Debug, Clone)]
pub struct HostSide {
    /// The host as the session calls it.
    pub name: HostName,
    /// The folder of the unpacked Python package there.
    pub python_home: String,
}

/// Replaces exactly `{rank}`, `{nproc}` and `{host}`; `{{rank}}` and the like become the text `{rank}`.
pub fn expand(text: &str, rank: u32, nproc: u32, host: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let hit = ["rank", "nproc", "host"].into_iter().find_map(|name| {
            let plain = rest[1..]
                .strip_prefix(name)
                .and_then(|after| after.strip_prefix('}'));
            let doubled = rest[1..]
                .strip_prefix('{')
                .and_then(|after| after.strip_prefix(name))
                .and_then(|after| after.strip_prefix("}}"));
            doubled
                .map(|after| (name, true, after))
                .or(plain.map(|after| (name, false, after)))
        });
        match hit {
            Some((name, literal, after)) => {
                match (name, literal) {
                    (name, true) => out.push_str(&format!("{{{name}}}")),
                    ("rank", _) => out.push_str(&rank.to_string()),
                    ("nproc", _) => out.push_str(&nproc.to_string()),
                    _ => out.push_str(host),
                }
                rest = after;
            }
            None => {
                out.push('{');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// A value as a program gets it. Lists and maps are refused by the session's validation; they would come as JSON.
fn as_text(value: &Value) -> String {
    match value {
        Value::None => String::new(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Text(text) => text.clone(),
        Value::Queue(name) => name.to_string(),
        Value::List(_) | Value::Map(_) => {
            let mut json = String::new();
            write_json(value, &|text| text.to_owned(), &mut json);
            json
        }
    }
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if (c as u32) < 0x20 || c == '\u{7f}' => {
                out.push_str(&format!("\\u{:04x}", c as u32))
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// JSON as Python's `json` reads it: NaN and the infinities have names there, a queue is `{"$queue": name}`,
/// and a map whose keys are not plain text (or hold `$queue` itself) is `{"$map": [[key, value], …]}`.
fn write_json(value: &Value, text_of: &dyn Fn(&str) -> String, out: &mut String) {
    match value {
        Value::None => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => out.push_str(&value.to_string()),
        Value::Float(value) if value.is_nan() => out.push_str("NaN"),
        Value::Float(value) if value.is_infinite() => {
            out.push_str(if *value > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            });
        }
        Value::Float(value) => out.push_str(&format!("{value:?}")),
        Value::Text(text) => write_string(&text_of(text), out),
        Value::Queue(name) => {
            out.push_str("{\"$queue\":");
            write_string(name.as_str(), out);
            out.push('}');
        }
        Value::List(values) => {
            out.push('[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_json(value, text_of, out);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            let plain = |key: &Value| matches!(key, Value::Text(text) if !text.starts_with('$'));
            if entries.iter().all(|(key, _)| plain(key)) {
                out.push('{');
                for (at, (key, value)) in entries.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    write_json(key, text_of, out);
                    out.push(':');
                    write_json(value, text_of, out);
                }
                out.push('}');
            } else {
                out.push_str("{\"$map\":[");
                for (at, (key, value)) in entries.iter().enumerate() {
                    out.push_str(if at > 0 { ",[" } else { "[" });
                    write_json(key, text_of, out);
                    out.push(',');
                    write_json(value, text_of, out);
                    out.push(']');
                }
                out.push_str("]}");
            }
        }
    }
}

/// The arguments of a Python target as its runner reads them.
fn call(template: &ProcessTemplate, text_of: &dyn Fn(&str) -> String) -> String {
    let mut out = String::from("{\"args\":");
    write_json(&Value::List(template.args.clone()), text_of, &mut out);
    out.push_str(",\"kwargs\":{");
    for (at, (name, value)) in template.kwargs.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_string(name, &mut out);
        out.push(':');
        write_json(value, text_of, &mut out);
    }
    out.push_str("}}");
    out
}

impl Recipes {
    /// A path of the session: as it is when absolute, else in the session's folder.
    pub fn path(&self, text: &str) -> String {
        let path = Path::new(text);
        if path.is_absolute() {
            text.to_owned()
        } else {
            self.session_folder
                .join(path)
                .to_string_lossy()
                .into_owned()
        }
    }

    /// A program of the session: a bare name is looked up in `PATH` on its host.
    pub fn program(&self, text: &str) -> String {
        if text.contains('/') {
            self.path(text)
        } else {
            text.to_owned()
        }
    }

    /// A Python target with its file as an absolute path.
    pub fn python_target(&self, text: &str) -> String {
        match text.rsplit_once(':') {
            Some((file, function)) if file.ends_with(".py") || file.contains('/') => {
                format!("{}:{function}", self.path(file))
            }
            _ => text.to_owned(),
        }
    }

    /// The URL of the queues. redis-py 8 gives up waiting after 5 s unless it is told otherwise.
    pub fn queue_url(&self) -> String {
        format!("unix://{}?socket_timeout=86400", self.queue_socket)
    }

    /// Everything that a host needs to start a rank.
    #[allow(clippy::too_many_arguments)]
    pub fn spec(
        &self,
        session: &Session,
        template: &ProcessTemplate,
        child: ChildKey,
        process: &ProcessId,
        seat: &Seat,
        nproc: u32,
        mute: Option<bool>,
        host: &HostSide,
    ) -> SpawnSpec {
        let rank = process.rank;
        let filled = |text: &str| expand(text, rank, nproc, host.name.as_str());
        let file = |text: &str| self.path(&filled(text));
        let mut env = self.rank_env(process, nproc, host);
        if let Some(gpus) = &seat.gpus {
            env.extend(gpu_env(gpus));
        }
        let (program, args) = match &template.target {
            Target::Program(program) => (
                self.program(program),
                template
                    .args
                    .iter()
                    .map(|value| filled(&as_text(value)))
                    .collect(),
            ),
            Target::Shell(line) => {
                let mut args = vec!["-c".to_owned(), line.clone(), "sh".to_owned()];
                args.extend(template.args.iter().map(|value| filled(&as_text(value))));
                ("/bin/sh".to_owned(), args)
            }
            Target::Python(target) => {
                env.push(("PYTHONUNBUFFERED".to_owned(), "1".to_owned()));
                env.push(("DRAGON_TUI_CALL".to_owned(), call(template, &filled)));
                let runner = format!("{}/{}", host.python_home, crate::python::embed::RUNNER);
                (
                    self.program(&self.interpreter(session)),
                    vec![runner, self.python_target(target)],
                )
            }
        };
        env.extend(
            template
                .env
                .iter()
                .map(|(name, value)| (name.clone(), filled(value))),
        );
        let stdout = match &template.stdout {
            Stdout::Pane => Sink::Pane {
                muted: mute.unwrap_or(false),
            },
            Stdout::DevNull => Sink::Pane {
                muted: mute.unwrap_or(true),
            },
            Stdout::File(path) => Sink::File(file(path)),
        };
        let stderr = match &template.stderr {
            Stderr::Stdout => Sink::Stdout,
            Stderr::Pane => Sink::Pane {
                muted: mute.unwrap_or(false),
            },
            Stderr::DevNull => Sink::Pane {
                muted: mute.unwrap_or(true),
            },
            Stderr::File(path) => Sink::File(file(path)),
        };
        let stdin = match &template.stdin {
            None => Source::Auto,
            Some(Stdin::Pane) => Source::Pane,
            Some(Stdin::DevNull) => Source::Null,
            Some(Stdin::File(path)) => Source::File(file(path)),
        };
        // A pty is for a pane that is looked at or typed into; what is thrown away or filed goes by a pipe.
        let terminal = match template.terminal {
            Terminal::Auto
                if template.stdout == Stdout::Pane || template.stdin == Some(Stdin::Pane) =>
            {
                Terminal::Auto
            }
            Terminal::Auto => Terminal::Pipe,
            asked => asked,
        };
        SpawnSpec {
            child,
            task: process.to_string(),
            program,
            args,
            env,
            cwd: template.cwd.as_deref().map(|cwd| self.path(&filled(cwd))),
            stdin,
            stdout,
            stderr,
            terminal,
            size: self.size,
            cpus: seat.cpus.iter().collect(),
        }
    }

    /// The interpreter for Python targets: the session's, else that of the virtual environment, else `python3`.
    pub fn interpreter(&self, session: &Session) -> String {
        session
            .python
            .clone()
            .unwrap_or_else(|| self.python.clone())
    }

    /// The size of a Python target's arguments in bytes, to be held against [`CALL_MAX`].
    pub fn call_size(template: &ProcessTemplate) -> usize {
        call(template, &|text| text.to_owned()).len()
    }

    fn rank_env(&self, process: &ProcessId, nproc: u32, host: &HostSide) -> Vec<(String, String)> {
        [
            ("DRAGON_QUEUE_URL", self.queue_url()),
            ("DRAGON_QUEUE_SOCKET", self.queue_socket.clone()),
            ("DRAGON_TASK", process.to_string()),
            ("DRAGON_TUI_RUN", self.run.clone()),
            ("DRAGON_TUI_GROUP", process.group.to_string()),
            ("DRAGON_TUI_TEMPLATE", process.template.to_string()),
            ("DRAGON_TUI_RANK", process.rank.to_string()),
            ("DRAGON_TUI_NPROC", nproc.to_string()),
            ("DRAGON_TUI_HOST", host.name.to_string()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }
}

/// The variables by which a process sees only these GPUs. The vendor of a declared host is not known, so all
/// of them are set; the libraries of one vendor do not read those of another.
pub fn gpu_env(gpus: &CpuSet) -> Vec<(String, String)> {
    let list = gpus
        .iter()
        .map(|gpu| gpu.to_string())
        .collect::<Vec<_>>()
        .join(",");
    [
        ("CUDA_DEVICE_ORDER", "PCI_BUS_ID".to_owned()),
        ("CUDA_VISIBLE_DEVICES", list.clone()),
        ("ROCR_VISIBLE_DEVICES", list.clone()),
        ("ZE_AFFINITY_MASK", list),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

#[cfg(test)]
mod tests;
