//! Fields that are changed by their path, as `--set` does.

use std::path::Path;

use super::{super::*, TEXT};

#[test]
fn a_field_is_set_by_its_path() {
    let mut session = Session::parse(TEXT).session;
    for assignment in [
        "name=a name with blanks",
        "python=\"/opt/python\"",
        "demo.walltime=2h",
        "demo.generator.cwd=/tmp/x",
        "demo.generator.env.OMP_NUM_THREADS=8",
        "demo.generator.policy.gpus=1",
        "demo.generator.policy.placement=HostName(\"node02\")",
        "demo.policy.cpus=2",
        "policy.distribution=Block",
        "demo.generator.stop.grace=10s",
        "demo.generator.stdout=DevNull",
        "demo.generator.policy.cpu_affinity=0-3",
        "groups.demo.templates.consumer.replicas = 8",
        "queues.numbers.maxsize=None",
        "demo.generator.restart=OnFailure(max: 2)",
    ] {
        set(&mut session, assignment).unwrap_or_else(|problem| panic!("{assignment}: {problem}"));
    }
    let generator = &session.groups["demo"].templates["generator"];
    assert_eq!(session.name.as_deref(), Some("a name with blanks"));
    assert_eq!(session.python.as_deref(), Some("/opt/python"));
    assert_eq!(generator.cwd.as_deref(), Some("/tmp/x"));
    assert_eq!(generator.env["OMP_NUM_THREADS"], "8");
    assert_eq!(generator.policy.gpus, Some(1));
    assert_eq!(generator.stop.grace.as_secs(), 10);
    assert_eq!(session.groups["demo"].templates["consumer"].replicas, 8);
    assert_eq!(session.queues["numbers"].maxsize, None);
}

#[test]
fn a_field_that_cannot_be_set_is_named_with_a_guess() {
    let cases = [
        (
            "demo.generator.replica=8",
            "groups.demo.templates.generator: unknown field `replica`: did you mean `replicas`?",
        ),
        (
            "demo.generatr.replicas=8",
            "groups.demo: unknown template or field `generatr`: did you mean `generator`?",
        ),
        (
            "dmo.generator.replicas=8",
            "unknown group or field `dmo`: did you mean `demo`?",
        ),
        (
            "queues.number.maxsize=8",
            "queues: unknown queue `number`: did you mean `numbers`?",
        ),
        (
            "demo.generator.replicas=0",
            "groups.demo.templates.generator.replicas: replicas must be 1 to 1,000,000",
        ),
        (
            "demo.generator.replicas=many",
            "groups.demo.templates.generator.replicas: expected a whole number, found the name `many`",
        ),
        (
            "demo.generator.replicas=",
            "groups.demo.templates.generator.replicas: the value is missing",
        ),
        (
            "demo.generator.critical=yes",
            "groups.demo.templates.generator.critical: expected true or false, found `yes`",
        ),
        (
            "demo.generator.args.x=1",
            "groups.demo.templates.generator.args: `demo.generator.args.x` leads into `args`, which is set as a whole",
        ),
        ("nonsense", "\"nonsense\" sets nothing"),
        (
            "demo=1",
            "groups.demo: `demo` is a group: name one of its fields",
        ),
        (
            "demo.generator=1",
            "groups.demo.templates.generator: `demo.generator` is a template: name one of its fields",
        ),
        (
            "groups.demo.templates.generator=1",
            "groups.demo.templates.generator: `groups.demo.templates.generator` is a template: name one of its fields",
        ),
        (
            "queues.numbers=1",
            "queues.numbers: `queues.numbers` is a queue: name one of its fields",
        ),
        ("=1", "\"\" names no field"),
        ("demo..replicas=1", "\"demo..replicas\" names no field"),
    ];
    for (assignment, expected) in cases {
        let mut session = Session::parse(TEXT).session;
        let before = session.clone();
        assert_eq!(
            set(&mut session, assignment).unwrap_err().to_string(),
            expected
        );
        assert_eq!(session, before);
    }
}

#[test]
fn text_of_any_kind_may_stand_without_quotes_where_text_is_wanted() {
    let mut session = Session::parse(TEXT).session;
    for (written, meant) in [
        ("[prod] run", Some("[prod] run")),
        ("Some(thing) else", Some("Some(thing) else")),
        ("Some(thing)", Some("Some(thing)")),
        ("Some(\"thing\")", Some("thing")),
        ("r2d2", Some("r2d2")),
        ("\"None\"", Some("None")),
        ("None", None),
    ] {
        set(&mut session, &format!("name={written}")).unwrap();
        assert_eq!(session.name.as_deref(), meant, "{written}");
    }
    for value in ["None", "[1]", "Some(1)", ""] {
        set(&mut session, &format!("demo.generator.env.FOO={value}")).unwrap();
        let env = &session.groups["demo"].templates["generator"].env;
        assert_eq!(env["FOO"], value);
    }
    set(&mut session, "demo.policy.cpu_affinity=[1, 3]").unwrap();
    set(&mut session, "demo.policy.gpu_affinity=None").unwrap();
    assert_eq!(
        session.groups["demo"].policy.cpu_affinity,
        "1,3".parse().ok()
    );
}

#[test]
fn a_group_called_like_a_field_is_reached_by_the_path_of_the_document() {
    let text = TEXT.replace("demo", "name");
    let mut session = Session::parse(&text).session;
    set(&mut session, "name=n").unwrap();
    let field = set(&mut session, "groups.name.generator.replicas=5").unwrap();
    assert_eq!(
        field.to_string(),
        "groups.name.templates.generator.replicas"
    );
    set(&mut session, "name.consumer.replicas=6").unwrap();
    assert_eq!(session.name.as_deref(), Some("n"));
    let replicas = |session: &Session, group: &str| {
        let templates = session.groups[group].templates.values();
        templates
            .map(|template| template.replicas)
            .collect::<Vec<_>>()
    };
    assert_eq!(replicas(&session, "name"), [5, 6]);
    let mut session = Session::parse(&TEXT.replace("demo", "groups")).session;
    set(&mut session, "groups.generator.replicas=5").unwrap();
    set(&mut session, "groups.groups.templates.consumer.replicas=6").unwrap();
    assert_eq!(replicas(&session, "groups"), [5, 6]);
}

#[test]
fn a_problem_of_a_value_that_was_set_is_told_of_the_assignment_and_not_of_the_text() {
    let mut loaded = Session::load(Path::new("s.ron"), TEXT).unwrap();
    loaded
        .set("demo.generator.args=[Queue(\"nmbers\")]")
        .unwrap();
    loaded.set("demo.after=[Started(\"x\")]").unwrap();
    let problems = loaded.session.validate().into_iter();
    let told: Vec<Problem> = problems.map(|problem| loaded.place(problem)).collect();
    let lines: Vec<String> = told.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "groups.demo.after[0]: there is no group `x`",
            "groups.demo.templates.generator.args[0]: there is no queue `nmbers`: did you mean `numbers`?",
        ]
    );
    let help = told[1].help.as_deref().unwrap();
    assert!(
        help.contains("set by demo.generator.args=[Queue(\"nmbers\")]"),
        "{help}"
    );
}
