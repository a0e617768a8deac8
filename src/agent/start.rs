//! From a wish to a running child.
//!
//! Owns the environment that children start from, the opening of what they are connected to, and the sentences
//! about what failed. Never watches a child. Start at [`Starter::start`].

use std::{
    collections::HashMap,
    ffi::{CStr, CString},
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{FileType, Mode, OFlags},
    pipe::SpliceFlags,
    process::Rlimit,
};

use super::{
    check,
    child::{self, Child, Stream, Way},
    link, pty,
    reasons::{explain, is_out_of_descriptors, no_descriptor, no_pty_because, reason},
    spawn::{Launch, Launcher},
    wire::{Sink, Source, SpawnSpec},
};
use crate::model::{event::Channel, template::Terminal};

/// What `PATH` means where there is none; as the C library has it.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// The environment of a run, encoded once.
pub struct Environment {
    encoded: Vec<CString>,
    places: HashMap<String, usize>,
}

impl Environment {
    /// From names and values; a later entry wins. What cannot be passed on (a zero byte) is left out.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut this = Self {
            encoded: Vec::new(),
            places: HashMap::new(),
        };
        for (name, value) in variables {
            let Ok(entry) = CString::new(format!("{name}={value}")) else {
                continue;
            };
            match this.places.get(&name) {
                Some(&place) => this.encoded[place] = entry,
                None => {
                    this.places.insert(name, this.encoded.len());
                    this.encoded.push(entry);
                }
            }
        }
        this
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        let entry = self.encoded.get(*self.places.get(name)?)?;
        entry.to_str().ok()?.get(name.len() + 1..)
    }

    /// All entries, with these on top.
    fn with<'a>(&'a self, own: &'a [(String, CString)]) -> Vec<&'a CStr> {
        let mut all: Vec<&CStr> = self.encoded.iter().map(CString::as_c_str).collect();
        let mut added: HashMap<&str, usize> = HashMap::new();
        for (name, entry) in own {
            let place = self.places.get(name).or_else(|| added.get(name.as_str()));
            match place {
                Some(&place) => all[place] = entry,
                None => {
                    added.insert(name, all.len());
                    all.push(entry);
                }
            }
        }
        all
    }
}

/// A child that runs, and what to say about it.
pub struct Started {
    /// The child.
    pub child: Child,
    /// How it is connected.
    pub channel: Channel,
    /// Why it has a pipe although a pty was wished for.
    pub no_pty: Option<String>,
}

/// Starts children.
pub struct Starter {
    launcher: Launcher,
    environment: Environment,
    cwd: String,
    null: OwnedFd,
}

/// What a child's standard descriptors are connected to, at both ends.
struct Connections {
    stdio: [OwnedFd; 3],
    terminal: Option<OwnedFd>,
    streams: [Option<Stream>; 2],
    way: Way,
    channel: Channel,
    no_pty: Option<String>,
}

impl Starter {
    /// A starter of children that begin with this environment and folder, and this limit of descriptors.
    pub fn new(environment: Environment, cwd: String, nofile: Rlimit) -> io::Result<Self> {
        Ok(Self {
            launcher: Launcher::new(nofile),
            environment,
            cwd,
            null: open_null()?,
        })
    }

    /// The environment of the run.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The working folder of children that name none.
    pub fn cwd(&self) -> &str {
        &self.cwd
    }

    /// Starts a child, or says in words why it cannot be started; then nothing is left of it.
    pub fn start(&mut self, spec: &SpawnSpec) -> Result<Started, String> {
        let cwd = spec.cwd.as_deref().unwrap_or(&self.cwd);
        let text = |what: &str, text: &str| {
            CString::new(text).map_err(|_| format!("{what} {text:?} holds a zero byte"))
        };
        let argv = std::iter::once(&spec.program)
            .chain(&spec.args)
            .map(|argument| text("argument", argument))
            .collect::<Result<Vec<_>, _>>()?;
        let connections = self
            .connect(spec, cwd)
            .map_err(|reason| check::folder(cwd).err().unwrap_or(reason))?;

        let mut own = Vec::with_capacity(spec.env.len() + 2);
        let mut set = |name: &str, value: &str| {
            text("variable", &format!("{name}={value}"))
                .map(|entry| own.push((name.to_owned(), entry)))
        };
        set("DRAGON_TASK", &spec.task)?;
        if connections.terminal.is_some() {
            set("TERM", "xterm-256color")?;
        }
        for (name, value) in &spec.env {
            set(name, value)?;
        }
        let envp = self.environment.with(&own);
        let path = last(&spec.env, "PATH")
            .or_else(|| self.environment.get("PATH"))
            .unwrap_or(DEFAULT_PATH);
        let candidates = check::candidates(&spec.program, path)
            .iter()
            .map(|candidate| text("program", candidate))
            .collect::<Result<Vec<_>, _>>()?;
        let [stdin, stdout, stderr] = &connections.stdio;
        let launched = self.launcher.launch(&Launch {
            candidates: &candidates,
            argv: &argv,
            envp: &envp,
            cwd: &text("folder", cwd)?,
            stdio: [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()],
            terminal: connections.terminal.as_ref().map(AsFd::as_fd),
            cpus: &spec.cpus,
        });
        let pid = launched.map_err(|(step, error)| explain(step, &error, spec, cwd, path))?;
        let mut child = Child::new(spec.child, pid, &spec.task);
        child.streamed = connections.streams.iter().any(Option::is_some);
        child.streams = connections.streams;
        child.input.way = connections.way;
        Ok(Started {
            child,
            channel: connections.channel,
            no_pty: connections.no_pty,
        })
    }

    fn connect(&self, spec: &SpawnSpec, cwd: &str) -> Result<Connections, String> {
        let wants_pane = spec.stdin == Source::Pane
            || matches!(spec.stdout, Sink::Pane { .. })
            || matches!(spec.stderr, Sink::Pane { .. });
        let mut no_pty = None;
        let pty = match spec.terminal {
            Terminal::Pipe => None,
            Terminal::Auto if !wants_pane => None,
            Terminal::Pty => Some(pty::open(spec.size).map_err(|e| no_pty_because(&e))?),
            Terminal::Auto => pty::open(spec.size)
                .map_err(|error| no_pty = Some(no_pty_because(&error)))
                .ok(),
        };
        let (master, slave) = match pty {
            Some(pty) => {
                link::set_nonblocking(&pty.master, true).map_err(no_descriptor)?;
                (Some(pty.master), Some(pty.slave))
            }
            None => (None, None),
        };
        let slave_again = || slave.as_ref().map(again).transpose();
        let null_again = || again(&self.null);
        let (mut way, mut streams) = (Way::None, [None, None]);

        let stdin = match &spec.stdin {
            Source::Auto => match slave_again()? {
                Some(slave) => {
                    way = Way::Pty;
                    slave
                }
                None => null_again()?,
            },
            Source::Pane => match slave_again()? {
                Some(slave) => {
                    way = Way::Pty;
                    slave
                }
                None => {
                    let (read, write) = child::pipe(false).map_err(no_descriptor)?;
                    way = Way::Pipe(write, false);
                    read
                }
            },
            Source::Null => null_again()?,
            Source::File(file) => open_file(cwd, file, false)?,
        };
        let stdout = match &spec.stdout {
            Sink::Pane { muted } => match slave_again()? {
                Some(slave) => slave,
                None => {
                    let (read, write) = child::pipe(true).map_err(no_descriptor)?;
                    streams[0] = Some(Stream::new(read, false, *muted));
                    write
                }
            },
            Sink::File(file) => open_file(cwd, file, true)?,
            Sink::Stdout => null_again()?,
        };
        let stderr = match &spec.stderr {
            Sink::Stdout => again(&stdout)?,
            Sink::Pane { muted } => {
                let (read, write) = child::pipe(true).map_err(no_descriptor)?;
                streams[1] = Some(Stream::new(read, false, *muted));
                write
            }
            // One open file, so that the two do not overwrite each other.
            Sink::File(file) if spec.stdout == Sink::File(file.clone()) => again(&stdout)?,
            Sink::File(file) => open_file(cwd, file, true)?,
        };
        if let Some(master) = master {
            let muted = spec.stdout == Sink::Pane { muted: true };
            streams[0] = Some(Stream::new(master, true, muted));
        }
        let channel = match (&slave, &way) {
            (Some(_), _) => Channel::Pty,
            (None, Way::None) if streams.iter().all(Option::is_none) => Channel::None,
            _ => Channel::Pipe,
        };
        Ok(Connections {
            stdio: [stdin, stdout, stderr],
            terminal: slave,
            streams,
            way,
            channel,
            no_pty,
        })
    }
}

fn last<'a>(variables: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = variables.iter().rev().find(|(n, _)| n == name);
    found.map(|(_, value)| value.as_str())
}

/// The null device, for reading and writing.
pub fn open_null() -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    Ok(rustix::fs::open("/dev/null", flags, Mode::empty())?)
}

/// Another descriptor above 2 for the same open file.
fn again(fd: &OwnedFd) -> Result<OwnedFd, String> {
    let fd: BorrowedFd<'_> = fd.as_fd();
    rustix::io::fcntl_dupfd_cloexec(fd, 3).map_err(|error| no_descriptor(error.into()))
}

fn open_file(cwd: &str, file: &str, write: bool) -> Result<OwnedFd, String> {
    // Without blocking: a named pipe that nobody has open at its other end must not stop the agent.
    let flags = OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    let flags = flags
        | if write {
            OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC
        } else {
            OFlags::RDONLY
        };
    let path = Path::new(cwd).join(file);
    let opened = rustix::fs::open(&path, flags, Mode::from_raw_mode(0o666))
        .map_err(io::Error::from)
        .and_then(|fd| link::set_nonblocking(&fd, false).map(|()| fd));
    if let Ok(fd) = &opened
        && !write
        && is_unwritten_fifo(fd)
    {
        // The child would find its end at once. A shell waits for a writer; we may not.
        return Err(format!(
            "cannot read {path:?}: it is a named pipe that nobody writes (its writer must have opened it before)"
        ));
    }
    opened.map_err(|error| {
        if is_out_of_descriptors(&error) {
            return no_descriptor(error);
        }
        let verb = if write { "write" } else { "read" };
        let why = match error.raw_os_error() {
            Some(libc::ENXIO) => "it is a named pipe that nobody reads".to_owned(),
            _ => reason(&error),
        };
        format!("cannot {verb} {path:?}: {why}")
    })
}

/// Whether this is a named pipe that holds nothing and that nobody has open for writing. Neither poll(2) nor a read
/// tells that without harm: tee(2) does, which leaves what it copies where it is.
fn is_unwritten_fifo(fd: &OwnedFd) -> bool {
    let is_fifo = rustix::fs::fstat(fd)
        .is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::Fifo);
    let flags = SpliceFlags::NONBLOCK;
    is_fifo
        && child::pipe(true)
            .is_ok_and(|(_, into)| matches!(rustix::pipe::tee(fd, into, 1, flags), Ok(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_variable_wins_and_the_rest_stays() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let base = Environment::new([pair("A", "1"), pair("B", "2"), pair("A", "3")]);
        assert_eq!(base.get("A"), Some("3"));
        assert_eq!(base.get("C"), None);
        let own = [
            ("B".to_owned(), c"B=x".to_owned()),
            ("C".to_owned(), c"C=y".to_owned()),
            ("C".to_owned(), c"C=z".to_owned()),
        ];
        assert_eq!(base.with(&own), [c"A=3", c"B=x", c"C=z"]);
    }

    fn fifo() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        let mode = Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, mode, 0).unwrap();
        (folder, path)
    }

    #[test]
    fn a_named_pipe_without_a_reader_does_not_block() {
        let (folder, _) = fifo();
        let why = open_file(folder.path().to_str().unwrap(), "fifo", true).unwrap_err();
        assert!(
            why.ends_with("it is a named pipe that nobody reads"),
            "{why}"
        );
    }

    #[test]
    fn a_named_pipe_is_read_from_its_first_byte_when_somebody_writes_it_and_refused_otherwise() {
        let (folder, path) = fifo();
        let cwd = folder.path().to_str().unwrap();
        let why = open_file(cwd, "fifo", false).unwrap_err();
        assert!(
            why.contains("it is a named pipe that nobody writes"),
            "{why}"
        );
        let both = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path);
        let mut writer = both.unwrap();
        drop(open_file(cwd, "fifo", false).unwrap());
        std::io::Write::write_all(&mut writer, b"given").unwrap();
        let reader = open_file(cwd, "fifo", false).unwrap();
        let mut bytes = [0; 9];
        assert_eq!(rustix::io::read(&reader, &mut bytes).unwrap(), 5);
        assert_eq!(&bytes[..5], b"given");
    }
}
