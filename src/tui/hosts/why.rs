//! Why a host is used, or is not, in words.

use super::board::{Host, Standing};
use crate::{
    model::{host::HostSpec, ids::HostName, policy::Placement},
    tui::state::State,
};

/// The lines of the answer.
pub fn lines(state: &State, host: &Host) -> Vec<String> {
    let mut lines = Vec::new();
    let ranks = |number: u64| match number {
        1 => "1 rank".to_owned(),
        number => format!("{number} ranks"),
    };
    match &host.standing {
        Standing::Used => {
            lines.push(format!(
                "it is used: {} live there",
                ranks(host.live().into())
            ));
        }
        Standing::Lost(reason) => {
            lines.push(format!("it is lost: {reason}"));
            let failed: u32 = host.ranks.iter().map(|row| row.failed).sum();
            if failed > 0 {
                lines.push(format!(
                    "{} failed or were lost there",
                    ranks(failed.into())
                ));
            }
            lines.push("nothing is started there any more in this run".to_owned());
        }
        Standing::OutOfReach(why) => lines.push((*why).to_owned()),
        Standing::Planned(0) => {
            lines.push("no process was started yet, and no rank would go there".to_owned());
            lines.extend(placed_elsewhere(state, host));
        }
        Standing::Planned(number) => lines.push(format!(
            "no process was started yet; {} would go there",
            ranks(*number)
        )),
        Standing::Idle if host.over() > 0 => lines.push(format!(
            "nothing runs there any more: {} ended",
            ranks(host.over().into())
        )),
        Standing::Idle => {
            lines.push("it answers, and no rank was started there".to_owned());
            lines.extend(placed_elsewhere(state, host));
        }
    }
    lines
}

/// What the session says that keeps ranks from it.
fn placed_elsewhere(state: &State, host: &Host) -> Option<String> {
    let session = match &state.run {
        Some(run) => &run.session,
        None => &state.draft.session,
    };
    let named = session.groups.iter().flat_map(|(group, in_group)| {
        let templates = in_group.templates.keys();
        templates.map(move |template| session.policy_of(group, template).placement)
    });
    let mut elsewhere = named.filter_map(|placement| match placement {
        Some(Placement::HostName(name)) if name.as_str() != host.name => Some(name),
        _ => None,
    });
    let is_local = host.name == HostName::LOCALHOST;
    let lists_others = session.hosts.iter().any(|spec| match spec {
        HostSpec::Declared(host) => host.name.as_str() != HostName::LOCALHOST,
        HostSpec::Ssh(_) | HostSpec::Slurm(_) => true,
    });
    if is_local && lists_others {
        return Some(
            "this machine is used by Anywhere only where the session lists no other host"
                .to_owned(),
        );
    }
    let name = elsewhere.next()?;
    Some(format!("policies place ranks on {name}"))
}
