//! What hosts and the output thread report, and which input of the supervisor it becomes.

use std::time::Instant;

use super::Runtime;
use crate::{
    agent::wire::{AgentSamples, ChildKey, Exit, FromAgent, ToAgent},
    engine::{line_watch::Seen, output::OutputFact, probes::Probes, supervisor::Input},
    model::{
        event::{Event, HostSample, Level, ProcessSample, Samples},
        ids::HostName,
    },
};

impl Runtime {
    pub(super) fn hear(&mut self, read: bool, broken: bool) {
        let mut messages = Vec::new();
        let lost = if broken {
            Some("its agent's channel is broken".to_owned())
        } else if read {
            self.parts
                .link
                .read(&mut messages)
                .err()
                .map(|error| match error.kind() {
                    std::io::ErrorKind::UnexpectedEof => "its agent is gone".to_owned(),
                    _ => error.to_string(),
                })
        } else {
            None
        };
        for message in messages {
            self.message(message);
        }
        if let Some(reason) = lost {
            self.lose_host(&reason);
        }
    }

    pub(super) fn lose_host(&mut self, reason: &str) {
        if std::mem::replace(&mut self.linked, false) {
            self.probes = Probes::default();
            self.silences.clear();
            self.input(Input::HostLost {
                host: 0,
                reason: reason.to_owned(),
            });
        }
    }

    pub(super) fn message(&mut self, message: FromAgent) {
        match message {
            FromAgent::Spawned {
                child,
                pid,
                channel,
            } => {
                if !self.probes.is_question(child) {
                    self.input(Input::Spawned {
                        child,
                        pid,
                        channel,
                    });
                }
            }
            FromAgent::SpawnFailed { child, reason } => {
                if self.probes.is_question(child) {
                    if let Some(rank) = self.processes.get(&child).cloned() {
                        self.notice(
                            Level::Warning,
                            Some((*rank).clone()),
                            format!("its readiness: {reason}"),
                        );
                    }
                    self.answered(child, None);
                } else {
                    self.forget(child);
                    self.input(Input::SpawnFailed { child, reason });
                }
            }
            FromAgent::Exited { child, exit, usage } => {
                if self.probes.is_question(child) {
                    self.answered(child, Some(exit));
                } else {
                    if let Some(action) = self.probes.remove(child) {
                        self.probe(action);
                    }
                    self.silences.remove(&child);
                    self.input(Input::Exited { child, exit, usage });
                }
            }
            FromAgent::Muted {
                child,
                muted,
                discarded,
            } => {
                self.input(Input::Muted {
                    child,
                    muted,
                    discarded,
                });
            }
            FromAgent::InputRefused(child) => {
                if let Some(process) = self.processes.get(&child) {
                    let reason = format!(
                        "{process} does not read: 64 KiB of input wait already, or it has no input"
                    );
                    self.emit(Event::Refused { reason });
                }
            }
            FromAgent::Swept(group, killed) => {
                self.sweeping = self.sweeping.saturating_sub(1);
                if killed > 0 {
                    let text = format!(
                        "group {group} had left {killed} processes behind; they were ended"
                    );
                    self.notice(Level::Info, None, text);
                }
            }
            FromAgent::Samples(samples) => self.sample(samples),
            FromAgent::Notice(level, child, text) => {
                let process = child
                    .and_then(|child| self.processes.get(&child))
                    .map(|process| (**process).clone());
                self.notice(level, process, text);
            }
            FromAgent::Welcome(_)
            | FromAgent::Checked(..)
            | FromAgent::Heartbeat(_)
            | FromAgent::Bye => {}
        }
    }

    pub(super) fn answered(&mut self, child: ChildKey, exit: Option<Exit>) {
        if let Some(rank) = self.probes.answered(child, exit, Instant::now()) {
            self.input(Input::ReadySeen(rank));
        }
    }

    pub(super) fn sample(&mut self, samples: AgentSamples) {
        let processes = samples.children.iter().filter_map(|child| {
            Some(ProcessSample {
                process: (**self.processes.get(&child.child)?).clone(),
                cpu: child.cpu,
                memory: child.memory,
                processes: child.processes,
                shown: child.shown,
                discarded: child.discarded,
            })
        });
        let host = HostSample {
            host: HostName::localhost(),
            cpu: samples.cpu,
            memory: samples.memory,
            gpus: samples.gpus,
        };
        // Latest wins; nobody needs to be looking.
        self.parts.samples.send_replace(Samples {
            hosts: vec![host],
            processes: processes.collect(),
        });
    }

    pub(super) fn fact(&mut self, fact: OutputFact) {
        match fact {
            OutputFact::Credit(credit) => {
                for (child, bytes) in credit {
                    self.parts.link.send(&ToAgent::Credit(child, bytes));
                }
            }
            OutputFact::Eof(child, discarded) => {
                self.discarded += discarded;
                self.forget(child);
                self.input(Input::Eof(child));
            }
            OutputFact::Seen(child, Seen::Ready) => self.input(Input::ReadySeen(child)),
            OutputFact::Seen(child, Seen::Alert(alert, text)) => {
                if let Some(process) = self.processes.get(&child) {
                    let process = (**process).clone();
                    self.emit(Event::Alerted {
                        process,
                        alert,
                        text,
                    });
                }
            }
            OutputFact::Notice(level, text) => self.notice(level, None, text),
            OutputFact::Closed(written, lost) => self.logged = (written, lost),
            OutputFact::Captured(..) => {}
        }
    }

    pub(super) fn forget(&mut self, child: ChildKey) {
        self.processes.remove(&child);
        self.silences.remove(&child);
    }
}
