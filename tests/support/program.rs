//! The program as a user has it: started with folders of its own, its output collected, its end awaited.
//!
//! Owns [`Home`] (folders that nobody else uses, and the end of everything that was started with them), [`Running`]
//! (a program under way) and [`Done`] (how it ended). Everything waits with a deadline; nothing sleeps. Start at
//! [`Home::new`].

use std::{
    fmt, fs,
    io::Read,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, OnceLock},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_dragon-tui");

/// How long a program may take where a test says nothing else.
pub const LIMIT: Duration = Duration::from_secs(30);

/// The variable by which the processes of a run are found.
pub const MARK: &str = "DRAGON_TUI_MARK";

/// A folder with a state, a cache and a home folder that only this test uses; the program runs in it. When it is
/// dropped, everything that was started with it is killed.
pub struct Home {
    folder: TempDir,
}

/// How a program ended.
pub struct Done {
    /// Its exit code; 128 + the signal that ended it.
    pub code: i32,
    /// What it wrote.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

/// A program under way. Dropping it kills it; what it started is killed with its [`Home`].
pub struct Running {
    child: Child,
    stdout: Collected,
    stderr: Collected,
    ended: Option<ExitStatus>,
}

struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

/// The folder of the interpreter itself: a `python3` that only looks for another one (pyenv) does not find it with
/// another home folder, and is slow.
fn python_folder() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER
        .get_or_init(|| {
            let asked = Command::new("python3")
                .args(["-c", "import sys; print(sys.executable)"])
                .output()
                .ok()?;
            let path = String::from_utf8(asked.stdout).ok()?;
            Some(Path::new(path.trim()).parent()?.to_owned())
        })
        .as_deref()
}

/// A session of one group `g` with these templates.
pub fn group_of(templates: &str) -> String {
    format!(
        "Session(version: 1, groups: {{ \"g\": ProcessGroup(templates: {{\n{templates}\n}}) }})"
    )
}

/// A template `name` that runs this shell line, with more fields.
pub fn shell(name: &str, line: &str, more: &str) -> String {
    format!("\"{name}\": ProcessTemplate(target: Shell(r##\"{line}\"##), {more}),\n")
}

impl Home {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("dragon-home-")
            .tempdir()
            .expect("a folder for the test");
        for name in ["state", "cache", "home"] {
            fs::create_dir(folder.path().join(name)).expect("a folder for the test");
        }
        Self { folder }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of this name, and gives its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, content).expect("the folder of the test can be written");
        path
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn has(&self, name: &str) -> bool {
        self.path().join(name).exists()
    }

    /// The program with these arguments.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments);
        self.prepare(&mut command);
        command
    }

    /// Any program in the same surroundings.
    pub fn prepare(&self, command: &mut Command) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = python_folder()
            .map(Path::to_owned)
            .into_iter()
            .chain(std::env::split_paths(&path));
        command
            .env(
                "PATH",
                std::env::join_paths(folders).expect("no colon in a folder"),
            )
            .current_dir(self.path())
            .env("XDG_STATE_HOME", self.path().join("state"))
            .env("XDG_CACHE_HOME", self.path().join("cache"))
            .env("HOME", self.path().join("home"))
            .stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let private = name
                .to_str()
                .is_some_and(|name| name.starts_with("DRAGON_") || name == "NO_COLOR");
            if private || name == "VIRTUAL_ENV" {
                command.env_remove(name);
            }
        }
    }

    pub fn start(&self, arguments: &[&str]) -> Running {
        Running::start(&mut self.command(arguments))
    }

    pub fn run(&self, arguments: &[&str]) -> Done {
        self.start(arguments).finish(LIMIT)
    }

    /// Writes the session to `s.ron` and replays it, with more arguments.
    pub fn replay(&self, session: &str, more: &[&str]) -> Done {
        self.start_replay(session, more).finish(LIMIT)
    }

    /// As [`Home::replay`], and goes on at once.
    pub fn start_replay(&self, session: &str, more: &[&str]) -> Running {
        self.write("s.ron", session);
        self.start(&[&["--replay", "s.ron"], more].concat())
    }

    /// The folders of all runs, oldest first.
    pub fn runs(&self) -> Vec<PathBuf> {
        let Ok(folder) = fs::read_dir(self.path().join("state/dragon-tui/runs")) else {
            return Vec::new();
        };
        let mut runs: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
        runs.sort();
        runs
    }

    /// The folder of the one run there is.
    pub fn the_run(&self) -> PathBuf {
        let runs = self.runs();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs.into_iter().next().unwrap()
    }

    /// A file of the one run, as far as it is there.
    pub fn read_run(&self, name: &str) -> String {
        std::fs::read_to_string(self.the_run().join(name)).unwrap_or_default()
    }

    /// The log of `group/template.rank` of the one run.
    pub fn log(&self, group: &str, template: &str, rank: u32) -> Vec<u8> {
        let path = self
            .the_run()
            .join(format!("logs/{group}/{template}/{rank}.log"));
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The summary of the one run.
    pub fn summary(&self) -> Value {
        json(&fs::read_to_string(self.the_run().join("summary.json")).unwrap())
    }

    /// The recorded events of the one run.
    pub fn events(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.the_run().join("events.jsonl")).unwrap();
        text.lines().map(json).collect()
    }

    /// Everything that lives with this folder in its environment: engines, agents, guardians and ranks.
    pub fn processes(&self) -> Vec<Process> {
        let folder = self.path().as_os_str().as_encoded_bytes().to_vec();
        processes(|environ| contains(environ, &folder))
    }

    /// The one process that was started as `dragon-tui ROLE`.
    pub fn part(&self, role: &str) -> Option<Process> {
        let found = self.processes().into_iter();
        let mut found = found.filter(|it| it.arguments.get(1).is_some_and(|it| it == role));
        found.next()
    }

    /// Whatever carries the mark of a run of this folder.
    pub fn marked(&self) -> Vec<Process> {
        let folder = self.path().as_os_str().as_encoded_bytes().to_vec();
        let mark = format!("{MARK}=");
        processes(|environ| contains(environ, &folder) && contains(environ, mark.as_bytes()))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // One that forks while we look is missed with its child: until nothing is found twice.
        let mut empty = 0;
        let deadline = Instant::now() + Duration::from_secs(5);
        while empty < 2 && Instant::now() < deadline {
            let left = self.processes();
            empty = if left.is_empty() { empty + 1 } else { 0 };
            for process in left {
                process.kill();
            }
        }
    }
}

/// A process of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    pub pid: i32,
    pub arguments: Vec<String>,
}

impl Process {
    pub fn kill(&self) {
        signal(self.pid, libc::SIGKILL);
    }
}

/// Sends a signal; to one that is gone it is sent in vain.
pub fn signal(pid: i32, number: i32) {
    let signal = rustix::process::Signal::from_named_raw(number).expect("a signal with a name");
    if let Some(pid) = rustix::process::Pid::from_raw(pid) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// The living processes with such an environment; a zombie has none.
pub fn processes(wanted: impl Fn(&[u8]) -> bool) -> Vec<Process> {
    let own = std::process::id() as i32;
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let read = |file: &str| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        if pid == own || !wanted(&read("environ")) {
            continue;
        }
        let arguments = read("cmdline");
        let arguments = arguments.strip_suffix(b"\0").unwrap_or(&arguments);
        let arguments = arguments.split(|&byte| byte == 0);
        let arguments = arguments.map(|one| String::from_utf8_lossy(one).into_owned());
        found.push(Process {
            pid,
            arguments: arguments.collect(),
        });
    }
    found
}

/// Whether a process with this id lives; a zombie does not.
pub fn lives(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        let state = stat.rsplit_once(')').map_or("", |(_, rest)| rest.trim());
        !state.starts_with(['Z', 'X'])
    })
}

/// One line of JSON.
pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

impl Collected {
    fn begin(mut from: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let into = bytes.clone();
        let reader = std::thread::spawn(move || {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                into.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self {
            bytes,
            reader: Some(reader),
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }
}

impl Running {
    /// Starts a command with its output collected.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = Collected::begin(child.stdout.take().unwrap());
        let stderr = Collected::begin(child.stderr.take().unwrap());
        Self {
            child,
            stdout,
            stderr,
            ended: None,
        }
    }

    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    pub fn signal(&self, number: i32) {
        signal(self.pid(), number);
    }

    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Waits until standard output holds this text.
    pub fn wait_for_output(&self, text: &str) {
        self.wait_for(text, Self::stdout);
    }

    /// Waits until standard error holds this text.
    pub fn wait_for_notice(&self, text: &str) {
        self.wait_for(text, Self::stderr);
    }

    fn wait_for(&self, text: &str, side: impl Fn(&Self) -> String) {
        let deadline = Instant::now() + LIMIT;
        while !side(self).contains(text) {
            assert!(Instant::now() < deadline, "still no {text:?} from {self:?}");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Whether it has ended.
    pub fn is_over(&mut self) -> bool {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().unwrap();
        }
        self.ended.is_some()
    }

    /// Waits for its end; after `limit` the test fails.
    pub fn finish(mut self, limit: Duration) -> Done {
        let deadline = Instant::now() + limit;
        while !self.is_over() {
            assert!(
                Instant::now() < deadline,
                "after {limit:?} it still runs: {self:?}"
            );
            std::thread::park_timeout(Duration::from_millis(2));
        }
        // Who inherited its output may hold it open: then what is there by now counts.
        for side in [&mut self.stdout, &mut self.stderr] {
            let reader = side.reader.take().unwrap();
            while !reader.is_finished() && Instant::now() < deadline {
                std::thread::park_timeout(Duration::from_millis(1));
            }
        }
        let status = self.ended.unwrap();
        Done {
            code: status
                .code()
                .unwrap_or_else(|| 128 + status.signal().unwrap()),
            stdout: self.stdout(),
            stderr: self.stderr(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_over() {
            // It may be gone meanwhile.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {}\n{}{}", self.pid(), self.stdout(), self.stderr())
    }
}

impl fmt::Debug for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "exit code {}\n--- stdout\n{}\n--- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }
}

impl Done {
    /// Fails unless it ended with this code.
    #[track_caller]
    pub fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// Fails unless standard error holds this text.
    #[track_caller]
    pub fn complains(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "no {text:?} in: {self:?}");
        self
    }

    /// Fails unless standard output is exactly these lines, in any order.
    #[track_caller]
    pub fn prints(self, lines: &[&str]) -> Self {
        let mut found: Vec<&str> = self.stdout.lines().collect();
        found.sort_unstable();
        let mut wanted = lines.to_vec();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{self:?}");
        self
    }

    /// The objects of `--format json`.
    pub fn objects(&self) -> Vec<Value> {
        self.stdout.lines().map(json).collect()
    }
}

/// A copy of the program that every user can run; the build may stand in a folder that only its owner enters.
pub fn for_everybody(home: &Home) -> PathBuf {
    let copy = home.path().join("dragon-tui");
    fs::copy(PROGRAM, &copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
    copy
}
