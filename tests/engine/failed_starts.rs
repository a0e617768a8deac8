//! A start that fails says why.

use std::os::unix::fs::PermissionsExt;

use super::*;
use dragon_tui::{
    agent::wire::{self, FromAgent},
    model::event::Level,
};

/// What comes of an agent that is this shell script.
fn with_agent(script: &str, place: &Path) -> String {
    let agent = place.join("agent.sh");
    std::fs::write(&agent, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&agent, std::fs::Permissions::from_mode(0o700)).unwrap();
    let options = EngineOptions {
        agent,
        ..options(place)
    };
    let session = session(
        r#""g": ProcessGroup(templates: { "a": ProcessTemplate(target: Program("true")) })"#,
    );
    match Engine::start(session, options) {
        Err(StartError::Engine(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_agent_that_dies_at_once_is_quoted() {
    let place = tempfile::tempdir().unwrap();
    let text = with_agent("echo 'libfoo.so.1: not found' >&2; exit 1", place.path());
    assert!(text.contains("libfoo.so.1: not found"), "{text}");
}

#[test]
fn an_agent_that_will_not_serve_us_says_why() {
    let place = tempfile::tempdir().unwrap();
    let mut bytes = Vec::new();
    let notice = FromAgent::Notice(Level::Error, None, "use the same dragon-tui".to_owned());
    wire::encode_control(&notice, &mut bytes).unwrap();
    let said = place.path().join("said");
    std::fs::write(&said, bytes).unwrap();
    let script = format!("head -c 1 >/dev/null; cat {} >&0", said.display());
    let text = with_agent(&script, place.path());
    assert!(text.contains("use the same dragon-tui"), "{text}");
}

#[test]
fn a_python_target_is_refused_where_the_python_package_cannot_be_unpacked() {
    let home = support::program::Home::new();
    home.write("cache/dragon-tui", "a file where a folder should be");
    home.write("x.py", "def f(): pass\n");
    let done = home.replay(
        r#"Session(version: 1, groups: { "g": ProcessGroup(templates: {
            "a": ProcessTemplate(target: Python("x.py:f")),
        }) })"#,
        &[],
    );
    done.ends_with(2)
        .complains("cannot unpack the Python package");
    let done = home.replay(
        &support::program::group_of(&support::program::shell("a", "true", "")),
        &[],
    );
    done.ends_with(0);
}

#[test]
fn python_targets_are_found_from_the_folder_of_their_template_however_many_there_are() {
    let home = support::program::Home::new();
    std::fs::create_dir(home.path().join("sub")).unwrap();
    home.write("sub/mod.py", "def f(): pass\n");
    let long = "x".repeat(200);
    // Beyond what one variable of the environment holds.
    let many: String = (0..1000)
        .map(|n| {
            format!(
                r#""t{n}": ProcessTemplate(target: Python("mod:f"), cwd: "sub", env: {{"PYTHONPATH": "/{long}/{n}"}}, replicas: 1),"#
            )
        })
        .collect();
    let done = home.replay(
        &format!(
            r#"Session(version: 1, groups: {{ "g": ProcessGroup(templates: {{ {many}
                "wrong": ProcessTemplate(target: Python("mod:f")),
            }}) }})"#
        ),
        &[],
    );
    let done = done.ends_with(2).complains("no module named 'mod'");
    assert_eq!(done.stderr.matches("no module named").count(), 1);
}
