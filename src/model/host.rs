//! Hosts as a session lists them.

use serde::{Deserialize, Serialize};

use super::ids::HostName;

/// Where processes may run, as the session says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostSpec {
    /// Hosts reached by OpenSSH, in Slurm's hostlist syntax.
    Ssh(String),
    /// An allocation asked of Slurm, by options of `salloc`.
    Slurm(String),
    /// A host that is described rather than asked: `plan` works without it.
    Declared(DeclaredHost),
}

/// A described host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredHost {
    /// Its name.
    pub name: HostName,
    /// How many cpus it has, 1 to [`COUNT_MAX`](super::cpuset::COUNT_MAX).
    pub cpus: u32,
    /// How many GPUs it has, 0 to [`COUNT_MAX`](super::cpuset::COUNT_MAX).
    #[serde(default)]
    pub gpus: u32,
}
