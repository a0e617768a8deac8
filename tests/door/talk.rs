//! A client of the door as the tests drive it: everything that was said is kept, and waited for with a deadline.

use std::{
    path::{Path, PathBuf},
    process::{Command as Program, Stdio},
    time::{Duration, Instant},
};

use dragon_tui::{
    engine::door::{
        Chunk,
        client::Client,
        wire::{FromEngine, Opening, ToEngine},
    },
    model::{
        event::{Command, Event, Outcome, Stamped},
        ids::ProcessId,
    },
};

use super::support::program::{Home, LIMIT, PROGRAM};

/// How long the end of everything may take when one side is gone.
pub const SOON: Duration = Duration::from_secs(6);

/// A client with its engine and everything that was said so far.
pub struct Talk {
    pub client: Client,
    runtime: tokio::runtime::Runtime,
    pub said: Vec<FromEngine>,
    pub home: Home,
}

/// Sets what a child finds in its environment, as [`Home::prepare`] does: the engine takes ours.
pub fn program(home: &Home) -> PathBuf {
    let mut like = Program::new(PROGRAM);
    home.prepare(&mut like);
    let mut script = "#!/bin/sh\n".to_owned();
    for (name, value) in like.get_envs() {
        let name = name.to_str().unwrap();
        script += &match value {
            Some(value) => format!("export {name}='{}'\n", value.to_str().unwrap()),
            None => format!("unset {name}\n"),
        };
    }
    script += &format!("cd {}\nexec {PROGRAM} \"$@\"\n", home.path().display());
    executable(home, "engine-here", &script)
}

/// A script to be run. Another process writes it: one of ours that is forked meanwhile would hold it open for writing.
pub fn executable(home: &Home, name: &str, script: &str) -> PathBuf {
    let path = home.path().join(name);
    let mut writer = Program::new("sh")
        .args(["-c", "cat > \"$1\" && chmod 755 \"$1\"", "sh"])
        .arg(&path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut writer.stdin.take().unwrap(), script.as_bytes()).unwrap();
    assert!(writer.wait().unwrap().success());
    path
}

/// A group `g` of these templates, and more fields of the session.
pub fn session(templates: &str, more: &str) -> String {
    format!(
        "Session(version: 1, {more} groups: {{ \"g\": ProcessGroup(templates: {{\n{templates}\n}}) }})"
    )
}

pub fn opening(home: &Home, text: &str, start: bool) -> Opening {
    Opening {
        text: text.to_owned(),
        name: "test".to_owned(),
        folder: home.path().to_owned(),
        path: Some("s.ron".into()),
        host_aliases: Vec::new(),
        start,
        size: (24, 80),
        cwd: None,
    }
}

pub fn id(text: &str) -> ProcessId {
    text.parse().unwrap()
}

impl Talk {
    pub fn opened(text: &str, start: bool) -> Self {
        let home = Home::new();
        let opening = opening(&home, text, start);
        Self::of(home, opening)
    }

    pub fn of(home: Home, opening: Opening) -> Self {
        let program = program(&home);
        Self::launched(home, &program, &[], opening)
    }

    /// What is launched is this program, whatever it is.
    pub fn with(program: &Path, home: Home) -> Self {
        let opening = opening(&home, "", true);
        Self::launched(home, program, &[], opening)
    }

    pub fn launched(home: Home, program: &Path, more: &[&str], opening: Opening) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let client = {
            let _inside = runtime.enter();
            Client::launch_with(program, more, opening).unwrap()
        };
        Self {
            client,
            runtime,
            said: Vec::new(),
            home,
        }
    }

    /// Under way, each rank of `g` running.
    pub fn started(templates: &str) -> Self {
        let mut talk = Self::opened(&session(templates, ""), true);
        talk.welcome();
        talk
    }

    pub fn send(&mut self, message: ToEngine) {
        self.client.send(message).unwrap();
    }

    /// Waits until everything that was sent is on its way.
    pub fn flush(&mut self) {
        self.runtime.block_on(self.client.flush());
    }

    pub fn wish(&mut self, command: Command) {
        self.send(ToEngine::Command(command));
    }

    /// Listens until something said from now on is what is waited for.
    #[track_caller]
    pub fn hear<T>(&mut self, what: &str, mut found: impl FnMut(&FromEngine) -> Option<T>) -> T {
        let deadline = Instant::now() + LIMIT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let client = &mut self.client;
            let next = async { tokio::time::timeout(left, client.next()).await };
            let Ok(message) = self.runtime.block_on(next) else {
                panic!("waited in vain for {what}; so far: {:?}", self.said.last());
            };
            let found = found(&message);
            let gone = matches!(message, FromEngine::Gone(_));
            self.said.push(message);
            if let Some(found) = found {
                return found;
            }
            assert!(!gone, "gone before {what}: {:?}", self.said.last());
        }
    }

    #[track_caller]
    pub fn event<T>(&mut self, what: &str, mut found: impl FnMut(&Event) -> Option<T>) -> T {
        self.hear(what, |said| match said {
            FromEngine::Event(stamped) => found(&stamped.event),
            _ => None,
        })
    }

    /// As [`Self::event`], and what was said before counts too.
    #[track_caller]
    pub fn told(&mut self, what: &str, found: impl Fn(&Event) -> bool) {
        if !self.events().iter().any(|it| found(&it.event)) {
            self.event(what, |event| found(event).then_some(()));
        }
    }

    #[track_caller]
    pub fn welcome(&mut self) {
        self.hear("a welcome", |said| {
            matches!(said, FromEngine::Welcome { .. }).then_some(())
        });
    }

    #[track_caller]
    pub fn rank_started(&mut self, process: &str) {
        let process = id(process);
        self.told(
            "a start",
            |event| matches!(event, Event::ProcessStarted { process: it, .. } if *it == process),
        );
    }

    /// Watches these, and waits until that is so.
    #[track_caller]
    pub fn watch(&mut self, processes: &[&str]) {
        self.send(ToEngine::Watch(processes.iter().map(|it| id(it)).collect()));
        self.hear("the watch", |said| {
            matches!(said, FromEngine::Watching(_)).then_some(())
        });
    }

    /// Output of a process, from now on and what was said before, until it holds this text.
    #[track_caller]
    pub fn output(&mut self, process: &str, text: &str) {
        let mut bytes = self.shown(process);
        // Of a flood only the end is looked at again.
        let holds = |bytes: &[u8], new: usize| {
            let from = bytes.len().saturating_sub(new + text.len());
            memchr::memmem::find(&bytes[from..], text.as_bytes()).is_some()
        };
        if holds(&bytes, bytes.len()) {
            return;
        }
        self.hear(text, |said| {
            let FromEngine::Chunk(chunk) = said else {
                return None;
            };
            if *chunk.process == id(process) {
                bytes.extend_from_slice(&chunk.bytes);
            }
            holds(&bytes, chunk.bytes.len()).then_some(())
        });
    }

    pub fn chunks(&self, process: &str) -> Vec<&Chunk> {
        let all = self.said.iter().filter_map(|said| match said {
            FromEngine::Chunk(chunk) => Some(chunk),
            _ => None,
        });
        all.filter(|chunk| *chunk.process == id(process)).collect()
    }

    pub fn shown(&self, process: &str) -> Vec<u8> {
        let chunks = self.chunks(process);
        chunks.iter().flat_map(|it| it.bytes.clone()).collect()
    }

    pub fn events(&self) -> Vec<&Stamped> {
        let all = self.said.iter().filter_map(|said| match said {
            FromEngine::Event(stamped) => Some(stamped),
            _ => None,
        });
        all.collect()
    }

    /// Waits for the end of the run and of the engine; how it ended.
    #[track_caller]
    pub fn over(&mut self) -> Outcome {
        self.hear("the end", |said| (*said == FromEngine::Over).then_some(()));
        let gone = self.gone();
        assert_eq!(gone, "the engine has ended");
        let outcome = self.events().last().map(|last| last.event.clone());
        match outcome {
            Some(Event::RunEnded { outcome, .. }) => outcome,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    pub fn gone(&mut self) -> String {
        self.hear("the engine's end", |said| match said {
            FromEngine::Gone(text) => Some(text.clone()),
            _ => None,
        })
    }

    #[track_caller]
    pub fn finish(&mut self) -> Outcome {
        self.wish(Command::Finish);
        self.over()
    }
}
