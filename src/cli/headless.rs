//! `dragon-tui --replay`: a session without a screen, for terminals, pipes and batch jobs.
//!
//! Owns what is printed: whole lines of ranks (or JSON lines of everything) on standard output, notices, the first
//! failure and the summary on standard error, and the exit code. Never decides anything about processes: it is a
//! client of the engine that follows everything. Start at [`run`].
//!
//! Nothing printed here comes between the user and the end of a run: signals are heard on a thread of their own,
//! and a standard output that nobody reads any more only ends the printing.

use std::{
    collections::HashMap,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use super::{
    args::{Composing, Format},
    engine_log::EngineLog,
    failures,
    json_output::JsonLines,
    lines::{LineAssembler, colour_by_environment},
    report,
};
use crate::{
    engine::{
        CommandError, CommandSender, Engine, EngineHandle, EngineOptions, StartError, panes::Chunk,
    },
    model::{
        document::Session,
        event::{Command, Event, Level, Outcome, Stamped},
        ids::ProcessId,
        session::{self, Loaded},
    },
    record::{Limits, Runs},
};

/// Rows and columns of a pty when nobody looks.
const SIZE: (u16, u16) = (40, 120);

/// How often cpu and memory of ranks are looked at, in milliseconds.
const SAMPLE_EVERY: u32 = 10_000;

/// How long the end of a run may take after it was insisted on; then the program leaves, and the agent, whose
/// channel closes with it, ends what is left.
const INSISTED: Duration = Duration::from_secs(10);

/// Printed output that waits to be written, in bytes.
const BUFFER: usize = 256 << 10;

/// What is asked for on the command line.
#[derive(Debug)]
pub struct Replay {
    /// The session file.
    pub session: PathBuf,
    /// What changes it.
    pub composing: Composing,
    /// Text or JSON.
    pub format: Format,
    /// Print no output of ranks.
    pub quiet: bool,
    /// How much the engine tells of itself in the run's folder.
    pub log_level: Option<tracing::level_filters::LevelFilter>,
}

/// Opens a session and applies what the command line changes; problems are written to standard error.
///
/// # Errors
/// When standard error cannot be written. `None` in the result: the session has problems.
pub fn compose(
    path: &Path,
    composing: &Composing,
    format: Format,
) -> anyhow::Result<Option<Loaded>> {
    let mut err = io::stderr().lock();
    let text = match Session::text_in(path) {
        Ok(text) => text,
        Err(problem) => {
            failures::write(&[problem], None, format, &mut err)?;
            return Ok(None);
        }
    };
    let mut loaded = match Session::load(path, text.clone()) {
        Ok(loaded) => loaded,
        Err(problems) => {
            failures::write(&problems, Some(&text), format, &mut err)?;
            return Ok(None);
        }
    };
    let mut problems = Vec::new();
    for assignment in &composing.set {
        if let Err(problem) = session::set(&mut loaded.session, assignment) {
            problems.push(problem);
        }
    }
    let found = loaded.session.validate_to_run();
    problems.extend(
        failures::placed(found, &loaded)
            .into_iter()
            .filter(session::Problem::is_error),
    );
    if problems.is_empty() {
        return Ok(Some(loaded));
    }
    failures::write(&problems, Some(&loaded.text), format, &mut err)?;
    Ok(None)
}

/// What an engine needs to know to run a loaded session from the command line.
///
/// # Errors
/// When there is no place for the record, or the session's folder cannot be found.
pub fn options(loaded: &Loaded, composing: &Composing) -> anyhow::Result<EngineOptions> {
    let folder = loaded
        .path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let folder = folder
        .canonicalize()
        .with_context(|| format!("the folder {} cannot be found", folder.display()))?;
    let agent = std::env::current_exe().context("this program cannot be found")?;
    Ok(EngineOptions {
        name: loaded.name(),
        text: Some(session::save(&loaded.session, Some(&loaded.text))),
        session_folder: folder,
        aliases: composing.host_alias.clone(),
        agent,
        runs: Runs::of_this_user()?,
        limits: Limits::default(),
        replay: true,
        follow_all: true,
        size: SIZE,
        sample_every: SAMPLE_EVERY,
    })
}

/// Runs a session and gives the exit code of the program.
///
/// # Errors
/// When something of this program itself fails; problems of the session are written, and a code returned.
pub fn run(replay: &Replay) -> anyhow::Result<u8> {
    let Some(loaded) = compose(&replay.session, &replay.composing, replay.format)? else {
        return Ok(2);
    };
    let mut options = options(&loaded, &replay.composing)?;
    options.follow_all = !replay.quiet;
    let log = replay.log_level.map(EngineLog::begin);
    let handle = match Engine::start(loaded.session.clone(), options) {
        Ok(handle) => handle,
        Err(error) => return start_error(error, &loaded, replay.format),
    };
    if let Some(log) = log {
        log.move_to(&handle.folder)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    hear_signals(handle.commands.clone())?;
    let mut printer = Printer::new(&loaded.session, replay);
    let outcome = runtime.block_on(follow(handle, &mut printer))?;
    Ok(outcome)
}

fn start_error(error: StartError, loaded: &Loaded, format: Format) -> anyhow::Result<u8> {
    let mut err = io::stderr().lock();
    let (problems, code) = match error {
        StartError::Problems(problems) => (problems, 2),
        StartError::Unplaceable(refusals) => (refusals, 3),
        StartError::Engine(text) => {
            writeln!(err, "dragon-tui: {text}")?;
            return Ok(4);
        }
    };
    failures::write(
        &failures::placed(problems, loaded),
        Some(&loaded.text),
        format,
        &mut err,
    )?;
    Ok(code)
}

/// Takes events and panes until the run is over.
async fn follow(mut handle: EngineHandle, printer: &mut Printer) -> anyhow::Result<u8> {
    let mut chunks = Vec::new();
    let mut outcome = None;
    loop {
        tokio::select! {
            event = handle.events.recv() => match event {
                Some(event) => {
                    // What a process wrote was handed over before its end was told.
                    handle.panes.take(&mut chunks);
                    printer.chunks(&mut chunks);
                    if let Event::RunEnded { outcome: how, first_failure } = &event.event {
                        outcome = Some((*how, first_failure.clone()));
                    }
                    printer.event(&event);
                }
                None => break,
            },
            () = handle.panes.arrived() => {
                handle.panes.take(&mut chunks);
                printer.chunks(&mut chunks);
            }
        }
    }
    handle.panes.take(&mut chunks);
    printer.chunks(&mut chunks);
    printer.finish();
    let folder = handle.folder.clone();
    let summary = handle.join();
    let Some((outcome, _)) = outcome else {
        eprintln!("dragon-tui: the engine ended without a word");
        return Ok(Outcome::HostLost.exit_code());
    };
    if let Some(summary) = summary {
        let mut err = io::stderr().lock();
        match printer.format {
            // Nobody may read standard error; the run went as it went.
            Format::Text => drop(report::write(&summary, &folder, &mut err)),
            Format::Json => printer.json_summary(&summary),
        }
    }
    Ok(
        match TERMINATED.load(std::sync::atomic::Ordering::Relaxed) {
            true if outcome == Outcome::Interrupted => 143,
            _ => outcome.exit_code(),
        },
    )
}

/// Whether the run was ended by SIGTERM (or SIGHUP) rather than by Ctrl-C.
static TERMINATED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// Hears signals on a thread of its own: the first asks for the end, the second insists, and after a bounded time the
/// program leaves whatever hangs.
fn hear_signals(commands: CommandSender) -> anyhow::Result<()> {
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async move {
            let (Ok(mut int), Ok(mut term)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
                return;
            };
            // Under nohup a hang-up is to be ignored, and stays so.
            let mut hup = if hangup_is_ignored() { None } else { signal(SignalKind::hangup()).ok() };
            let mut asked = 0u32;
            loop {
                let leave = async {
                    match asked {
                        0 | 1 => std::future::pending().await,
                        _ => tokio::time::sleep(INSISTED).await,
                    }
                };
                let hung_up = async {
                    match &mut hup {
                        Some(hup) => hup.recv().await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    _ = int.recv() => {}
                    _ = term.recv() => TERMINATED.store(true, std::sync::atomic::Ordering::Relaxed),
                    _ = hung_up => TERMINATED.store(true, std::sync::atomic::Ordering::Relaxed),
                    () = leave => process::exit(Outcome::Interrupted.exit_code().into()),
                }
                asked += 1;
                let command = if asked == 1 { Command::Finish } else { Command::Abort };
                // Nobody may read standard error any more.
                let _ = match asked {
                    1 => writeln!(io::stderr(), "dragon-tui: stopping everything; once more to kill"),
                    2 => writeln!(io::stderr(), "dragon-tui: killing everything"),
                    _ => Ok(()),
                };
                if commands.send(command) == Err(CommandError::Over) {
                    return;
                }
            }
        });
    })?;
    Ok(())
}

/// Whether SIGHUP was set to be ignored by who started us, as nohup(1) does (bit 0 of SigIgn, proc_pid_status(5)).
fn hangup_is_ignored() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return false;
    };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 != 0)
}

/// Writes lines of ranks and events.
struct Printer {
    session: Session,
    format: Format,
    coloured: bool,
    /// Standard output can still be written.
    open: bool,
    lines: HashMap<(Arc<ProcessId>, u8), LineAssembler>,
    json: JsonLines,
    buffer: Vec<u8>,
}

impl Printer {
    fn new(session: &Session, replay: &Replay) -> Self {
        Self {
            session: session.clone(),
            format: replay.format,
            coloured: colour_by_environment(io::stdout().is_terminal()),
            open: true,
            lines: HashMap::new(),
            json: JsonLines::default(),
            buffer: Vec::with_capacity(BUFFER),
        }
    }

    fn chunks(&mut self, chunks: &mut Vec<Chunk>) {
        for chunk in chunks.drain(..) {
            match self.format {
                Format::Json => self.json.push(&chunk, &mut self.buffer),
                Format::Text => {
                    let (session, coloured) = (&self.session, self.coloured);
                    let lines = self
                        .lines
                        .entry((chunk.process.clone(), chunk.stream))
                        .or_insert_with(|| {
                            LineAssembler::new(
                                &session.label(&chunk.process),
                                chunk.process.template.as_str(),
                                coloured,
                            )
                        });
                    if chunk.gap > 0 {
                        lines.gap(chunk.gap, &mut self.buffer);
                    }
                    lines.push(&chunk.bytes, &mut self.buffer);
                }
            }
            if self.buffer.len() >= BUFFER {
                self.flush();
            }
        }
        self.flush();
    }

    fn event(&mut self, stamped: &Stamped) {
        if let Event::ProcessEnded { process, .. } = &stamped.event {
            self.end_lines(process);
        }
        if self.format == Format::Json {
            self.json.event(stamped, &mut self.buffer);
            self.flush();
            return;
        }
        let label = |process: &Option<ProcessId>| match process {
            Some(process) => format!("{}: ", self.session.label(process)),
            None => String::new(),
        };
        let text = match &stamped.event {
            Event::Notice {
                level,
                process,
                text,
            } => {
                let level = match level {
                    Level::Info => "",
                    Level::Warning => "warning: ",
                    Level::Error => "error: ",
                };
                format!("{level}{}{text}", label(process))
            }
            Event::Alerted { process, text, .. } => {
                format!("alert: {}: {text}", self.session.label(process))
            }
            Event::Refused { reason } => format!("refused: {reason}"),
            Event::HostLost { host, reason } => format!("host {host} is lost: {reason}"),
            Event::ProcessEnded {
                process,
                status,
                restart_in: Some(wait),
                ..
            } if *wait > 0.0 => {
                format!(
                    "{} ended ({status}); it is started again in {wait} s",
                    self.session.label(process)
                )
            }
            Event::ProcessEnded {
                process,
                status,
                failure: true,
                ..
            } => {
                format!("{} failed: {status}", self.session.label(process))
            }
            _ => return,
        };
        self.flush();
        // Nobody may read standard error any more; the record has it.
        let _ = writeln!(io::stderr(), "dragon-tui: {}", report::clean(&text));
    }

    /// The last line of a process that ended may lack its end.
    fn end_lines(&mut self, process: &ProcessId) {
        let buffer = &mut self.buffer;
        self.lines.retain(|(id, _), lines| {
            if **id == *process {
                lines.finish(buffer);
            }
            **id != *process
        });
        self.json.end(process, &mut self.buffer);
        self.flush();
    }

    fn json_summary(&mut self, summary: &crate::record::Summary) {
        self.json.summary(summary, &mut self.buffer);
        self.flush();
    }

    fn finish(&mut self) {
        for lines in self.lines.values_mut() {
            lines.finish(&mut self.buffer);
        }
        self.flush();
    }

    fn flush(&mut self) {
        if self.open && !self.buffer.is_empty() {
            let mut out = io::stdout().lock();
            if let Err(error) = out.write_all(&self.buffer).and_then(|()| out.flush()) {
                self.open = false;
                let _ = writeln!(
                    io::stderr(),
                    "dragon-tui: standard output cannot be written ({error}); the run goes on, its logs are complete"
                );
            }
        }
        self.buffer.clear();
    }
}
