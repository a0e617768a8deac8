//! Everything that can be found wrong before anything is started, all of it in one go.
//!
//! Owns the questions to hosts about targets, the trial placement, and the check of Python functions (which
//! reads source, and never runs the user's code). Starts no rank. Start at [`Preflight::run`].

mod python;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, io, path::Path, time::Duration};

use regex::bytes::Regex;
use tokio::sync::mpsc;

use super::{
    hosts::Link,
    output::{OutputFact, Routes},
    placement::{Inventory, Ledger, Seat},
    recipe::{CALL_MAX, HostSide, Recipes},
};
use crate::{
    agent::wire::{Check, FromAgent, ToAgent},
    model::{
        document::{Session, Step},
        host::HostSpec,
        ids::{GroupName, TemplateName},
        queue::QueueServer,
        session::{FieldPath, Problem},
        template::{Alert, ProcessTemplate, Ready, Stderr, Stdout, Target},
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
    /// Why the Python package could not be unpacked there.
    pub no_python: Option<&'a str>,
    /// A private folder on it, for the question about Python functions.
    pub folder: &'a Path,
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
    on_paper(session, inventory, false)
}

/// The same, but of a template that cannot be placed as a whole the ranks before the first that is refused get seats.
pub fn trial_in_part(session: &Session, inventory: &Inventory) -> Trial {
    on_paper(session, inventory, true)
}

fn on_paper(session: &Session, inventory: &Inventory, in_part: bool) -> Trial {
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
            let policy = session.policy_of(group, name);
            match ledger.place(group, name, 0..template.replicas, &policy) {
                Ok(seats) => trial.seats.push((group.clone(), name.clone(), seats)),
                Err(refusal) => {
                    if in_part
                        && let Ok(seats) =
                            ledger.place(group, name, 0..refusal.process.rank, &policy)
                    {
                        trial.seats.push((group.clone(), name.clone(), seats));
                    }
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
}
