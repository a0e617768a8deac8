//! What the host and the children use.
//!
//! Owns the pace: never more often than asked for, and never above 0.25 % of one core, measured on itself. Reads nothing
//! while no child lives. Start at [`Stats::sample`].
//!
//! sysinfo tells of the host. Processes are read by [`Snapshot`], as for the hunts: measured with 1,000
//! children, that takes 10 ms where sysinfo takes 48 ms, and so brings samples five times as often.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use rustix::{
    param,
    time::{ClockId, clock_gettime},
};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, System};

use super::{
    procs::{Process, Snapshot},
    wire::{AgentSamples, ChildKey, ChildSample},
};

/// Below 1 / 0.25 %: a sample that cost a millisecond is followed by 0.45 s of rest.
const REST: u32 = 450;

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
    every: Option<Duration>,
    due: Option<Instant>,
    taken: Instant,
    /// Clock ticks of cpu time that each process of ours had used at the last sample.
    used: HashMap<i32, u64>,
}

impl Stats {
    /// With so many milliseconds between samples, 0: none.
    pub fn new(every: u32, now: Instant) -> Self {
        Self {
            system: None,
            every: duration(every),
            due: None,
            taken: now,
            used: HashMap::new(),
        }
    }

    /// Changes the time between samples. When there were none, children may live already: cpu use counts from here.
    pub fn set_every(&mut self, every: u32, now: Instant) {
        let ticking = self.due.is_some();
        self.every = duration(every);
        self.due = self.every.map(|every| now + every);
        if self.due.is_some() && !ticking {
            self.taken = now;
            self.refresh();
            let snapshot = Snapshot::take().unwrap_or_default();
            self.used = snapshot.iter().map(|it| (it.pid, it.ticks)).collect();
        }
    }

    /// A child started, or lives when samples are wanted again: there is something to sample.
    pub fn wake(&mut self, now: Instant) {
        if self.due.is_none() && self.every.is_some() {
            self.taken = now;
            self.due = self.every.map(|every| now + every);
            // The cpu use of the host counts from here.
            self.refresh();
        }
    }

    /// When the next sample is due.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    fn refresh(&mut self) -> Option<&System> {
        if self.system.is_none() {
            self.system = System::new().ok();
        }
        let system = self.system.as_mut()?;
        system.refresh_cpu_specifics(CpuRefreshKind::nothing().with_usage());
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        Some(system)
    }

    /// Takes a sample of the host and of these children by process id. With none of them, it is the last one
    /// until [`Stats::wake`]. Absent when `/proc` cannot be read: the next one speaks for that time too.
    pub fn sample(
        &mut self,
        children: &HashMap<i32, Subject>,
        agent: i32,
        now: Instant,
    ) -> Option<AgentSamples> {
        let begin = cpu_time();
        let mut samples = AgentSamples::default();
        if let Some(system) = self.refresh() {
            samples.cpu = system.global_cpu_usage() / 100.0 * system.cpus().len() as f32;
            samples.memory = (system.used_memory(), system.total_memory());
            samples.load = System::load_average().ok().map(|load| load.one as f32);
        }
        if children.is_empty() {
            // Nothing keeps ticking, and nothing is kept.
            self.due = None;
            self.used = HashMap::new();
            return Some(samples);
        }
        let Ok(snapshot) = Snapshot::take() else {
            self.due = self.every.map(|every| now + every);
            return None;
        };
        let mut sums: HashMap<i32, (u64, u64, u32)> = HashMap::new();
        let mut used = HashMap::new();
        for process in snapshot.iter() {
            let Some(owner) = owner(process, &snapshot, children, agent) else {
                continue;
            };
            let before = self.used.get(&process.pid).copied().unwrap_or(0);
            used.insert(process.pid, process.ticks);
            let sum = sums.entry(owner).or_default();
            // A number used again may have used less.
            sum.0 += process.ticks.saturating_sub(before);
            sum.1 += process.pages;
            sum.2 += 1;
        }
        let seconds = now.duration_since(self.taken).as_secs_f32().max(0.001);
        self.used = used;
        self.taken = now;
        let second = param::clock_ticks_per_second() as f32 * seconds;
        let page = param::page_size() as u64;
        samples.children = children
            .iter()
            .map(|(pid, child)| {
                let (ticks, pages, processes) = sums.get(pid).copied().unwrap_or_default();
                ChildSample {
                    child: child.key,
                    cpu: ticks as f32 / second,
                    memory: pages * page,
                    processes,
                    shown: child.shown,
                    discarded: child.discarded,
                }
            })
            .collect();
        samples.children.sort_unstable_by_key(|sample| sample.child);
        let rest = cpu_time().saturating_sub(begin) * REST;
        self.due = self.every.map(|every| now + every.max(rest));
        Some(samples)
    }
}

fn duration(milliseconds: u32) -> Option<Duration> {
    (milliseconds > 0).then(|| Duration::from_millis(milliseconds.into()))
}

/// The cpu time of this thread: a busy host does not make our own cost look greater.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The child that a process is, descends from, or whose session it is in although it lost its parents.
fn owner(
    process: &Process,
    snapshot: &Snapshot,
    children: &HashMap<i32, Subject>,
    agent: i32,
) -> Option<i32> {
    for ancestor in snapshot.line(process.pid) {
        if children.contains_key(&ancestor.pid) {
            return Some(ancestor.pid);
        }
        if ancestor.parent == agent {
            return Some(process.session).filter(|session| children.contains_key(session));
        }
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
            let samples = stats.sample(&children, own, Instant::now()).unwrap();
            let sample = samples.children[0];
            if sample.processes >= 2 && sample.cpu > 0.05 {
                break samples;
            }
            assert!(begin.elapsed().as_secs() < 20, "{samples:?}");
        };
        assert!(seen.memory.1 > seen.memory.0 && seen.memory.0 > 0);
        assert!(seen.children[0].memory > 0);
        let now = Instant::now();
        stats.set_every(0, now);
        assert_eq!(stats.due(), None, "not wanted");
        stats.set_every(100, now);
        stats.wake(now);
        assert!(stats.due().is_some(), "wanted again");
        stats.sample(&HashMap::new(), own, now);
        assert_eq!(stats.due(), None);
        stats.set_every(0, Instant::now());
        assert_eq!(stats.due(), None);
        // Its whole life would be many cores, counted within a moment.
        let now = Instant::now();
        stats.set_every(100, now);
        assert!(stats.due().is_some(), "it lives already");
        let later = now + Duration::from_millis(100);
        let samples = stats.sample(&children, own, later).unwrap();
        let cores = std::thread::available_parallelism().unwrap().get() as f32;
        assert!(samples.children[0].cpu <= cores, "{samples:?}");
        for process in super::super::procs::Snapshot::take().unwrap().iter() {
            if process.parent == child.id() as i32 {
                super::super::spawn::kill(process.pid, libc::SIGKILL).unwrap();
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
