//! A line that is typed: what was typed before, and what a beginning is completed to.
//!
//! Owns [`Typed`], bounded. Names of files are asked of the disk and come by a message. Start at [`act`].

use std::mem::Discriminant;

use super::{For, Overlay};
use crate::tui::{
    compose::pick::{Entry, Listing},
    keymap::Action,
    message::Effect,
    state::State,
};

/// Lines that are remembered, of all kinds together.
const TYPED_MAX: usize = 200;

/// What was typed before, the newest last.
#[derive(Debug, Clone, Default)]
pub struct Typed(Vec<(Discriminant<For>, String)>);

impl Typed {
    /// A line was typed; the same one before is forgotten.
    pub fn remember(&mut self, what: &For, text: &str) {
        let line = (std::mem::discriminant(what), text.to_owned());
        if text.trim().is_empty() {
            return;
        }
        self.0.retain(|known| *known != line);
        if self.0.len() >= TYPED_MAX {
            self.0.remove(0);
        }
        self.0.push(line);
    }

    /// Those for the same thing, the newest first.
    fn of<'t>(&'t self, what: &For) -> impl Iterator<Item = &'t str> + use<'t> {
        let kind = std::mem::discriminant(what);
        let lines = self.0.iter().rev();
        lines.filter_map(move |(of, text)| (*of == kind).then_some(text.as_str()))
    }
}

impl For {
    /// Whether the name of a file is typed.
    fn is_path(&self) -> bool {
        matches!(
            self,
            For::SaveAs | For::SaveTimeline | For::SaveOutput | For::Open
        )
    }
}

/// Does what a key means in a line that is typed. False: nothing of this.
pub fn act(state: &mut State, action: Action) -> bool {
    let Some(Overlay::Prompt {
        what,
        input,
        problem,
        before,
        waiting,
    }) = state.overlays.last_mut()
    else {
        return false;
    };
    match action {
        Action::Up | Action::Down => {
            let (back, own) = before.get_or_insert_with(|| (0, input.text().to_owned()));
            let to = match action {
                Action::Up => *back + 1,
                _ => back.saturating_sub(1),
            };
            let text = match to {
                0 => Some(own.as_str()),
                to => state.typed.of(what).nth(to - 1),
            };
            if let Some(text) = text {
                let text = text.to_owned();
                *back = to;
                input.set(&text);
                *problem = None;
            }
        }
        Action::NextFocus if what.is_path() => {
            let (folder, _) = parts(input.text());
            state.tickets += 1;
            *waiting = Some(state.tickets);
            let ticket = state.tickets;
            let path = state.folder.join(folder);
            let what = Listing::Files;
            state.effect(Effect::List { ticket, what, path });
        }
        Action::NextFocus => {
            let known = state
                .typed
                .of(what)
                .find(|known| known.starts_with(input.text()));
            match known {
                Some(known) => {
                    let known = known.to_owned();
                    input.set(&known);
                }
                None => *problem = Some("nothing like it was typed before".to_owned()),
            }
        }
        _ => return false,
    }
    true
}

/// A path that is typed, as its folder and the begin of a name.
fn parts(text: &str) -> (&str, &str) {
    match text.rfind('/') {
        Some(at) => text.split_at(at + 1),
        None => ("", text),
    }
}

/// What is in a folder came: the line becomes as long as the names in it allow. False: it was asked for by somebody else.
pub fn listed(state: &mut State, ticket: u64, entries: &Result<Vec<Entry>, String>) -> bool {
    let asked = state.overlays.iter_mut().find_map(|overlay| match overlay {
        Overlay::Prompt {
            input,
            problem,
            waiting,
            ..
        } if *waiting == Some(ticket) => {
            *waiting = None;
            Some((input, problem))
        }
        _ => None,
    });
    let Some((input, problem)) = asked else {
        return false;
    };
    let (folder, begin) = parts(input.text());
    let entries = match entries {
        Ok(entries) => entries,
        Err(why) => {
            *problem = Some(why.clone());
            return true;
        }
    };
    let fit: Vec<&Entry> = entries
        .iter()
        .filter(|entry| entry.name.starts_with(begin))
        .collect();
    let Some(first) = fit.first() else {
        *problem = Some("no file begins so".to_owned());
        return true;
    };
    let mut end = first.name.len();
    for entry in &fit {
        let same = first.name.char_indices().zip(entry.name.chars());
        let differs = same.into_iter().find(|((_, a), b)| a != b);
        let common = differs.map_or(entry.name.len().min(first.name.len()), |((at, _), _)| at);
        end = end.min(common);
    }
    let mut text = format!("{folder}{}", &first.name[..end]);
    if fit.len() == 1 && first.is_folder {
        text.push('/');
    }
    *problem = match text.len() > input.text().len() || fit.len() == 1 {
        true => None,
        false => Some(names(&fit)),
    };
    input.set(&text);
    true
}

/// A few names in a line.
fn names(fit: &[&Entry]) -> String {
    const SHOWN: usize = 6;
    let mut names: Vec<&str> = fit
        .iter()
        .map(|entry| entry.name.as_str())
        .take(SHOWN)
        .collect();
    if fit.len() > SHOWN {
        names.push("and more");
    }
    names.join("  ")
}
