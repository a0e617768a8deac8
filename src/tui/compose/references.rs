//! What refers to a part of a session by its name, and follows when the name changes.
//!
//! Owns where such names stand: `after`, the selectors of the timeline, `Queue("…")` among arguments, placements on a
//! host. Never changes the part itself.

use crate::model::{
    document::{Session, Step},
    host::HostSpec,
    hostlist,
    ids::{GroupName, HostName, QueueName, Selector, TemplateName},
    policy::{Placement, Policy},
    template::{After, Value},
};

fn selectors(session: &mut Session) -> impl Iterator<Item = &mut Selector> {
    session
        .timeline
        .iter_mut()
        .map(|entry| match &mut entry.step {
            Step::Start(selector)
            | Step::Stop(selector)
            | Step::Kill(selector)
            | Step::Restart(selector)
            | Step::Mute(selector)
            | Step::Unmute(selector)
            | Step::Scale(selector, _)
            | Step::Send(selector, _) => selector,
        })
}

fn in_conditions(conditions: &mut [After], old: &str, new: &str) {
    for condition in conditions {
        let (After::Started(name)
        | After::Ready(name)
        | After::Succeeded(name)
        | After::Ended(name)) = condition;
        if name == old {
            new.clone_into(name);
        }
    }
}

/// A group has another name.
pub fn group_renamed(session: &mut Session, old: &GroupName, new: &GroupName) {
    for group in session.groups.values_mut() {
        in_conditions(&mut group.after, old.as_str(), new.as_str());
    }
    for selector in selectors(session) {
        if selector.group == *old {
            selector.group = new.clone();
        }
    }
}

/// A template has another name.
pub fn template_renamed(
    session: &mut Session,
    group: &GroupName,
    old: &TemplateName,
    new: &TemplateName,
) {
    if let Some(spec) = session.groups.get_mut(group) {
        for template in spec.templates.values_mut() {
            in_conditions(&mut template.after, old.as_str(), new.as_str());
        }
    }
    template_moved(session, (group, old), (group, new));
}

/// A template is in another group; conditions of the group it left cannot follow it.
pub fn template_moved(
    session: &mut Session,
    from: (&GroupName, &TemplateName),
    to: (&GroupName, &TemplateName),
) {
    for selector in selectors(session) {
        if selector.group == *from.0 && selector.template.as_ref() == Some(from.1) {
            selector.group = to.0.clone();
            selector.template = Some(to.1.clone());
        }
    }
}

/// A queue has another name.
pub fn queue_renamed(session: &mut Session, old: &QueueName, new: &QueueName) {
    for group in session.groups.values_mut() {
        for template in group.templates.values_mut() {
            for value in template.args.iter_mut().chain(template.kwargs.values_mut()) {
                in_value(value, old, new);
            }
        }
    }
}

fn in_value(value: &mut Value, old: &QueueName, new: &QueueName) {
    match value {
        Value::Queue(name) if name == old => *name = new.clone(),
        Value::List(values) => values
            .iter_mut()
            .for_each(|value| in_value(value, old, new)),
        Value::Map(entries) => entries.iter_mut().for_each(|(key, value)| {
            in_value(key, old, new);
            in_value(value, old, new);
        }),
        _ => {}
    }
}

/// Entries of the list of hosts are in other places: `moved` gives the new place of an old one, nothing for one that is
/// gone. What asks for a host by its number then asks for the same one, or for one that there is not.
pub fn hosts_moved(
    session: &mut Session,
    before: &[HostSpec],
    moved: impl Fn(usize) -> Option<usize>,
) {
    // How many Slurm gives is known when it is there.
    let widths = |hosts: &[HostSpec]| -> Option<Vec<u32>> {
        let width = |host: &HostSpec| match host {
            HostSpec::Declared(_) => Some(1),
            HostSpec::Ssh(list) => hostlist::expand(list).ok()?.len().try_into().ok(),
            HostSpec::Slurm(_) => None,
        };
        hosts.iter().map(width).collect()
    };
    let (Some(old), Some(new)) = (widths(before), widths(&session.hosts)) else {
        return;
    };
    let nowhere: u32 = new.iter().sum();
    let follow = |id: u32| -> u32 {
        let mut first = 0;
        for (place, width) in old.iter().enumerate() {
            if id < first + width {
                return match moved(place) {
                    Some(place) => new.iter().take(place).sum::<u32>() + (id - first),
                    None => nowhere,
                };
            }
            first += width;
        }
        id
    };
    for policy in policies(session) {
        if let Some(Placement::HostId(id)) = &mut policy.placement {
            *id = follow(*id);
        }
    }
}

fn policies(session: &mut Session) -> impl Iterator<Item = &mut Policy> {
    let groups = session.groups.values_mut().flat_map(|group| {
        let templates = group.templates.values_mut();
        std::iter::once(&mut group.policy).chain(templates.map(|template| &mut template.policy))
    });
    std::iter::once(&mut session.policy).chain(groups)
}

/// A host has another name.
pub fn host_renamed(session: &mut Session, old: &HostName, new: &HostName) {
    for policy in policies(session) {
        if let Some(Placement::HostName(name)) = &mut policy.placement
            && name == old
        {
            *name = new.clone();
        }
    }
}
