//! What is wrong with a session, its file or its host: refused before anything starts.

use std::{fs, os::unix::fs::PermissionsExt, process::Command, time::Duration};

use crate::{
    beside_a_witness, nothing_came_of_it,
    support::{
        needs, needs_that,
        program::{self, Done, Home, LIMIT, Running, shell},
    },
};

/// The same, with fields of the session.
fn with_fields(fields: &str, templates: &str) -> String {
    beside_a_witness(templates).replacen("version: 1,", &format!("version: 1, {fields}"), 1)
}

/// Replays a session that cannot be, and looks that nothing came of it.
#[track_caller]
fn refused_in(home: &Home, session: &str, code: i32, places: &[(&str, &str)]) -> Done {
    let done = home.replay(session, &[]).ends_with(code);
    nothing_came_of_it(home, &done);
    for (place, complaint) in places {
        let line = done.stderr.lines().find(|line| line.contains(complaint));
        let line = line.unwrap_or_else(|| panic!("no {complaint:?} in {done:?}"));
        if !place.is_empty() {
            let expected = place_of(session, place);
            assert!(
                line.starts_with(&expected),
                "{expected} is not where {line} is"
            );
        }
    }
    done
}

#[track_caller]
fn refused(session: &str, code: i32, places: &[(&str, &str)]) {
    refused_in(&Home::new(), session, code, places);
}

/// `s.ron:LINE:COLUMN:` of the first place with this text.
fn place_of(session: &str, text: &str) -> String {
    let at = session
        .find(text)
        .unwrap_or_else(|| panic!("{text} in {session}"));
    let before = &session[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
    format!("s.ron:{line}:{column}:")
}

// What is wrong in the file

#[test]
fn an_unknown_field_is_refused_with_the_one_that_was_meant() {
    refused(
        &beside_a_witness(&shell("t", "true", "replica: 3")),
        2,
        &[("replica:", "did you mean `replicas`?")],
    );
}

#[test]
fn a_wrong_type_is_refused_with_the_one_that_was_expected() {
    refused(
        &beside_a_witness(&shell("t", "true", r#"replicas: "three""#)),
        2,
        &[(r#""three""#, "expected a whole number, found text")],
    );
}

#[test]
fn a_second_template_of_the_same_name_is_refused_with_the_place_of_the_first() {
    let session = beside_a_witness(&(shell("t", "one", "") + &shell("t", "two", "")));
    let found = refused_in(
        &Home::new(),
        &session,
        2,
        &[("", "duplicate template name \"t\", first written at line 3")],
    );
    assert!(found.stderr.contains("s.ron:4:1:"), "{found:?}");
}

#[test]
fn a_queue_that_does_not_exist_is_refused_with_the_one_that_was_meant() {
    refused(
        &with_fields(
            r#"queues: { "numbers": Queue() },"#,
            &shell("t", "true", r#"args: [Queue("nubmers")]"#),
        ),
        2,
        &[(r#"Queue("nubmers")"#, "did you mean `numbers`?")],
    );
}

#[test]
fn templates_that_wait_for_each_other_are_refused() {
    refused(
        &beside_a_witness(
            &(shell("a", "true", r#"after: [Started("b")]"#)
                + &shell("b", "true", r#"after: [Ended("a")]"#)),
        ),
        2,
        &[(
            r#"Started("b")"#,
            "templates wait for each other: a -> b -> a",
        )],
    );
}

#[test]
fn no_replicas_and_a_billion_replicas_are_refused() {
    for count in ["0", "1000000000"] {
        refused(
            &beside_a_witness(&shell("t", "true", &format!("replicas: {count}"))),
            2,
            &[(&format!("{count})"), "replicas must be 1 to 1,000,000")],
        );
    }
}

#[test]
fn a_pattern_that_is_no_regular_expression_is_refused() {
    refused(
        &beside_a_witness(&shell("t", "true", r#"ready: Line("(")"#)),
        2,
        &[("", "is no regular expression")],
    );
}

#[test]
fn a_session_of_a_newer_version_is_refused() {
    let session = beside_a_witness("").replace("version: 1", "version: 2");
    refused(
        &session,
        2,
        &[(
            "2,",
            "this session is version 2, this program reads up to 1",
        )],
    );
}

#[test]
fn what_this_version_cannot_do_is_said_and_not_ignored() {
    refused(
        &with_fields(r#"hosts: [Ssh("node[01-03]")],"#, ""),
        2,
        &[(
            r#"Ssh("#,
            "hosts by ssh or Slurm cannot be reached by this version",
        )],
    );
    refused(
        &with_fields(r#"queue_server: Redis("unix:///tmp/x"),"#, ""),
        2,
        &[(
            "Redis(",
            "an external queue server cannot be used by this version",
        )],
    );
}

#[test]
fn several_problems_are_all_listed_each_with_its_place() {
    let session = with_fields(
        "colour: 3,",
        &(shell("a", "true", "replica: 3")
            + &shell("b", "true", r#"replicas: "x", args: [Queue("q")]"#)
            + "\"c\": ProcessTemplate(),\n"),
    );
    refused(
        &session,
        2,
        &[
            ("colour", "unknown field `colour`"),
            ("replica:", "did you mean `replicas`?"),
            (r#""x""#, "expected a whole number"),
            (r#"Queue("q")"#, "there is no queue `q`"),
            ("ProcessTemplate(),", "the target is missing"),
        ],
    );
}

// What is wrong with the file

#[test]
fn a_session_that_is_no_readable_text_is_refused() {
    let home = Home::new();
    home.write("latin.ron", b"Session(version: 1, name: \"\xff\")");
    fs::create_dir(home.path().join("folder.ron")).unwrap();
    fs::File::create(home.path().join("big.ron"))
        .unwrap()
        .set_len(100 << 20)
        .unwrap();
    for (file, complaint) in [
        (
            "latin.ron",
            "latin.ron:1:28: the file is not UTF-8: byte 27 is 0xff",
        ),
        ("folder.ron", "folder.ron: this is a folder, not a session"),
        ("big.ron", "big.ron: the file is larger than 16 MiB"),
        ("missing.ron", "missing.ron: there is no such file"),
        (
            "/dev/null",
            "/dev/null:1:1: expected a value, found the end of the file",
        ),
    ] {
        let done = home
            .run(&["--replay", file])
            .ends_with(2)
            .complains(complaint);
        nothing_came_of_it(&home, &done);
        let checked = home.run(&["check", file]).ends_with(2);
        assert!(checked.stdout.contains(complaint), "{checked:?}");
    }
}

#[test]
fn a_file_without_an_end_is_given_up_after_16_mib() {
    let home = Home::new();
    // A tenth of a second's work; a program that read on would fill the memory.
    let mut command = home.command(&["--replay", "/dev/zero"]);
    let done = Running::start(&mut command).finish(Duration::from_secs(5));
    done.ends_with(2).complains("larger than 16 MiB");
    home.run(&["check", "/dev/zero"]).ends_with(2);
}

#[test]
fn a_session_from_a_pipe_is_read_once_and_its_problems_are_shown_with_their_lines() {
    let home = Home::new();
    home.write("s.ron", beside_a_witness(&shell("t", "true", "replica: 3")));
    for arguments in ["--replay", "check"] {
        let mut command = Command::new("bash");
        home.prepare(&mut command);
        command.args([
            "-c",
            r#""$0" "$1" <(cat s.ron)"#,
            program::PROGRAM,
            arguments,
        ]);
        let done = Running::start(&mut command)
            .finish(Duration::from_secs(5))
            .ends_with(2);
        let text = done.stdout + &done.stderr;
        assert!(text.contains("did you mean `replicas`?"), "{text}");
        assert!(text.contains(r#"3 | "t": ProcessTemplate"#), "{text}");
    }
}

#[test]
fn a_session_that_may_not_be_read_is_refused() {
    // Root reads everything.
    if !needs("setpriv")
        || !needs_that(
            rustix::process::geteuid().is_root(),
            "only root can become somebody else",
        )
    {
        return;
    }
    let home = Home::new();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let file = home.write("s.ron", beside_a_witness(""));
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    let program = program::for_everybody(&home);
    let mut command = Command::new("setpriv");
    home.prepare(&mut command);
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    command.arg(program).args(["check", "s.ron"]);
    let done = Running::start(&mut command).finish(LIMIT).ends_with(2);
    assert!(
        done.stdout.contains("s.ron: the file may not be read"),
        "{done:?}"
    );
}

// What is wrong on the host

#[test]
fn a_program_that_is_not_there_or_cannot_be_run_is_refused() {
    let home = Home::new();
    home.write("plain.txt", "no program");
    let session = beside_a_witness(
        r#""a": ProcessTemplate(target: Program("no-such-program")),
"b": ProcessTemplate(target: Program("./plain.txt")),
"c": ProcessTemplate(target: Program("./missing")),
"d": ProcessTemplate(target: Program("/tmp")),
"#,
    );
    refused_in(
        &home,
        &session,
        2,
        &[
            (
                r#"Program("no-such"#,
                "cannot run \"no-such-program\": not found in PATH",
            ),
            (r#"Program("./plain"#, "plain.txt\": not executable"),
            (r#"Program("./missing"#, "missing\": there is no such file"),
            (r#"Program("/tmp"#, "cannot run \"/tmp\": it is a directory"),
        ],
    );
}

#[test]
fn python_targets_that_cannot_be_called_are_refused_all_in_one_go() {
    let home = Home::new();
    home.write("m.py", "def hello():\n    pass\n");
    home.write("broken.py", "def f():\n    pass\nx = (\n");
    home.write("number.py", "f = 3\n");
    let session = beside_a_witness(
        r#""a": ProcessTemplate(target: Python("missing.py:f")),
"b": ProcessTemplate(target: Python("m.py:helo")),
"c": ProcessTemplate(target: Python("broken.py:f")),
"d": ProcessTemplate(target: Python("no_such_package.module:f")),
"#,
    );
    let done = refused_in(
        &home,
        &session,
        2,
        &[
            (r#"Python("missing"#, "no such file:"),
            (r#"Python("m.py"#, "no function 'helo' in"),
            (r#"Python("broken"#, "(line 3)"),
            (r#"Python("no_such"#, "no module named 'no_such_package'"),
        ],
    );
    assert!(done.stderr.contains("help: hello"), "{done:?}");
}

#[test]
fn a_python_interpreter_that_is_not_there_is_refused() {
    let home = Home::new();
    home.write("m.py", "def hello():\n    pass\n");
    let session = with_fields(
        r#"python: "/no/such/python3","#,
        r#""t": ProcessTemplate(target: Python("m.py:hello"))"#,
    );
    refused_in(
        &home,
        &session,
        2,
        &[(
            r#"Python("m.py"#,
            "cannot run \"/no/such/python3\": there is no such file",
        )],
    );
}

#[test]
fn a_folder_that_cannot_be_entered_is_refused() {
    let home = Home::new();
    home.write("plain.txt", "no folder");
    let session = beside_a_witness(
        &(shell("a", "true", r#"cwd: "/no/such/folder""#)
            + &shell("b", "true", r#"cwd: "plain.txt""#)),
    );
    refused_in(
        &home,
        &session,
        2,
        &[
            (r#""/no/such"#, "cannot enter folder \"/no/such/folder\""),
            (r#""plain.txt""#, "it is no folder"),
        ],
    );
}

#[test]
fn a_file_and_a_host_can_be_wrong_at_once() {
    let session = beside_a_witness(
        r#""a": ProcessTemplate(target: Program("no-such-program")),
"b": ProcessTemplate(target: Program("true"), policy: Policy(placement: HostName("nowhere"))),
"#,
    );
    refused(
        &session,
        2,
        &[
            (r#"Program("no-such"#, "not found in PATH"),
            ("Policy(", "asked for host nowhere; there is no such host"),
        ],
    );
}

// What cannot be placed

#[test]
fn a_host_that_is_not_there_is_refused_and_those_there_are_named() {
    refused(
        &beside_a_witness(&shell(
            "t",
            "true",
            r#"policy: Policy(placement: HostName("nowhere"))"#,
        )),
        3,
        &[(
            "Policy(",
            "asked for host nowhere; there is no such host, there is localhost",
        )],
    );
}

#[test]
fn more_gpus_than_there_are_are_refused_with_what_there_is() {
    refused(
        &beside_a_witness(&shell("t", "true", "policy: Policy(gpus: 99)")),
        3,
        &[(
            "Policy(",
            "g/t.0 cannot be placed: asked for 99 GPUs; localhost has",
        )],
    );
}

#[test]
fn more_cpus_than_there_are_are_refused_and_who_holds_them_is_named() {
    refused(
        &beside_a_witness(&shell(
            "t",
            "true",
            "replicas: 9999, policy: Policy(cpus: 1)",
        )),
        3,
        &[("Policy(", "held by g/t.0 (cpu 0)")],
    );
}

#[test]
fn a_host_that_is_only_declared_is_refused_and_the_way_out_is_named() {
    refused(
        &with_fields(
            r#"hosts: [Declared(name: "pinoak0033", cpus: 64, gpus: 4)],"#,
            &shell(
                "t",
                "true",
                r#"policy: Policy(placement: HostName("pinoak0033"))"#,
            ),
        ),
        3,
        &[(
            "\"witness\"",
            "--host-alias pinoak0033=localhost lets this machine stand in",
        )],
    );
}
