//! Single fields changed by their path, as `--set demo.generator.replicas=8` does.
//!
//! The value is read by the same functions as in a file, so the same values are taken and the same problems
//! reported. Where text is wanted, it may stand without quotes.

use super::{
    Session,
    decode::{
        Decoder, GROUP_FIELDS, POLICY_FIELDS, QUEUE_FIELDS, SESSION_FIELDS, STOP_FIELDS,
        TEMPLATE_FIELDS,
    },
    problem::{FieldPath, Problem, did_you_mean},
};
use crate::model::ron_text::{self, Kind, Lines, Node, write_text};

/// The fields whose value is text, and may stand without quotes.
const TEXT_FIELDS: &[&str] = &[
    "name",
    "python",
    "cwd",
    "walltime",
    "grace",
    "cpu_affinity",
    "gpu_affinity",
];

/// Changes one field: `name=…`, `group.field=…`, `group.template.field=…`, `queues.name.field=…`, with one
/// step further for `policy.…`, `stop.…` and `env.NAME`.
///
/// The paths that problems print (`groups.demo.templates.generator.replicas`) are taken too. What other
/// fields have to say about the new value is the business of [`Session::validate`].
///
/// # Errors
/// When there is no such field, or the value is none for it; the session is then as it was.
pub fn set(session: &mut Session, assignment: &str) -> Result<(), Problem> {
    let Some((path, value)) = assignment.split_once('=') else {
        return Err(
            Problem::error(FieldPath::root(), format!("{assignment:?} sets nothing"))
                .with_help("write for example demo.generator.replicas=8"),
        );
    };
    let mut changed = session.clone();
    Setter {
        assignment,
        value: value.trim(),
        written: path.trim(),
    }
    .apply(&mut changed)?;
    *session = changed;
    Ok(())
}

struct Setter<'a> {
    assignment: &'a str,
    value: &'a str,
    written: &'a str,
}

impl Setter<'_> {
    fn apply(&self, session: &mut Session) -> Result<(), Problem> {
        let parts: Vec<&str> = self.written.split('.').collect();
        let root = FieldPath::root();
        match parts.as_slice() {
            ["groups", group, "templates", template, rest @ ..]
                if !session.groups.contains_key("groups") =>
            {
                self.in_template(session, group, template, rest)
            }
            ["groups", group, rest @ ..] if !session.groups.contains_key("groups") => {
                self.in_group(session, group, rest)
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
                self.one(&path.name(name), rest, QUEUE_FIELDS, |d, field, node| {
                    d.queue_field(queue, field, node)
                })
            }
            ["policy", rest @ ..] if !rest.is_empty() => self.one(
                &root.name("policy"),
                rest,
                POLICY_FIELDS,
                |d, field, node| d.policy_field(&mut session.policy, field, node),
            ),
            [field] if SESSION_FIELDS.contains(field) => {
                self.one(&root, &parts, SESSION_FIELDS, |d, field, node| {
                    d.session_field(session, field, node)
                })
            }
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

    fn in_group(&self, session: &mut Session, name: &str, rest: &[&str]) -> Result<(), Problem> {
        let path = FieldPath::root().name("groups");
        let groups: Vec<String> = session.groups.keys().map(ToString::to_string).collect();
        let Some(group) = session.groups.get_mut(name) else {
            return Err(self.unknown(path, "group", name, groups.iter().map(String::as_str)));
        };
        let path = path.name(name);
        match rest {
            [template, inner @ ..]
                if !inner.is_empty() && group.templates.contains_key(*template) =>
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
            [] => Err(self.unknown(path, "template or field", "", [])),
        }
    }

    fn in_template(
        &self,
        session: &mut Session,
        group: &str,
        name: &str,
        rest: &[&str],
    ) -> Result<(), Problem> {
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
                let value = self.read(&path.name("env").name(&variable), true, |d, node| {
                    d.text(node)
                })?;
                template.env.extend(value.map(|value| (variable, value)));
                Ok(())
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
    ) -> Result<(), Problem> {
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
        self.read(&path.name(field), TEXT_FIELDS.contains(field), |d, node| {
            act(d, field, node)
        })
    }

    /// Reads the value, and reports the first problem of it.
    fn read<T>(
        &self,
        path: &FieldPath,
        text: bool,
        act: impl FnOnce(&mut Decoder<'_>, &Node) -> T,
    ) -> Result<T, Problem> {
        let quoted = self.value.starts_with(['"', '['])
            || self.value.starts_with("r\"")
            || self.value.starts_with("r#")
            || self.value.starts_with("Some(");
        let bare = text && !quoted && self.value != "None";
        let source = if bare {
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
            let mut problem = Problem::error(path.clone(), message);
            let help = help.unwrap_or_else(|| format!("given as {:?}", self.assignment));
            problem.help = Some(help.into());
            problem
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
