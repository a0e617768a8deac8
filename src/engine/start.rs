//! The start of an engine: folders, queues, agent, checks; and nothing left behind when one of them fails.
//!
//! Owns the order of these steps. What happens afterwards is in `runtime`.

use std::{
    collections::hash_map::RandomState,
    fs::{self, OpenOptions},
    hash::{BuildHasher, Hasher},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::mpsc::{SyncSender, sync_channel},
    thread,
    time::{Duration, Instant, SystemTime},
};

use tokio::sync::{mpsc, watch};

use super::{
    COMMANDS_MAX, CommandSender, EVENTS_MAX, EngineHandle, EngineOptions, StartError, Wish,
    hosts::{self, Link},
    output::{self, OutputFact, Routes},
    panes::{PaneFeed, panes},
    placement::Ledger,
    preflight::Preflight,
    queues::{QueueDecl, QueueQuestions, QueueServer, QueueServerHandle, ServerOptions},
    recipe::{HostSide, Recipes},
    record_thread::RecordThread,
    runtime::{Parts, Runtime},
    socket_folder::SocketFolder,
    supervisor::{Options, Supervisor},
    watches,
};
use crate::{
    agent::{
        guardian,
        wire::{self, FromAgent, Hello, MARK_VARIABLE, ToAgent, Welcome},
    },
    model::{document::Session, event::Samples, ids::HostName, session},
    record::{EngineInfo, LAST_LINES_MAX, RunFolder, Summary, Tally, tail_lines},
};

/// How long an agent may take to answer the first message.
const WELCOME: Duration = Duration::from_secs(10);

/// Facts from the output thread that may wait for the engine; then the thread waits, and with it the processes.
const FACTS_MAX: usize = 1024;

/// How much of the end of an agent's log belongs to an error, in bytes.
const LAST_WORDS: usize = 4 << 10;

/// How often an id is drawn before a folder for sockets that exists is a failure.
const DRAWS_MAX: u32 = 64;

/// Variables of the engine's environment that no rank gets: they speak of the user's terminal and login.
fn is_private(name: &str) -> bool {
    name.starts_with("SSH_")
        || name.starts_with("TMUX")
        || matches!(name, "DISPLAY" | "XDG_RUNTIME_DIR")
}

fn failed<E: std::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> StartError {
    move |error| StartError::Engine(format!("{what}: {error}"))
}

/// A name for everything that this run starts, which no other run has.
fn mark_of(run: &str) -> String {
    let random = RandomState::new().build_hasher().finish();
    format!("{run}-{random:016x}")
}

/// The environment that ranks start from: the engine's, less what is private, with one more mark.
fn environment(mark: &str) -> Vec<(String, String)> {
    let mut env: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| !is_private(name) && name != MARK_VARIABLE)
        .collect();
    let marks = match std::env::var(MARK_VARIABLE) {
        Ok(outer) if !outer.is_empty() => format!("{outer}:{mark}"),
        _ => mark.to_owned(),
    };
    env.push((MARK_VARIABLE.to_owned(), marks));
    env
}

fn default_python() -> String {
    match std::env::var("VIRTUAL_ENV") {
        Ok(folder) if !folder.is_empty() => format!("{folder}/bin/python3"),
        _ => "python3".to_owned(),
    }
}

/// What a run that died on this host left behind is ended, by its mark, before the next one starts.
fn sweep_stale(options: &EngineOptions) {
    let Ok(stale) = options.runs.stale_runs() else {
        return;
    };
    for run in stale {
        let swept = guardian::sweep(&run.engine.mark);
        if swept.killed > 0 {
            tracing::warn!(
                "run {} died and had left {} processes behind: they were ended",
                run.id,
                swept.killed
            );
        }
        if !swept.clean {
            // Something of it may live: the next start looks again.
            continue;
        }
        if let Err(error) = SocketFolder::remove_of_dead(&run.id) {
            tracing::warn!("the sockets of run {} stay: {error}", run.id);
        }
        if let Err(error) = options.runs.mark_swept(&run.id, SystemTime::now()) {
            tracing::warn!("{error}");
        }
    }
}

/// A run's record and sockets, under an id that neither had before. Records of one user can lie in several places
/// (another `XDG_STATE_HOME`), while his sockets all lie in one: there an id may be in use already.
fn draw(
    session: &Session,
    options: &EngineOptions,
    text: &str,
) -> Result<(RunFolder, String, Option<io::Result<SocketFolder>>), StartError> {
    let mut draws = 0;
    loop {
        let mut mark = String::new();
        let mut sockets = None;
        let folder = RunFolder::create(&options.runs, text, |id| {
            mark = mark_of(id);
            sockets = Some(SocketFolder::create(id));
            let socket = match &sockets {
                Some(Ok(sockets)) => sockets.queue_socket().to_string_lossy().into_owned(),
                _ => String::new(),
            };
            EngineInfo {
                mark: mark.clone(),
                queue_socket: socket,
                session: options.name.clone(),
                folder: options.session_folder.to_string_lossy().into_owned(),
                cwd: std::env::current_dir()
                    .map(|cwd| cwd.to_string_lossy().into_owned())
                    .unwrap_or_default(),
                host_aliases: options.aliases.clone(),
                ranks: session.process_count(),
                ..EngineInfo::of_this_process()
            }
        })
        .map_err(failed("the run cannot be recorded"))?;
        draws += 1;
        match &sockets {
            Some(Err(error))
                if error.kind() == io::ErrorKind::AlreadyExists && draws < DRAWS_MAX =>
            {
                folder
                    .discard()
                    .map_err(failed("the run cannot be recorded"))?;
            }
            _ => return Ok((folder, mark, sockets)),
        }
    }
}

pub(super) fn start(session: Session, options: EngineOptions) -> Result<EngineHandle, StartError> {
    sweep_stale(&options);
    let text = options
        .text
        .clone()
        .unwrap_or_else(|| session::save(&session, None));
    let (folder, mark, sockets) = draw(&session, &options, &text)?;
    let run = folder.id().to_owned();
    let path = folder.path().to_owned();
    let (ready, readied) = sync_channel(1);
    let (commands, commands_in) = mpsc::channel(COMMANDS_MAX);
    let (events, events_out) = mpsc::channel(EVENTS_MAX);
    let (panes, feed) = panes();
    if options.follow_all {
        panes.follow_all();
    }
    let (samples, samples_out) = watch::channel(Samples::default());
    let starter = Starter {
        session,
        options,
        folder,
        mark,
        sockets,
        feed,
        ready,
        commands_in,
        events,
        samples,
    };
    let thread = thread::Builder::new()
        .name("engine".to_owned())
        .spawn(move || starter.run())
        .map_err(|error| {
            // What was to go to the thread is gone, the folder's owner too.
            let _ = fs::remove_dir_all(&path);
            failed("the engine's thread cannot be started")(error)
        })?;
    match readied.recv() {
        Ok(Ok(queues)) => Ok(EngineHandle {
            run,
            folder: path,
            commands: CommandSender(commands),
            events: events_out,
            panes,
            samples: samples_out,
            queues,
            thread,
        }),
        Ok(Err(error)) => {
            let _ = thread.join();
            Err(error)
        }
        Err(_) => Err(StartError::Engine(
            "the engine ended before it had started".to_owned(),
        )),
    }
}

/// What goes to the engine's thread.
struct Starter {
    session: Session,
    options: EngineOptions,
    folder: RunFolder,
    mark: String,
    sockets: Option<io::Result<SocketFolder>>,
    feed: PaneFeed,
    ready: SyncSender<Result<QueueQuestions, StartError>>,
    commands_in: mpsc::Receiver<Wish>,
    events: mpsc::Sender<crate::model::event::Stamped>,
    samples: watch::Sender<Samples>,
}

/// What was made on the way to a running engine.
struct Made {
    link: Link,
    host: HostSide,
    welcome: Welcome,
    queues: QueueServerHandle,
    recipes: Recipes,
    ledger: Ledger,
    routes: Routes,
    facts: mpsc::Receiver<OutputFact>,
    facts_in: mpsc::WeakSender<OutputFact>,
    output: thread::JoinHandle<()>,
    output_clock: Instant,
    sockets: SocketFolder,
}

impl Starter {
    fn run(mut self) -> Option<Summary> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => {
                self.give_up(StartError::Engine(format!(
                    "the engine's loop cannot be made: {error}"
                )));
                return None;
            }
        };
        let made = runtime.block_on(self.make());
        match made {
            Err(error) => {
                self.give_up(error);
                None
            }
            Ok(made) => {
                let Starter {
                    session,
                    options,
                    folder,
                    feed,
                    ready,
                    commands_in,
                    events,
                    samples,
                    mark,
                    ..
                } = self;
                drop(feed);
                let info = EngineInfo::of_this_process();
                let started = SystemTime::now()
                    .duration_since(SystemTime::UNIX_EPOCH)
                    .map(|since| since.as_secs())
                    .unwrap_or_default();
                let tally =
                    Tally::new(folder.id(), &options.name, started, session.process_count());
                let (run, path) = (folder.id().to_owned(), folder.path().to_owned());
                let own = run.clone();
                let record = match RecordThread::start(folder, tally, made.facts_in) {
                    Ok(record) => record,
                    Err(error) => {
                        let _ = fs::remove_dir_all(&path);
                        let _ = ready.send(Err(StartError::Engine(format!(
                            "no thread for the record: {error}"
                        ))));
                        return None;
                    }
                };
                let watches = match watches::watch(&session, |path| made.recipes.path(path)) {
                    Ok(watches) => watches,
                    Err(error) => {
                        let _ = ready.send(Err(StartError::Engine(format!(
                            "no thread for watched files: {error}"
                        ))));
                        return None;
                    }
                };
                let all = &made.ledger.inventory().hosts;
                let local = all.iter().position(|host| host.name.is_localhost());
                let local = local.unwrap_or_default();
                let mut hosts = vec![None; all.len()];
                if let Some(host) = hosts.get_mut(local) {
                    *host = Some(made.host);
                }
                let supervisor = Supervisor::new(
                    &session,
                    made.ledger,
                    Options {
                        end_when_done: options.replay,
                    },
                );
                let questions = made.queues.questions().clone();
                let engine = Runtime::new(Parts {
                    session,
                    name: options.name.clone(),
                    run,
                    mark,
                    engine_host: info.host,
                    supervisor,
                    recipes: made.recipes,
                    hosts,
                    welcome: made.welcome,
                    link: made.link,
                    routes: made.routes,
                    facts: made.facts,
                    output: Some(made.output),
                    queues: made.queues,
                    sockets: made.sockets,
                    record,
                    commands: commands_in,
                    events,
                    samples,
                    agent: options.agent.clone(),
                    output_clock: made.output_clock,
                    watches,
                    local,
                    replay: options.replay,
                });
                let _ = ready.send(Ok(questions));
                let summary = runtime.block_on(engine.run());
                let pruned = options
                    .runs
                    .prune_but(&own, options.limits, SystemTime::now());
                if let Err(error) = pruned {
                    tracing::warn!("old runs were not pruned: {error}");
                }
                summary
            }
        }
    }

    fn give_up(self, error: StartError) {
        if let Err(error) = self.folder.discard() {
            tracing::warn!("{error}");
        }
        let _ = self.ready.send(Err(error));
    }

    async fn make(&mut self) -> Result<Made, StartError> {
        let output_clock = Instant::now();
        let sockets = match self.sockets.take() {
            Some(Ok(sockets)) => sockets,
            Some(Err(error)) => {
                return Err(StartError::Engine(format!(
                    "no folder for sockets: {error}"
                )));
            }
            None => return Err(StartError::Engine("no folder for sockets".to_owned())),
        };
        let declared = self.session.queues.iter().map(|(name, queue)| QueueDecl {
            name: name.to_string(),
            maxsize: queue.maxsize,
            maxbytes: queue.maxbytes,
            joinable: queue.joinable,
        });
        let socket = sockets.queue_socket();
        let queues =
            QueueServer::start(socket.clone(), declared.collect(), ServerOptions::default())
                .map_err(failed("the queue server cannot be started"))?;
        let log_path = self.folder.path().join("agent.log");
        let log = open_log(&log_path).map_err(failed("the agent has no log"))?;
        let (mut link, bulk) = hosts::local::start(&self.options.agent, log)
            .map_err(failed("the agent cannot be started"))?;
        let cwd = std::env::current_dir().map_err(failed("the present folder cannot be read"))?;
        let wants_gpus = self.session.groups.iter().any(|(name, group)| {
            group.templates.keys().any(|template| {
                let policy = self.session.policy_of(name, template);
                policy.gpus.is_some_and(|count| count > 0) || policy.gpu_affinity.is_some()
            })
        });
        link.send(&ToAgent::Hello(Hello {
            version: wire::VERSION,
            run: self.folder.id().to_owned(),
            mark: self.mark.clone(),
            env: environment(&self.mark),
            cwd: cwd.to_string_lossy().into_owned(),
            gpus: wants_gpus,
            sample_every: self.options.sample_every,
        }));
        let welcome = match tokio::time::timeout(WELCOME, welcome(&mut link)).await {
            Ok(Ok(welcome)) => welcome,
            Ok(Err(error)) => {
                let said = last_words(&log_path);
                return Err(StartError::Engine(format!(
                    "the agent did not start: {error}{said}"
                )));
            }
            Err(_) => {
                let said = last_words(&log_path);
                return Err(StartError::Engine(format!(
                    "the agent does not answer{said}"
                )));
            }
        };
        if welcome.version != wire::VERSION {
            return Err(StartError::Engine(format!(
                "the agent speaks version {} of our protocol and this engine version {}: install one dragon-tui",
                welcome.version,
                wire::VERSION
            )));
        }
        let routes = Routes::default();
        let (facts_in, mut facts) = mpsc::channel(FACTS_MAX);
        let weak = facts_in.downgrade();
        let (logs, feed, to_read) = (self.folder.logs(), self.feed.clone(), routes.clone());
        let output = thread::Builder::new()
            .name("output".to_owned())
            .spawn(move || {
                output::run(bulk, to_read, logs, feed, facts_in, output_clock);
            })
            .map_err(failed("no thread for output"))?;
        let inventory = hosts::inventory(&self.session, &self.options.aliases, &welcome);
        let python_home = welcome.python_path.clone().unwrap_or_default();
        let host = HostSide {
            name: HostName::localhost(),
            python_home,
        };
        let recipes = Recipes {
            run: self.folder.id().to_owned(),
            session_folder: self.options.session_folder.clone(),
            python: default_python(),
            queue_socket: socket.to_string_lossy().into_owned(),
            size: self.options.size,
        };
        let preflight = Preflight {
            session: &self.session,
            inventory: &inventory,
            recipes: &recipes,
            host: &host,
            no_python: welcome.python_path.as_ref().err().map(String::as_str),
            folder: self.folder.path(),
        };
        let mut findings = preflight
            .run(&mut link, &routes, &mut facts)
            .await
            .map_err(failed("the session cannot be checked on this host"))?;
        findings
            .problems
            .extend(hosts::unknown_aliases(&self.options.aliases, &inventory));
        if !findings.problems.is_empty() {
            let all = findings
                .problems
                .into_iter()
                .chain(findings.refusals)
                .collect();
            return Err(StartError::Problems(all));
        }
        if !findings.refusals.is_empty() {
            return Err(StartError::Unplaceable(findings.refusals));
        }
        let ledger = Ledger::new(inventory);
        Ok(Made {
            link,
            host,
            welcome,
            queues,
            recipes,
            ledger,
            routes,
            facts,
            facts_in: weak,
            output,
            output_clock,
            sockets,
        })
    }
}

/// Waits for the answer to `Hello`. An agent that will not serve us says why in a notice, and ends.
async fn welcome(link: &mut Link) -> io::Result<Welcome> {
    let mut messages = Vec::new();
    let mut notices = Vec::new();
    loop {
        // Gone before it was asked: what it said may still be there.
        let sent = link.flush();
        link.ready(true).await?;
        let read = link.read(&mut messages);
        for message in messages.drain(..) {
            match message {
                FromAgent::Welcome(welcome) => return Ok(*welcome),
                FromAgent::Notice(_, _, text) => notices.push(text),
                _ => {}
            }
        }
        match read.and(sent) {
            Ok(()) => {}
            Err(_) if !notices.is_empty() => return Err(io::Error::other(notices.join("; "))),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(io::Error::other("it ended at once"));
            }
            Err(error) => return Err(error),
        }
    }
}

/// The end of what the agent wrote to its log, to be put behind an error.
fn last_words(log: &Path) -> String {
    match tail_lines(log, LAST_LINES_MAX, LAST_WORDS) {
        Ok(lines) if !lines.is_empty() => format!("; it said: {}", lines.join(" / ")),
        _ => String::new(),
    }
}

fn open_log(path: &Path) -> io::Result<std::fs::File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}
