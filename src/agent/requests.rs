//! What the engine asks, performed.
//!
//! Owns the meaning of each request of the wire. Never reads a descriptor. Start at [`Agent::perform`].

use std::{process::ExitCode, time::Instant};

use super::{
    check,
    ending::Why,
    hello,
    hunt::{Prey, World},
    serve::{Agent, Run},
    spawn,
    stats::{Stats, Subject},
    wire::{Check, ChildKey, Faults, FromAgent, Hello, SpawnSpec, ToAgent},
};
use crate::model::event::Level;

/// The exit code of an agent that does not understand its engine.
const WRONG_VERSION: u8 = 2;

impl Agent {
    /// Performs one request.
    pub(super) fn perform(&mut self, request: ToAgent) {
        match request {
            ToAgent::Hello(hello) => self.hello(&hello),
            ToAgent::Spawn(spec) => self.start(&spec),
            ToAgent::Signal { child, signal } => self.signal(child, signal),
            ToAgent::KillTree(child) => self.kill_tree(child),
            ToAgent::Sweep(group) => self.hunter.add(Prey::Group(group), Instant::now()),
            ToAgent::Mute(child, muted) => {
                if let Some(discarded) = self.children.mute(child, muted) {
                    self.say(&FromAgent::Muted {
                        child,
                        muted,
                        discarded,
                    });
                }
            }
            ToAgent::Input(child, bytes) => {
                if !self.children.input(child, &bytes) {
                    self.say(&FromAgent::InputRefused(child));
                }
            }
            ToAgent::CloseInput(child) => self.children.close_input(child),
            ToAgent::Resize(child, rows, cols) => self.children.resize(child, (rows, cols)),
            ToAgent::Credit(child, bytes) => self.children.credit(child, bytes, &mut self.bulk),
            ToAgent::Close(child) => self.children.close(child, &mut self.bulk),
            ToAgent::Check(number, target) => self.check(number, &target),
            ToAgent::SampleEvery(every) => {
                let now = Instant::now();
                self.stats.set_every(every, now);
                if !self.children.living().is_empty() {
                    self.stats.wake(now);
                }
            }
            ToAgent::Heartbeat(number) => self.say(&FromAgent::Heartbeat(number)),
            ToAgent::Shutdown => self.end(Why::Shutdown),
        }
    }

    fn hello(&mut self, hello: &Hello) {
        if self.run.is_some() {
            let text = "a second Hello is ignored: this agent already serves a run";
            return self.notice(Level::Warning, text.to_owned());
        }
        match hello::welcome(hello, self.nofile) {
            Ok(mut greeting) => {
                self.run = Some(Run {
                    mark: hello.mark.clone(),
                    starter: greeting.starter,
                    gpus: greeting.gpus,
                });
                self.stats = Stats::new(hello.sample_every, Instant::now());
                self.start_guardian();
                greeting.welcome.guardian = self.guardian.as_ref().map_or(0, |g| g.pid as u32);
                self.say(&FromAgent::Welcome(Box::new(greeting.welcome)));
            }
            Err(why) => {
                self.notice(Level::Error, why);
                self.exit = Some(ExitCode::from(WRONG_VERSION));
            }
        }
    }

    fn start(&mut self, spec: &SpawnSpec) {
        self.starts += 1;
        let child = spec.child;
        let started = match &mut self.run {
            _ if self.ending.is_some() => Err("the agent is ending".to_owned()),
            None => Err("the agent was not greeted yet".to_owned()),
            Some(_) if self.children.get(child).is_some() => {
                Err("a child of this key is already there".to_owned())
            }
            Some(run) => run.starter.start(spec),
        };
        match started {
            Ok(started) => {
                let pid = started.child.pid;
                self.children.add(started.child);
                self.stats.wake(Instant::now());
                self.say(&FromAgent::Spawned {
                    child,
                    pid: pid as u32,
                    channel: started.channel,
                });
                match started.no_pty {
                    None => {}
                    // Once is enough: a thousand ranks would say it a thousand times.
                    Some(_) if self.no_pty_told => {}
                    Some(why) => {
                        self.no_pty_told = true;
                        let text = format!("{why}: it got a pipe, and so do others from now on");
                        self.say(&FromAgent::Notice(Level::Warning, Some(child), text));
                    }
                }
            }
            Err(reason) => self.say(&FromAgent::SpawnFailed { child, reason }),
        }
    }

    fn signal(&mut self, child: ChildKey, signal: i32) {
        // Once reaped, its number may be another's.
        let Some(pid) = self.children.get(child).filter(|c| c.alive).map(|c| c.pid) else {
            return;
        };
        if let Err(error) = spawn::kill(-pid, signal) {
            let text = format!("signal {signal} could not be sent: {error}");
            self.say(&FromAgent::Notice(Level::Warning, Some(child), text));
        }
    }

    fn kill_tree(&mut self, child: ChildKey) {
        if let Some((pid, task)) = self.children.trace(child) {
            self.hunter
                .add(Prey::Tree(child, pid, task), Instant::now());
        }
    }

    fn check(&mut self, number: u32, target: &Check) {
        let faults = match &self.run {
            None => Faults {
                program: Some("the agent was not greeted yet".to_owned()),
                cwd: None,
            },
            Some(run) => {
                let path = run.starter.environment().get("PATH").unwrap_or_default();
                check::faults(target, path, run.starter.cwd())
            }
        };
        self.say(&FromAgent::Checked(number, faults));
    }

    /// What hunters need to know.
    pub(super) fn world(&self) -> World<'_> {
        World {
            agent: self.pid,
            guardian: self.guardian.as_ref().map_or(0, |guardian| guardian.pid),
            mark: self.run.as_ref().map_or("", |run| &run.mark),
            living: self.children.living(),
            ended: self.children.ended(),
        }
    }

    /// A round of the hunts under way.
    pub(super) fn hunt(&mut self, now: Instant) {
        let mut hunter = std::mem::take(&mut self.hunter);
        let over = hunter.round(&self.world(), now);
        self.hunter = hunter;
        for hunted in over {
            let child = match &hunted.prey {
                Prey::Tree(child, ..) => Some(*child),
                Prey::Group(_) => None,
            };
            let trouble = match &hunted.left {
                None => Some(
                    "what it left behind cannot be looked for: /proc cannot be read".to_owned(),
                ),
                Some(left) if !left.is_empty() => Some(format!(
                    "processes {left:?} cannot be killed: they wait in the kernel, or belong to another user"
                )),
                Some(_) => None,
            };
            if let Some(text) = trouble {
                self.say(&FromAgent::Notice(Level::Warning, child, text));
            }
            if let Prey::Group(group) = hunted.prey {
                if hunted.left.is_some() {
                    self.children.forget_ended(group.as_str());
                }
                self.say(&FromAgent::Swept(group, hunted.killed));
            }
        }
    }

    /// Takes a sample, and sends it unless the one before is still on its way.
    pub(super) fn sample(&mut self, now: Instant) {
        let subjects = self.children.alive().map(|child| {
            let subject = Subject {
                key: child.key,
                shown: child.shown,
                discarded: child.discarded,
            };
            (child.pid, subject)
        });
        let subjects = subjects.collect();
        let samples = self.stats.sample(&subjects, self.pid, now);
        let (Some(mut samples), Some(control)) = (samples, &self.control) else {
            return;
        };
        if let Some(gpus) = self.run.as_mut().and_then(|run| run.gpus.as_mut()) {
            samples.gpus = gpus.sample();
        }
        if control.waiting() == 0 {
            self.say(&FromAgent::Samples(samples));
        }
    }
}
