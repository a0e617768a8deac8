//! Where measurements take place: a temporary folder for sessions, runs and logs.
//!
//! Owns the starting of the program with that folder as its home, and the reading of a run's record.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use serde_json::Value;
use tempfile::TempDir;

/// The program that is measured: the one of this build, or another one to compare it with, named by
/// `DRAGON_TUI_BENCH`.
pub fn program() -> PathBuf {
    std::env::var_os("DRAGON_TUI_BENCH")
        .map_or_else(|| env!("CARGO_BIN_EXE_dragon-tui").into(), PathBuf::from)
}

/// The folder.
pub struct Place {
    folder: TempDir,
}

/// A run that is over.
pub struct Run {
    /// Seconds from before the program was started until it was reaped.
    pub seconds: f64,
    /// The folder of its record.
    pub folder: PathBuf,
}

/// When a rank began and ended: seconds since the run began.
pub struct Life {
    pub began: f64,
    pub ended: f64,
}

impl Place {
    pub fn new() -> Self {
        Self {
            folder: tempfile::Builder::new()
                .prefix("dragon-tui-bench-")
                .tempdir()
                .unwrap(),
        }
    }

    /// Where runs are recorded.
    pub fn runs(&self) -> PathBuf {
        self.folder.path().join("state/dragon-tui/runs")
    }

    /// Any other file.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a session of one group called `g`, given its templates.
    pub fn session(&self, name: &str, templates: &str) -> PathBuf {
        let path = self.path(&format!("{name}.ron"));
        let text = format!(
            "Session(version: 1, name: \"{name}\", groups: {{ \"g\": ProcessGroup(templates: {{ {templates} }}) }})"
        );
        fs::write(&path, text).unwrap();
        path
    }

    /// Starts the program on a session, without a screen.
    pub fn start(&self, session: &Path, options: &[&str]) -> Child {
        Command::new(program())
            .arg("--replay")
            .args(options)
            .arg(session)
            .env("XDG_STATE_HOME", self.folder.path().join("state"))
            .env("XDG_CACHE_HOME", self.folder.path().join("cache"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Runs the program on a session until all its ranks have ended well.
    pub fn run(&self, session: &Path, options: &[&str]) -> Run {
        let begin = Instant::now();
        let status = self.start(session, options).wait().unwrap();
        let seconds = begin.elapsed().as_secs_f64();
        assert!(status.success(), "{}: {status}", session.display());
        Run {
            seconds,
            folder: self.newest_run(),
        }
    }

    /// The folder of the only run there is.
    pub fn newest_run(&self) -> PathBuf {
        let mut runs: Vec<PathBuf> = fs::read_dir(self.runs())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(runs.len(), 1, "each run is cleared away before the next");
        runs.remove(0)
    }

    /// Deletes all runs.
    pub fn clear(&self) {
        if self.runs().exists() {
            fs::remove_dir_all(self.runs()).unwrap();
        }
    }
}

impl Run {
    /// Its ranks, in the order of their ends.
    pub fn lives(&self) -> Vec<Life> {
        let text = fs::read_to_string(self.folder.join("events.jsonl")).unwrap();
        let events: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let of = |kind: &str| {
            let kind = kind.to_owned();
            events.iter().filter(move |event| event["event"] == *kind)
        };
        let began = |process: &Value| {
            let start = of("process_started").find(|event| event["process"] == *process);
            start.unwrap()["at"].as_f64().unwrap()
        };
        of("process_ended")
            .map(|event| Life {
                began: began(&event["process"]),
                ended: event["at"].as_f64().unwrap(),
            })
            .collect()
    }

    /// The log of a rank of template `t`.
    pub fn log(&self, rank: u32) -> PathBuf {
        self.folder.join(format!("logs/g/t/{rank}.log"))
    }
}
