//! What is known of one rank.

use crate::model::{
    cpuset::CpuSet,
    event::{Channel, Usage},
    ids::{HostName, Incarnation},
    lifecycle::{ExitStatus, ProcessState},
};

/// One rank.
#[derive(Debug, Clone, PartialEq)]
pub struct Rank {
    /// Where it stands.
    pub state: ProcessState,
    /// Which life of it.
    pub incarnation: Incarnation,
    /// Its process id on its host; 0 before it ran.
    pub pid: u32,
    /// Its host; absent before it ran.
    pub host: Option<HostName>,
    /// The cpus it is bound to; empty: all.
    pub cpus: CpuSet,
    /// The GPUs it sees.
    pub gpus: Option<CpuSet>,
    /// Pty or pipe.
    pub channel: Option<Channel>,
    /// How it ended last.
    pub status: Option<ExitStatus>,
    /// Its last end makes the run fail.
    pub failure: bool,
    /// Its output is thrown away.
    pub muted: bool,
    /// Seconds of the run at which it was muted last.
    pub muted_at: f64,
    /// Bytes thrown away so far.
    pub discarded: u64,
    /// Cores, with its children.
    pub cpu: f32,
    /// Resident bytes, with its children.
    pub memory: u64,
    /// Bytes shown since this life began, and how many come per second now.
    pub shown: u64,
    /// Bytes per second.
    pub rate: f64,
    /// Seconds of the run at which this life began and ended.
    pub began: Option<f64>,
    /// See `began`.
    pub ended: Option<f64>,
    /// What it used in its last life.
    pub usage: Usage,
    /// Seconds of the run at which it is started again.
    pub again_at: Option<f64>,
    /// Something that nobody has looked at yet: an alert.
    pub alert: Option<String>,
}

impl Rank {
    pub(super) fn new(muted: bool) -> Self {
        Self {
            state: ProcessState::Idle,
            incarnation: Incarnation::default(),
            pid: 0,
            host: None,
            cpus: CpuSet::default(),
            gpus: None,
            channel: None,
            status: None,
            failure: false,
            muted,
            muted_at: 0.0,
            discarded: 0,
            cpu: 0.0,
            memory: 0,
            shown: 0,
            rate: 0.0,
            began: None,
            ended: None,
            usage: Usage::default(),
            again_at: None,
            alert: None,
        }
    }

    /// Whether it ended in a way that makes the run fail, and does not run again.
    pub fn has_failed(&self) -> bool {
        self.failure && !self.state.is_live() && self.again_at.is_none()
    }

    /// How often it was started again.
    pub fn restarts(&self) -> u32 {
        self.incarnation.0
    }
}
