//! Sessions run by the real program, each in a folder of its own.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use dragon_tui::{
    engine::queues::client::{Client, Reply},
    record::{RunState, Runs},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::wait_for;

/// How long anything may take that does not wait for anything else. Generous: many tests share few processors.
pub const LIMIT: Duration = Duration::from_secs(30);

/// A folder with sessions, scripts and the records of their runs.
pub struct Bench {
    folder: TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    /// The program, in this folder, with nothing of ours in its environment.
    pub fn dragon(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dragon-tui"));
        command
            .args(args)
            .current_dir(self.path())
            .stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("DRAGON_") {
                command.env_remove(name);
            }
        }
        for name in ["XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"] {
            command.env(name, self.path().join(name));
        }
        command
    }

    /// Runs a command to its end: exit code, standard output, standard error.
    pub fn finish(&self, command: &mut Command) -> (i32, String, String) {
        let (out, err) = (self.path().join("one.out"), self.path().join("one.err"));
        let mut child = command
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&err).unwrap())
            .spawn()
            .unwrap();
        let status = ended(&mut child);
        let read = |path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        (status.code().unwrap_or(-1), read(&out), read(&err))
    }

    /// Starts a session of one group: its queues and its templates, as RON.
    pub fn start(&self, queues: &str, templates: &str) -> Run<'_> {
        self.start_with("", queues, templates)
    }

    /// The same, with more fields of the session.
    pub fn start_with(&self, fields: &str, queues: &str, templates: &str) -> Run<'_> {
        self.start_by(self.dragon(&[]), fields, queues, templates)
    }

    /// The same with limits of descriptors, the soft one first.
    pub fn start_limited(&self, limits: (u64, u64), queues: &str, templates: &str) -> Run<'_> {
        let (soft, hard) = limits;
        let line = format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec \"$0\" \"$@\"");
        self.start_by(self.behind(&["sh", "-c", &line]), "", queues, templates)
    }

    /// The same in a process id namespace of its own, where that is possible.
    pub fn start_contained(&self, queues: &str, templates: &str) -> Run<'_> {
        let unshare = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
        self.start_by(self.behind(&unshare), "", queues, templates)
    }

    /// The program as the last argument of another one.
    fn behind(&self, line: &[&str]) -> Command {
        let dragon = self.dragon(&[]);
        let mut command = Command::new(line[0]);
        command.args(&line[1..]).arg(dragon.get_program());
        command.current_dir(self.path()).stdin(Stdio::null());
        for (name, value) in dragon.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    fn start_by(
        &self,
        mut program: Command,
        fields: &str,
        queues: &str,
        templates: &str,
    ) -> Run<'_> {
        let session = format!(
            "Session(version: 1, {fields} queues: {{ {queues} }}, groups: {{ \"g\": ProcessGroup(\n\
             ignore_error_on_exit: true,\n\
             templates: {{ {templates} }}) }})"
        );
        self.write("session.ron", &session);
        let (out, err) = (self.path().join("run.out"), self.path().join("run.err"));
        let child = program
            .args(["--replay", "session.ron"])
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&err).unwrap())
            .spawn()
            .unwrap();
        Run {
            bench: self,
            child,
            out,
            err,
        }
    }

    /// Runs a session in which every rank must end well; what its ranks printed.
    pub fn succeed(&self, queues: &str, templates: &str) -> String {
        self.start(queues, templates).succeed()
    }
}

/// A session that goes on.
pub struct Run<'b> {
    bench: &'b Bench,
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Run<'_> {
    /// Where its queues are, once they are there.
    pub fn socket(&mut self) -> PathBuf {
        let runs = Runs::at(self.bench.path().join("XDG_STATE_HOME/dragon-tui/runs"));
        wait_for("socket of the queues", LIMIT, || {
            if self.child.try_wait().unwrap().is_some() {
                panic!("the run ended early\n{}", self.told());
            }
            let run = runs.open("last").ok()?;
            let socket = PathBuf::from(&run.engine.queue_socket);
            // The file is there a moment before anybody listens.
            let serves = Client::connect(&socket).is_ok();
            (run.state == RunState::RunningHere && serves).then_some(socket)
        })
    }

    /// The process id of its engine.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Waits until what the server says of a queue fits, and gives it.
    pub fn until(&mut self, queue: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let mut client = self.client();
        wait_for("queue of that kind", LIMIT, || {
            stat(&mut client, queue).filter(&fits)
        })
    }

    /// A connection to its queues.
    pub fn client(&mut self) -> Client {
        let client = Client::connect(self.socket()).unwrap();
        client.set_patience(Some(LIMIT)).unwrap();
        client
    }

    /// Waits for its end: exit code, what its ranks printed.
    pub fn end(mut self) -> (i32, String) {
        let status = ended(&mut self.child);
        (status.code().unwrap_or(-1), self.told())
    }

    /// Waits for a good end; what its ranks printed.
    pub fn succeed(self) -> String {
        let (code, told) = self.end();
        assert_eq!(code, 0, "{told}");
        told
    }

    /// Kills its engine, as a machine that is out of memory would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn told(&self) -> String {
        let read = |path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        read(&self.out) + &read(&self.err)
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        // After a failed test. Politely at first, so that its sockets go too.
        if let Ok(None) = self.child.try_wait() {
            let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
            let deadline = Instant::now() + LIMIT;
            while let Ok(None) = self.child.try_wait()
                && Instant::now() < deadline
            {
                std::thread::park_timeout(Duration::from_millis(5));
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn ended(child: &mut Child) -> ExitStatus {
    wait_for("end of a program", LIMIT, || child.try_wait().unwrap())
}

/// What the server says of a queue; `None`: there is none.
pub fn stat(client: &mut Client, queue: &str) -> Option<Value> {
    let reply = client.command(&[b"Q.STAT", queue.as_bytes()]).unwrap();
    (reply != Reply::Nil).then(|| object(reply))
}

fn object(reply: Reply) -> Value {
    let field = |(name, value): (Reply, Reply)| {
        let name = String::from_utf8_lossy(name.as_bytes().unwrap()).into_owned();
        let value = match value {
            Reply::Int(number) => number.into(),
            Reply::Array(waiters) if name == "who" => waiters.into_iter().map(object).collect(),
            other => String::from_utf8_lossy(other.as_bytes().unwrap()).into(),
        };
        (name, value)
    };
    Value::Object(reply.pairs().into_iter().map(field).collect())
}
