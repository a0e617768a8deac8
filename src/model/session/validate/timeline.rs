//! The rules of the timeline: every step is about something that is there at its time.

use std::collections::{HashMap, HashSet};

use super::{FieldPath, Rules, did_you_mean};
use crate::model::{
    document::{Session, Step},
    ids::Selector,
    session::decode::grouped,
    template::{ProcessGroup, ProcessTemplate, REPLICAS_MAX},
};

/// The greatest number of ranks that the timeline gives each template.
pub(super) fn scaled(session: &Session) -> HashMap<(&str, &str), u32> {
    let mut scaled = HashMap::new();
    for entry in &session.timeline {
        if let Step::Scale(who, count) = &entry.step
            && let Some(template) = &who.template
        {
            let most: &mut u32 = scaled
                .entry((who.group.as_str(), template.as_str()))
                .or_default();
            *most = (*most).max(*count);
        }
    }
    scaled
}

impl Rules<'_> {
    /// How many ranks a template has at most at one time.
    pub(super) fn most_ranks(&self, group: &str, name: &str, template: &ProcessTemplate) -> u32 {
        let scaled = self.scaled.get(&(group, name)).copied();
        template.replicas.max(scaled.unwrap_or(0))
    }

    pub(super) fn timeline(&mut self, path: &FieldPath) {
        let session = self.session;
        // A group that is started by a step has its time from then on.
        let started: HashSet<&str> = session
            .timeline
            .iter()
            .filter_map(|entry| match &entry.step {
                Step::Start(who) => Some(who.group.as_str()),
                _ => None,
            })
            .collect();
        for (index, entry) in session.timeline.iter().enumerate() {
            if self.problems.is_full() {
                return;
            }
            let path = path.index(index);
            let who = entry.step.selector();
            if let Step::Scale(_, replicas) = &entry.step {
                self.scale(&path.name("do"), who, *replicas);
            }
            if self.broken.groups.contains(who.group.as_str()) {
                continue;
            }
            let Some(group) = session.groups.get(&who.group) else {
                let groups = session.groups.keys().map(|name| name.as_str());
                let near = did_you_mean(who.group.as_str(), groups);
                let message = format!("there is no group `{}`{near}", who.group);
                self.error(path.name("do"), message);
                continue;
            };
            self.selected(&path.name("do"), who, group);
            let begins = group.after.is_empty() && !started.contains(&who.group.as_str());
            if begins && group.walltime.is_some_and(|walltime| walltime < entry.at) {
                let message = format!("the walltime of group `{}` is over by then", who.group);
                self.warn(path.name("at"), message);
            }
        }
    }

    fn scale(&mut self, path: &FieldPath, who: &Selector, replicas: u32) {
        if who.template.is_none() || who.rank.is_some() {
            self.error_with(
                path.clone(),
                format!(
                    "{:?} is no template: only a template can be scaled",
                    who.to_string()
                ),
                "write Scale(\"group/template\", 4)",
            );
        }
        if !(1..=REPLICAS_MAX).contains(&replicas) {
            let most = grouped(u64::from(REPLICAS_MAX));
            self.error(path.clone(), format!("replicas must be 1 to {most}"));
        }
    }

    /// The template and the rank that a step is about.
    fn selected(&mut self, path: &FieldPath, who: &Selector, group: &ProcessGroup) {
        let Some(name) = &who.template else { return };
        if self.broken.template(who.group.as_str(), name.as_str()) {
            return;
        }
        let Some(template) = group.templates.get(name) else {
            let templates = group.templates.keys().map(|name| name.as_str());
            let near = did_you_mean(name.as_str(), templates);
            let message = format!("group `{}` has no template `{name}`{near}", who.group);
            self.error(path.clone(), message);
            return;
        };
        // A step that could not be read may have been one that scales it.
        let most = self.most_ranks(who.group.as_str(), name.as_str(), template);
        if let Some(rank) = who.rank
            && rank >= most
            && !self.broken.timeline
        {
            let last = most.saturating_sub(1);
            let message = format!("{who} selects nothing: the ranks of `{name}` are 0 to {last}");
            self.error(path.clone(), message);
        }
    }
}
