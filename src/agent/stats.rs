//! What the host and the children use.
//!
//! Owns the pace: never more often than asked for, and never above 0.25 % of one core, measured on itself. Reads nothing
//! while no child lives. Start at [`Stats::sample`].

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use sysinfo::{
    CpuRefreshKind, MemoryRefreshKind, Pid, Process, ProcessRefreshKind, ProcessesToUpdate, System,
};

use super::wire::{AgentSamples, ChildKey, ChildSample};

/// 1 / 0.25 %: a sample that cost a millisecond is followed by 0.4 s of rest.
const REST: u32 = 400;

/// A child as the samples see it.
pub struct Subject {
    /// Its key.
    pub key: ChildKey,
    /// Bytes sent to the engine so far.
    pub shown: u64,
    /// Bytes thrown away so far.
    pub discarded: u64,
}

/// Takes samples.
pub struct Stats {
    system: Option<System>,
    cpus: f32,
    every: Option<Duration>,
    due: Option<Instant>,
    taken: Instant,
    /// Milliseconds of cpu that each process of ours had used at the last sample.
    used: HashMap<Pid, u64>,
}

impl Stats {
    /// With so many milliseconds between samples, 0: none.
    pub fn new(every: u32, now: Instant) -> Self {
        let mut this = Self {
            system: None,
            cpus: 0.0,
            every: None,
            due: None,
            taken: now,
            used: HashMap::new(),
        };
        this.set_every(every, now);
        this
    }

    /// Changes the time between samples.
    pub fn set_every(&mut self, every: u32, now: Instant) {
        self.every = (every > 0).then(|| Duration::from_millis(every.into()));
        if self.due.is_some() {
            self.due = self.every.map(|every| now + every);
        }
    }

    /// A child started: there is something to sample.
    pub fn wake(&mut self, now: Instant) {
        if self.due.is_none() {
            self.taken = now;
            self.due = self.every.map(|every| now + every);
        }
    }

    /// When the next sample is due.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Takes a sample of the host and of these children by process id. With none of them, it is the last one
    /// until [`Stats::wake`].
    pub fn sample(
        &mut self,
        children: &HashMap<i32, Subject>,
        agent: i32,
        now: Instant,
    ) -> AgentSamples {
        let begin = Instant::now();
        if self.system.is_none() {
            self.system = System::new().ok();
        }
        let Some(system) = &mut self.system else {
            // No `/proc` now: nothing to say, later perhaps.
            self.due = self
                .every
                .map(|every| now + every.max(Duration::from_secs(5)));
            return AgentSamples::default();
        };
        system.refresh_cpu_specifics(CpuRefreshKind::nothing().with_usage());
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        if self.cpus == 0.0 {
            self.cpus = system.cpus().len() as f32;
        }
        let mut samples = AgentSamples {
            cpu: system.global_cpu_usage() / 100.0 * self.cpus,
            memory: (system.used_memory(), system.total_memory()),
            ..AgentSamples::default()
        };
        if children.is_empty() {
            // Nothing keeps ticking, and nothing is kept.
            self.due = None;
            self.system = None;
            self.used = HashMap::new();
            return samples;
        }
        let kind = ProcessRefreshKind::nothing().without_tasks();
        system.refresh_processes_specifics(
            ProcessesToUpdate::All,
            true,
            kind.with_cpu().with_memory(),
        );
        let seconds = now.duration_since(self.taken).as_secs_f32().max(0.001);
        let mut sums: HashMap<i32, (u64, u64, u32)> = HashMap::new();
        let mut used = HashMap::new();
        for (&pid, process) in system.processes() {
            let Some(owner) = owner(process, system, children, agent) else {
                continue;
            };
            let cpu = process.accumulated_cpu_time();
            let before = self.used.get(&pid).copied().unwrap_or(0);
            used.insert(pid, cpu);
            let sum = sums.entry(owner).or_default();
            // A number used again may have used less.
            sum.0 += cpu.saturating_sub(before);
            sum.1 += process.memory();
            sum.2 += 1;
        }
        self.used = used;
        self.taken = now;
        samples.children = children
            .iter()
            .map(|(pid, child)| {
                let (cpu, memory, processes) = sums.get(pid).copied().unwrap_or_default();
                ChildSample {
                    child: child.key,
                    cpu: cpu as f32 / 1000.0 / seconds,
                    memory,
                    processes,
                    shown: child.shown,
                    discarded: child.discarded,
                }
            })
            .collect();
        samples.children.sort_unstable_by_key(|sample| sample.child);
        let rest = begin.elapsed() * REST;
        self.due = self.every.map(|every| now + every.max(rest));
        samples
    }
}

/// The child that a process is, descends from, or whose session it is in although it lost its parents.
fn owner(
    process: &Process,
    system: &System,
    children: &HashMap<i32, Subject>,
    agent: i32,
) -> Option<i32> {
    let mut at = process;
    // Numbers that are used again while we read could make a ring.
    for _ in 0..system.processes().len() {
        let pid = at.pid().as_u32() as i32;
        if children.contains_key(&pid) {
            return Some(pid);
        }
        let parent = at.parent()?;
        if parent.as_u32() as i32 == agent {
            let session = process.session_id()?.as_u32() as i32;
            return children.contains_key(&session).then_some(session);
        }
        at = system.process(parent)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_busy_child_is_seen_with_its_descendants_and_quiet_ends_the_ticking() {
        let mut child = Command::new("sh")
            .args(["-c", "while :; do :; done & wait"])
            .spawn()
            .unwrap();
        let begin = Instant::now();
        let mut stats = Stats::new(100, begin);
        assert_eq!(stats.due(), None, "nothing to sample yet");
        stats.wake(begin);
        assert!(stats.due().is_some());
        let subject = Subject {
            key: ChildKey(5),
            shown: 1,
            discarded: 2,
        };
        let children = HashMap::from([(child.id() as i32, subject)]);
        let own = std::process::id() as i32;
        let seen = loop {
            let samples = stats.sample(&children, own, Instant::now());
            let sample = samples.children[0];
            if sample.processes >= 2 && sample.cpu > 0.05 {
                break samples;
            }
            assert!(begin.elapsed().as_secs() < 20, "{samples:?}");
        };
        assert!(seen.memory.1 > seen.memory.0 && seen.memory.0 > 0);
        assert!(seen.children[0].memory > 0);
        stats.sample(&HashMap::new(), own, Instant::now());
        assert_eq!(stats.due(), None);
        for process in super::super::procs::Snapshot::take().unwrap().iter() {
            if process.parent == child.id() as i32 {
                super::super::spawn::kill(process.pid, libc::SIGKILL).unwrap();
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
