//! What a rank finds: folder, environment, arguments, input.

use std::collections::BTreeMap;

use crate::support::program::{Home, PROGRAM, Running, group_of, shell};

/// The environment of the rank that printed it to `env-RANK.txt`.
fn environment(home: &Home, rank: u32) -> BTreeMap<String, String> {
    let text = home.read(&format!("env-{rank}.txt"));
    let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn the_environment_is_the_engines_less_what_is_private_and_more() {
    let home = Home::new();
    let session = group_of(&shell(
        "t",
        "env -0 > env-$DRAGON_TUI_RANK.txt",
        r#"replicas: 2, env: { "MINE": "{rank} of {nproc}" }"#,
    ));
    home.write("s.ron", session);
    let mut command = home.command(&["--replay", "s.ron"]);
    for private in [
        "SSH_TTY",
        "SSH_AUTH_SOCK",
        "TMUX",
        "TMUX_PANE",
        "DISPLAY",
        "XDG_RUNTIME_DIR",
    ] {
        command.env(private, "private");
    }
    command.env("OURS", "kept");
    Running::start(&mut command)
        .finish(crate::support::program::LIMIT)
        .ends_with(0);
    let run = home.the_run();
    let run = run.file_name().unwrap().to_str().unwrap();
    for rank in [0, 1] {
        let env = environment(&home, rank);
        for private in [
            "SSH_TTY",
            "SSH_AUTH_SOCK",
            "TMUX",
            "TMUX_PANE",
            "DISPLAY",
            "XDG_RUNTIME_DIR",
        ] {
            assert_eq!(env.get(private), None, "{private}");
        }
        let is = |name: &str, value: &str| {
            assert_eq!(env.get(name).map(String::as_str), Some(value), "{name}");
        };
        is("OURS", "kept");
        is("MINE", &format!("{rank} of 2"));
        is("DRAGON_TUI_RUN", run);
        is("DRAGON_TUI_GROUP", "g");
        is("DRAGON_TUI_TEMPLATE", "t");
        is("DRAGON_TUI_RANK", &rank.to_string());
        is("DRAGON_TUI_NPROC", "2");
        is("DRAGON_TUI_HOST", "localhost");
        is("DRAGON_TASK", &format!("g/t.{rank}"));
        is("TERM", "xterm-256color");
        let socket = &env["DRAGON_QUEUE_SOCKET"];
        assert!(socket.ends_with(&format!("/{run}/queue.sock")), "{socket}");
        assert!(env["DRAGON_QUEUE_URL"].starts_with(&format!("unix://{socket}")));
        let folder = std::path::Path::new(PROGRAM)
            .parent()
            .unwrap()
            .to_str()
            .unwrap();
        assert!(
            env["PATH"].ends_with(&format!(":{folder}")),
            "{}",
            env["PATH"]
        );
        for gpus in ["CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"] {
            assert_eq!(
                env.get(gpus).cloned(),
                std::env::var(gpus).ok(),
                "nothing was said of GPUs"
            );
        }
    }
}

#[test]
fn the_queue_socket_is_private_and_gone_with_the_run() {
    let home = Home::new();
    let line = "stat -c '%a %F' $DRAGON_QUEUE_SOCKET $(dirname $DRAGON_QUEUE_SOCKET); echo $DRAGON_QUEUE_SOCKET";
    let done = home
        .replay(&group_of(&shell("t", line, "")), &[])
        .ends_with(0);
    let lines: Vec<&str> = done
        .stdout
        .lines()
        .map(|line| &line["t.0 | ".len()..])
        .collect();
    assert_eq!(lines[..2], ["600 socket", "700 directory"], "{done:?}");
    let folder = std::path::Path::new(lines[2]).parent().unwrap();
    assert!(!folder.exists(), "{}", folder.display());
}

#[test]
fn runs_that_start_in_the_same_moment_with_records_in_different_places_do_not_meet() {
    let homes: Vec<Home> = (0..12).map(|_| Home::new()).collect();
    let session = group_of(&shell("t", "echo hello", ""));
    let runs = homes.iter().map(|home| home.start_replay(&session, &[]));
    for run in runs.collect::<Vec<_>>() {
        let done = run.finish(crate::support::program::LIMIT).ends_with(0);
        done.prints(&["t.0 | hello"]);
    }
}

#[test]
fn a_rank_starts_where_dragon_tui_was_started_or_in_its_cwd() {
    let home = Home::new();
    std::fs::create_dir_all(home.path().join("sub/folder")).unwrap();
    std::fs::create_dir(home.path().join("rank-1")).unwrap();
    let session = group_of(
        &(shell("here", "pwd -P", "")
            + &shell("there", "pwd -P", r#"cwd: "folder""#)
            + &shell("own", "pwd -P", r#"cwd: "../rank-{nproc}""#)),
    );
    home.write("sub/s.ron", session);
    let at = |folder: &str| {
        home.path()
            .join(folder)
            .canonicalize()
            .unwrap()
            .display()
            .to_string()
    };
    home.run(&["--replay", "sub/s.ron"]).ends_with(0).prints(&[
        &format!("here.0 | {}", at(".")),
        &format!("there.0 | {}", at("sub/folder")),
        &format!("own.0 | {}", at("rank-1")),
    ]);
}

#[test]
fn a_folder_that_is_missing_for_one_rank_fails_that_rank_with_the_reason() {
    let home = Home::new();
    std::fs::create_dir(home.path().join("rank-0")).unwrap();
    let session = group_of(&shell(
        "t",
        "echo here",
        r#"replicas: 2, cwd: "rank-{rank}""#,
    ));
    let session = session.replace("ProcessGroup(", "ProcessGroup(ignore_error_on_exit: true, ");
    home.replay(&session, &[])
        .ends_with(1)
        .prints(&["t.0 | here"])
        .complains("t.1 failed: not started: cannot enter folder");
}

#[test]
fn exactly_rank_nproc_and_host_are_filled_in() {
    let session = group_of(
        r#""t": ProcessTemplate(target: Program("printf"), replicas: 2,
            args: [r"<%s>\n", "{rank}/{nproc}@{host}", "{{rank}}", "{other}", 7, 0.5, true, Queue("q")])"#,
    )
    .replace("version: 1,", "version: 1, queues: { \"q\": Queue() },");
    let mut lines = Vec::new();
    for rank in 0..2 {
        for text in [
            &format!("{rank}/2@localhost"),
            "{rank}",
            "{other}",
            "7",
            "0.5",
            "true",
            "q",
        ] {
            lines.push(format!("t.{rank} | <{text}>"));
        }
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    Home::new()
        .replay(&session, &[])
        .ends_with(0)
        .prints(&lines);
}

#[test]
fn a_shell_line_takes_arguments_and_a_program_without_args_gets_none() {
    let session = group_of(
        r#""shell": ProcessTemplate(target: Shell("echo $# $1"), args: ["a b"]),
"program": ProcessTemplate(target: Program("echo")),"#,
    );
    Home::new()
        .replay(&session, &[])
        .ends_with(0)
        .prints(&["shell.0 | 1 a b", "program.0 | "]);
}

#[test]
fn a_pty_is_a_terminal_of_40_lines_and_a_pipe_reads_nothing() {
    let line = "[ -t 1 ] && stty size <&1 || echo no terminal; ";
    let session = group_of(
        &(shell("pty", line, "terminal: Pty")
            + &shell("auto", line, "")
            + &shell("pipe", &format!("{line} cat; echo end"), "terminal: Pipe")),
    );
    Home::new().replay(&session, &[]).ends_with(0).prints(&[
        "pty.0 | 40 120",
        "auto.0 | 40 120",
        "pipe.0 | no terminal",
        "pipe.0 | end",
    ]);
}

#[test]
fn python_functions_get_their_arguments_and_their_tracebacks_are_whole() {
    let home = Home::new();
    home.write(
        "m.py",
        "import helper\ndef f(a, b, *, c=None):\n    print(a, b, c, helper.X)\n    raise KeyError('why')\n",
    );
    home.write("helper.py", "X = 'beside it'\n");
    let session = group_of(
        r#""t": ProcessTemplate(target: Python("m.py:f"), args: [1, [2.5, "x"]], kwargs: { "c": { "k": true } })"#,
    );
    let done = home.replay(&session, &[]).ends_with(1);
    assert!(
        done.stdout
            .starts_with("t.0 | 1 [2.5, 'x'] {'k': True} beside it\n"),
        "{done:?}"
    );
    assert!(
        done.stdout.contains("t.0 |     raise KeyError('why')\n"),
        "{done:?}"
    );
    assert!(
        !done.stdout.contains("run.py"),
        "only frames of the user: {done:?}"
    );
    assert!(done.stderr.contains("t.0 failed: exit 1"), "{done:?}");
    assert!(
        done.stderr.contains("| KeyError: 'why'"),
        "the last lines: {done:?}"
    );
}

#[test]
fn who_reads_where_nobody_types_gets_the_end_of_input_however_often() {
    let session = group_of(&shell(
        "t",
        "read line || echo nobody there; cat; echo one; cat; echo two; [ -t 1 ] && echo a terminal",
        "",
    ));
    Home::new().replay(&session, &[]).ends_with(0).prints(&[
        "t.0 | nobody there",
        "t.0 | one",
        "t.0 | two",
        "t.0 | a terminal",
    ]);
}
