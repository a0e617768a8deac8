use super::*;
use crate::model::{cpuset::CpuSet, ids::HostName, session};

fn parsed(text: &str) -> Session {
    let parsed = session::Session::parse(text);
    assert!(parsed.is_usable(), "{:?}", parsed.problems);
    parsed.session
}

fn inventory(cpus: u32) -> Inventory {
    let host = crate::engine::placement::HostFacts {
        name: HostName::localhost(),
        aliases: Vec::new(),
        cpus: (0..cpus).collect(),
        gpus: CpuSet::default(),
        listed: false,
        reachable: true,
    };
    Inventory { hosts: vec![host] }
}

#[test]
fn a_python_function_is_asked_about_once_for_each_place_it_may_be_found_in() {
    let session = parsed(
        r#"Session(version: 1, groups: { "g": ProcessGroup(templates: {
            "a": ProcessTemplate(target: Python("m:f")),
            "b": ProcessTemplate(target: Python("m:f")),
            "c": ProcessTemplate(target: Python("m:f"), cwd: "sub"),
            "d": ProcessTemplate(target: Python("m:f"), env: {"PYTHONPATH": "/p"}),
            "e": ProcessTemplate(target: Python("m:f"), cwd: "of-{rank}"),
            "f": ProcessTemplate(target: Python("x.py:f"), cwd: "sub"),
            "g": ProcessTemplate(target: Python("x.py:f")),
        }) })"#,
    );
    let recipes = Recipes {
        run: "r".to_owned(),
        session_folder: "/s".into(),
        python: "python3".to_owned(),
        queue_socket: "/q".to_owned(),
        size: (24, 80),
    };
    let host = HostSide {
        name: HostName::localhost(),
        python_home: "/py".to_owned(),
    };
    let preflight = Preflight {
        session: &session,
        inventory: &inventory(1),
        recipes: &recipes,
        host: &host,
        no_python: None,
        folder: Path::new("/"),
    };
    let asked: Vec<_> = preflight
        .python_questions()
        .into_iter()
        .map(|(question, about)| {
            (
                question.target,
                question.cwd,
                question.pythonpath,
                about.len(),
            )
        })
        .collect();
    let text = |text: &str| Some(text.to_owned());
    let module = || "m:f".to_owned();
    assert_eq!(
        asked,
        [
            ("/s/x.py:f".to_owned(), None, None, 2),
            (module(), None, None, 2),
            (module(), None, text("/p"), 1),
            (module(), text("/s/sub"), None, 1),
        ]
    );
}

#[test]
fn a_group_that_the_timeline_starts_later_is_placed_on_its_own() {
    let text = |timeline: &str| {
        format!(
            r#"Session(version: 1, timeline: [{timeline}], groups: {{
                "a": ProcessGroup(templates: {{ "t": ProcessTemplate(target: Program("x"), policy: Policy(cpus: 2)) }}),
                "b": ProcessGroup(templates: {{ "t": ProcessTemplate(target: Program("x"), policy: Policy(cpus: 2)) }}),
            }})"#
        )
    };
    let refusals = |timeline: &str| {
        trial(&parsed(&text(timeline)), &inventory(2))
            .refusals
            .len()
    };
    assert_eq!(refusals(""), 1);
    assert_eq!(
        refusals(r#"(at: "10s", do: Stop("a")), (at: "20s", do: Start("b"))"#),
        0
    );
}
