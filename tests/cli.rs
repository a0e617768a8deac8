//! The command line, and what is refused before anything starts: each with its place in the file, all in one go.
//!
//! Every bad session here holds a rank that would leave a file `STARTED` behind: it must not exist afterwards, nor
//! may a run be recorded. What is wrong with sessions and hosts is in `refused`; the commands are here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

#[path = "cli/refused.rs"]
mod refused;

use std::{fs, time::Duration};

use support::{
    program::{Done, Home, LIMIT, Running, group_of, shell},
    wait_for,
};

/// A session whose other ranks would be seen to have started.
fn beside_a_witness(templates: &str) -> String {
    group_of(&(shell("witness", "touch STARTED", "") + templates))
}

/// Nothing was started, recorded or printed, and nothing stays.
#[track_caller]
fn nothing_came_of_it(home: &Home, done: &Done) {
    assert!(!home.has("STARTED"), "a rank was started: {done:?}");
    assert!(home.runs().is_empty(), "a run was recorded: {done:?}");
    assert_eq!(done.stdout, "", "{done:?}");
    let agent = home.part("agent");
    assert_eq!(agent, None, "it is waited for: {done:?}");
    let nobody = || home.processes().is_empty().then_some(());
    wait_for("end of everything", Duration::from_secs(5), nobody);
}

// check

#[test]
fn check_says_ok_and_ends_with_0_where_nothing_is_wrong() {
    let home = Home::new();
    home.write("s.ron", beside_a_witness(""));
    let done = home
        .run(&["check", "s.ron"])
        .ends_with(0)
        .prints(&["s.ron: ok"]);
    assert_eq!(done.stderr, "");
    assert!(!home.has("STARTED"));
}

#[test]
fn check_goes_on_with_the_next_file_and_ends_with_2_if_one_is_bad() {
    let home = Home::new();
    home.write("good.ron", beside_a_witness(""));
    home.write(
        "bad.ron",
        beside_a_witness(&shell("t", "true", "replica: 3")),
    );
    let done = home
        .run(&["check", "bad.ron", "missing.ron", "good.ron"])
        .ends_with(2);
    for part in [
        "bad.ron:3:",
        "missing.ron: there is no such file",
        "good.ron: ok",
    ] {
        assert!(done.stdout.contains(part), "{part}: {done:?}");
    }
    assert_eq!(done.stderr, "2 errors, 0 warnings\n");
}

#[test]
fn check_gives_problems_as_json_with_file_line_and_column() {
    let home = Home::new();
    home.write("good.ron", beside_a_witness(""));
    home.write(
        "bad.ron",
        beside_a_witness(&shell("t", "true", "replica: 3")),
    );
    let done = home
        .run(&["check", "--format", "json", "good.ron", "bad.ron"])
        .ends_with(2);
    let problems = done.objects();
    assert_eq!(problems.len(), 1, "{done:?}");
    let problem = &problems[0];
    assert_eq!(problem["severity"], "error");
    assert_eq!(problem["file"], "bad.ron");
    assert_eq!(problem["line"], 3);
    assert!(problem["column"].as_u64() > Some(1), "{problem}");
    assert_eq!(problem["field"], "groups.g.templates.t.replica");
    assert!(
        problem["message"]
            .as_str()
            .unwrap()
            .contains("unknown field")
    );
}

#[test]
fn check_finds_everything_in_one_go_in_the_order_of_the_file() {
    let home = Home::new();
    home.write(
        "s.ron",
        group_of(
            &(shell("a", "true", r#"ready: Line("("), stdout: DevNull"#)
                + &shell("b", "true", "replica: 3")
                + &shell("c", "true", r#"alerts: [Dead, Line("[")]"#)
                + &shell(
                    "d",
                    "true",
                    r#"stdout: DevNull, stderr: Pain, ready: Line("x")"#,
                )),
        ),
    );
    let done = home.run(&["check", "s.ron"]).ends_with(2);
    let problems: Vec<&str> = done
        .stdout
        .lines()
        .filter(|line| line.starts_with("s.ron:"))
        .collect();
    let expected = [
        (2, "g.templates.a.ready: \"(\" is no regular expression"),
        (2, "g.templates.a.ready: a line can only be seen"),
        (3, "unknown field `replica`"),
        (4, "alerts[0]: unknown variant `Dead`"),
        (4, "alerts[1]: \"[\" is no regular expression"),
        (5, "stderr: unknown variant `Pain`"),
    ];
    assert_eq!(problems.len(), expected.len(), "{done:?}");
    for (line, (number, part)) in problems.iter().zip(expected) {
        assert!(line.starts_with(&format!("s.ron:{number}:")), "{done:?}");
        assert!(line.contains(part), "{part}: {done:?}");
    }
    // It is refused with the same words.
    let refused = home.run(&["--replay", "s.ron"]).ends_with(2);
    assert_eq!(done.stdout, refused.stderr);
}

#[test]
fn check_says_once_that_there_is_nothing_to_run() {
    let home = Home::new();
    for session in [
        "Session(version: 1)",
        "Session(version: 1, groups: {\"g\": ProcessGroup()})",
    ] {
        home.write("s.ron", session);
        let done = home.run(&["check", "s.ron"]).ends_with(2);
        assert_eq!(done.stdout.matches("nothing to run").count(), 1, "{done:?}");
        assert_eq!(done.stderr, "1 error, 0 warnings\n");
    }
}

// plan

const DECLARED: &str = r#"Session(
    version: 1,
    hosts: [Declared(name: "pinoak0033", cpus: 64, gpus: 4)],
    groups: { "fit": ProcessGroup(templates: {
        "trainer": ProcessTemplate(
            target: Shell("touch STARTED"),
            replicas: 4,
            policy: Policy(placement: HostName("pinoak0033"), gpus: 1),
        ),
        "writer": ProcessTemplate(target: Program("true"), replicas: 3, policy: Policy(placement: Local)),
    }) },
)"#;

#[test]
fn plan_seats_ranks_on_declared_hosts_and_starts_nothing() {
    let home = Home::new();
    home.write("s.ron", DECLARED);
    let done = home.run(&["plan", "s.ron"]).ends_with(0);
    let lines: Vec<Vec<&str>> = done
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines.len(), 5, "{done:?}");
    for (rank, line) in lines[..4].iter().enumerate() {
        assert_eq!(
            line[..2],
            [&format!("trainer.{rank}"), "pinoak0033"],
            "{done:?}"
        );
        let gpus = line.iter().position(|word| *word == "gpus").unwrap();
        assert_eq!(line[gpus + 1], rank.to_string(), "{done:?}");
        assert!(
            line.contains(&format!("CUDA_VISIBLE_DEVICES={rank}").as_str()),
            "{done:?}"
        );
    }
    assert_eq!(lines[4][..2], ["writer.0-2", "localhost"], "{done:?}");
    assert!(!home.has("STARTED"));
    assert!(home.runs().is_empty());
}

/// A variable of the environment in a line of a plan.
fn variable<'l>(line: &'l serde_json::Value, name: &str) -> Option<&'l str> {
    let env = line["env"].as_array().unwrap();
    let found: Vec<_> = env.iter().filter(|pair| pair[0] == name).collect();
    assert!(found.len() < 2, "{line}");
    found.first().map(|pair| pair[1].as_str().unwrap())
}

#[test]
fn plan_shows_the_environment_of_the_template_with_the_rank_filled_in() {
    let home = Home::new();
    let env = r#"replicas: 2, env: { "LOG": "{rank} of {nproc}", "CUDA_VISIBLE_DEVICES": "all", "X": "{{rank}}" }"#;
    let session = DECLARED.replace("gpus: 1),", &format!("gpus: 1), {env},"));
    home.write("s.ron", session.replacen("replicas: 4,", "", 1));
    let done = home.run(&["plan", "s.ron"]).ends_with(0);
    let lines: Vec<&str> = done.stdout.lines().collect();
    assert!(lines[1].starts_with("trainer.1"), "{done:?}");
    for part in [
        "LOG=1 of 2",
        "CUDA_VISIBLE_DEVICES=all",
        "X={rank}",
        "ROCR_VISIBLE_DEVICES=1",
    ] {
        assert_eq!(lines[1].matches(part).count(), 1, "{part}: {done:?}");
    }
    assert!(!done.stdout.contains("DRAGON"), "{done:?}");
    let plan = home.run(&["plan", "s.ron", "--format", "json"]).objects();
    assert_eq!(variable(&plan[0], "LOG"), Some("0 of 2"));
    assert_eq!(variable(&plan[0], "CUDA_VISIBLE_DEVICES"), Some("all"));
    // A rank in a variable keeps ranks apart that go to the same place.
    let session = DECLARED.replace(
        r#"Program("true"), replicas: 3"#,
        r#"Program("true"), replicas: 3, env: { "R": "{rank}" }"#,
    );
    home.write("s.ron", session);
    let plan = home.run(&["plan", "s.ron", "--format", "json"]).objects();
    assert_eq!(plan.len(), 7);
    assert_eq!(variable(&plan[6], "R"), Some("2"));
}

#[test]
fn a_plan_on_declared_hosts_says_nothing_of_the_gpus_of_this_machine() {
    let home = Home::new();
    home.write("s.ron", DECLARED);
    for more in [&[][..], &["--set", "fit.trainer.replicas=5"]] {
        let done = home.run(&[&["plan", "s.ron"], more].concat());
        assert!(!done.stderr.contains("NVIDIA"), "{done:?}");
    }
}

#[test]
fn plan_gives_every_line_as_json() {
    let home = Home::new();
    home.write("s.ron", DECLARED);
    let plan = home
        .run(&["plan", "s.ron", "--format", "json"])
        .ends_with(0)
        .objects();
    assert_eq!(plan.len(), 5);
    assert_eq!(plan[1]["process"], "fit/trainer.1");
    assert_eq!(plan[1]["host"], "pinoak0033");
    assert_eq!(plan[1]["gpus"], "1");
    assert_eq!(variable(&plan[1], "CUDA_VISIBLE_DEVICES"), Some("1"));
    assert_eq!(variable(&plan[1], "DRAGON_TUI_RANK"), Some("1"));
    assert_eq!(variable(&plan[1], "DRAGON_TASK"), Some("fit/trainer.1"));
    assert_eq!(variable(&plan[1], "DRAGON_TUI_NPROC"), Some("4"));
    assert_eq!(variable(&plan[1], "DRAGON_TUI_HOST"), Some("pinoak0033"));
    // That is known when it runs.
    assert_eq!(variable(&plan[1], "DRAGON_TUI_RUN"), None);
    assert_eq!(plan[4]["process"], "fit/writer.0");
    assert_eq!(plan[4]["last_rank"], 2);
    assert_eq!(plan[4]["gpus"], serde_json::Value::Null);
}

#[test]
fn plan_ends_with_3_where_something_cannot_be_placed() {
    let home = Home::new();
    home.write("s.ron", DECLARED);
    home.run(&["plan", "s.ron", "--set", "fit.trainer.replicas=5"])
        .ends_with(3)
        .complains("fit/trainer.4 cannot be placed: asked for 1 GPU; pinoak0033 has 0 of 4 GPUs free; held by");
}

#[test]
fn an_alias_lets_this_machine_stand_in() {
    let home = Home::new();
    home.write("s.ron", DECLARED.replace(", gpus: 1", ""));
    let alias = ["--host-alias", "pinoak0033=localhost"];
    let done = home
        .run(&[&["plan", "s.ron"], &alias[..]].concat())
        .ends_with(0);
    assert!(
        done.stdout.lines().all(|line| line.contains("localhost")),
        "{done:?}"
    );
    home.run(&[&["--replay", "s.ron"], &alias[..]].concat())
        .ends_with(0);
    assert!(home.has("STARTED"));
}

// --set

#[test]
fn set_changes_the_session_for_this_run_only() {
    let home = Home::new();
    let session = group_of(&shell(
        "t",
        "echo $DRAGON_TUI_RANK of $DRAGON_TUI_NPROC",
        "",
    ));
    home.replay(&session, &["--set", "g.t.replicas=3"])
        .ends_with(0)
        .prints(&["t.0 | 0 of 3", "t.1 | 1 of 3", "t.2 | 2 of 3"]);
    assert_eq!(home.read("s.ron"), session);
    let recorded = fs::read_to_string(home.the_run().join("session.ron")).unwrap();
    assert!(
        recorded.contains("replicas: 3"),
        "the record is of what ran: {recorded}"
    );
}

#[test]
fn set_refuses_what_it_does_not_know() {
    for (assignment, complaint) in [
        ("g.witness.replica=9", "did you mean `replicas`?"),
        ("g.nobody.replicas=9", "unknown template or field `nobody`"),
        ("g.witness.replicas=x", "expected a whole number"),
        ("g.witness.replicas=0", "replicas must be 1 to 1,000,000"),
        ("nonsense", "sets nothing"),
        ("g.witness=1", "is a template: name one of its fields"),
        // It is nowhere in the file: told without a place in it.
        (
            "g.witness.args=[Queue(\"q\")]",
            "groups.g.templates.witness.args[0]: there is no queue `q`",
        ),
        ("g.witness.cwd=", "set by g.witness.cwd="),
    ] {
        let home = Home::new();
        let done = home.replay(&beside_a_witness(""), &["--set", assignment]);
        let done = done.ends_with(2).complains(complaint);
        nothing_came_of_it(&home, &done);
    }
}

// The rest of the command line

#[test]
fn help_names_what_there_is_and_the_exit_codes() {
    let home = Home::new();
    let done = home.run(&["--help"]).ends_with(0);
    for word in [
        "--replay",
        "check",
        "plan",
        "queue",
        "runs",
        "--set",
        "--host-alias",
        "124 walltime",
    ] {
        assert!(done.stdout.contains(word), "{word}: {done:?}");
    }
    assert!(!done.stdout.contains("guardian"), "hidden: {done:?}");
    assert!(
        home.run(&["--version"])
            .ends_with(0)
            .stdout
            .starts_with("dragon-tui ")
    );
}

#[test]
fn without_a_terminal_the_screens_end_with_2_and_name_replay() {
    let home = Home::new();
    home.write("s.ron", beside_a_witness(""));
    for arguments in [&["s.ron"][..], &[]] {
        let done = home.run(arguments).ends_with(2).complains("--replay");
        nothing_came_of_it(&home, &done);
    }
}

#[test]
fn bad_usage_ends_with_2() {
    let home = Home::new();
    for arguments in [
        &["--bogus"][..],
        &["--replay"],
        &["check"],
        &["plan", "s.ron", "--host-alias", "nobody"],
        &["--replay", "s.ron", "--format", "xml"],
    ] {
        let done = home.run(arguments).ends_with(2);
        assert!(done.stderr.starts_with("error: "), "{done:?}");
        assert_eq!(done.stdout, "");
    }
}

#[test]
fn a_state_folder_that_cannot_be_written_is_named_and_nothing_starts() {
    let home = Home::new();
    home.write("s.ron", beside_a_witness(""));
    home.write("plain.txt", "");
    let mut command = home.command(&["--replay", "s.ron"]);
    command.env("XDG_STATE_HOME", home.path().join("plain.txt"));
    let done = Running::start(&mut command).finish(LIMIT);
    assert_ne!(done.code, 0, "{done:?}");
    let done = done.complains("plain.txt/dragon-tui/runs: Not a directory");
    nothing_came_of_it(&home, &done);
}

// Readers that go away, and hostile names

/// A shell line with the program as `$P`.
fn by_shell(home: &Home, line: &str) -> Done {
    let mut command = std::process::Command::new("bash");
    home.prepare(&mut command);
    command
        .args(["-c", line])
        .env("P", support::program::PROGRAM);
    Running::start(&mut command).finish(LIMIT)
}

#[test]
fn a_reader_that_went_away_does_not_change_what_a_bad_session_ends_with() {
    let home = Home::new();
    home.write(
        "bad.ron",
        beside_a_witness(&shell("t", "true", "replica: 3")),
    );
    home.write("far.ron", DECLARED);
    // What is written has no reader from the first byte on.
    for (arguments, code) in [
        ("--replay bad.ron", 2),
        ("check bad.ron", 2),
        ("check --format json bad.ron", 2),
        ("check far.ron", 0),
        ("plan bad.ron", 2),
        ("plan far.ron", 0),
        ("plan far.ron --set fit.trainer.replicas=5", 3),
        ("--replay far.ron", 3),
        ("runs nonesuch", 2),
        ("runs", 0),
        ("queue ls", 2),
    ] {
        let line =
            format!(r#"exec 3> >(exec <&-); wait $!; exec 2>&3 >&3; $P {arguments}; exit $?"#);
        by_shell(&home, &line).ends_with(code);
    }
    assert!(!home.has("STARTED"));
}

#[test]
fn a_file_name_with_escape_sequences_reaches_no_terminal_and_no_json_line() {
    use std::os::unix::ffi::OsStrExt;
    let home = Home::new();
    let name = std::ffi::OsStr::from_bytes(b"\x1b]0;title\x07\x1b[2J\xc2\x9b2Js\xff.ron");
    for session in [beside_a_witness(""), "Session(".to_owned()] {
        fs::write(home.path().join(name), &session).unwrap();
        for arguments in [&["check"][..], &["plan"], &["check", "--format", "json"]] {
            let mut command = home.command(arguments);
            let done = Running::start(command.arg(name)).finish(LIMIT);
            let text = done.stdout.clone() + &done.stderr;
            assert!(!text.contains("panicked"), "{done:?}");
            let odd = |c: char| c.is_control() && c != '\n';
            assert!(!text.contains(odd), "{text:?}");
        }
    }
}

// runs

#[test]
fn runs_says_where_none_are_and_how_to_make_one() {
    let home = Home::new();
    let done = home
        .run(&["runs"])
        .ends_with(0)
        .complains("dragon-tui --replay SESSION.ron");
    assert_eq!(done.stdout, "");
    home.run(&["runs", "last"])
        .ends_with(2)
        .complains("no run \"last\"");
}

#[test]
fn runs_lists_shows_and_gives_json_of_what_was_run() {
    let home = Home::new();
    home.replay(&group_of(&shell("good", "echo hello", "")), &[])
        .ends_with(0);
    home.replay(&group_of(&shell("bad", "echo last words; exit 7", "")), &[])
        .ends_with(1);
    let list = home.run(&["runs"]).ends_with(0);
    let lines: Vec<&str> = list.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{list:?}");
    assert!(lines[0].starts_with("RUN"), "{list:?}");
    assert!(lines[1].contains("failed"), "newest first: {list:?}");
    assert!(lines[2].contains("succeeded"), "{list:?}");
    let last = home.run(&["runs", "last"]).ends_with(0).stdout;
    for part in [
        "g/bad.0 failed: exit 7",
        "| last words",
        "exit code  1",
        "0.log",
    ] {
        assert!(last.contains(part), "{part}: {last}");
    }
    let ids: Vec<String> = home
        .run(&["runs", "--format", "json"])
        .objects()
        .iter()
        .map(|run| {
            assert_eq!(run["state"], "ended");
            run["run"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(ids.len(), 2);
    let first = home
        .run(&["runs", &ids[1], "--format", "json"])
        .objects()
        .remove(0);
    assert_eq!(first["summary"]["exit_code"], 0);
    home.run(&["runs", "nothing-like-it"])
        .ends_with(2)
        .complains("no run");
}
