//! What waits for what: names that exist, nothing that waits for itself, and nothing that never comes.

use std::collections::HashMap;

use super::{FieldPath, Problem, Problems, Rules, did_you_mean};
use crate::model::template::{After, ProcessGroup, ProcessTemplate, Restart};

impl Rules<'_> {
    /// A template that is always started again ends only when it is stopped.
    pub(super) fn waits(
        &mut self,
        path: &FieldPath,
        template: &ProcessTemplate,
        group: &ProcessGroup,
    ) {
        for (index, condition) in template.after.iter().enumerate() {
            if let After::Succeeded(name) | After::Ended(name) = condition
                && let Some(awaited) = group.templates.get(name.as_str())
                && awaited.restart == Restart::Always
            {
                let message =
                    format!("`{name}` is always restarted: it ends only when it is stopped");
                self.warn(path.name("after").index(index), message);
            }
        }
    }
}

/// What is wrong with the `after` of all groups, or of all templates of one group.
pub(super) fn order_problems(
    what: &str,
    nodes: &[(&str, &[After])],
    broken: &dyn Fn(&str) -> bool,
    path: &dyn Fn(&str) -> FieldPath,
    problems: &mut Problems,
) {
    let index_of: HashMap<&str, usize> = nodes
        .iter()
        .enumerate()
        .map(|(index, (name, _))| (*name, index))
        .collect();
    let mut edges: Vec<Vec<(usize, usize)>> = vec![Vec::new(); nodes.len()];
    for (from, (name, after)) in nodes.iter().enumerate() {
        for (index, condition) in after.iter().enumerate() {
            if problems.is_full() {
                return;
            }
            let wrong = match index_of.get(condition.name()) {
                Some(to) if *to == from => format!("{what} `{name}` waits for itself"),
                Some(to) => {
                    edges[from].push((*to, index));
                    continue;
                }
                None if broken(condition.name()) => continue,
                None => {
                    let others = nodes.iter().map(|(other, _)| *other);
                    let near = did_you_mean(condition.name(), others.filter(|other| other != name));
                    let wanted = condition.name().escape_debug();
                    format!("there is no {what} `{wanted}`{near}")
                }
            };
            let field = path(name).name("after").index(index);
            problems.push(Problem::error(field, wrong));
        }
    }
    for cycle in cycles(&edges) {
        let (first, condition) = cycle[0];
        // A long way round says no more than its beginning.
        const SHOWN: usize = 20;
        let names: Vec<&str> = cycle
            .iter()
            .take(SHOWN)
            .map(|(node, _)| nodes[*node].0)
            .collect();
        let more = if cycle.len() > SHOWN { " -> …" } else { "" };
        let field = path(nodes[first].0).name("after").index(condition);
        let message = format!(
            "{what}s wait for each other: {}{more} -> {}",
            names.join(" -> "),
            names[0]
        );
        problems.push(Problem::error(field, message).with_help("take one of these conditions out"));
    }
}

/// One cycle for each way back that a depth-first walk meets; without recursion, as chains may be long.
fn cycles(edges: &[Vec<(usize, usize)>]) -> Vec<Vec<(usize, usize)>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    /// More would say nothing new.
    const CYCLES_MAX: usize = 20;
    let mut marks = vec![Mark::New; edges.len()];
    let mut found = Vec::new();
    for start in 0..edges.len() {
        if marks[start] != Mark::New {
            continue;
        }
        marks[start] = Mark::Open;
        // Each node of the way, with the number of its edges that were walked.
        let mut way = vec![(start, 0)];
        while let Some((node, walked)) = way.last_mut() {
            let (node, edge) = (*node, *walked);
            *walked += 1;
            match edges[node].get(edge) {
                None => {
                    marks[node] = Mark::Done;
                    way.pop();
                }
                Some((to, _)) => match marks[*to] {
                    Mark::New => {
                        marks[*to] = Mark::Open;
                        way.push((*to, 0));
                    }
                    Mark::Open if found.len() < CYCLES_MAX => {
                        let from = way.iter().position(|(node, _)| node == to).unwrap_or(0);
                        // The edge walked last from each node is the one that the cycle uses.
                        found.push(
                            way[from..]
                                .iter()
                                .map(|(node, walked)| (*node, edges[*node][walked - 1].1))
                                .collect(),
                        );
                    }
                    _ => {}
                },
            }
        }
    }
    found
}
