//! Everything that can be found wrong before anything is started, all of it in one go.
//!
//! Owns the questions to hosts about targets, the trial placement, and the check of Python functions (which
//! reads source, and never runs the user's code). Starts no rank. Start at [`Preflight::run`].

use std::{collections::BTreeMap, io, time::Duration};

use regex::bytes::Regex;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::{
    hosts::Link,
    output::{OutputFact, Route, Routes},
    placement::{Inventory, Ledger, Seat},
    recipe::{CALL_MAX, HostSide, Recipes},
};
use crate::{
    agent::wire::{Check, ChildKey, FromAgent, Sink, Source, SpawnSpec, ToAgent},
    model::{
        document::{Session, Step},
        host::HostSpec,
        ids::{GroupName, TemplateName},
        queue::QueueServer,
        session::{FieldPath, Problem},
        template::{Alert, ProcessTemplate, Ready, Stderr, Stdout, Target, Terminal},
    },
};

/// How long the answers of a host may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Wrong in the session or on a host: exit code 2.
    pub problems: Vec<Problem>,
    /// Cannot be placed: exit code 3.
    pub refusals: Vec<Problem>,
}

impl Findings {
    /// Whether nothing keeps the session from being started.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty() && self.refusals.is_empty()
    }
}

/// The check of a session against its hosts.
pub struct Preflight<'a> {
    /// The session.
    pub session: &'a Session,
    /// Its hosts.
    pub inventory: &'a Inventory,
    /// How its processes are started.
    pub recipes: &'a Recipes,
    /// The local host.
    pub host: &'a HostSide,
}

/// One function that the Python side is asked about, and its answer.
#[derive(Debug, Deserialize)]
struct PythonAnswer {
    id: usize,
    error: Option<String>,
    #[serde(default)]
    line: Option<u64>,
    #[serde(default)]
    suggestion: Option<String>,
}

fn templates(session: &Session) -> impl Iterator<Item = (&GroupName, FieldPath, &ProcessTemplate)> {
    session.groups.iter().flat_map(|(group, spec)| {
        spec.templates.iter().map(move |(name, template)| {
            (
                group,
                FieldPath::template(group.as_str(), name.as_str()),
                template,
            )
        })
    })
}

/// What this version cannot do for a session that is right in itself.
pub fn unsupported(session: &Session) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, host) in session.hosts.iter().enumerate() {
        if let HostSpec::Ssh(_) | HostSpec::Slurm(_) = host {
            problems.push(Problem::error(
                FieldPath::root().name("hosts").index(index),
                "hosts by ssh or Slurm cannot be reached by this version: it runs on this machine; \
                 write Declared(…) to plan for such a host",
            ));
        }
    }
    if matches!(session.queue_server, QueueServer::Redis(_)) {
        problems.push(Problem::error(
            FieldPath::root().name("queue_server"),
            "an external queue server cannot be used by this version: leave the field out for the embedded one",
        ));
    }
    problems
}

/// What can be found wrong without asking a host.
pub fn without_hosts(session: &Session) -> Vec<Problem> {
    let mut problems = Vec::new();
    for pattern in session.patterns() {
        if let Err(error) = Regex::new(pattern.text) {
            let why = error.to_string();
            let why = why
                .lines()
                .last()
                .unwrap_or_default()
                .trim_start_matches("error: ")
                .to_owned();
            let text = format!("{:?} is no regular expression: {why}", pattern.text);
            problems.push(Problem::error(pattern.path, text));
        }
    }
    for (_, path, template) in templates(session) {
        let unseen = template.stdout != Stdout::Pane && template.stderr != Stderr::Pane;
        if matches!(template.ready, Some(Ready::Line(_))) && unseen {
            problems.push(Problem::error(
                path.name("ready"),
                "a line can only be seen in output that goes to the pane: set stdout or stderr to Pane, \
                 or use Tcp or Exec",
            ));
        }
        for (index, alert) in template.alerts.iter().enumerate() {
            if unseen && let Alert::Quiet(_) | Alert::Line(_) = alert {
                problems.push(Problem::error(
                    path.name("alerts").index(index),
                    "it is about output that goes to the pane, and none does: set stdout or stderr to Pane",
                ));
            }
        }
        if let Target::Python(_) = template.target
            && Recipes::call_size(template) > CALL_MAX
        {
            problems.push(Problem::error(
                path.name("args"),
                format!(
                    "the arguments are longer than {} KiB: pass a file or a queue instead",
                    CALL_MAX >> 10
                ),
            ));
        }
    }
    problems
}

/// Everything placed on paper.
#[derive(Debug, Default)]
pub struct Trial {
    /// The seats of each template's ranks, in order of rank.
    pub seats: Vec<(GroupName, TemplateName, Vec<Seat>)>,
    /// What cannot be placed.
    pub refusals: Vec<Problem>,
}

/// Places everything on paper: groups that start at once together, each of the rest (it waits for another one, or the
/// timeline starts it) on its own, as it gets what those before it give back.
pub fn trial(session: &Session, inventory: &Inventory) -> Trial {
    let mut trial = Trial::default();
    let mut together = Ledger::new(inventory.clone());
    for (group, spec) in &session.groups {
        let mut alone = Ledger::new(inventory.clone());
        let later = session.timeline.iter().any(|entry| {
            matches!(&entry.step, Step::Start(selector) if selector.group == *group && entry.at > Duration::ZERO)
        });
        let ledger = if spec.after.is_empty() && !later {
            &mut together
        } else {
            &mut alone
        };
        for (name, template) in &spec.templates {
            match ledger.place(
                group,
                name,
                0..template.replicas,
                &session.policy_of(group, name),
            ) {
                Ok(seats) => trial.seats.push((group.clone(), name.clone(), seats)),
                Err(refusal) => {
                    let path = FieldPath::template(group.as_str(), name.as_str()).name("policy");
                    trial
                        .refusals
                        .push(Problem::error(path, refusal.to_string()));
                }
            }
        }
    }
    trial
}

/// What keeps a session from being placed here and now: no room, or a host that is only declared.
pub fn placement(session: &Session, inventory: &Inventory) -> Vec<Problem> {
    let Trial {
        seats,
        mut refusals,
    } = trial(session, inventory);
    for (group, template, seats) in seats {
        let host = seats
            .iter()
            .map(|seat| &inventory.hosts[seat.host])
            .find(|host| !host.reachable);
        if let Some(host) = host {
            let text = format!(
                "it would run on {0}, which is only declared and cannot be reached from here: \
                 --host-alias {0}=localhost lets this machine stand in",
                host.name
            );
            let path = FieldPath::template(group.as_str(), template.as_str()).name("policy");
            refusals.push(Problem::error(path, text));
        }
    }
    refusals
}

impl Preflight<'_> {
    /// Asks everything. `link` and `facts` are those of the local host, whose output thread runs already.
    ///
    /// # Errors
    /// When the host is lost meanwhile, or does not answer in time.
    pub async fn run(
        &self,
        link: &mut Link,
        routes: &Routes,
        facts: &mut mpsc::Receiver<OutputFact>,
    ) -> io::Result<Findings> {
        let mut findings = Findings {
            problems: unsupported(self.session)
                .into_iter()
                .chain(without_hosts(self.session))
                .collect(),
            refusals: placement(self.session, self.inventory),
        };
        let targets = self.targets(link, &mut findings.problems);
        let late = || io::Error::new(io::ErrorKind::TimedOut, "the host does not answer");
        tokio::time::timeout(PATIENCE, targets)
            .await
            .map_err(|_| late())??;
        let python = self.python(link, routes, facts, &mut findings.problems);
        tokio::time::timeout(PATIENCE, python)
            .await
            .map_err(|_| late())??;
        Ok(findings)
    }

    /// The folder of a template's ranks; one that differs from rank to rank is seen when the rank starts.
    fn folder_of(&self, template: &ProcessTemplate) -> Option<String> {
        let cwd = template.cwd.as_deref().filter(|cwd| !cwd.contains('{'));
        cwd.map(|cwd| self.recipes.path(cwd))
    }

    /// Can the programs be run, the folders be entered? The same question is asked once.
    async fn targets(&self, link: &mut Link, problems: &mut Vec<Problem>) -> io::Result<()> {
        // Which fields a fault of the program, and one of the folder, is about.
        let mut questions: BTreeMap<Check, [Vec<FieldPath>; 2]> = BTreeMap::new();
        for (_, path, template) in templates(self.session) {
            let program = match &template.target {
                Target::Program(program) => self.recipes.program(program),
                Target::Shell(_) => "/bin/sh".to_owned(),
                Target::Python(_) => self
                    .recipes
                    .program(&self.recipes.interpreter(self.session)),
            };
            let check = |program| Check {
                program,
                path: template.env.get("PATH").cloned(),
                cwd: self.folder_of(template),
            };
            let [programs, folders] = questions.entry(check(program)).or_default();
            programs.push(path.name("target"));
            folders.push(path.name("cwd"));
            // A program that differs from rank to rank is seen when it is asked.
            if let Some(Ready::Exec(command)) = &template.ready
                && let Some(program) = command.first().filter(|program| !program.contains('{'))
            {
                let check = check(self.recipes.program(program));
                questions.entry(check).or_default()[0].push(path.name("ready"));
            }
        }
        let questions: Vec<_> = questions.into_iter().collect();
        for (id, (check, _)) in questions.iter().enumerate() {
            link.send(&ToAgent::Check(id as u32, check.clone()));
        }
        let mut open = questions.len();
        let mut messages = Vec::new();
        while open > 0 {
            link.flush()?;
            link.ready(true).await?;
            link.read(&mut messages)?;
            for message in messages.drain(..) {
                let FromAgent::Checked(id, faults) = message else {
                    continue;
                };
                open -= 1;
                let Some((_, fields)) = questions.get(id as usize) else {
                    continue;
                };
                for (paths, text) in fields.iter().zip([faults.program, faults.cwd]) {
                    let Some(text) = text else { continue };
                    let told = paths
                        .iter()
                        .map(|path| Problem::error(path.clone(), text.clone()));
                    problems.extend(told);
                }
            }
        }
        Ok(())
    }

    /// Do the Python functions exist? One interpreter reads the sources of all.
    async fn python(
        &self,
        link: &mut Link,
        routes: &Routes,
        facts: &mut mpsc::Receiver<OutputFact>,
        problems: &mut Vec<Problem>,
    ) -> io::Result<()> {
        let asked: Vec<(FieldPath, String, &ProcessTemplate)> = templates(self.session)
            .filter_map(|(_, path, template)| match &template.target {
                Target::Python(python) => Some((
                    path.name("target"),
                    self.recipes.python_target(python),
                    template,
                )),
                _ => None,
            })
            .collect();
        if asked.is_empty()
            || problems
                .iter()
                .any(|problem| asked.iter().any(|(path, ..)| problem.path == *path))
        {
            return Ok(());
        }
        let questions: Vec<_> = asked
            .iter()
            .enumerate()
            .map(|(id, (_, target, _))| serde_json::json!({ "id": id, "target": target }))
            .collect();
        let child = ChildKey(u64::MAX);
        routes.add(child, Route::Capture);
        let path = asked
            .iter()
            .find_map(|(_, _, template)| template.env.get("PYTHONPATH"));
        let mut env = vec![(
            "DRAGON_TUI_CHECK".to_owned(),
            serde_json::Value::from(questions).to_string(),
        )];
        env.extend(path.map(|path| ("PYTHONPATH".to_owned(), path.clone())));
        let interpreter = self
            .recipes
            .program(&self.recipes.interpreter(self.session));
        link.send(&ToAgent::Spawn(Box::new(SpawnSpec {
            child,
            task: "preflight".to_owned(),
            program: interpreter.clone(),
            args: vec![format!(
                "{}/{}",
                self.host.python_home,
                crate::python::embed::PREFLIGHT
            )],
            env,
            cwd: None,
            stdin: Source::Null,
            stdout: Sink::Pane { muted: false },
            stderr: Sink::Stdout,
            terminal: Terminal::Pipe,
            size: (24, 80),
            cpus: Vec::new(),
        })));
        let mut said = None;
        let mut messages = Vec::new();
        let failed = loop {
            link.flush()?;
            tokio::select! {
                ready = link.ready(true) => {
                    ready?;
                    link.read(&mut messages)?;
                    let failure = messages.drain(..).find_map(|message| match message {
                        FromAgent::SpawnFailed { reason, .. } => Some(reason),
                        _ => None,
                    });
                    if failure.is_some() {
                        break failure;
                    }
                }
                fact = facts.recv() => match fact {
                    Some(OutputFact::Captured(_, bytes)) => said = Some(bytes),
                    Some(OutputFact::Credit(credit)) => {
                        for (child, bytes) in credit {
                            link.send(&ToAgent::Credit(child, bytes));
                        }
                    }
                    Some(OutputFact::Eof(..)) => break None,
                    Some(_) => {}
                    None => return Err(io::ErrorKind::BrokenPipe.into()),
                },
            }
        };
        let said = String::from_utf8_lossy(&said.unwrap_or_default()).into_owned();
        let answers: Result<Vec<PythonAnswer>, _> =
            serde_json::from_str(said.lines().last().unwrap_or_default());
        match (failed, answers) {
            (None, Ok(answers)) => {
                for answer in answers {
                    let (Some(error), Some((path, ..))) = (answer.error, asked.get(answer.id))
                    else {
                        continue;
                    };
                    let mut problem = Problem::error(
                        path.clone(),
                        match answer.line {
                            Some(line) => format!("{error} (line {line})"),
                            None => error,
                        },
                    );
                    problem.help = answer.suggestion.map(Into::into);
                    problems.push(problem);
                }
            }
            (failed, _) => {
                let why = failed.unwrap_or_else(|| {
                    said.trim()
                        .lines()
                        .last()
                        .unwrap_or("it said nothing")
                        .to_owned()
                });
                let text = format!("{interpreter} cannot look at the Python targets: {why}");
                problems.push(Problem::error(FieldPath::root().name("python"), text));
            }
        }
        Ok(())
    }
}
