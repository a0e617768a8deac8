//! What single fields look like in a file: the other direction of [`set`](super::set()).
//!
//! Owns the paths of fields within a template, group or queue, and their text on one line. A field that has its default
//! is not written, here as in a file.

use super::encode::{self, Doc};
use crate::model::{
    document::Session,
    queue::QueueSpec,
    template::{ProcessGroup, ProcessTemplate},
};

/// A field that differs from its default: its path (`replicas`, `policy.cpus`, `stop.grace`) and its value on one line.
pub type Written = (String, String);

/// The fields of a template.
pub fn template(template: &ProcessTemplate) -> Vec<Written> {
    flat(encode::template(template))
}

/// The fields of a group, without its templates.
pub fn group(group: &ProcessGroup) -> Vec<Written> {
    flat(encode::group(group))
}

/// The fields of a queue.
pub fn queue(queue: &QueueSpec) -> Vec<Written> {
    flat(encode::queue(queue))
}

/// The fields of a session, without its groups, queues and hosts.
pub fn session(session: &Session) -> Vec<Written> {
    flat(encode::session(session))
}

/// Whether two sessions are the same for a file: as [`PartialEq`] says, and with everything in the same order.
pub fn alike(one: &Session, other: &Session) -> bool {
    one == other
        && one.queues.keys().eq(other.queues.keys())
        && one.groups.keys().eq(other.groups.keys())
        && one
            .groups
            .values()
            .zip(other.groups.values())
            .all(|(one, other)| {
                one.templates.keys().eq(other.templates.keys())
                    && one
                        .templates
                        .values()
                        .zip(other.templates.values())
                        .all(|(one, other)| {
                            one.env.keys().eq(other.env.keys())
                                && one.kwargs.keys().eq(other.kwargs.keys())
                        })
            })
}

fn flat(doc: Doc) -> Vec<Written> {
    let Doc::Struct(_, fields) = doc else {
        return Vec::new();
    };
    let mut written = Vec::new();
    for (name, value) in fields {
        match value {
            Doc::Struct("Policy" | "Stop", inner) => {
                for (field, value) in inner {
                    written.push((format!("{name}.{field}"), value.inline()));
                }
            }
            // Those have a place of their own.
            _ if matches!(name, "templates" | "groups" | "queues" | "hosts") => {}
            value => written.push((name.to_owned(), value.inline())),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::session::set;

    #[test]
    fn another_order_is_another_file() {
        let session = |names: [&str; 2]| {
            let queues = names.map(|name| (name.parse().unwrap(), QueueSpec::default()));
            Session {
                queues: queues.into_iter().collect(),
                ..Session::default()
            }
        };
        assert!(alike(&session(["a", "b"]), &session(["a", "b"])));
        assert_eq!(session(["a", "b"]), session(["b", "a"]));
        assert!(!alike(&session(["a", "b"]), &session(["b", "a"])));
    }

    #[test]
    fn every_field_is_written_as_it_is_set() {
        let mut session = Session::default();
        let mut group = ProcessGroup::default();
        let name = "t".parse().unwrap();
        group.templates.insert(name, ProcessTemplate::default());
        session.groups.insert("g".parse().unwrap(), group);
        let fields = [
            ("target", "Python(\"a.py:f\")"),
            ("args", "[Queue(\"q\"), 5, \"x=y\"]"),
            ("replicas", "3"),
            ("env", "{ \"A\": \"1\" }"),
            ("stdout", "File(\"{rank}.out\")"),
            ("policy.placement", "HostName(\"node02\")"),
            ("policy.cpu_affinity", "\"0-3\""),
            ("restart", "OnFailure(max: 2)"),
            ("ready", "Exec([\"true\"])"),
            ("stop.grace", "\"2s\""),
            ("alerts", "[Died, Quiet(\"30s\")]"),
        ];
        for (path, value) in fields {
            set(&mut session, &format!("g.t.{path}={value}")).unwrap();
        }
        let written = template(&session.groups["g"].templates["t"]);
        let expected = fields.map(|(path, value)| (path.to_owned(), value.to_owned()));
        assert_eq!(written, expected);
    }
}
