//! Real processes under a real agent: what they write arrives, how they end is told, and nothing of them stays.

// A test says what it expects by panicking; the lints that allow it do not see files of an integration test.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ends;
mod host;
mod link;
mod output;
#[path = "../support/mod.rs"]
mod support;

use dragon_tui::{
    agent::wire::{Check, Exit, Faults, FromAgent, Sink, ToAgent},
    model::{event::Channel, template::Terminal},
};
use host::{Host, Options};

#[test]
fn true_starts_and_is_reaped_and_its_end_is_told_once() {
    let mut host = Host::new();
    let spec = host.spec("true", &[]);
    let (exit, output) = host.run(&spec);
    assert_eq!((exit, output), (Exit::Code(0), Vec::new()));
    host.look(|heard| {
        let exits = |m: &&FromAgent| matches!(m, FromAgent::Exited { .. });
        assert_eq!(heard.messages.iter().filter(exits).count(), 1);
        assert_eq!(heard.ends[&spec.child], 1);
    });
    host.finish();
}

#[test]
fn a_terminal_is_one_and_has_a_size_that_changes() {
    let mut host = Host::new();
    let mut spec = host.shell(
        r#"trap 'stty size; exit 7' WINCH; tty; stty size; echo $TERM; ps -o tpgid=,pid= $$; echo ready; while :; do sleep 0.05; done"#,
    );
    spec.terminal = Terminal::Auto;
    let (child, pid, channel) = host.start(&spec);
    assert_eq!(channel, Channel::Pty);
    host.reads(child, "ready");
    let text = String::from_utf8(host.look(|heard| heard.output[&child].clone())).unwrap();
    assert!(text.starts_with("/dev/pts/"), "{text}");
    assert!(text.contains("24 80\r\nxterm-256color\r\n"), "{text}");
    let ids: Vec<&str> = text
        .lines()
        .nth(3)
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let pid = pid.to_string();
    assert_eq!(ids, [&pid, &pid], "it has the foreground: {text}");
    host.say(&ToAgent::Resize(child, 50, 132));
    assert_eq!(host.exited(child).0, Exit::Code(7));
    assert!(host.output(child).ends_with(b"50 132\r\n"));
    host.finish();
}

#[test]
fn what_cannot_start_says_why_and_leaves_nothing() {
    let mut host = Host::new();
    let missing = host.spec("no-such-program", &[]);
    assert_eq!(
        host.refuse(&missing),
        r#"cannot run "no-such-program": not found in PATH"#
    );
    let mut folder = host.spec("true", &[]);
    folder.cwd = Some("/no/such".to_owned());
    assert_eq!(
        host.refuse(&folder),
        r#"cannot enter folder "/no/such": no such file or directory"#
    );
    folder.child.0 += 1_000;
    folder.stdout = Sink::File("out".to_owned());
    assert!(host.refuse(&folder).starts_with("cannot enter folder"));
    let directory = host.spec("/bin/", &[]);
    assert_eq!(
        host.refuse(&directory),
        r#"cannot run "/bin/": it is a directory"#
    );
    let mut cpus = host.spec("true", &[]);
    cpus.cpus = vec![8_000];
    assert!(host.refuse(&cpus).starts_with("cannot bind to cpus [8000]"));
    let mut long = host.spec("true", &[]);
    long.args = vec!["x".repeat(4 << 20)];
    assert!(host.refuse(&long).ends_with("environment are too long"));
    let mut zero = host.spec("true", &[]);
    zero.args = vec!["a\0b".to_owned()];
    assert!(host.refuse(&zero).contains("zero byte"));
    host.finish();
}

#[test]
fn a_script_without_a_first_line_runs_and_one_with_a_missing_interpreter_says_so() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let mut host = Host::new();
    let mut script = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        let mut spec = host.spec(&format!("./{name}"), &["an argument"]);
        spec.cwd = Some(folder.path().to_str().unwrap().to_owned());
        spec
    };
    let plain = script("plain", "echo \"$0 got $1\"");
    let broken = script("broken", "#!/no/interpreter\n");
    assert_eq!(host.run(&plain).1, b"./plain got an argument\n");
    assert!(
        host.refuse(&broken)
            .contains("the interpreter that it names")
    );
    host.finish();
}

#[test]
fn how_a_child_ends_is_told_with_what_it_used() {
    let mut host = Host::new();
    let code = host.shell("exit 42");
    assert_eq!(host.run(&code).0, Exit::Code(42));
    for signal in [6, 9, 11, 15] {
        let spec = host.shell(&format!("ulimit -c 0; kill -{signal} $$"));
        assert_eq!(host.run(&spec).0, Exit::Signal(signal, false));
    }
    let busy = host.spec(
        "python3",
        &["-c", "x=bytearray(50<<20)\nfor i in range(10**6): pass"],
    );
    host.start(&busy);
    let (exit, usage) = host.exited(busy.child);
    assert_eq!(exit, Exit::Code(0));
    assert!(usage.cpu_seconds > 0.01, "{usage:?}");
    assert!(usage.peak_memory > 50 << 20, "{usage:?}");
    host.finish();
}

#[test]
fn a_child_starts_as_from_a_fresh_shell() {
    let mut host = Host::new();
    let mut spec = host.shell("grep -E 'Sig(Blk|Ign)' /proc/self/status; ls /proc/self/fd; ulimit -n; echo $DRAGON_TASK $A");
    spec.env.push(("A".to_owned(), "1".to_owned()));
    spec.env.push(("A".to_owned(), "2".to_owned()));
    let (_, output) = host.run(&spec);
    let text = String::from_utf8(output).unwrap();
    for name in ["SigBlk", "SigIgn"] {
        assert!(
            text.contains(&format!("{name}:\t0000000000000000")),
            "{text}"
        );
    }
    // 3 is the folder that `ls` reads.
    assert!(text.contains("\n0\n1\n2\n3\n"), "{text}");
    let own = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    assert!(text.contains(&format!("\n{}\n", own.unwrap())), "{text}");
    assert!(text.ends_with(&format!("{} 2\n", spec.task)), "{text}");
    host.finish();
}

#[test]
fn a_child_is_bound_to_its_cpus() {
    let mut host = Host::new();
    let last = *host.welcome.cpus.last().unwrap();
    let mut spec = host.spec("grep", &["Cpus_allowed_list", "/proc/self/status"]);
    spec.cpus = vec![last];
    let (_, output) = host.run(&spec);
    assert_eq!(
        String::from_utf8(output).unwrap(),
        format!("Cpus_allowed_list:\t{last}\n")
    );
    host.finish();
}

#[test]
fn without_free_descriptors_some_fail_with_a_reason_and_the_rest_goes_on() {
    let mut host = Host::with(Options {
        under: Some("ulimit -n 60".to_owned()),
        ..Options::default()
    });
    let mut started = Vec::new();
    let reason = loop {
        let mut spec = host.spec("sleep", &["600"]);
        spec.terminal = Terminal::Pty;
        host.say(&ToAgent::Spawn(Box::new(spec.clone())));
        let outcome = host.wait("an outcome", |heard| {
            heard.messages.iter().find_map(|message| match message {
                FromAgent::Spawned { child, .. } if *child == spec.child => Some(None),
                FromAgent::SpawnFailed { child, reason } if *child == spec.child => {
                    Some(Some(reason.clone()))
                }
                _ => None,
            })
        });
        match outcome {
            None => started.push(spec.child),
            Some(reason) => break reason,
        }
        assert!(started.len() < 60);
    };
    assert!(reason.starts_with("no free descriptors"), "{reason}");
    assert!(started.len() > 20, "only {} started", started.len());
    host.say(&ToAgent::KillTree(started[0]));
    assert_eq!(host.exited(started[0]).0, Exit::Signal(9, false));
    host.output(started[0]);
    let again = host.spec("echo", &["again"]);
    assert_eq!(host.run(&again).1, b"again\n");
    host.finish();
}

#[test]
fn a_host_without_a_pty_to_spare_is_said_to_have_none_and_pipes_do() {
    // A world of its own where two ptys are all there are.
    let world = "mount -t devpts -o newinstance,ptmxmode=0666,mode=620,max=2 devpts /dev/pts && \
                 mount --bind /dev/pts/ptmx /dev/ptmx";
    let can = std::process::Command::new("unshare")
        .args(["-m", "sh", "-c", world])
        .output();
    let can = can.is_ok_and(|said| said.status.success());
    if !support::needs_that(can, "this user may not mount ptys of its own") {
        return;
    }
    let mut host = Host::with(Options {
        // It takes the place of the shell that would start the agent.
        under: Some(format!(
            "export RUST_BACKTRACE=1; exec unshare -m sh -c '{world} && exec \"$@\"' sh {} \"$@\"",
            support::program::PROGRAM
        )),
        ..Options::default()
    });
    for _ in 0..2 {
        let mut spec = host.spec("sleep", &["600"]);
        spec.terminal = Terminal::Pty;
        assert_eq!(host.start(&spec).2, Channel::Pty);
    }
    let mut spec = host.spec("true", &[]);
    spec.terminal = Terminal::Pty;
    let why = host.refuse(&spec);
    assert!(
        why.starts_with("no pty to spare on this host (sysctl kernel.pty.max is reached)"),
        "{why}"
    );
    let mut spec = host.spec("true", &[]);
    spec.terminal = Terminal::Auto;
    assert_eq!(host.start(&spec).2, Channel::Pipe);
    host.finish();
}

#[test]
fn agent_and_guardian_hold_nothing_open_that_was_open_when_they_were_started() {
    let host = Host::with(Options {
        under: Some("exec 7</etc/passwd".to_owned()),
        ..Options::default()
    });
    for pid in [host.agent.id(), host.welcome.guardian] {
        let open = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        let open = open.filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok());
        let open: Vec<_> = open.collect();
        assert!(
            !open.iter().any(|path| path.ends_with("etc/passwd")),
            "{open:?}"
        );
    }
    host.finish();
}

#[test]
fn targets_are_checked_before_anything_starts() {
    let host = Host::new();
    let check = |number, program: &str, cwd: Option<&str>| {
        let check = Check {
            program: program.to_owned(),
            path: None,
            cwd: cwd.map(str::to_owned),
        };
        host.say(&ToAgent::Check(number, check));
        host.wait("an answer", |heard| {
            heard.messages.iter().find_map(|message| match message {
                FromAgent::Checked(n, faults) if *n == number => Some(faults.clone()),
                _ => None,
            })
        })
    };
    assert_eq!(check(1, "sh", None), Faults::default());
    let faults = check(2, "no-such-program", Some("/no/such"));
    assert!(
        faults.program.is_some() && faults.cwd.is_some(),
        "{faults:?}"
    );
    host.say(&ToAgent::Heartbeat(77));
    host.wait("a heartbeat", |heard| {
        heard
            .messages
            .contains(&FromAgent::Heartbeat(77))
            .then_some(())
    });
    host.finish();
}

#[test]
fn a_thousand_short_ones_all_start_and_end() {
    for terminal in [Terminal::Pipe, Terminal::Pty] {
        let mut host = Host::new();
        for _ in 0..1_000 {
            let mut spec = host.spec("true", &[]);
            spec.terminal = terminal;
            host.say(&ToAgent::Spawn(Box::new(spec)));
        }
        host.wait("a thousand ends", |heard| {
            let exits = |m: &&FromAgent| {
                matches!(
                    m,
                    FromAgent::Exited {
                        exit: Exit::Code(0),
                        ..
                    }
                )
            };
            (heard.ends.len() == 1_000 && heard.messages.iter().filter(exits).count() == 1_000)
                .then_some(())
        });
        host.look(|heard| assert!(heard.ends.values().all(|&times| times == 1)));
        host.finish();
    }
}

#[test]
fn samples_come_while_something_runs_and_stop_afterwards() {
    let mut host = Host::with(Options {
        sample_every: 50,
        ..Options::default()
    });
    let spec = host.shell("while :; do :; done & sleep 600");
    let (child, ..) = host.start(&spec);
    host.wait("a busy sample", |heard| {
        heard.messages.iter().find_map(|message| match message {
            FromAgent::Samples(samples) => {
                let sample = samples.children.first()?;
                (sample.child == child && sample.cpu > 0.1 && sample.processes == 3).then_some(())
            }
            _ => None,
        })
    });
    host.say(&ToAgent::KillTree(child));
    host.exited(child);
    host.wait("the last sample", |heard| match heard.messages.last() {
        Some(FromAgent::Samples(samples)) if samples.children.is_empty() => Some(()),
        _ => None,
    });
    host.finish();
}
