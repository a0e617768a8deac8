//! The tree of groups, templates and ranks: which rows there are, and which one is selected.
//!
//! Owns the selection (by name, never by position: rows come and go) and what is folded. Reads [`Facts`], changes
//! nothing of them. Start at [`Tree::rows`].

use std::collections::HashSet;

use crate::{
    model::ids::{ProcessId, Selector},
    tui::facts::{Facts, TemplateFacts},
};

/// A template of more ranks than this begins folded.
const FOLDED_FROM: usize = 32;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it stands for.
    pub what: Selector,
    /// 0: a group, 1: a template, 2: a rank.
    pub depth: u16,
    /// Whether it has rows below it that are not shown.
    pub folded: bool,
}

/// The row of a group or a template.
#[derive(Debug)]
struct Heading {
    row: Row,
    /// Its place, from the top.
    at: usize,
}

/// All rows, of which only those of groups and templates are held: a template may have a million ranks, and few of them
/// are on the screen.
#[derive(Debug)]
pub struct Rows<'f> {
    facts: &'f Facts,
    headings: Vec<Heading>,
    length: usize,
}

impl Rows<'_> {
    fn add(&mut self, what: Selector, depth: u16, folded: bool, below: usize) {
        let row = Row {
            what,
            depth,
            folded,
        };
        let at = self.length;
        self.headings.push(Heading { row, at });
        self.length += 1 + below;
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.length
    }

    fn template(&self, what: &Selector) -> Option<&TemplateFacts> {
        let group = self.facts.groups.get(&what.group)?;
        group.templates.get(what.template.as_ref()?)
    }

    /// The row at a place, 0 at the top.
    pub fn get(&self, at: usize) -> Option<Row> {
        if at >= self.length {
            return None;
        }
        let index = self.headings.partition_point(|heading| heading.at <= at);
        let heading = self.headings.get(index.checked_sub(1)?)?;
        let Some(below) = (at - heading.at).checked_sub(1) else {
            return Some(heading.row.clone());
        };
        let rank = self.template(&heading.row.what)?.at(below)?;
        Some(Row {
            what: Selector {
                rank: Some(rank),
                ..heading.row.what.clone()
            },
            depth: 2,
            folded: false,
        })
    }

    /// Where the row of something is; none: it has none now.
    pub fn position(&self, what: &Selector) -> Option<usize> {
        let heading = self.headings.iter().find(|heading| {
            let its = &heading.row.what;
            (&its.group, &its.template) == (&what.group, &what.template)
        })?;
        let Some(rank) = what.rank else {
            return Some(heading.at);
        };
        let below = self.template(what)?.position(rank)?;
        (!heading.row.folded).then_some(heading.at + 1 + below)
    }
}

/// What is selected and what is folded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tree {
    selected: Option<Selector>,
    /// Folded or unfolded by the user, against the default.
    turned: HashSet<Selector>,
}

/// The process that a selector names exactly.
pub fn process_of(selector: &Selector) -> Option<ProcessId> {
    Some(ProcessId {
        group: selector.group.clone(),
        template: selector.template.clone()?,
        rank: selector.rank?,
    })
}

/// The selector of exactly one process.
pub fn selector_of(process: &ProcessId) -> Selector {
    Selector {
        group: process.group.clone(),
        template: Some(process.template.clone()),
        rank: Some(process.rank),
    }
}

impl Tree {
    /// What is selected: the first group when nothing was chosen, the template of a rank that was scaled away.
    pub fn selected(&self, facts: &Facts) -> Option<Selector> {
        match &self.selected {
            Some(selected) if facts.groups.contains_key(&selected.group) => {
                let is_gone = process_of(selected).is_some_and(|process| !facts.has(&process));
                Some(Selector {
                    rank: selected.rank.filter(|_| !is_gone),
                    ..selected.clone()
                })
            }
            _ => facts.groups.keys().next().cloned().map(Selector::group),
        }
    }

    /// Selects something, and unfolds what hides it.
    pub fn select(&mut self, what: Selector, facts: &Facts) {
        let mut above = vec![Selector::group(what.group.clone())];
        if what.template.is_some() {
            above.push(Selector {
                rank: None,
                ..what.clone()
            });
        }
        if what.rank.is_none() {
            above.pop();
        }
        for row in above {
            if row != what && self.is_folded(&row, facts) {
                self.turn(&row);
            }
        }
        self.selected = Some(what);
    }

    /// Selects a row that is shown.
    pub fn select_row(&mut self, what: Selector) {
        self.selected = Some(what);
    }

    /// Whether the rows below this one are hidden.
    pub fn is_folded(&self, what: &Selector, facts: &Facts) -> bool {
        let ranks = what.template.as_ref().map_or(0, |template| {
            let group = facts.groups.get(&what.group);
            let template = group.and_then(|group| group.templates.get(template));
            template.map_or(0, TemplateFacts::number)
        });
        (ranks > FOLDED_FROM) != self.turned.contains(what)
    }

    /// Folds or unfolds a row.
    pub fn turn(&mut self, what: &Selector) {
        if !self.turned.remove(what) {
            self.turned.insert(what.clone());
        }
    }

    /// Folds all templates, or unfolds all where none is open.
    pub fn turn_all(&mut self, facts: &Facts) {
        let templates: Vec<Selector> = facts
            .groups
            .iter()
            .flat_map(|(group, of)| {
                of.templates.keys().map(|template| Selector {
                    group: group.clone(),
                    template: Some(template.clone()),
                    rank: None,
                })
            })
            .collect();
        let any_open = templates.iter().any(|it| !self.is_folded(it, facts));
        for template in &templates {
            if self.is_folded(template, facts) != any_open {
                self.turn(template);
            }
        }
        if let (true, Some(selected)) = (any_open, &mut self.selected) {
            selected.rank = None;
        }
    }

    /// The rows as they are now, from the top.
    pub fn rows<'f>(&self, facts: &'f Facts) -> Rows<'f> {
        let mut rows = Rows {
            facts,
            headings: Vec::new(),
            length: 0,
        };
        for (group, in_group) in &facts.groups {
            let what = Selector::group(group.clone());
            let folded = self.is_folded(&what, facts);
            rows.add(what, 0, folded, 0);
            if folded {
                continue;
            }
            for (name, template) in &in_group.templates {
                let what = Selector {
                    group: group.clone(),
                    template: Some(name.clone()),
                    rank: None,
                };
                let folded = self.is_folded(&what, facts);
                let below = if folded { 0 } else { template.number() };
                rows.add(what, 1, folded, below);
            }
        }
        rows
    }

    /// Moves the selection by so many rows; it stops at the ends.
    pub fn step(&mut self, facts: &Facts, by: isize) {
        let rows = self.rows(facts);
        let selected = self.selected(facts);
        let at = selected.and_then(|selected| rows.position(&selected));
        let last = rows.len().saturating_sub(1);
        let to = at.unwrap_or(0).saturating_add_signed(by).min(last);
        if let Some(row) = rows.get(to) {
            self.selected = Some(row.what);
        }
    }

    /// To the row above in the hierarchy, or folds the one it is on.
    pub fn left(&mut self, facts: &Facts) {
        let Some(selected) = self.selected(facts) else {
            return;
        };
        if selected.rank.is_none() && !self.is_folded(&selected, facts) {
            self.turn(&selected);
        } else if selected.rank.is_some() {
            self.selected = Some(Selector {
                rank: None,
                ..selected
            });
        } else if selected.template.is_some() {
            self.selected = Some(Selector::group(selected.group));
        }
    }

    /// Unfolds the row it is on, or goes to the first one below it.
    pub fn right(&mut self, facts: &Facts) {
        let Some(selected) = self.selected(facts) else {
            return;
        };
        if selected.rank.is_some() {
            return;
        }
        match self.is_folded(&selected, facts) {
            true => self.turn(&selected),
            false => self.step(facts, 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::document::Session;

    fn facts(replicas: u32) -> Facts {
        let text = format!(
            r#"Session(version: 1, groups: {{"g": ProcessGroup(templates: {{
            "a": ProcessTemplate(target: Program("a"), replicas: 2),
            "b": ProcessTemplate(target: Program("b"), replicas: {replicas})}})}})"#
        );
        Facts::of(&Session::parse(&text).session)
    }

    fn names(tree: &Tree, facts: &Facts) -> Vec<String> {
        let rows = tree.rows(facts);
        let all = (0..rows.len()).filter_map(|at| rows.get(at));
        all.map(|row| {
            let place = rows.position(&row.what);
            assert_eq!(rows.get(place.unwrap()), Some(row.clone()));
            row.what.to_string()
        })
        .collect()
    }

    #[test]
    fn groups_hold_templates_and_templates_hold_ranks() {
        let facts = facts(1);
        let all = ["g", "g/a", "g/a.0", "g/a.1", "g/b", "g/b.0"];
        assert_eq!(names(&Tree::default(), &facts), all);
    }

    #[test]
    fn a_template_of_many_ranks_begins_folded_and_opens_when_one_of_them_is_selected() {
        let facts = facts(1_000);
        let mut tree = Tree::default();
        assert_eq!(tree.rows(&facts).len(), 5);
        tree.select("g/b.700".parse().unwrap(), &facts);
        assert_eq!(tree.rows(&facts).len(), 1_005);
        assert_eq!(tree.selected(&facts), Some("g/b.700".parse().unwrap()));
    }

    #[test]
    fn steps_stop_at_both_ends() {
        let facts = facts(1);
        let mut tree = Tree::default();
        tree.step(&facts, -3);
        assert_eq!(tree.selected(&facts), Some("g".parse().unwrap()));
        tree.step(&facts, 100);
        assert_eq!(tree.selected(&facts), Some("g/b.0".parse().unwrap()));
    }

    #[test]
    fn all_templates_are_folded_at_once_and_unfolded_again() {
        let facts = facts(1);
        let mut tree = Tree::default();
        tree.select("g/a.1".parse().unwrap(), &facts);
        tree.turn_all(&facts);
        assert_eq!(names(&tree, &facts), ["g", "g/a", "g/b"]);
        assert_eq!(tree.selected(&facts), Some("g/a".parse().unwrap()));
        tree.turn_all(&facts);
        assert_eq!(names(&tree, &facts).len(), 6);
    }

    #[test]
    fn left_goes_up_and_folds_and_right_undoes_it() {
        let facts = facts(1);
        let mut tree = Tree::default();
        tree.select("g/a.1".parse().unwrap(), &facts);
        tree.left(&facts);
        assert_eq!(tree.selected(&facts), Some("g/a".parse().unwrap()));
        tree.left(&facts);
        assert_eq!(names(&tree, &facts), ["g", "g/a", "g/b", "g/b.0"]);
        tree.right(&facts);
        tree.right(&facts);
        assert_eq!(tree.selected(&facts), Some("g/a.0".parse().unwrap()));
    }

    #[test]
    fn where_a_rank_was_scaled_away_its_template_is_selected_and_steps_go_on_from_there() {
        let mut facts = facts(2);
        let mut tree = Tree::default();
        tree.select("g/b.1".parse().unwrap(), &facts);
        let scaled = r#"{"at":1.0,"event":"scaled","template":"g/b","replicas":1}"#;
        facts.apply(&serde_json::from_str(scaled).unwrap());
        assert_eq!(tree.selected(&facts), Some("g/b".parse().unwrap()));
        tree.step(&facts, 1);
        assert_eq!(tree.selected(&facts), Some("g/b.0".parse().unwrap()));
    }
}
