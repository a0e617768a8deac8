//! What the agent costs, as ratios to the least that would do. Run by name: they measure, and take the whole machine.

use std::{
    io::Read,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use dragon_tui::{
    agent::wire::{
        self, Bulk, BulkHeader, ChildKey, ControlReader, FromAgent, Hello, Sink, Source, SpawnSpec,
        ToAgent,
    },
    model::template::Terminal,
};
use rustix::event::{PollFd, PollFlags, poll};

const RANKS: u64 = 1_000;
const ROUNDS: usize = 5;

/// An engine's end with nothing around it: one thread, two sockets.
struct Engine {
    agent: Child,
    control: UnixStream,
    bulk: UnixStream,
    reader: ControlReader,
    pending: Vec<u8>,
    next: u64,
    ends: u64,
    exits: u64,
    bytes: u64,
    shown_beats: u64,
    samples: u64,
}

impl Engine {
    fn new() -> Self {
        let (control, theirs) = UnixStream::pair().unwrap();
        let (bulk, their_bulk) = UnixStream::pair().unwrap();
        let agent = Command::new(env!("CARGO_BIN_EXE_dragon-tui"))
            .arg("agent")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(OwnedFd::from(their_bulk)))
            .spawn()
            .unwrap();
        control.set_nonblocking(true).unwrap();
        bulk.set_nonblocking(true).unwrap();
        let mut engine = Self {
            agent,
            control,
            bulk,
            reader: ControlReader::default(),
            pending: Vec::new(),
            next: 0,
            ends: 0,
            exits: 0,
            bytes: 0,
            shown_beats: 0,
            samples: 0,
        };
        engine.say(&ToAgent::Hello(Hello {
            version: wire::VERSION,
            run: "speed".to_owned(),
            mark: format!("speed-{}", std::process::id()),
            env: std::env::vars().collect(),
            cwd: "/".to_owned(),
            gpus: false,
            sample_every: 0,
        }));
        engine.say(&ToAgent::Heartbeat(0));
        while engine.shown_beats == 0 {
            engine.turn();
        }
        engine
    }

    fn say(&mut self, message: &ToAgent) {
        let mut bytes = Vec::new();
        wire::encode_control(message, &mut bytes).unwrap();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            match rustix::io::write(&self.control, rest) {
                Ok(written) => rest = &rest[written..],
                Err(_) => {
                    let mut fds = [PollFd::new(&self.control, PollFlags::OUT)];
                    poll(&mut fds, None).unwrap();
                }
            }
        }
    }

    fn spawn(&mut self, program: &str, args: &[&str], terminal: Terminal, muted: bool) -> ChildKey {
        self.next += 1;
        let child = ChildKey(self.next);
        self.say(&ToAgent::Spawn(Box::new(SpawnSpec {
            child,
            task: format!("g/t.{}", child.0),
            program: program.to_owned(),
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            env: Vec::new(),
            cwd: None,
            stdin: Source::Auto,
            stdout: Sink::Pane { muted },
            stderr: Sink::Stdout,
            terminal,
            size: (24, 80),
            cpus: Vec::new(),
        })));
        child
    }

    fn turn(&mut self) {
        let mut bytes = [0; 64 << 10];
        let mut fds = [
            PollFd::new(&self.control, PollFlags::IN),
            PollFd::new(&self.bulk, PollFlags::IN),
        ];
        poll(&mut fds, None).unwrap();
        while let Ok(read @ 1..) = self.control.read(&mut bytes) {
            self.reader.push(&bytes[..read]);
        }
        while let Some(message) = self.reader.next_message().unwrap() {
            match message {
                FromAgent::Exited { .. } => self.exits += 1,
                FromAgent::Heartbeat(_) => self.shown_beats += 1,
                FromAgent::Samples(_) => self.samples += 1,
                FromAgent::SpawnFailed { reason, .. } => panic!("{reason}"),
                _ => {}
            }
        }
        if let Ok(read @ 1..) = self.bulk.read(&mut bytes) {
            self.pending.extend_from_slice(&bytes[..read]);
        }
        let mut at = 0;
        let mut credits: Vec<(ChildKey, u32)> = Vec::new();
        while let Some(head) = self.pending[at..].first_chunk() {
            let header = BulkHeader::decode(head).unwrap();
            let end = at + BulkHeader::SIZE + header.len as usize;
            if end > self.pending.len() {
                break;
            }
            match header.kind {
                Bulk::Eof => self.ends += 1,
                Bulk::Output => {
                    self.bytes += u64::from(header.len);
                    credits.push((header.child, header.len));
                }
            }
            at = end;
        }
        self.pending.drain(..at);
        for (child, bytes) in credits {
            self.say(&ToAgent::Credit(child, bytes));
        }
    }

    fn wait_for(&mut self, children: u64) {
        while self.exits < children || self.ends < children {
            self.turn();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.agent.kill().unwrap();
        self.agent.wait().unwrap();
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[test]
#[ignore = "a measurement"]
fn launching_a_thousand() {
    let path = std::env::var("PATH").unwrap();
    let program = path
        .split(':')
        .map(|folder| format!("{folder}/true"))
        .find(|path| std::path::Path::new(path).exists())
        .unwrap();
    let (mut bare, mut pipes, mut ptys) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // std starts these by posix_spawn(3): no session, no descriptors, no environment of their own.
        bare.push(timed(|| {
            let start = |_| Command::new(&program).stdin(Stdio::null()).spawn().unwrap();
            let mut children: Vec<Child> = (0..RANKS).map(start).collect();
            for child in &mut children {
                child.wait().unwrap();
            }
        }));
        for (terminal, times) in [(Terminal::Pipe, &mut pipes), (Terminal::Pty, &mut ptys)] {
            let mut engine = Engine::new();
            times.push(timed(|| {
                for _ in 0..RANKS {
                    engine.spawn(&program, &[], terminal, false);
                    if engine.next.is_multiple_of(8) {
                        engine.say(&ToAgent::Heartbeat(engine.next));
                    }
                }
                engine.wait_for(RANKS);
            }));
        }
    }
    let bare = median(bare);
    for (what, times) in [("pipes", pipes), ("ptys", ptys)] {
        let time = median(times);
        let ratio = time.as_secs_f64() / bare.as_secs_f64();
        println!("{RANKS} x true by {what}: {time:?}, {ratio:.2} of a posix_spawn loop ({bare:?})");
    }
}

#[test]
#[ignore = "a measurement"]
fn draining_a_flood() {
    for (terminal, megabytes) in [(Terminal::Pipe, 500), (Terminal::Pty, 100)] {
        let count = (megabytes * 1_000_000).to_string();
        let (mut bare, mut shown, mut muted) = (Vec::new(), Vec::new(), Vec::new());
        let line = format!(
            "{}exec dd if=/dev/zero bs=64k iflag=count_bytes status=none count={count}",
            match terminal {
                Terminal::Pty => "stty raw; ",
                _ => "",
            },
        );
        for _ in 0..ROUNDS {
            bare.push(timed(|| discard(terminal, &line)));
            for (mute, times) in [(false, &mut shown), (true, &mut muted)] {
                let mut engine = Engine::new();
                times.push(timed(|| {
                    engine.spawn("sh", &["-c", &line], terminal, mute);
                    engine.wait_for(1);
                }));
                assert!(mute || engine.bytes >= megabytes * 1_000_000);
            }
        }
        let rate = |time: Duration| megabytes as f64 / time.as_secs_f64();
        let bare = rate(median(bare));
        for (what, times) in [("shown", shown), ("muted", muted)] {
            let rate = rate(median(times));
            let ratio = rate / bare;
            println!(
                "{terminal:?} {what}: {rate:.0} MB/s, {ratio:.2} of a discarding reader ({bare:.0})"
            );
        }
    }
}

/// The naive reader: blocking, 64 KiB, throws away.
fn discard(terminal: Terminal, line: &str) {
    let mut buffer = vec![0; 64 << 10];
    let mut command = Command::new("sh");
    command.args(["-c", line]);
    if terminal == Terminal::Pipe {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut pipe = child.stdout.take().unwrap();
        while pipe.read(&mut buffer).unwrap() > 0 {}
        child.wait().unwrap();
        return;
    }
    let flags = rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY;
    let master = rustix::pty::openpt(flags).unwrap();
    rustix::pty::unlockpt(&master).unwrap();
    let slave = rustix::pty::ioctl_tiocgptpeer(&master, flags).unwrap();
    let again = || Stdio::from(slave.as_fd().try_clone_to_owned().unwrap());
    let mut child = command.stdin(again()).stdout(again()).spawn().unwrap();
    drop(command);
    drop(slave);
    while let Ok(1..) = rustix::io::read(&master, &mut *buffer) {}
    child.wait().unwrap();
}

#[test]
#[ignore = "a measurement"]
fn idling_with_a_thousand() {
    let mut engine = Engine::new();
    let status = format!("/proc/{}/status", engine.agent.id());
    let field = |name: &str| -> u64 {
        let text = std::fs::read_to_string(&status).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let number = line.unwrap().split_whitespace().next().unwrap();
        number.parse().unwrap()
    };
    let empty = field("VmRSS:");
    for terminal in [Terminal::Pipe, Terminal::Pty] {
        for _ in 0..500 {
            engine.spawn("sleep", &["600"], terminal, false);
        }
    }
    engine.say(&ToAgent::Heartbeat(1));
    while engine.shown_beats < 2 {
        engine.turn();
    }
    let full = field("VmRSS:");
    let before = field("voluntary_ctxt_switches:");
    std::thread::sleep(Duration::from_secs(5));
    let wakes = field("voluntary_ctxt_switches:") - before;
    println!(
        "agent: {empty} kB empty, {full} kB with 1,000 idle children; {wakes} wake-ups in 5 s"
    );
    engine.say(&ToAgent::SampleEvery(1_000));
    engine.spawn("true", &[], Terminal::Pipe, false);
    let begin = Instant::now();
    let cpu = || -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", engine.agent.id())).unwrap();
        let fields = stat.rsplit_once(')').map(|(_, rest)| rest.to_owned());
        let fields = fields.unwrap_or_default();
        let number = |at| {
            fields
                .split_whitespace()
                .nth(at)
                .and_then(|n: &str| n.parse::<u64>().ok())
        };
        number(11).unwrap_or(0) + number(12).unwrap_or(0)
    };
    let before = cpu();
    std::thread::sleep(Duration::from_secs(40));
    let used = (cpu() - before) as f64 / begin.elapsed().as_secs_f64();
    engine.say(&ToAgent::Heartbeat(2));
    while engine.shown_beats < 3 {
        engine.turn();
    }
    let samples = engine.samples;
    println!("sampling 1,000 children: {used:.2} % of a core, {samples} samples in 40 s");
    let begin = Instant::now();
    for child in 1..=1_000 {
        engine.say(&ToAgent::KillTree(ChildKey(child)));
    }
    engine.wait_for(1_001);
    println!("1,000 killed by 1,000 requests in {:?}", begin.elapsed());
}
