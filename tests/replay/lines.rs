//! Output: whole lines that say who wrote them, every byte in the log, nothing for the user's own terminal.

use std::{collections::BTreeMap, fs, time::Duration};

use crate::support::program::{Home, group_of, shell};

/// Any bytes, each value of a byte among them, as often as said; a terminal is set to pass them on.
const NOISE: &str = r#"
import os, sys
def noise(size):
    if os.isatty(1):
        import tty
        tty.setraw(1)
    data = memoryview((bytes(range(256)) * (size // 256 + 1))[:size])
    while data:
        data = data[os.write(1, data[:65536]):]
"#;

#[test]
fn a_line_says_which_rank_wrote_it() {
    Home::new()
        .replay(
            &group_of(&shell("t", "echo one; echo two", "replicas: 2")),
            &[],
        )
        .ends_with(0)
        .prints(&["t.0 | one", "t.0 | two", "t.1 | one", "t.1 | two"]);
}

#[test]
fn with_several_groups_a_line_names_the_group_too() {
    let session = r#"Session(version: 1, groups: {
        "a": ProcessGroup(templates: { "t": ProcessTemplate(target: Shell("echo here")) }),
        "b": ProcessGroup(templates: { "t": ProcessTemplate(target: Shell("echo there")) }),
    })"#;
    Home::new()
        .replay(session, &[])
        .ends_with(0)
        .prints(&["a/t.0 | here", "b/t.0 | there"]);
}

#[test]
fn the_carriage_returns_of_a_pty_are_in_the_log_and_not_on_stdout() {
    let home = Home::new();
    let session = group_of(&shell("t", "echo one; echo two", "terminal: Pty"));
    let done = home.replay(&session, &[]).ends_with(0);
    assert_eq!(done.stdout, "t.0 | one\nt.0 | two\n");
    assert_eq!(home.log("g", "t", 0), b"one\r\ntwo\r\n");
}

#[test]
fn no_escape_sequence_of_a_rank_reaches_stdout_or_stderr() {
    let home = Home::new();
    let line = r"printf '\033]0;title\007a\033[31mred\033[0m\033]52;c;Zm9v\033\\b\r\n\033c\033P+q\033\\x\233m\n'; exit 3";
    for terminal in ["Pty", "Pipe"] {
        let session = group_of(&shell("t", line, &format!("terminal: {terminal}")));
        let done = home.replay(&session, &[]).ends_with(1);
        let text = done.stdout + &done.stderr;
        assert!(text.contains("t.0 | aredb\n"), "{text:?}");
        let strange = |c: char| c.is_control() && c != '\n';
        assert!(!text.contains(strange), "{text:?}");
    }
}

#[test]
fn the_last_line_is_printed_though_its_end_is_missing() {
    for terminal in ["Pty", "Pipe"] {
        let session = group_of(&shell(
            "t",
            "echo whole; printf rest",
            &format!("terminal: {terminal}"),
        ));
        let done = Home::new().replay(&session, &[]).ends_with(0);
        assert_eq!(done.stdout, "t.0 | whole\nt.0 | rest\n");
    }
}

#[test]
fn two_ranks_that_print_at_once_tear_and_lose_no_line() {
    const LINES: usize = 20_000;
    let line = "i=0; while [ $i -lt 20000 ]; do echo line $i of $DRAGON_TUI_RANK, and more to make it longer; i=$((i+1)); done";
    let session = group_of(&shell("t", line, "replicas: 2"));
    let done = Home::new().replay(&session, &[]).ends_with(0);
    let mut next = BTreeMap::from([("0", 0), ("1", 0)]);
    for line in done.stdout.lines() {
        let (rank, text) = line
            .strip_prefix("t.")
            .and_then(|rest| rest.split_once(" | "))
            .unwrap();
        let number = next.get_mut(rank).unwrap();
        assert_eq!(
            text,
            format!("line {number} of {rank}, and more to make it longer")
        );
        *number += 1;
    }
    assert_eq!(next, BTreeMap::from([("0", LINES), ("1", LINES)]));
}

#[test]
fn a_log_holds_every_byte_of_20_mb_by_a_pipe_and_by_a_pty() {
    const SIZE: usize = 20_000_000;
    let home = Home::new();
    home.write("noise.py", NOISE);
    let template = |name: &str, terminal: &str| {
        format!(
            "\"{name}\": ProcessTemplate(target: Python(\"noise.py:noise\"), args: [{SIZE}], terminal: {terminal}),"
        )
    };
    let session = group_of(&(template("pipe", "Pipe") + &template("pty", "Pty")));
    home.replay(&session, &["--quiet"]).ends_with(0).prints(&[]);
    let expected: Vec<u8> = (0..=255).cycle().take(SIZE).collect();
    for name in ["pipe", "pty"] {
        let log = home.log("g", name, 0);
        assert_eq!(log.len(), SIZE, "{name}");
        assert!(log == expected, "{name}: the bytes differ");
    }
    assert_eq!(home.summary()["bytes"]["shown"], 2 * SIZE);
}

#[test]
fn a_flooding_muted_rank_is_read_counted_and_not_logged() {
    const SIZE: u64 = 50_000_000;
    let home = Home::new();
    let flood = shell("flood", "head -c 50000000 /dev/zero", "stdout: DevNull");
    let done = home.replay(&group_of(&(flood + &shell("t", "echo heard", ""))), &[]);
    let done = done.ends_with(0).prints(&["t.0 | heard"]);
    let bytes = &home.summary()["bytes"];
    assert_eq!(bytes["discarded"], SIZE, "{bytes}");
    assert!(!home.the_run().join("logs/g/flood").exists());
    assert!(
        done.stderr.contains("47.7 MiB discarded while muted"),
        "{done:?}"
    );
}

#[test]
fn stderr_goes_where_it_is_sent() {
    let home = Home::new();
    let line = "echo out; echo err >&2";
    let session = group_of(
        &(shell("both", line, "")
            + &shell("pane", line, "stdout: DevNull, stderr: Pane")
            + &shell("muted", line, "stderr: DevNull")
            + &shell("file", line, r#"stderr: File("err-{rank}.txt")"#)
            + &shell(
                "one-file",
                line,
                r#"stdout: File("all.txt"), stderr: File("all.txt")"#,
            )),
    );
    home.replay(&session, &[]).ends_with(0).prints(&[
        "both.0 | out",
        "both.0 | err",
        "pane.0 | err",
        "muted.0 | out",
        "file.0 | out",
    ]);
    assert_eq!(home.read("err-0.txt"), "err\n");
    assert_eq!(home.read("all.txt"), "out\nerr\n");
}

#[test]
fn files_are_opened_per_rank_and_emptied() {
    let home = Home::new();
    home.write("in.txt", "from a file\n");
    home.write("out-1.txt", "a longer text that was there before");
    let session = group_of(&shell(
        "t",
        "cat",
        r#"replicas: 2, stdin: File("in.txt"), stdout: File("out-{rank}.txt")"#,
    ));
    home.replay(&session, &[]).ends_with(0).prints(&[]);
    assert_eq!(home.read("out-0.txt"), "from a file\n");
    assert_eq!(home.read("out-1.txt"), "from a file\n");
}

#[test]
fn quiet_prints_no_output_and_the_logs_are_complete() {
    let home = Home::new();
    let session = group_of(&shell("t", "echo hello", "terminal: Pipe"));
    home.replay(&session, &["--quiet"])
        .ends_with(0)
        .prints(&[])
        .complains("1 of 1 ranks ended well");
    assert_eq!(home.log("g", "t", 0), b"hello\n");
}

#[test]
fn colours_are_for_terminals_only() {
    let home = Home::new();
    // script(1) gives the program a terminal.
    if !crate::support::needs("script") {
        return;
    }
    home.write("s.ron", group_of(&shell("t", "echo hello", "")));
    let on_terminal = |no_color: Option<&str>| {
        let mut command = std::process::Command::new("script");
        home.prepare(&mut command);
        command.env("TERM", "xterm-256color");
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        let program = format!("{} --replay s.ron", crate::support::program::PROGRAM);
        command.args(["-qec", &program, "/dev/null"]);
        let run = crate::support::program::Running::start(&mut command);
        run.finish(Duration::from_secs(20)).ends_with(0).stdout
    };
    assert!(
        on_terminal(None).contains("t.0 |\x1b[0m hello"),
        "a coloured name"
    );
    assert!(on_terminal(Some("1")).contains("t.0 | hello"), "NO_COLOR");
    let done = home.run(&["--replay", "s.ron"]).ends_with(0);
    assert_eq!(done.stdout, "t.0 | hello\n", "a pipe");
}

#[test]
fn json_is_one_object_per_line_from_run_started_to_summary() {
    let home = Home::new();
    let session = group_of(
        &(shell("good", "echo out; printf rest", "")
            + &shell(
                "bad",
                "echo err >&2; exit 7",
                "stderr: Pane, terminal: Pipe",
            )),
    );
    let done = home.replay(&session, &["--format", "json"]).ends_with(1);
    let objects = done.objects();
    let first = &objects[0];
    assert_eq!(
        (&first["event"], &first["protocol"]),
        (&"run_started".into(), &1.into())
    );
    let run = first["run"].as_str().unwrap();
    assert!(home.the_run().ends_with(run));
    for object in &objects {
        assert!(
            object["at"].is_number() && object["event"].is_string(),
            "{object}"
        );
    }
    let times: Vec<f64> = objects
        .iter()
        .map(|it| it["at"].as_f64().unwrap())
        .collect();
    assert!(
        times.windows(2).all(|pair| pair[0] <= pair[1] + 0.5),
        "{times:?}"
    );
    let outputs: Vec<_> = objects
        .iter()
        .filter(|it| it["event"] == "output")
        .collect();
    let said = |process: &str, stream: &str| {
        let of = |it: &&&serde_json::Value| it["process"] == process && it["stream"] == stream;
        let lines = outputs
            .iter()
            .filter(of)
            .map(|it| it["line"].as_str().unwrap());
        lines.collect::<Vec<_>>()
    };
    assert_eq!(said("g/good.0", "stdout"), ["out", "rest"]);
    assert_eq!(said("g/bad.0", "stderr"), ["err"]);
    let ended = objects
        .iter()
        .find(|it| it["event"] == "process_ended" && it["process"] == "g/bad.0");
    let ended = ended.unwrap();
    assert_eq!(ended["status"]["code"], 7, "{ended}");
    assert_eq!(ended["failure"], true);
    let started = objects
        .iter()
        .find(|it| it["event"] == "process_started")
        .unwrap();
    for field in ["process", "incarnation", "pid", "host", "cpus", "channel"] {
        assert!(!started[field].is_null(), "{field}: {started}");
    }
    let before_last = &objects[objects.len() - 2];
    assert_eq!(before_last["event"], "run_ended");
    assert_eq!(before_last["outcome"], "failed");
    assert_eq!(before_last["first_failure"], "g/bad.0");
    let last = &objects[objects.len() - 1];
    assert_eq!(
        (&last["event"], &last["exit_code"]),
        (&"summary".into(), &1.into())
    );
}

#[test]
fn the_record_of_a_run_is_whole_and_private() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let session = r#"// A comment stays.
Session(version: 1, queues: { "q": Queue() }, groups: { "g": ProcessGroup(templates: {
    "t": ProcessTemplate(target: Shell("echo hello"), env: { "PASSWORD": "a-secret-value" }),
}) })"#;
    home.replay(session, &[]).ends_with(0);
    let run = home.the_run();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&run), 0o700);
    for file in [
        "session.ron",
        "events.jsonl",
        "summary.json",
        "logs/g/t/0.log",
    ] {
        assert_eq!(mode(&run.join(file)), 0o600, "{file}");
    }
    assert_eq!(
        fs::read_to_string(run.join("session.ron")).unwrap(),
        session
    );
    let events = home.events();
    assert_eq!(events[0]["event"], "run_started");
    assert_eq!(events[events.len() - 1]["event"], "run_ended");
    let text = fs::read_to_string(run.join("events.jsonl")).unwrap();
    assert!(
        !text.contains("a-secret-value"),
        "values of the environment are nobody's business"
    );
    assert_eq!(home.summary()["exit_code"], 0);
}
