//! What a new user may not find alone: one tip at a time, until it is understood.
//!
//! Owns the tips and which of them are known: that of an action goes when it was performed, or was there to be read for a
//! while. What is known is kept in a small file, one name a line. Never takes room from anything: it stands in the last
//! line where that is empty. Start at [`Tips::current`].

use std::{
    collections::BTreeSet,
    path::PathBuf,
    time::{Duration, Instant},
};

use super::{
    keymap::{Action, Context},
    message::Effect,
    state::State,
};

/// So long a tip is there to be read, at most, counted from key to key.
const READ: Duration = Duration::from_secs(60);

/// The greatest size of the file in bytes.
const SIZE_MAX: usize = 4 << 10;

/// Where it is told, what to do, in words.
const TIPS: &[(Context, Action, &str)] = &[
    (Context::Run, Action::Merged, "shows all output as one"),
    (Context::Run, Action::Layout, "shows more or fewer panes"),
    (
        Context::Run,
        Action::Palette,
        "finds everything by its name",
    ),
    (
        Context::Run,
        Action::Search,
        "searches what has scrolled away too",
    ),
    (Context::Pane, Action::Select, "selects lines to copy"),
    (Context::Pane, Action::Follow, "holds what is shown"),
    (
        Context::Merged,
        Action::Filter,
        "shows only lines that match",
    ),
    (
        Context::Merged,
        Action::Up,
        "marks a line; mute and type are about its rank then",
    ),
];

/// Which tips are known.
#[derive(Debug, Clone, Default)]
pub struct Tips {
    /// Where that is kept; absent: nowhere, and no tip is shown.
    file: Option<PathBuf>,
    known: BTreeSet<String>,
    /// Which one is shown, and since when.
    shown: Option<(Action, Instant)>,
}

impl Tips {
    /// With what is known by this file's text.
    pub fn new(file: Option<PathBuf>, text: &str) -> Self {
        let known = text.lines().take(100).map(str::to_owned);
        Self {
            file,
            known: known.collect(),
            shown: None,
        }
    }

    /// The tip for a place, if one is left.
    pub fn current(&self, context: Context) -> Option<(Action, &'static str)> {
        self.file.as_ref()?;
        let mut tips = TIPS.iter();
        let tip =
            tips.find(|(of, action, _)| *of == context && !self.known.contains(action.name()));
        tip.map(|(_, action, words)| (*action, *words))
    }

    /// A key was pressed in this place, and did this. What is to be kept is returned.
    pub fn performed(&mut self, context: Context, action: Action, now: Instant) -> Option<Effect> {
        let mut changed =
            TIPS.iter().any(|tip| tip.1 == action) && self.known.insert(action.name().to_owned());
        let current = self.current(context).map(|(action, _)| action);
        match (current, self.shown) {
            (Some(tip), Some((shown, since))) if tip == shown => {
                if now.saturating_duration_since(since) >= READ {
                    changed |= self.known.insert(tip.name().to_owned());
                }
            }
            (tip, _) => self.shown = tip.map(|tip| (tip, now)),
        }
        let path = self.file.clone().filter(|_| changed)?;
        let text: String = self.known.iter().map(|name| format!("{name}\n")).collect();
        Some(Effect::Keep { path, text })
    }
}

/// Reads what is known. `variable` gives the environment.
pub fn load(variable: impl Fn(&str) -> Option<String>) -> Tips {
    let recent = super::compose::keep::recent_file(variable);
    let file = recent.map(|recent| recent.with_file_name("known-tips"));
    let text = file.as_deref().and_then(|file| std::fs::read(file).ok());
    let text = text
        .filter(|text| text.len() <= SIZE_MAX)
        .unwrap_or_default();
    Tips::new(file, &String::from_utf8_lossy(&text))
}

/// The tip that is shown now, with its key.
pub fn text(state: &State) -> Option<String> {
    if !state.is_live() || !state.overlays.is_empty() {
        return None;
    }
    let (action, words) = state.tips.current(state.context())?;
    Some(format!("{} {words}", state.key_here(action)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tip_goes_when_its_key_was_used_and_that_is_kept() {
        let mut tips = Tips::new(Some("/nowhere/tips".into()), "layout\n");
        let now = Instant::now();
        assert_eq!(tips.current(Context::Run).unwrap().0, Action::Merged);
        let kept = tips.performed(Context::Run, Action::Merged, now);
        assert!(matches!(kept, Some(Effect::Keep { text, .. }) if text.contains("all-in-one")));
        assert_ne!(tips.current(Context::Run).unwrap().0, Action::Merged);
        assert_eq!(tips.performed(Context::Run, Action::Merged, now), None);
        assert_eq!(tips.current(Context::Prompt), None);
    }

    #[test]
    fn a_tip_that_was_there_to_be_read_for_a_while_goes_too() {
        let mut tips = Tips::new(Some("/nowhere/tips".into()), "");
        let now = Instant::now();
        tips.performed(Context::Run, Action::Down, now);
        assert_eq!(
            tips.performed(Context::Run, Action::Down, now + READ / 2),
            None
        );
        assert!(
            tips.performed(Context::Run, Action::Down, now + READ)
                .is_some()
        );
        assert_ne!(tips.current(Context::Run).unwrap().0, Action::Merged);
    }

    #[test]
    fn without_a_place_to_keep_it_nothing_is_told() {
        assert_eq!(Tips::default().current(Context::Run), None);
    }
}
