use super::*;
use crate::model::template::{ProcessTemplate, Restart, Stdout, Target, Value};

fn session() -> Session {
    Session::load(
        "s.ron".as_ref(),
        r#"Session(version: 1, queues: {"numbers": Queue(maxsize: 100)}, groups: {
            "policy": ProcessGroup(policy: Policy(gpus: 2), templates: {
                "env": ProcessTemplate(target: Python("a.py:f"), args: [Queue("numbers"), 5]),
            }) })"#,
    )
    .unwrap()
    .session
}

fn template() -> Node {
    Node::Template("policy".parse().unwrap(), "env".parse().unwrap())
}

fn field(session: &Session, node: &Node, key: &str) -> Field {
    let mut fields = fields(session, node);
    let at = fields.iter().position(|field| field.spec.key == key);
    fields.swap_remove(at.unwrap())
}

fn typed(session: &mut Session, key: &str, text: &str) -> Result<Node, String> {
    let field = field(session, &template(), key);
    type_into(session, &template(), &field, text)
}

fn of(session: &Session) -> &ProcessTemplate {
    &session.groups["policy"].templates["env"]
}

#[test]
fn every_field_of_the_format_is_in_a_form_and_shows_what_it_is_set_to() {
    let session = session();
    let shown = |key| field(&session, &template(), key).text();
    assert_eq!(shown("args"), "Queue(\"numbers\"), 5");
    assert_eq!(shown("target"), "a.py:f");
    assert_eq!(shown("replicas"), "1");
    for key in [
        "target", "args", "kwargs", "replicas", "env", "cwd", "stdin", "stdout", "stderr",
        "terminal", "restart", "critical", "ready", "after", "alerts", "watch",
    ] {
        field(&session, &template(), key);
    }
    for key in [
        "placement",
        "distribution",
        "cpus",
        "gpus",
        "cpu_affinity",
        "gpu_affinity",
    ] {
        field(&session, &template(), &format!("policy.{key}"));
    }
}

#[test]
fn a_value_is_typed_as_a_file_has_it_and_refused_with_the_words_of_the_model() {
    let mut session = session();
    typed(&mut session, "args", "\"x\", 7").unwrap();
    assert_eq!(
        of(&session).args,
        [Value::Text("x".to_owned()), Value::Int(7)]
    );
    let before = session.clone();
    let problem = typed(&mut session, "args", "x y").unwrap_err();
    assert!(!problem.contains("g.t."), "{problem}");
    assert_eq!(session, before);
    assert!(typed(&mut session, "stop.grace", "soon").is_err());
    typed(&mut session, "stop.grace", "2s").unwrap();
    assert_eq!(of(&session).stop.grace.as_secs(), 2);
    typed(&mut session, "cwd", "a \"b\" c").unwrap();
    assert_eq!(of(&session).cwd.as_deref(), Some("a \"b\" c"));
    assert_eq!(field(&session, &template(), "cwd").text(), "a \"b\" c");
    typed(&mut session, "cwd", "").unwrap();
    assert_eq!(of(&session).cwd, None);
    typed(&mut session, "policy.cpu_affinity", "0, 2").unwrap();
    assert_eq!(
        field(&session, &template(), "policy.cpu_affinity").text(),
        "0, 2"
    );
}

#[test]
fn variables_are_typed_as_before_a_command() {
    let mut session = session();
    typed(&mut session, "env", "A=1 B='two $words' C=").unwrap();
    let env: Vec<_> = of(&session).env.iter().collect();
    assert_eq!(env[1].1, "two $words");
    assert_eq!(env[2].1, "");
    let shown = field(&session, &template(), "env").text();
    assert_eq!(shown, "A=1 B='two $words' C=");
    typed(&mut session, "env", &shown).unwrap();
    assert!(typed(&mut session, "env", "just words").is_err());
}

#[test]
fn a_choice_keeps_what_was_typed_and_gives_a_first_value_where_one_is_needed() {
    let mut session = session();
    let turn = |session: &mut Session, key: &str, by| {
        let field = field(session, &template(), key);
        step(session, &template(), &field, by, true).unwrap()
    };
    assert!(turn(&mut session, "target", -1));
    assert_eq!(of(&session).target, Target::Shell("a.py:f".to_owned()));
    assert!(!turn(&mut session, "stdout", -1));
    turn(&mut session, "stdout", 1);
    turn(&mut session, "stdout", 1);
    assert_eq!(of(&session).stdout, Stdout::File("{rank}.out".to_owned()));
    turn(&mut session, "restart", 1);
    assert_eq!(of(&session).restart, Restart::OnFailure { max: 3 });
    let restart = field(&session, &template(), "restart");
    step(&mut session, &template(), &restart, 1, false).unwrap();
    assert_eq!(of(&session).restart, Restart::OnFailure { max: 4 });
    for key in ["stdin", "stderr", "terminal", "ready", "policy.placement"] {
        turn(&mut session, key, 1);
        let changed = field(&session, &template(), key);
        assert!(changed.written.is_some(), "{key}");
        reset(&mut session, &template(), &changed).unwrap();
        assert_eq!(field(&session, &template(), key).written, None, "{key}");
    }
}

#[test]
fn a_number_goes_up_and_down_between_its_bounds_and_to_none_where_it_may_be_open() {
    let mut session = session();
    let turn = |session: &mut Session, key: &str, by| {
        let field = field(session, &template(), key);
        step(session, &template(), &field, by, true).unwrap();
    };
    turn(&mut session, "replicas", -1);
    assert_eq!(of(&session).replicas, 1);
    turn(&mut session, "replicas", 1);
    assert_eq!(of(&session).replicas, 2);
    turn(&mut session, "policy.cpus", 1);
    assert_eq!(of(&session).policy.cpus, Some(1));
    turn(&mut session, "policy.cpus", -1);
    assert_eq!(of(&session).policy.cpus, None);
}

#[test]
fn what_a_group_says_is_seen_where_a_template_leaves_it_open() {
    let gpus = field(&session(), &template(), "policy.gpus");
    assert_eq!(gpus.shown(), Shown::Number("2".to_owned(), true));
}

#[test]
fn every_kind_of_host_and_every_field_of_the_rest_can_be_edited() {
    let mut session = session();
    let at = edit::add(&mut session, &Node::Hosts, edit::Kind::Host);
    let mut put = |node: &Node, key: &str, text: &str| {
        let field = field(&session, node, key);
        type_into(&mut session, node, &field, text)
    };
    put(&at, "name", "node07").unwrap();
    put(&at, "gpus", "4").unwrap();
    assert!(put(&at, "gpus", "many").is_err());
    put(&Node::Group("policy".parse().unwrap()), "walltime", "2h").unwrap();
    put(&Node::Queue("numbers".parse().unwrap()), "maxsize", "7").unwrap();
    put(&Node::Session, "python", "python3.11").unwrap();
    assert!(
        put(
            &Node::Session,
            "timeline",
            "(at: \"5s\", do: Stop(\"policy\"))"
        )
        .is_ok()
    );
    let declared = DeclaredHost {
        name: HostName::new("node07"),
        cpus: 1,
        gpus: 4,
    };
    assert_eq!(session.hosts, [HostSpec::Declared(declared)]);
    assert_eq!(session.queues["numbers"].maxsize, Some(7));
    assert_eq!(session.python.as_deref(), Some("python3.11"));
    assert_eq!(session.timeline.len(), 1);
    let kind = field(&session, &at, "kind");
    step(&mut session, &at, &kind, 1, true).unwrap();
    assert_eq!(session.hosts, [HostSpec::Ssh("node07".to_owned())]);
    assert_eq!(session.groups["policy"].templates.len(), 1);
}
