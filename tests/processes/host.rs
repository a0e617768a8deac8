//! An engine's end of a real agent: the binary's own `agent` subcommand over two socketpairs.

use std::{
    collections::HashMap,
    io::{Read, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::support;
use dragon_tui::{
    agent::wire::{
        self, Bulk, BulkHeader, ChildKey, ControlReader, Exit, FromAgent, Hello, MARK_VARIABLE,
        Sink, Source, SpawnSpec, ToAgent, Welcome,
    },
    model::{
        event::{Channel, Usage},
        template::Terminal,
    },
};

/// What came from the agent so far.
#[derive(Default)]
pub struct Heard {
    pub messages: Vec<FromAgent>,
    pub output: HashMap<ChildKey, Vec<u8>>,
    pub errors: HashMap<ChildKey, Vec<u8>>,
    pub ends: HashMap<ChildKey, u32>,
    pub received: HashMap<ChildKey, u64>,
    pub closed: bool,
}

pub struct Host {
    pub agent: Child,
    pub mark: String,
    pub welcome: Welcome,
    control: Arc<Mutex<Option<UnixStream>>>,
    heard: Arc<(Mutex<Heard>, Condvar)>,
    next: u64,
}

/// How a host is made.
pub struct Options {
    /// Whether output is credited as it comes.
    pub credit: bool,
    /// Whether output is kept, or only counted.
    pub keep: bool,
    /// A shell command that the agent is started under.
    pub under: Option<String>,
    pub sample_every: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            credit: true,
            keep: true,
            under: None,
            sample_every: 0,
        }
    }
}

impl Host {
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let mark = format!("test-{}-{count}", std::process::id());
        let (control, theirs) = UnixStream::pair().unwrap();
        let (bulk, their_bulk) = UnixStream::pair().unwrap();
        let binary = env!("CARGO_BIN_EXE_dragon-tui");
        let mut command = match &options.under {
            None => Command::new(binary),
            Some(under) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("{under}; exec {binary} \"$@\""), "sh"]);
                shell
            }
        };
        let agent = command
            .arg("agent")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(OwnedFd::from(their_bulk)))
            .spawn()
            .unwrap();
        drop(command);
        let heard = Arc::new((Mutex::new(Heard::default()), Condvar::new()));
        let mut host = Self {
            agent,
            mark: mark.clone(),
            welcome: Welcome {
                version: 0,
                hostname: String::new(),
                pid: 0,
                guardian: 0,
                cpus: Vec::new(),
                memory: 0,
                gpus: Vec::new(),
                gpu_note: None,
                python_path: Err(String::new()),
            },
            control: Arc::new(Mutex::new(Some(control.try_clone().unwrap()))),
            heard: heard.clone(),
            next: 1,
        };
        thread::spawn(move || listen(control, &heard));
        let (heard, writer) = (host.heard.clone(), host.control.clone());
        let (credit, keep) = (options.credit, options.keep);
        thread::spawn(move || take_output(bulk, &heard, &writer, credit, keep));
        let mut env: Vec<(String, String)> = std::env::vars()
            .filter(|(name, _)| ["PATH", "HOME", "LANG"].contains(&name.as_str()))
            .collect();
        env.push((MARK_VARIABLE.to_owned(), mark.clone()));
        host.say(&ToAgent::Hello(Hello {
            version: wire::VERSION,
            run: "test".to_owned(),
            mark,
            env,
            cwd: "/".to_owned(),
            gpus: false,
            sample_every: options.sample_every,
        }));
        host.welcome = host.wait("a welcome", |heard| {
            heard.messages.iter().find_map(|message| match message {
                FromAgent::Welcome(welcome) => Some(*welcome.clone()),
                _ => None,
            })
        });
        host
    }

    pub fn say(&self, message: &ToAgent) {
        send(&self.control, message);
    }

    /// Closes our end of the link, as a dead engine's would be.
    pub fn hang_up(&self) {
        if let Some(control) = self.control.lock().unwrap().take() {
            control.shutdown(std::net::Shutdown::Both).unwrap();
        }
    }

    /// Waits until something is heard.
    pub fn wait<T>(&self, what: &str, mut is: impl FnMut(&Heard) -> Option<T>) -> T {
        let until = Instant::now() + Duration::from_secs(60);
        let (lock, change) = &*self.heard;
        let mut heard = lock.lock().unwrap();
        loop {
            if let Some(found) = is(&heard) {
                return found;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "waited in vain for {what}: {:?}",
                heard.messages
            );
            heard = change.wait_timeout(heard, left).unwrap().0;
        }
    }

    pub fn look<T>(&self, at: impl FnOnce(&Heard) -> T) -> T {
        at(&self.heard.0.lock().unwrap())
    }

    /// A child that runs this, by a pipe, muted or not.
    pub fn spec(&mut self, program: &str, args: &[&str]) -> SpawnSpec {
        let child = ChildKey(self.next);
        self.next += 1;
        SpawnSpec {
            child,
            task: format!("group/template.{}", child.0),
            program: program.to_owned(),
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            env: vec![("DRAGON_TUI_GROUP".to_owned(), "group".to_owned())],
            cwd: None,
            stdin: Source::Auto,
            stdout: Sink::Pane { muted: false },
            stderr: Sink::Stdout,
            terminal: Terminal::Pipe,
            size: (24, 80),
            cpus: Vec::new(),
        }
    }

    pub fn shell(&mut self, line: &str) -> SpawnSpec {
        self.spec("/bin/sh", &["-c", line])
    }

    pub fn start(&self, spec: &SpawnSpec) -> (ChildKey, u32, Channel) {
        self.say(&ToAgent::Spawn(Box::new(spec.clone())));
        let started = self.wait("a start", |heard| {
            heard.messages.iter().find_map(|message| match message {
                FromAgent::Spawned {
                    child,
                    pid,
                    channel,
                } if *child == spec.child => Some(Ok((*child, *pid, *channel))),
                FromAgent::SpawnFailed { child, reason } if *child == spec.child => {
                    Some(Err(reason.clone()))
                }
                _ => None,
            })
        });
        started.unwrap()
    }

    /// Why a child cannot be started.
    pub fn refuse(&self, spec: &SpawnSpec) -> String {
        self.say(&ToAgent::Spawn(Box::new(spec.clone())));
        self.wait("a failure", |heard| {
            heard.messages.iter().find_map(|message| match message {
                FromAgent::SpawnFailed { child, reason } if *child == spec.child => {
                    Some(reason.clone())
                }
                FromAgent::Spawned { child, .. } if *child == spec.child => {
                    panic!("it started although it cannot")
                }
                _ => None,
            })
        })
    }

    pub fn exited(&self, child: ChildKey) -> (Exit, Usage) {
        self.wait("an exit", |heard| {
            heard.messages.iter().find_map(|message| match message {
                FromAgent::Exited {
                    child: c,
                    exit,
                    usage,
                } if *c == child => Some((*exit, *usage)),
                _ => None,
            })
        })
    }

    /// Runs a child to its end: how it ended, and all it wrote.
    pub fn run(&self, spec: &SpawnSpec) -> (Exit, Vec<u8>) {
        let (child, ..) = self.start(spec);
        let (exit, _) = self.exited(child);
        (exit, self.output(child))
    }

    /// All that a child wrote, once it ended.
    pub fn output(&self, child: ChildKey) -> Vec<u8> {
        self.wait("the end of the output", |heard| {
            heard.ends.get(&child)?;
            Some(heard.output.get(&child).cloned().unwrap_or_default())
        })
    }

    /// Waits until a child has written this text.
    pub fn reads(&self, child: ChildKey, text: &str) {
        self.wait(&format!("{text:?}"), |heard| {
            let output = heard.output.get(&child)?;
            memchr::memmem::find(output, text.as_bytes()).map(|_| ())
        })
    }

    pub fn finish(mut self) {
        self.say(&ToAgent::Shutdown);
        self.wait("Bye", |heard| {
            heard.messages.contains(&FromAgent::Bye).then_some(())
        });
        assert!(self.agent.wait().unwrap().success());
        wait_until("nothing is left", || marked(&self.mark).is_empty());
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.agent.kill();
        let _ = self.agent.wait();
    }
}

fn send(control: &Mutex<Option<UnixStream>>, message: &ToAgent) {
    let mut bytes = Vec::new();
    wire::encode_control(message, &mut bytes).unwrap();
    if let Some(control) = &mut *control.lock().unwrap() {
        // The agent may be dead: what is waited for shows it.
        let _ = control.write_all(&bytes);
    }
}

fn listen(mut control: UnixStream, heard: &(Mutex<Heard>, Condvar)) {
    let mut reader = ControlReader::default();
    let mut bytes = vec![0; 64 << 10];
    while let Ok(read @ 1..) = control.read(&mut bytes) {
        reader.push(&bytes[..read]);
        let mut heard_now = heard.0.lock().unwrap();
        while let Some(message) = reader.next_message().unwrap() {
            heard_now.messages.push(message);
        }
        heard.1.notify_all();
    }
    heard.0.lock().unwrap().closed = true;
    heard.1.notify_all();
}

fn take_output(
    mut bulk: UnixStream,
    heard: &(Mutex<Heard>, Condvar),
    control: &Mutex<Option<UnixStream>>,
    credit: bool,
    keep: bool,
) {
    let mut header = [0; BulkHeader::SIZE];
    let mut body = vec![0; wire::BULK_MAX];
    let mut owed: HashMap<ChildKey, u32> = HashMap::new();
    while bulk.read_exact(&mut header).is_ok() {
        let header = BulkHeader::decode(&header).unwrap();
        let body = &mut body[..header.len as usize];
        if bulk.read_exact(body).is_err() {
            return;
        }
        let child = header.child;
        let mut heard_now = heard.0.lock().unwrap();
        match header.kind {
            Bulk::Eof => *heard_now.ends.entry(child).or_default() += 1,
            Bulk::Output => {
                assert!(!heard_now.ends.contains_key(&child), "output after the end");
                *heard_now.received.entry(child).or_default() += u64::from(header.len);
                if keep {
                    let to = match header.stream {
                        0 => &mut heard_now.output,
                        _ => &mut heard_now.errors,
                    };
                    to.entry(child).or_default().extend_from_slice(body);
                }
            }
        }
        heard.1.notify_all();
        drop(heard_now);
        if credit && header.len > 0 {
            let owed = owed.entry(child).or_default();
            *owed += header.len;
            if *owed >= wire::CREDIT / 4 {
                send(control, &ToAgent::Credit(child, *owed));
                *owed = 0;
            }
        }
    }
}

/// Processes of this host that carry a mark.
pub fn marked(mark: &str) -> Vec<i32> {
    let folders = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = folders.filter_map(|folder| folder.file_name().to_str()?.parse().ok());
    pids.filter(|pid| {
        let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        memchr::memmem::find(&environ, mark.as_bytes()).is_some()
    })
    .collect()
}

pub fn alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').map(|(_, rest)| rest.trim_start());
    state.is_some_and(|state| !state.starts_with(['Z', 'X']))
}

pub fn wait_until(what: &str, mut is: impl FnMut() -> bool) {
    support::wait_for(what, Duration::from_secs(30), || is().then_some(()));
}
