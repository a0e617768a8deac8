//! Real processes under a real agent: what they write arrives, how they end is told, and nothing of them stays.

// A test says what it expects by panicking; the lints that allow it do not see files of an integration test.
#![allow(clippy::unwrap_used, clippy::panic)]

mod host;
mod speed;

use std::time::{Duration, Instant};

use dragon_tui::{
    agent::wire::{self, Check, Exit, FromAgent, Sink, Source, ToAgent},
    model::{event::Channel, ids::GroupName, template::Terminal},
};
use host::{Host, Options, alive, marked, wait_until};

/// Any bytes, not text: each number that matters to a terminal occurs.
const NOISE: &str = r#"import os,sys
n=int(sys.argv[1])
if os.isatty(1):
    import tty; tty.setraw(1)
data=memoryview((bytes(range(256))*(n//256+1))[:n])
while data:
    data=data[os.write(1,data[:65536]):]
"#;

fn noise(len: usize) -> Vec<u8> {
    (0..=255u8).cycle().take(len).collect()
}

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
fn bytes_arrive_exactly_through_a_pipe_and_through_a_pty() {
    let mut host = Host::new();
    let pipe = host.spec("printf", &[r"a\n\000\377z"]);
    assert_eq!(host.run(&pipe), (Exit::Code(0), b"a\n\x00\xffz".to_vec()));
    let mut pty = host.spec("printf", &[r"a\nb"]);
    pty.terminal = Terminal::Pty;
    assert_eq!(
        host.run(&pty),
        (Exit::Code(0), b"a\r\nb".to_vec()),
        "as the pty delivers it"
    );
    host.finish();
}

#[test]
fn twenty_megabytes_arrive_exactly_through_a_pipe_and_through_a_pty() {
    let mut host = Host::new();
    const LEN: usize = 20_000_000;
    for terminal in [Terminal::Pipe, Terminal::Pty] {
        let mut spec = host.spec("python3", &["-c", NOISE, &LEN.to_string()]);
        spec.terminal = terminal;
        let (exit, output) = host.run(&spec);
        assert_eq!(exit, Exit::Code(0));
        assert_eq!(output.len(), LEN);
        assert!(output == noise(LEN), "the bytes differ");
    }
    host.finish();
}

#[test]
fn a_child_without_credit_waits_and_loses_nothing() {
    let mut host = Host::with(Options {
        credit: false,
        ..Options::default()
    });
    for terminal in [Terminal::Pipe, Terminal::Pty] {
        let mut spec = host.spec("head", &["-c", "4000000", "/dev/zero"]);
        spec.terminal = terminal;
        let (child, ..) = host.start(&spec);
        let credit = u64::from(wire::CREDIT);
        host.wait("all its credit", |heard| {
            (heard.received.get(&child) == Some(&credit)).then_some(())
        });
        // Others are not held up, and no more of it comes while they run.
        let other = host.spec("true", &[]);
        host.run(&other);
        host.look(|heard| assert_eq!(heard.received[&child], credit));
        let mut given = 0;
        while given < 4_000_000 {
            given += wire::CREDIT / 4;
            host.say(&ToAgent::Credit(child, wire::CREDIT / 4));
            let expected = (credit + u64::from(given)).min(4_000_000);
            host.wait("what was credited", |heard| {
                (heard.received.get(&child) == Some(&expected)).then_some(())
            });
        }
        assert_eq!(host.output(child).len(), 4_000_000);
    }
    host.finish();
}

#[test]
fn a_muted_flood_is_counted_and_can_be_opened_again() {
    let mut host = Host::with(Options {
        keep: false,
        ..Options::default()
    });
    for terminal in [Terminal::Pipe, Terminal::Pty] {
        let mut spec = host.spec("yes", &[]);
        spec.terminal = terminal;
        spec.stdout = Sink::Pane { muted: true };
        let (child, ..) = host.start(&spec);
        let mut discarded = 0;
        wait_until("some was thrown away", || {
            let before = host.look(|heard| heard.messages.len());
            host.say(&ToAgent::Mute(child, true));
            discarded = host.wait("an answer", |heard| {
                heard.messages[before..].iter().find_map(|m| match m {
                    FromAgent::Muted {
                        child: c,
                        muted: true,
                        discarded,
                    } if *c == child => Some(*discarded),
                    _ => None,
                })
            });
            discarded > 100_000
        });
        host.look(|heard| assert!(!heard.received.contains_key(&child)));
        host.say(&ToAgent::Mute(child, false));
        host.wait("a flood", |heard| {
            (*heard.received.get(&child)? > 1_000_000).then_some(())
        });
        host.say(&ToAgent::KillTree(child));
        assert_eq!(host.exited(child).0, Exit::Signal(9, false));
        host.output(child);
    }
    host.finish();
}

#[test]
fn error_output_has_a_stream_of_its_own_when_asked_for() {
    let mut host = Host::new();
    for terminal in [Terminal::Pipe, Terminal::Pty] {
        let mut spec = host.shell("echo out; echo err >&2");
        spec.terminal = terminal;
        spec.stderr = Sink::Pane { muted: false };
        let (exit, output) = host.run(&spec);
        assert_eq!(exit, Exit::Code(0));
        assert!(output.starts_with(b"out"));
        assert_eq!(
            host.look(|heard| heard.errors[&spec.child].clone()),
            b"err\n"
        );
    }
    host.finish();
}

#[test]
fn files_are_opened_in_the_working_folder_and_no_stream_is_left_to_tell_of() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = Host::new();
    std::fs::write(folder.path().join("in"), "given").unwrap();
    std::fs::write(folder.path().join("out"), "much longer than what comes").unwrap();
    let mut spec = host.shell("cat; pwd >&2");
    spec.cwd = Some(folder.path().to_str().unwrap().to_owned());
    spec.stdin = Source::File("in".to_owned());
    spec.stdout = Sink::File("out".to_owned());
    spec.stderr = Sink::File("err".to_owned());
    spec.terminal = Terminal::Auto;
    let (_, _, channel) = host.start(&spec);
    assert_eq!(channel, Channel::None);
    assert_eq!(host.exited(spec.child).0, Exit::Code(0));
    assert_eq!(host.output(spec.child), b"");
    let read = |name| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("out"), "given");
    assert_eq!(read("err").trim_end(), folder.path().to_str().unwrap());
    let mut same = host.shell("echo a; echo b >&2; echo c");
    same.stdout = Sink::File(folder.path().join("same").to_str().unwrap().to_owned());
    same.stderr = same.stdout.clone();
    host.run(&same);
    assert_eq!(read("same"), "a\nb\nc\n");
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
fn input_reaches_a_terminal_and_a_pipe_and_ends() {
    let mut host = Host::new();
    for terminal in [Terminal::Pipe, Terminal::Pty] {
        let mut spec = host.spec("sh", &["-c", "stty -echo 2>/dev/null; echo go; exec cat"]);
        spec.terminal = terminal;
        spec.stdin = Source::Pane;
        let (child, ..) = host.start(&spec);
        host.reads(child, "go");
        host.say(&ToAgent::Input(child, b"one\nrest".to_vec()));
        host.reads(child, "one");
        host.say(&ToAgent::CloseInput(child));
        assert_eq!(host.exited(child).0, Exit::Code(0));
        assert!(host.output(child).ends_with(b"one\nrest") || terminal == Terminal::Pty);
        assert!(host.output(child).ends_with(b"rest"));
    }
    let deaf = host.spec("cat", &[]);
    let (exit, _) = host.run(&deaf);
    assert_eq!(exit, Exit::Code(0), "Auto without a pty is the null device");
    host.finish();
}

#[test]
fn a_child_that_never_reads_is_refused_more_input_and_stalls_nobody() {
    let mut host = Host::new();
    for terminal in [Terminal::Pipe, Terminal::Pty] {
        let mut spec = host.shell("stty raw -echo 2>/dev/null; echo go; exec sleep 600");
        spec.terminal = terminal;
        spec.stdin = Source::Pane;
        let (child, ..) = host.start(&spec);
        host.reads(child, "go");
        for _ in 0..40 {
            host.say(&ToAgent::Input(child, vec![b'x'; 4096]));
        }
        host.wait("a refusal", |heard| {
            let refused = FromAgent::InputRefused(child);
            heard.messages.contains(&refused).then_some(())
        });
        let other = host.spec("echo", &["free"]);
        assert_eq!(host.run(&other).1, b"free\n");
        host.say(&ToAgent::Signal { child, signal: 15 });
        assert_eq!(host.exited(child).0, Exit::Signal(15, false));
    }
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
fn a_kill_reaches_who_ignores_signals_and_all_it_left_behind() {
    let mut host = Host::new();
    for terminal in [Terminal::Pipe, Terminal::Pty] {
        let mut spec = host.shell(
            "trap '' INT TERM HUP; (sleep 1111 & sleep 1112 & wait) & \
             setsid sh -c 'sleep 1113 & sleep 1114' >/dev/null 2>&1 </dev/null & \
             setsid env -i sleep 1115 >/dev/null 2>&1 </dev/null & echo go; wait; sleep 1116",
        );
        spec.terminal = terminal;
        let (child, pid, _) = host.start(&spec);
        host.reads(child, "go");
        wait_until("all five run", || marked(&host.mark).len() >= 7);
        host.say(&ToAgent::Signal { child, signal: 2 });
        host.say(&ToAgent::Signal { child, signal: 15 });
        let free = host.spec("true", &[]);
        host.run(&free);
        assert!(alive(pid));
        host.say(&ToAgent::KillTree(child));
        assert_eq!(host.exited(child).0, Exit::Signal(9, false));
        wait_until("nothing is left", || {
            marked(&host.mark).is_empty() && !sleeps("1115")
        });
        host.output(child);
    }
    host.finish();
}

fn sleeps(argument: &str) -> bool {
    let folders = std::fs::read_dir("/proc").unwrap().flatten();
    folders.into_iter().any(|folder| {
        let line = std::fs::read(folder.path().join("cmdline")).unwrap_or_default();
        line == format!("sleep\0{argument}\0").as_bytes()
    })
}

#[test]
fn a_sweep_kills_what_a_group_left_behind_and_spares_the_living() {
    let mut host = Host::new();
    let leaves = "setsid sleep 2221 >/dev/null 2>&1 </dev/null & \
                  (env -i sleep 2222 >/dev/null 2>&1 </dev/null &) ; sleep 0.1; exit 0";
    let left = host.shell(leaves);
    assert_eq!(host.run(&left).0, Exit::Code(0));
    let living = host.shell("sleep 2223 & echo go; wait");
    let (child, ..) = host.start(&living);
    host.reads(child, "go");
    let mut other = host.shell(leaves.replace("222", "333").as_str());
    other.task = "other/template.0".to_owned();
    other.env = vec![("DRAGON_TUI_GROUP".to_owned(), "other".to_owned())];
    host.run(&other);
    let group = GroupName::new("group").unwrap();
    host.say(&ToAgent::Sweep(group.clone()));
    let killed = host.wait("an answer", |heard| {
        heard.messages.iter().find_map(|message| match message {
            FromAgent::Swept(name, killed) if *name == group => Some(*killed),
            _ => None,
        })
    });
    assert_eq!(killed, 2);
    assert!(!sleeps("2221") && !sleeps("2222"));
    assert!(sleeps("2223"), "a living child's own");
    assert!(sleeps("3331") && sleeps("3332"), "another group's");
    host.finish();
    assert!(!sleeps("3331") && !sleeps("3332"));
}

#[test]
fn output_that_someone_left_behind_holds_open_can_be_closed() {
    let mut host = Host::new();
    let spec = host.shell("sleep 4441 & echo done");
    let (child, ..) = host.start(&spec);
    assert_eq!(host.exited(child).0, Exit::Code(0));
    host.reads(child, "done");
    host.look(|heard| assert!(!heard.ends.contains_key(&child), "it is still open"));
    host.say(&ToAgent::Close(child));
    assert_eq!(host.output(child), b"done\n");
    host.finish();
}

#[test]
fn a_terminal_that_is_let_go_by_a_living_child_is_not_hung_up() {
    let mut host = Host::new();
    let mut spec = host.shell(
        "echo before; exec </dev/null >/dev/null 2>&1; sleep 0.3; echo again >/dev/tty; sleep 0.2; exit 5",
    );
    spec.terminal = Terminal::Pty;
    let (exit, output) = host.run(&spec);
    assert_eq!(exit, Exit::Code(5));
    assert_eq!(output, b"before\r\nagain\r\n");
    host.finish();
}

#[test]
fn nothing_is_left_when_the_agent_is_killed() {
    let mut host = Host::new();
    let spec = host.shell(
        "trap '' INT TERM HUP; setsid sleep 5551 >/dev/null 2>&1 </dev/null & sleep 5552 & echo go; wait",
    );
    let (child, ..) = host.start(&spec);
    host.reads(child, "go");
    wait_until("all run", || marked(&host.mark).len() >= 3);
    host.agent.kill().unwrap();
    wait_until("nothing is left", || marked(&host.mark).is_empty());
    wait_until("the guardian ends", || !alive(host.welcome.guardian));
}

#[test]
fn nothing_is_left_five_seconds_after_the_engine_is_gone() {
    let mut host = Host::new();
    let stubborn = host.shell(
        "trap '' INT TERM HUP; setsid sleep 6661 >/dev/null 2>&1 </dev/null & echo go; while :; do sleep 0.1; done",
    );
    let (child, ..) = host.start(&stubborn);
    host.reads(child, "go");
    let mut flood = host.spec("yes", &[]);
    flood.terminal = Terminal::Pty;
    host.start(&flood);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("asked");
    let polite = host.shell(&format!(
        "trap 'echo asked > {}; exit' INT; echo go; while :; do sleep 0.1; done",
        file.display()
    ));
    host.start(&polite);
    host.reads(polite.child, "go");
    let begin = Instant::now();
    host.hang_up();
    assert!(host.agent.wait().unwrap().success());
    assert!(
        begin.elapsed() < Duration::from_secs(5),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(marked(&host.mark), Vec::<i32>::new());
    assert!(file.exists(), "it was asked before it was killed");
}

#[test]
fn an_agent_with_nothing_to_do_leaves_at_once_when_the_engine_is_gone() {
    let mut host = Host::new();
    let begin = Instant::now();
    host.hang_up();
    assert!(host.agent.wait().unwrap().success());
    assert!(
        begin.elapsed() < Duration::from_secs(1),
        "{:?}",
        begin.elapsed()
    );
}

#[test]
fn a_terminated_agent_ends_its_children_and_says_bye() {
    let mut host = Host::new();
    let spec = host.spec("sleep", &["600"]);
    host.start(&spec);
    let pid = rustix::process::Pid::from_raw(host.agent.id() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(host.exited(spec.child).0, Exit::Signal(2, false));
    host.wait("Bye", |heard| {
        heard.messages.contains(&FromAgent::Bye).then_some(())
    });
    assert!(host.agent.wait().unwrap().success());
}

#[test]
fn a_guardian_that_dies_is_replaced_and_does_its_work() {
    let mut host = Host::new();
    let spec =
        host.shell("setsid sleep 7771 >/dev/null 2>&1 </dev/null & echo go; wait; sleep 600");
    let (child, ..) = host.start(&spec);
    host.reads(child, "go");
    let guardians = || -> Vec<u32> {
        let children = format!("/proc/{0}/task/{0}/children", host.agent.id());
        let children = std::fs::read_to_string(children).unwrap();
        let pids = children.split_whitespace().filter_map(|p| p.parse().ok());
        pids.filter(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.ends_with(b"\0guardian\0")
        })
        .collect()
    };
    let first = host.welcome.guardian;
    assert_eq!(guardians(), [first]);
    let pid = rustix::process::Pid::from_raw(first as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    wait_until("there is another one", || {
        guardians().len() == 1 && guardians() != [first]
    });
    let second = guardians()[0];
    host.wait("a notice", |heard| {
        let notice = |m: &FromAgent| matches!(m, FromAgent::Notice(_, None, text) if text.contains("guardian"));
        heard.messages.iter().any(notice).then_some(())
    });
    host.agent.kill().unwrap();
    wait_until("nothing is left", || marked(&host.mark).is_empty());
    wait_until("it ends", || !alive(second));
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
                FromAgent::Checked(n, problems) if *n == number => Some(problems.clone()),
                _ => None,
            })
        })
    };
    assert!(check(1, "sh", None).is_empty());
    assert_eq!(check(2, "no-such-program", Some("/no/such")).len(), 2);
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
fn hundreds_are_killed_by_hundreds_of_requests_in_one_go() {
    let mut host = Host::new();
    let mut keys = Vec::new();
    for _ in 0..300 {
        let spec = host.spec("sleep", &["600"]);
        keys.push(spec.child);
        host.say(&ToAgent::Spawn(Box::new(spec)));
    }
    for &key in &keys {
        host.say(&ToAgent::KillTree(key));
    }
    for &key in &keys {
        assert_eq!(host.exited(key).0, Exit::Signal(9, false));
    }
    host.finish();
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
