//! Bytes: every one of them arrives, waits or is counted.

use dragon_tui::{
    agent::wire::{self, Exit, FromAgent, Sink, Source, ToAgent},
    model::{event::Channel, template::Terminal},
};

use crate::host::{Host, Options, wait_until};

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
fn a_terminal_that_is_opened_again_can_be_typed_into_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = Host::new();
    let mut spec = host.shell(
        "echo before; exec </dev/null >/dev/null 2>&1; until [ -e GO ]; do sleep 0.02; done; \
         exec </dev/tty >/dev/tty; echo open; while read line; do echo \"got $line\"; done",
    );
    spec.terminal = Terminal::Pty;
    spec.stdin = Source::Pane;
    spec.cwd = Some(folder.path().to_str().unwrap().to_owned());
    let (child, pid, _) = host.start(&spec);
    host.reads(child, "before");
    wait_until("it lets go of its terminal", || {
        let open = std::fs::read_link(format!("/proc/{pid}/fd/2")).unwrap();
        open.ends_with("null")
    });
    host.say(&ToAgent::Input(child, b"lost\n".to_vec()));
    // Requests are performed in their order.
    let other = host.spec("true", &[]);
    host.run(&other);
    std::fs::write(folder.path().join("GO"), "").unwrap();
    host.reads(child, "open");
    host.say(&ToAgent::Input(child, b"kept\n".to_vec()));
    host.reads(child, "got kept");
    host.finish();
}

#[test]
fn output_that_is_asked_to_end_still_brings_what_the_kernel_holds_of_it() {
    let mut host = Host::with(Options {
        credit: false,
        ..Options::default()
    });
    const LEN: u64 = wire::CREDIT as u64 + 40_000;
    let line = format!("head -c {LEN} /dev/zero; sleep 600 & exit 0");
    let spec = host.spec("sh", &["-c", &line]);
    let (child, ..) = host.start(&spec);
    host.wait("its end, with output left in the pipe", |heard| {
        let exited = |message: &FromAgent| matches!(message, FromAgent::Exited { child: one, .. } if *one == child);
        heard.messages.iter().find(|message| exited(message)).map(drop)
    });
    host.say(&ToAgent::Close(child));
    for _ in 0..2 {
        host.say(&ToAgent::Credit(child, wire::CREDIT / 2));
    }
    host.wait("the end of its output", |heard| {
        heard.ends.get(&child).map(drop)
    });
    host.look(|heard| assert_eq!(heard.received[&child], LEN));
    host.finish();
}

#[test]
fn all_lines_of_a_chatty_child_come_while_it_lives() {
    const CHATTY: &str = "import os,time\n\
                          for i in range(2000): os.write(1, b'line %d\\n' % i)\n\
                          time.sleep(600)";
    let mut host = Host::new();
    let mut expected = Vec::new();
    for number in 0..2_000 {
        expected.extend_from_slice(format!("line {number}\n").as_bytes());
    }
    for _ in 0..3 {
        let spec = host.spec("python3", &["-c", CHATTY]);
        let (child, pid, _) = host.start(&spec);
        host.reads(child, "line 1999\n");
        host.look(|heard| assert!(heard.output[&child] == expected));
        assert!(crate::host::alive(pid));
    }
    host.finish();
}

#[test]
fn what_a_chatty_child_wrote_last_comes_when_everything_ends() {
    let mut host = Host::new();
    let chatty = "import os\nfor i in range(3000): os.write(1, b'%d\\n' % i)";
    let spec = host.spec("python3", &["-c", chatty]);
    let (child, ..) = host.start(&spec);
    host.exited(child);
    host.say(&ToAgent::Shutdown);
    assert!(host.output(child).ends_with(b"\n2999\n"));
    host.finish();
}
