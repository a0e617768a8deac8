//! Wishes about placement, and how the wishes of several levels become one.
//!
//! Owns [`Policy`] and its merge. Never looks at hosts: that is `engine/placement`.

use serde::{Deserialize, Serialize};

use super::{cpuset::CpuSet, ids::HostName};

/// Where a process may run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Placement {
    /// On any listed host; on `localhost` only when no other host is listed: a login node is no worker.
    Anywhere,
    /// On the engine's own host.
    Local,
    /// On the host of this name (or alias).
    HostName(HostName),
    /// On the host with this 0-based index in the list of hosts.
    HostId(u32),
}

/// How ranks are dealt to hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Distribution {
    /// One rank to each host in turn.
    RoundRobin,
    /// A host is filled to its count of cpus before the next is used.
    Block,
}

/// Wishes about placement. Every field may be left open; an open field takes the value of the next
/// weaker level (template, then group, then session, then the default).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Which hosts. Default: `Anywhere`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
    /// In which order over the hosts. Default: `RoundRobin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distribution: Option<Distribution>,
    /// The cpus that every rank may use, by index; shared, not exclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_affinity: Option<CpuSet>,
    /// The GPUs that every rank may use, by index on its host; shared, not exclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_affinity: Option<CpuSet>,
    /// How many cpus each rank gets for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpus: Option<u32>,
    /// How many GPUs each rank gets for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpus: Option<u32>,
}

impl Policy {
    /// This policy's wishes, completed by those of a weaker one.
    ///
    /// Associative, and the empty policy is its identity.
    pub fn over(self, weaker: Policy) -> Policy {
        Policy {
            placement: self.placement.or(weaker.placement),
            distribution: self.distribution.or(weaker.distribution),
            cpu_affinity: self.cpu_affinity.or(weaker.cpu_affinity),
            gpu_affinity: self.gpu_affinity.or(weaker.gpu_affinity),
            cpus: self.cpus.or(weaker.cpus),
            gpus: self.gpus.or(weaker.gpus),
        }
    }

    /// Whether nothing is wished for.
    pub fn is_empty(&self) -> bool {
        *self == Policy::default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policies() -> impl Strategy<Value = Policy> {
        let placement = proptest::option::of(prop_oneof![
            Just(Placement::Anywhere),
            Just(Placement::Local),
            (0u32..3).prop_map(Placement::HostId),
        ]);
        let distribution = proptest::option::of(prop_oneof![
            Just(Distribution::RoundRobin),
            Just(Distribution::Block)
        ]);
        let set = || proptest::option::of((0u32..8).prop_map(|cpu| CpuSet::from_iter([cpu])));
        let count = || proptest::option::of(0u32..8);
        (placement, distribution, set(), set(), count(), count()).prop_map(
            |(placement, distribution, cpu_affinity, gpu_affinity, cpus, gpus)| Policy {
                placement,
                distribution,
                cpu_affinity,
                gpu_affinity,
                cpus,
                gpus,
            },
        )
    }

    proptest! {
        #[test]
        fn merging_is_associative_and_the_empty_policy_changes_nothing(
            a in policies(), b in policies(), c in policies()
        ) {
            prop_assert_eq!(
                a.clone().over(b.clone()).over(c.clone()),
                a.clone().over(b.over(c))
            );
            prop_assert_eq!(a.clone().over(Policy::default()), a.clone());
            prop_assert_eq!(Policy::default().over(a.clone()), a);
        }
    }

    #[test]
    fn a_stronger_wish_wins_field_by_field() {
        let template = Policy {
            cpus: Some(2),
            ..Policy::default()
        };
        let group = Policy {
            cpus: Some(1),
            placement: Some(Placement::Local),
            ..Policy::default()
        };
        let merged = template.over(group);
        assert_eq!(
            (merged.cpus, merged.placement),
            (Some(2), Some(Placement::Local))
        );
    }
}
