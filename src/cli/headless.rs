//! `dragon-tui --replay`: a session without a screen, for terminals, pipes and batch jobs.
//!
//! Owns what is printed: whole lines of ranks (or JSON lines of everything) on standard output, notices, the first
//! failure and the summary on standard error, and the exit code. Never decides anything about processes: it is a
//! client of the engine that follows everything. Start at [`run`].
//!
//! Nothing printed here comes between the user and the end of a run: signals are heard on a thread of their own
//! ([`Signals`]), and a standard output that nobody reads any more only ends the printing.

use std::{
    collections::HashMap,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;

use super::{
    args::{Composing, Format},
    check,
    engine_log::EngineLog,
    failures,
    json_output::JsonLines,
    lines::{LineAssembler, colour_by_environment, grouped},
    report,
    signals::Signals,
    streams,
};
use crate::{
    engine::{Engine, EngineHandle, EngineOptions, StartError, panes::Chunk},
    model::{
        document::Session,
        event::{Event, Level, Outcome, Stamped},
        ids::ProcessId,
        lifecycle::{ExitStatus, STOPPED_EARLY},
        session::{self, Loaded},
    },
    record::{Limits, Runs},
};

/// Rows and columns of a pty when nobody looks.
pub(super) const SIZE: (u16, u16) = (40, 120);

/// Nobody looks at cpu and memory while a run goes on; what each rank used in all is told at its end.
const SAMPLE_EVERY: u32 = 0;

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

/// Opens a session and applies what the command line changes. None: it has problems, and they were told.
pub fn compose(path: &Path, composing: &Composing, format: Format) -> Option<Loaded> {
    compose_text(path, text_in(path, format)?, composing, format)
}

/// The text of a session's file. None: there is none, and why was told.
pub fn text_in(path: &Path, format: Format) -> Option<String> {
    Session::text_in(path)
        .map_err(|problem| failures::tell(&[problem], None, format))
        .ok()
}

/// The same of a text that was read already.
pub fn compose_text(
    path: &Path,
    text: String,
    composing: &Composing,
    format: Format,
) -> Option<Loaded> {
    let mut loaded = Session::load(path, text.clone())
        .map_err(|_| failures::tell(&check::of_text(path, &text), Some(&text), format))
        .ok()?;
    let assigned = composing.set.iter();
    let mut problems: Vec<_> = assigned
        .filter_map(|assignment| loaded.set(assignment).err())
        .collect();
    let found = failures::placed(loaded.session.validate_to_run(), &loaded);
    let (errors, warnings): (Vec<_>, Vec<_>) =
        found.into_iter().partition(session::Problem::is_error);
    problems.extend(errors);
    if problems.is_empty() {
        failures::tell(&warnings, Some(&loaded.text), format);
        return Some(loaded);
    }
    failures::tell(&problems, Some(&loaded.text), format);
    None
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
    let saved = session::saved(&loaded.session, Some(&loaded.text));
    if saved.anew {
        streams::say("comments of the session could not be kept in the record of the run");
    }
    Ok(EngineOptions {
        name: loaded.name(),
        text: Some(saved.text),
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
    let Some(loaded) = compose(&replay.session, &replay.composing, replay.format) else {
        return Ok(2);
    };
    let mut options = options(&loaded, &replay.composing)?;
    options.follow_all = !replay.quiet;
    let log = replay.log_level.map(EngineLog::begin);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // From here on there is something to be taken away again: folders, sockets, an agent.
    let signals = Signals::hear().context("signals cannot be heard")?;
    let handle = match Engine::start(loaded.session.clone(), options) {
        Ok(handle) => handle,
        Err(error) => {
            let code = start_error(error, &loaded, replay.format);
            return Ok(signals.exit_code().unwrap_or(code));
        }
    };
    signals.steer(handle.commands.clone());
    if let Some(log) = log
        && let Err(error) = log.move_to(&handle.folder)
    {
        streams::say(format_args!(
            "the engine's own log cannot be written: {error}"
        ));
    }
    let mut printer = Printer::new(&loaded.session, replay);
    let outcome = runtime.block_on(follow(handle, &mut printer));
    Ok(match outcome {
        Outcome::Interrupted => signals.exit_code(),
        _ => None,
    }
    .unwrap_or(outcome.exit_code()))
}

/// Tells why nothing was started; the exit code.
fn start_error(error: StartError, loaded: &Loaded, format: Format) -> u8 {
    let (problems, code) = match error {
        StartError::Problems(problems) => (problems, 2),
        StartError::Unplaceable(refusals) => (refusals, 3),
        StartError::Engine(text) => {
            streams::say(text);
            return 4;
        }
    };
    tell_first(problems, loaded, format);
    code
}

/// Tells problems of a session with their places in its file; of very many only the first, and how many there are more.
pub(super) fn tell_first(mut problems: Vec<session::Problem>, loaded: &Loaded, format: Format) {
    let more = problems.len().saturating_sub(session::PROBLEMS_MAX);
    problems.truncate(session::PROBLEMS_MAX);
    let problems = failures::placed(problems, loaded);
    failures::tell(&problems, Some(&loaded.text), format);
    if more > 0 {
        let text = format!("{} more problems are not told", grouped(more as u64));
        let last = session::Problem::error(session::FieldPath::root(), text).in_file(&loaded.path);
        failures::tell(&[last], None, format);
    }
}

/// Takes events and panes until the run is over; how it ended.
async fn follow(mut handle: EngineHandle, printer: &mut Printer) -> Outcome {
    let mut chunks = Vec::new();
    let mut outcome = None;
    // Output may be here before the first event: whoever reads JSON is told of the run first.
    if let Some(event) = handle.events.recv().await {
        printer.event(&event);
    }
    loop {
        tokio::select! {
            event = handle.events.recv() => match event {
                Some(event) => {
                    // What a process wrote was handed over before its end was told.
                    handle.panes.take(&mut chunks);
                    printer.chunks(&mut chunks);
                    if let Event::RunEnded { outcome: how, .. } = &event.event {
                        outcome = Some(*how);
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
    let Some(outcome) = outcome else {
        streams::say("the engine ended without a word");
        return Outcome::HostLost;
    };
    if let Some(summary) = summary {
        match printer.format {
            // It never fails.
            Format::Text => drop(report::write(&summary, &folder, &mut streams::stderr())),
            Format::Json => printer.json_summary(&summary),
        }
    }
    outcome
}

/// Writes lines of ranks and events.
struct Printer {
    session: Session,
    format: Format,
    coloured: bool,
    /// Standard output can still be written.
    open: bool,
    /// Of standard output and standard error.
    lines: HashMap<Arc<ProcessId>, [Option<LineAssembler>; 2]>,
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
                    let streams = self.lines.entry(chunk.process.clone()).or_default();
                    let lines = streams[usize::from(chunk.stream != 0)].get_or_insert_with(|| {
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
                status: ExitStatus::Skipped(why),
                ..
            } if why != STOPPED_EARLY => {
                format!("{} did not run: {why}", self.session.label(process))
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
        streams::say(text);
    }

    /// The last line of a process that ended may lack its end.
    fn end_lines(&mut self, process: &ProcessId) {
        let streams = self.lines.remove(process).into_iter().flatten();
        for mut lines in streams.flatten() {
            lines.finish(&mut self.buffer);
        }
        self.json.end(process, &mut self.buffer);
        self.flush();
    }

    fn json_summary(&mut self, summary: &crate::record::Summary) {
        self.json.summary(summary, &mut self.buffer);
        self.flush();
    }

    fn finish(&mut self) {
        for lines in self.lines.values_mut().flatten().flatten() {
            lines.finish(&mut self.buffer);
        }
        self.flush();
    }

    fn flush(&mut self) {
        if self.open && !self.buffer.is_empty() {
            let mut out = io::stdout().lock();
            if let Err(error) = out.write_all(&self.buffer).and_then(|()| out.flush()) {
                self.open = false;
                streams::say(format_args!(
                    "standard output cannot be written ({error}); the run goes on, its logs are complete"
                ));
            }
        }
        self.buffer.clear();
    }
}
