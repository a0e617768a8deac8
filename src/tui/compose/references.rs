//! What refers to a part of a session by its name, and follows when the name changes.
//!
//! Owns where such names stand: `after`, the selectors of the timeline, `Queue("…")` among arguments, placements on a
//! host. Never changes the part itself.

use crate::model::{
    document::{Session, Step},
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

/// A host has another name.
pub fn host_renamed(session: &mut Session, old: &HostName, new: &HostName) {
    let rename = |policy: &mut Policy| {
        if let Some(Placement::HostName(name)) = &mut policy.placement
            && name == old
        {
            *name = new.clone();
        }
    };
    rename(&mut session.policy);
    for group in session.groups.values_mut() {
        rename(&mut group.policy);
        for template in group.templates.values_mut() {
            rename(&mut template.policy);
        }
    }
}
