use proptest::prelude::*;

use super::*;

fn host(name: &str, cpus: u32, gpus: u32, listed: bool) -> HostFacts {
    HostFacts {
        name: HostName::new(name),
        aliases: Vec::new(),
        cpus: (0..cpus).collect(),
        gpus: (0..gpus).collect(),
        listed,
        reachable: true,
    }
}

fn ledger(hosts: Vec<HostFacts>) -> Ledger {
    Ledger::new(Inventory { hosts })
}

fn place(
    ledger: &mut Ledger,
    template: &str,
    ranks: u32,
    policy: Policy,
) -> Result<Vec<Seat>, Refusal> {
    ledger.place(
        &"g".parse().unwrap(),
        &template.parse().unwrap(),
        0..ranks,
        &policy,
    )
}

fn hosts_of(seats: &[Seat]) -> Vec<usize> {
    seats.iter().map(|seat| seat.host).collect()
}

#[test]
fn round_robin_deals_one_rank_to_each_host_and_the_cursor_is_kept() {
    let mut ledger = ledger(vec![
        host("a", 2, 0, true),
        host("b", 2, 0, true),
        host("c", 2, 0, true),
    ]);
    assert_eq!(
        hosts_of(&place(&mut ledger, "x", 4, Policy::default()).unwrap()),
        [0, 1, 2, 0]
    );
    assert_eq!(
        hosts_of(&place(&mut ledger, "y", 2, Policy::default()).unwrap()),
        [1, 2]
    );
}

#[test]
fn block_fills_a_host_before_the_next_and_then_goes_round() {
    let mut ledger = ledger(vec![host("a", 2, 0, true), host("b", 2, 0, true)]);
    let policy = Policy {
        distribution: Some(Distribution::Block),
        ..Policy::default()
    };
    assert_eq!(
        hosts_of(&place(&mut ledger, "x", 6, policy).unwrap()),
        [0, 0, 1, 1, 0, 1]
    );
}

#[test]
fn anywhere_uses_the_login_node_only_when_no_other_host_is_listed() {
    let local = host("localhost", 2, 0, false);
    let mut both = ledger(vec![local.clone(), host("node01", 2, 0, true)]);
    assert_eq!(
        hosts_of(&place(&mut both, "x", 2, Policy::default()).unwrap()),
        [1, 1]
    );
    let mut alone = ledger(vec![local]);
    assert_eq!(
        hosts_of(&place(&mut alone, "x", 1, Policy::default()).unwrap()),
        [0]
    );
}

#[test]
fn host_id_counts_listed_hosts_from_zero() {
    let mut ledger = ledger(vec![
        host("localhost", 2, 0, false),
        host("a", 2, 0, true),
        host("b", 2, 0, true),
    ]);
    let at = |id| Policy {
        placement: Some(Placement::HostId(id)),
        ..Policy::default()
    };
    assert_eq!(hosts_of(&place(&mut ledger, "x", 1, at(1)).unwrap()), [2]);
    let refusal = place(&mut ledger, "x", 1, at(2)).unwrap_err().to_string();
    assert!(
        refusal.contains("index 2") && refusal.contains("there are 2"),
        "{refusal}"
    );
}

#[test]
fn an_unknown_host_is_named_with_those_there_are_and_the_way_out() {
    let mut ledger = ledger(vec![host("localhost", 2, 0, false)]);
    let policy = Policy {
        placement: Some(Placement::HostName(HostName::new("pinoak0033"))),
        ..Policy::default()
    };
    let refusal = place(&mut ledger, "x", 1, policy).unwrap_err().to_string();
    for part in [
        "g/x.0",
        "pinoak0033",
        "localhost",
        "--host-alias pinoak0033=",
    ] {
        assert!(refusal.contains(part), "{refusal}");
    }
}

#[test]
fn a_host_answers_to_its_own_name_in_any_form() {
    let mut local = host("localhost", 2, 0, false);
    local.aliases = vec![HostName::new("login1.cluster.org")];
    for name in ["localhost", "LOGIN1", "login1.cluster.org"] {
        assert!(local.is_called(&HostName::new(name)), "{name}");
    }
    assert!(!local.is_called(&HostName::new("login2")));
}

#[test]
fn gpus_are_given_out_once_and_the_refusal_says_who_holds_them() {
    let mut ledger = ledger(vec![host("localhost", 4, 2, false)]);
    let gpu = |count| Policy {
        gpus: Some(count),
        ..Policy::default()
    };
    let seats = place(&mut ledger, "x", 2, gpu(1)).unwrap();
    assert_eq!(seats[0].gpus, Some(CpuSet::from_iter([0])));
    assert_eq!(seats[1].gpus, Some(CpuSet::from_iter([1])));
    let refusal = place(&mut ledger, "y", 1, gpu(1)).unwrap_err().to_string();
    assert!(
        refusal.contains("asked for 1 GPU; localhost has 0 of 2 GPUs free; held by g/x.0 (GPU 0)"),
        "{refusal}"
    );
    ledger.release(&"g/x.1".parse().unwrap(), &seats[1]);
    assert_eq!(
        place(&mut ledger, "y", 1, gpu(1)).unwrap()[0].gpus,
        Some(CpuSet::from_iter([1]))
    );
}

#[test]
fn a_refused_template_leaves_nothing_given_out() {
    let mut ledger = ledger(vec![host("localhost", 4, 0, false)]);
    let cpus = |count| Policy {
        cpus: Some(count),
        ..Policy::default()
    };
    assert!(place(&mut ledger, "x", 3, cpus(2)).is_err());
    assert_eq!(place(&mut ledger, "x", 2, cpus(2)).unwrap().len(), 2);
}

#[test]
fn an_affinity_is_shared_and_cut_to_what_the_host_has() {
    let mut ledger = ledger(vec![host("localhost", 4, 1, false)]);
    let policy = Policy {
        cpu_affinity: Some("2-7".parse().unwrap()),
        ..Policy::default()
    };
    let seats = place(&mut ledger, "x", 2, policy).unwrap();
    assert_eq!(seats[0].cpus.to_string(), "2-3");
    assert_eq!(seats[0], seats[1]);
    let policy = Policy {
        gpu_affinity: Some("0-1".parse().unwrap()),
        ..Policy::default()
    };
    assert!(
        place(&mut ledger, "x", 1, policy)
            .unwrap_err()
            .to_string()
            .contains("asked for GPUs 0-1")
    );
}

proptest! {
    #[test]
    fn no_cpu_or_gpu_is_ever_given_out_twice(
        asks in proptest::collection::vec((0u32..3, 0u32..3, 1u32..4, any::<bool>()), 1..12)
    ) {
        let mut ledger = ledger(vec![host("a", 4, 3, true), host("b", 3, 2, true)]);
        let mut held: Vec<(ProcessId, Seat, Policy)> = Vec::new();
        for (index, (cpus, gpus, ranks, block)) in asks.into_iter().enumerate() {
            let policy = Policy {
                cpus: (cpus > 0).then_some(cpus),
                gpus: (gpus > 0).then_some(gpus),
                distribution: block.then_some(Distribution::Block),
                ..Policy::default()
            };
            let template: TemplateName = format!("t{index}").parse().unwrap();
            if let Ok(seats) = ledger.place(&"g".parse().unwrap(), &template, 0..ranks, &policy) {
                for (rank, seat) in (0..).zip(seats) {
                    let id = ProcessId { group: "g".parse().unwrap(), template: template.clone(), rank };
                    held.push((id, seat, policy.clone()));
                }
            }
            let mut cpus = std::collections::BTreeSet::new();
            let mut gpus = std::collections::BTreeSet::new();
            for (_, seat, policy) in &held {
                if policy.cpus.is_some() {
                    for cpu in seat.cpus.iter() { prop_assert!(cpus.insert((seat.host, cpu))); }
                }
                if policy.gpus.is_some() {
                    for gpu in seat.gpus.iter().flat_map(CpuSet::iter) {
                        prop_assert!(gpus.insert((seat.host, gpu)));
                    }
                }
            }
            if index % 3 == 2 && let Some((id, seat, _)) = held.pop() {
                ledger.release(&id, &seat);
            }
        }
    }
}
