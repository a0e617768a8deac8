//! Single fields changed by their path, as `--set demo.generator.replicas=8` does.
//!
//! The value is read by the same functions as in a file, so the same values are taken and the same problems
//! reported. Where text is wanted, it may stand without quotes. Start at [`set`].

use super::{
    Session,
    decode::{
        Decoder, GROUP_FIELDS, POLICY_FIELDS, QUEUE_FIELDS, SESSION_FIELDS, STOP_FIELDS,
        TEMPLATE_FIELDS,
    },
    problem::{FieldPath, Problem, did_you_mean},
};
use crate::model::ron_text::{self, Kind, Lines, Node, write_text};

/// How the value of a field may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As in a file.
    Ron,
    /// Text, which may stand without quotes.
    Text,
    /// The same, and `None` takes it away.
    TextOrNone,
    /// The same, or a list.
    Indices,
}

impl Form {
    fn of(field: &str) -> Self {
        match field {
            "name" | "python" | "cwd" | "walltime" => Self::TextOrNone,
            "grace" => Self::Text,
            "cpu_affinity" | "gpu_affinity" => Self::Indices,
            _ => Self::Ron,
        }
    }

    /// Whether this is the text itself, and not what a file would have.
    fn is_bare(self, value: &str) -> bool {
        let quoted = || {
            let begins = ["\"", "r\"", "r#\"", "r##"];
            begins.iter().any(|begin| value.starts_with(begin))
        };
        // Only the whole of it: a name may begin so.
        let wrapped = || {
            let tree = ron_text::parse(value);
            value.starts_with("Some(")
                && tree.problems.is_empty()
                && tree.root.is_some_and(|root| {
                    matches!(root.without_some().kind, Kind::Text(_) | Kind::List(_))
                })
        };
        match self {
            Self::Ron => false,
            Self::Text => !quoted(),
            Self::TextOrNone => !quoted() && value != "None" && !wrapped(),
            Self::Indices => !quoted() && value != "None" && !value.starts_with('[') && !wrapped(),
        }
    }
}

/// Changes one field: `name=…`, `group.field=…`, `group.template.field=…`, `queues.name.field=…`, with one
/// step further for `policy.…`, `stop.…` and `env.NAME`.
///
/// The paths that problems print (`groups.demo.templates.generator.replicas`) are taken too, and are the way to a group
/// that is called like a field of the session. What other fields have to say about the new value is the business of
/// [`Session::validate`]. Returns the path of the field.
///
/// # Errors
/// When there is no such field, or the value is none for it; the session is then as it was.
pub fn set(session: &mut Session, assignment: &str) -> Result<FieldPath, Problem> {
    let Some((path, value)) = assignment.split_once('=') else {
        return Err(
            Problem::error(FieldPath::root(), format!("{assignment:?} sets nothing"))
                .with_help("write for example demo.generator.replicas=8"),
        );
    };
    let mut changed = session.clone();
    let setter = Setter {
        assignment,
        value: value.trim(),
        written: path.trim(),
    };
    if setter.written.split('.').any(|part| part.trim().is_empty()) {
        let message = format!("{:?} names no field", setter.written);
        return Err(Problem::error(FieldPath::root(), message)
            .with_help("write for example demo.generator.replicas=8"));
    }
    let field = setter.apply(&mut changed)?;
    *session = changed;
    Ok(field)
}

struct Setter<'a> {
    assignment: &'a str,
    value: &'a str,
    written: &'a str,
}

impl Setter<'_> {
    fn apply(&self, session: &mut Session) -> Result<FieldPath, Problem> {
        let parts: Vec<&str> = self.written.split('.').collect();
        let root = FieldPath::root();
        match parts.as_slice() {
            [field] if SESSION_FIELDS.contains(field) => {
                self.one(&root, &parts, SESSION_FIELDS, |d, field, node| {
                    d.session_field(session, field, node)
                })
            }
            ["groups", group, rest @ ..]
                if session.groups.contains_key(*group)
                    || !session.groups.contains_key("groups") =>
            {
                match rest {
                    ["templates", template, inner @ ..] => {
                        self.in_template(session, group, template, inner)
                    }
                    _ => self.in_group(session, group, rest),
                }
            }
            [group, rest @ ..] if session.groups.contains_key(*group) => {
                self.in_group(session, group, rest)
            }
            ["queues", name, rest @ ..] => {
                let names: Vec<String> = session.queues.keys().map(ToString::to_string).collect();
                let path = root.name("queues");
                let Some(queue) = session.queues.get_mut(*name) else {
                    return Err(self.unknown(
                        path,
                        "queue",
                        name,
                        names.iter().map(String::as_str),
                    ));
                };
                let path = path.name(name);
                if rest.is_empty() {
                    return Err(self.whole(path, "a queue", "maxsize=100"));
                }
                self.one(&path, rest, QUEUE_FIELDS, |d, field, node| {
                    d.queue_field(queue, field, node)
                })
            }
            ["policy", rest @ ..] if !rest.is_empty() => self.one(
                &root.name("policy"),
                rest,
                POLICY_FIELDS,
                |d, field, node| d.policy_field(&mut session.policy, field, node),
            ),
            [first, ..] => {
                let names: Vec<&str> = session
                    .groups
                    .keys()
                    .map(|name| name.as_str())
                    .chain(SESSION_FIELDS.iter().copied())
                    .collect();
                Err(self.unknown(root, "group or field", first, names))
            }
            [] => Err(self.unknown(root, "group or field", "", [])),
        }
    }

    fn in_group(
        &self,
        session: &mut Session,
        name: &str,
        rest: &[&str],
    ) -> Result<FieldPath, Problem> {
        let path = FieldPath::root().name("groups");
        let groups: Vec<String> = session.groups.keys().map(ToString::to_string).collect();
        let Some(group) = session.groups.get_mut(name) else {
            return Err(self.unknown(path, "group", name, groups.iter().map(String::as_str)));
        };
        let path = path.name(name);
        match rest {
            [template, inner @ ..]
                if group.templates.contains_key(*template)
                    && !(inner.is_empty() && GROUP_FIELDS.contains(template)) =>
            {
                self.in_template(session, name, template, inner)
            }
            ["policy", inner @ ..] if !inner.is_empty() => self.one(
                &path.name("policy"),
                inner,
                POLICY_FIELDS,
                |d, field, node| d.policy_field(&mut group.policy, field, node),
            ),
            [field] if GROUP_FIELDS.contains(field) => {
                self.one(&path, rest, GROUP_FIELDS, |d, field, node| {
                    d.group_field(group, field, node)
                })
            }
            [first, ..] => {
                let names: Vec<String> = group.templates.keys().map(ToString::to_string).collect();
                let known = names
                    .iter()
                    .map(String::as_str)
                    .chain(GROUP_FIELDS.iter().copied());
                Err(self.unknown(path, "template or field", first, known))
            }
            [] => Err(self.whole(path, "a group", "walltime=2h")),
        }
    }

    fn in_template(
        &self,
        session: &mut Session,
        group: &str,
        name: &str,
        rest: &[&str],
    ) -> Result<FieldPath, Problem> {
        let path = FieldPath::template(group, name);
        let Some(found) = session.groups.get_mut(group) else {
            return Err(self.unknown(FieldPath::root().name("groups"), "group", group, []));
        };
        let names: Vec<String> = found.templates.keys().map(ToString::to_string).collect();
        let Some(template) = found.templates.get_mut(name) else {
            let path = FieldPath::root()
                .name("groups")
                .name(group)
                .name("templates");
            return Err(self.unknown(path, "template", name, names.iter().map(String::as_str)));
        };
        match rest {
            [] => Err(self.whole(path, "a template", "replicas=8")),
            ["policy", inner @ ..] if !inner.is_empty() => self.one(
                &path.name("policy"),
                inner,
                POLICY_FIELDS,
                |d, field, node| d.policy_field(&mut template.policy, field, node),
            ),
            ["stop", inner @ ..] if !inner.is_empty() => {
                self.one(&path.name("stop"), inner, STOP_FIELDS, |d, field, node| {
                    d.stop_field(&mut template.stop, field, node)
                })
            }
            ["env", inner @ ..] if !inner.is_empty() => {
                // A variable's name may hold dots.
                let variable = inner.join(".");
                let path = path.name("env").name(&variable);
                let value = self.read(&path, Form::Text, |d, node| d.text(node))?;
                template.env.extend(value.map(|value| (variable, value)));
                Ok(path)
            }
            _ => self.one(&path, rest, TEMPLATE_FIELDS, |d, field, node| {
                d.template_field(template, field, node)
            }),
        }
    }

    /// Sets the one field that is named.
    fn one(
        &self,
        path: &FieldPath,
        rest: &[&str],
        known: &[&'static str],
        act: impl FnOnce(&mut Decoder<'_>, &str, &Node),
    ) -> Result<FieldPath, Problem> {
        let first = rest.first().copied().unwrap_or_default();
        let [field] = rest else {
            if known.contains(&first) {
                let message = format!(
                    "`{}` leads into `{first}`, which is set as a whole",
                    self.written.escape_debug()
                );
                return Err(Problem::error(path.name(first), message));
            }
            return Err(self.unknown(path.clone(), "field", first, known.iter().copied()));
        };
        if !known.contains(field) {
            return Err(self.unknown(path.clone(), "field", field, known.iter().copied()));
        }
        let path = path.name(field);
        self.read(&path, Form::of(field), |d, node| act(d, field, node))?;
        Ok(path)
    }

    /// Somebody named a thing that has fields, and none of them.
    fn whole(&self, path: FieldPath, what: &str, example: &str) -> Problem {
        let written = self.written.escape_debug();
        let message = format!("`{written}` is {what}: name one of its fields");
        Problem::error(path, message).with_help(format!("write for example {written}.{example}"))
    }

    /// Reads the value, and reports the first problem of it.
    fn read<T>(
        &self,
        path: &FieldPath,
        form: Form,
        act: impl FnOnce(&mut Decoder<'_>, &Node) -> T,
    ) -> Result<T, Problem> {
        let source = if form.is_bare(self.value) {
            write_text(self.value)
        } else {
            self.value.to_owned()
        };
        if source.is_empty() {
            return Err(
                Problem::error(path.clone(), "the value is missing").with_help("write path=value")
            );
        }
        let tree = ron_text::parse(&source);
        let failed = |message: String, help: Option<String>| {
            let help = help.unwrap_or_else(|| format!("given as {:?}", self.assignment));
            Problem::error(path.clone(), message).with_help(help)
        };
        if let Some(problem) = tree.problems.first() {
            return Err(failed(problem.message.clone(), problem.help.clone()));
        }
        let Some(root) = tree.root.filter(|root| root.kind != Kind::Broken) else {
            return Err(failed("the value is missing".to_owned(), None));
        };
        let lines = Lines::new(&source);
        let mut decoder = Decoder::new(&source, &lines, path.clone());
        let result = act(&mut decoder, &root);
        match decoder.problems.into_iter().next() {
            // Line and column in the command line would only confuse.
            Some(problem) => Err(Problem {
                span: None,
                at: None,
                ..problem
            }),
            None => Ok(result),
        }
    }

    fn unknown<'w>(
        &self,
        path: FieldPath,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'w str>,
    ) -> Problem {
        let known: Vec<&str> = known.into_iter().collect();
        let near = did_you_mean(name, known.iter().copied());
        let problem = Problem::error(
            path,
            format!("unknown {what} `{}`{near}", name.escape_debug()),
        );
        match known.is_empty() {
            true => problem.with_help(format!("given as {:?}", self.assignment)),
            false => problem.with_help(format!(
                "known are {}",
                known[..known.len().min(20)].join(", ")
            )),
        }
    }
}
