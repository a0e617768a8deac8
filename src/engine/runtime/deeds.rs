//! What the supervisor wants done, and which message to a host it becomes.

use std::{sync::Arc, time::Instant};

use super::{Life, Runtime};
use crate::{
    agent::wire::{Sink, Source, SpawnSpec, ToAgent},
    engine::{
        hosts::PENDING_MAX,
        output::Route,
        probes::ProbeAction,
        recipe::{HostSide, expand},
        supervisor::{Action, Input},
    },
    model::{
        document::Step,
        event::Event,
        ids::{Incarnation, ProcessId},
        template::{Alert, ProcessTemplate, Ready, Signal},
    },
};

impl Runtime {
    pub(super) fn probe(&mut self, action: ProbeAction) {
        match action {
            ProbeAction::Ask(spec) => self.parts.link.send(&ToAgent::Spawn(spec)),
            ProbeAction::TakeBack(child) => self.parts.link.send(&ToAgent::KillTree(child)),
        }
    }

    pub(super) fn perform(&mut self, action: Action) {
        match action {
            Action::Spawn {
                child,
                process,
                incarnation,
                seat,
                nproc,
                mute,
                size,
            } => {
                let template = self
                    .parts
                    .session
                    .template(&process.group, &process.template)
                    .cloned();
                let host = self.parts.hosts.get(seat.host).cloned().flatten();
                let (Some(template), Some(host), true) = (template, host, self.linked) else {
                    let reason = "its host cannot be reached".to_owned();
                    self.input(Input::SpawnFailed { child, reason });
                    return;
                };
                let mut spec = self.parts.recipes.spec(
                    &self.parts.session,
                    &template,
                    child,
                    &process,
                    &seat,
                    nproc,
                    mute,
                    &host,
                );
                if self.parts.replay && template.stdin.is_none() && !self.is_typed_into(&process) {
                    // Nobody is there to type: who reads finds the end of input, each time, instead of waiting for ever.
                    spec.stdin = Source::Null;
                }
                spec.size = size.unwrap_or(spec.size);
                self.route(&spec, &process, incarnation, &template);
                self.ask_for_readiness(&spec, &template, &process, nproc, &host);
                self.parts.link.send(&ToAgent::Spawn(Box::new(spec)));
            }
            Action::Signal(child, signal) => {
                let signal = signal_number(signal);
                self.parts.link.send(&ToAgent::Signal { child, signal });
            }
            Action::KillTree(child) => self.parts.link.send(&ToAgent::KillTree(child)),
            Action::Close(child) => self.parts.link.send(&ToAgent::Close(child)),
            Action::Sweep(group, _) => {
                if self.linked {
                    self.sweeping += 1;
                    self.parts.link.send(&ToAgent::Sweep(group));
                }
            }
            Action::Mute(child, muted) => self.parts.link.send(&ToAgent::Mute(child, muted)),
            Action::Input(child, bytes) => {
                // Commands are listened to even when the agent takes none: what is typed may not pile up.
                if self.parts.link.pending() < PENDING_MAX {
                    self.parts.link.send(&ToAgent::Input(child, bytes));
                } else {
                    let reason = "its host does not take input now".to_owned();
                    self.emit(Event::Refused { reason });
                }
            }
            Action::Resize(child, rows, columns) => {
                self.parts.link.send(&ToAgent::Resize(child, rows, columns));
            }
            Action::Emit(event) => {
                // However a life ended: by itself, never begun, with its host, or given up.
                if let Event::ProcessEnded { process, .. } = &event {
                    self.forget(process);
                }
                self.emit(event);
            }
            Action::Over {
                outcome,
                first_failure,
            } => self.over = Some((outcome, first_failure)),
        }
    }

    /// Whether the timeline types into this process.
    fn is_typed_into(&self, process: &ProcessId) -> bool {
        let types =
            |step: &Step| matches!(step, Step::Send(selector, _) if selector.selects(process));
        self.parts
            .session
            .timeline
            .iter()
            .any(|entry| types(&entry.step))
    }

    fn route(
        &mut self,
        spec: &SpawnSpec,
        process: &ProcessId,
        incarnation: Incarnation,
        template: &ProcessTemplate,
    ) {
        let child = spec.child;
        let process = Arc::new(process.clone());
        let life = Life {
            process: process.clone(),
            spawned: false,
            ready: false,
            has_input: match spec.stdin {
                Source::Null | Source::File(_) => Some(false),
                Source::Pane => Some(true),
                // By the pty, if it gets one.
                Source::Auto => None,
            },
            refused: None,
        };
        self.lives.insert(child, life);
        self.present.insert(process.clone(), child);
        let quiet = template.alerts.iter().find_map(|alert| match alert {
            Alert::Quiet(after) => Some((alert.clone(), *after)),
            _ => None,
        });
        let last_output = quiet.map(|(alert, after)| {
            let muted = ![&spec.stdout, &spec.stderr].contains(&&Sink::Pane { muted: false });
            let now = self.output_clock();
            self.silences
                .add(child, process.clone(), alert, after, muted, now)
        });
        let template = (process.group.clone(), process.template.clone());
        let watch = self.line_watches.get(&template).cloned();
        self.parts.routes.add(
            child,
            Route::Rank {
                process,
                incarnation,
                zero: self.started,
                watch,
                last_output,
            },
        );
    }

    /// The present life of a rank is over: nothing is asked, heard or told of it any more.
    fn forget(&mut self, process: &ProcessId) {
        let Some(child) = self.present.remove(process) else {
            return;
        };
        self.lives.remove(&child);
        self.silences.remove(child);
        self.parts.routes.remove(child);
        if let Some(action) = self.probes.remove(child) {
            self.probe(action);
        }
    }

    fn ask_for_readiness(
        &mut self,
        spec: &SpawnSpec,
        template: &ProcessTemplate,
        process: &ProcessId,
        nproc: u32,
        host: &HostSide,
    ) {
        let filled = |text: &str| expand(text, process.rank, nproc, host.name.as_str());
        let (program, args) = match &template.ready {
            Some(Ready::Exec(command)) => match command.split_first() {
                Some((program, args)) => (
                    self.parts.recipes.program(&filled(program)),
                    args.iter().map(|arg| filled(arg)).collect(),
                ),
                None => return,
            },
            Some(Ready::Tcp(address)) => {
                let agent = self.parts.agent.to_string_lossy().into_owned();
                (agent, vec!["probe".to_owned(), filled(address)])
            }
            Some(Ready::Line(_)) | None => return,
        };
        self.probes.add(spec, program, args, Instant::now());
    }
}

/// The number of a signal on Linux (signal(7)).
fn signal_number(signal: Signal) -> i32 {
    match signal {
        Signal::HUP => 1,
        Signal::INT => 2,
        Signal::QUIT => 3,
        Signal::KILL => 9,
        Signal::USR1 => 10,
        Signal::USR2 => 12,
        Signal::TERM => 15,
        Signal::CONT => 18,
        Signal::STOP => 19,
    }
}
