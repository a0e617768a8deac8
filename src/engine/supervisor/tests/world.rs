//! A world for the supervisor to act on: it does what it is told, at a clock of its own.

use super::super::*;
use crate::{
    engine::placement::{HostFacts, Inventory},
    model::{
        cpuset::CpuSet,
        ids::HostName,
        template::{ProcessGroup, ProcessTemplate, Target},
    },
};

/// A supervisor with a clock of its own and a world that does what it is told.
pub struct World {
    pub supervisor: Supervisor,
    pub now: Instant,
    /// Living children: their process, and whether they end when signalled with INT or TERM.
    pub alive: BTreeMap<ChildKey, ProcessId>,
    pub stubborn: Vec<String>,
    pub unstartable: Vec<String>,
    pub events: Vec<Event>,
    pub actions: Vec<Action>,
    pub over: Option<(Outcome, Option<ProcessId>)>,
}

pub fn template() -> ProcessTemplate {
    ProcessTemplate::new(Target::Program("x".to_owned()))
}

pub fn session(groups: Vec<(&str, ProcessGroup)>) -> Session {
    Session {
        version: 1,
        groups: groups
            .into_iter()
            .map(|(name, group)| (name.parse().unwrap(), group))
            .collect(),
        ..Session::default()
    }
}

pub fn group(templates: Vec<(&str, ProcessTemplate)>) -> ProcessGroup {
    ProcessGroup {
        templates: templates
            .into_iter()
            .map(|(name, template)| (name.parse().unwrap(), template))
            .collect(),
        ..ProcessGroup::default()
    }
}

impl World {
    pub fn new(session: &Session) -> Self {
        let localhost = HostFacts {
            name: HostName::localhost(),
            aliases: Vec::new(),
            cpus: (0..4).collect(),
            gpus: CpuSet::default(),
            listed: false,
            reachable: true,
        };
        let ledger = Ledger::new(Inventory {
            hosts: vec![localhost],
        });
        Self {
            supervisor: Supervisor::new(
                session,
                ledger,
                Options {
                    end_when_done: true,
                },
            ),
            now: Instant::now(),
            alive: BTreeMap::new(),
            stubborn: Vec::new(),
            unstartable: Vec::new(),
            events: Vec::new(),
            actions: Vec::new(),
            over: None,
        }
    }

    pub fn started(session: &Session) -> Self {
        let mut world = Self::new(session);
        for name in session.groups.keys() {
            world.command(Command::Start(Selector::group(name.clone())));
        }
        world
    }

    pub fn command(&mut self, command: Command) {
        self.give(Input::Command(command));
    }

    pub fn give(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for action in self.supervisor.step(input, self.now) {
                self.actions.push(action.clone());
                match action {
                    Action::Spawn { child, process, .. } => {
                        let name = process.template.to_string();
                        if self.unstartable.contains(&name) {
                            inputs.push_back(Input::SpawnFailed {
                                child,
                                reason: "no".to_owned(),
                            });
                        } else {
                            self.alive.insert(child, process);
                            inputs.push_back(Input::Spawned {
                                child,
                                pid: 1,
                                channel: Channel::Pipe,
                            });
                        }
                    }
                    Action::Signal(child, signal) => {
                        let gives_in = self
                            .alive
                            .get(&child)
                            .is_some_and(|p| !self.stubborn.contains(&p.template.to_string()));
                        if gives_in {
                            inputs.extend(
                                self.death(child, Exit::Signal(signal_number(signal), false)),
                            );
                        }
                    }
                    Action::KillTree(child) => {
                        inputs.extend(self.death(child, Exit::Signal(9, false)))
                    }
                    Action::Mute(child, muted) => {
                        inputs.push_back(Input::Muted {
                            child,
                            muted,
                            discarded: 0,
                        });
                    }
                    Action::Emit(event) => self.events.push(event),
                    Action::Over {
                        outcome,
                        first_failure,
                    } => self.over = Some((outcome, first_failure)),
                    Action::Close(child) => inputs.push_back(Input::Eof(child)),
                    Action::Sweep(..) | Action::Input(..) | Action::Resize(..) => {}
                }
            }
        }
    }

    pub fn death(&mut self, child: ChildKey, exit: Exit) -> Vec<Input> {
        match self.alive.remove(&child) {
            Some(_) => vec![
                Input::Exited {
                    child,
                    exit,
                    usage: Usage::default(),
                },
                Input::Eof(child),
            ],
            None => Vec::new(),
        }
    }

    pub fn child(&self, process: &str) -> ChildKey {
        let process: ProcessId = process.parse().unwrap();
        *self
            .alive
            .iter()
            .find(|(_, id)| **id == process)
            .unwrap_or_else(|| panic!("{process} is not alive"))
            .0
    }

    pub fn exits(&mut self, process: &str, code: i32) {
        let child = self.child(process);
        for input in self.death(child, Exit::Code(code)) {
            self.give(input);
        }
    }

    pub fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(deadline) = self
            .supervisor
            .deadline()
            .filter(|deadline| *deadline <= until)
        {
            self.now = deadline;
            self.give(Input::Tick);
        }
        self.now = until;
    }

    pub fn alive(&self) -> Vec<String> {
        let mut names: Vec<_> = self.alive.values().map(ToString::to_string).collect();
        names.sort();
        names
    }

    pub fn outcome(&self) -> Outcome {
        self.over.clone().expect("the run is not over").0
    }

    pub fn status(&self, process: &str) -> String {
        let wanted: ProcessId = process.parse().unwrap();
        self.events
            .iter()
            .rev()
            .find_map(|event| match event {
                Event::ProcessEnded {
                    process, status, ..
                } if *process == wanted => Some(status.to_string()),
                _ => None,
            })
            .unwrap_or_default()
    }
}

pub fn signal_number(signal: Signal) -> i32 {
    match signal {
        Signal::INT => 2,
        Signal::TERM => 15,
        _ => 1,
    }
}
