//! What hosts and the output thread report, and which input of the supervisor it becomes.

use std::time::{Duration, Instant};

use super::Runtime;
use crate::{
    agent::wire::{AgentSamples, ChildKey, FromAgent, ToAgent},
    engine::{line_watch::Seen, output::OutputFact, probes::Probes, supervisor::Input},
    model::{
        event::{Channel, Event, HostSample, Level, ProcessSample, Samples},
        ids::HostName,
    },
};

/// How often it is told of one rank that it does not take what is typed: each key is refused by itself.
const REFUSED_EVERY: Duration = Duration::from_secs(1);

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
        if !messages.is_empty()
            && let Some(silent) = self.pulse.heard()
        {
            let text = format!(
                "the agent on {} answers again after {}",
                HostName::localhost(),
                humantime::format_duration(silent)
            );
            self.notice(Level::Info, None, text);
        }
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
                host: self.parts.local,
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
                    if let Some(life) = self.lives.get_mut(&child) {
                        life.spawned = true;
                        life.has_input.get_or_insert(channel == Channel::Pty);
                        if life.ready {
                            self.input(Input::ReadySeen(child));
                        }
                    }
                }
            }
            FromAgent::SpawnFailed { child, reason } => {
                if self.probes.is_question(child) {
                    self.not_asked(child, &reason);
                } else {
                    self.input(Input::SpawnFailed { child, reason });
                }
            }
            FromAgent::Exited { child, exit, usage } => {
                if self.probes.is_question(child) {
                    if let Some(rank) = self.probes.answered(child, exit, Instant::now()) {
                        self.input(Input::ReadySeen(rank));
                    }
                } else {
                    if let Some(action) = self.probes.remove(child) {
                        self.probe(action);
                    }
                    self.silences.remove(child);
                    self.input(Input::Exited { child, exit, usage });
                }
            }
            FromAgent::Muted {
                child,
                muted,
                discarded,
            } => {
                let now = self.output_clock();
                self.silences.mute(child, muted, now);
                self.input(Input::Muted {
                    child,
                    muted,
                    discarded,
                });
            }
            FromAgent::InputRefused(child) => {
                let now = Instant::now();
                if let Some(life) = self.lives.get_mut(&child)
                    && life
                        .refused
                        .is_none_or(|told| now.duration_since(told) >= REFUSED_EVERY)
                {
                    life.refused = Some(now);
                    let process = &life.process;
                    let reason = match life.has_input {
                        Some(false) => {
                            format!("{process} has no input: nobody reads what is typed")
                        }
                        _ => format!("{process} does not read: 64 KiB of input wait already"),
                    };
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
                    .and_then(|child| self.lives.get(&child))
                    .map(|life| (*life.process).clone());
                self.notice(level, process, text);
            }
            FromAgent::Welcome(_)
            | FromAgent::Checked(..)
            | FromAgent::Heartbeat(_)
            | FromAgent::Bye => {}
        }
    }

    /// A question about readiness could not be asked: told once in the life of its rank.
    fn not_asked(&mut self, question: ChildKey, reason: &str) {
        if let Some(rank) = self.probes.not_asked(question, Instant::now())
            && let Some(life) = self.lives.get(&rank)
        {
            let process = (*life.process).clone();
            let text = format!("its readiness cannot be asked for: {reason}");
            self.notice(Level::Warning, Some(process), text);
        }
    }

    pub(super) fn sample(&mut self, samples: AgentSamples) {
        let processes = samples.children.iter().filter_map(|child| {
            Some(ProcessSample {
                process: (*self.lives.get(&child.child)?.process).clone(),
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
            load: samples.load,
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
                self.input(Input::Eof(child));
            }
            OutputFact::Seen(child, Seen::Ready) => {
                if let Some(life) = self.lives.get_mut(&child) {
                    life.ready = true;
                    if life.spawned {
                        self.input(Input::ReadySeen(child));
                    }
                }
            }
            OutputFact::SilenceBroken(child) => self.silences.broken(child),
            OutputFact::Seen(child, Seen::Alert(alert, text)) => {
                if let Some(life) = self.lives.get(&child) {
                    let process = (*life.process).clone();
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
}
