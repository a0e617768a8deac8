//! How loud an alert is: one noise for many, and what the user wants to hear of each template.
//!
//! Owns what waits to be told and the user's choice for the time of a run; the session is not changed by it. Never rings
//! itself. Start at [`Alerts::push`] and [`open`].

use std::time::{Duration, Instant};

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    keymap::Action,
    overlay::Overlay,
    state::State,
    theme::Theme,
    widget::{
        list,
        panel::Panel,
        popup,
        text::{columns, put_cut},
    },
};
use crate::model::{
    event::Level,
    ids::{ProcessId, Selector},
    template::Alert,
};

/// The least time between two noises.
const EVERY: Duration = Duration::from_secs(1);

/// How an alert is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Voice {
    /// It is shown, rings the bell and tells the desktop, as the settings say.
    #[default]
    Loud,
    /// It is shown.
    Shown,
    /// Nothing is said of it.
    Off,
}

impl Voice {
    fn next(self) -> Self {
        match self {
            Voice::Loud => Voice::Shown,
            Voice::Shown => Voice::Off,
            Voice::Off => Voice::Loud,
        }
    }
}

/// What is to be heard.
#[derive(Debug, Clone, Default)]
pub struct Alerts {
    /// How many wait, and the first of them.
    waiting: usize,
    first: String,
    last: Option<Instant>,
    /// What is not as by default.
    voices: Vec<(Selector, Alert, Voice)>,
}

impl Alerts {
    /// One more noise.
    pub fn push(&mut self, text: impl Into<String>) {
        if self.waiting == 0 {
            self.first = text.into();
        }
        self.waiting += 1;
    }

    /// What is to be told now: of what came since the last time, all in one.
    pub fn take(&mut self, now: Instant) -> Option<String> {
        if self.waiting == 0 || self.due().is_some_and(|due| due > now) {
            return None;
        }
        self.last = Some(now);
        let first = std::mem::take(&mut self.first);
        Some(match std::mem::take(&mut self.waiting) {
            1 => first,
            many => format!("{first}, and {} more", many - 1),
        })
    }

    /// When something is to be told.
    pub fn due(&self) -> Option<Instant> {
        let last = self.last.filter(|_| self.waiting > 0)?;
        Some(last + EVERY)
    }

    /// How an alert of a process is told.
    pub fn voice(&self, process: &ProcessId, alert: &Alert) -> Voice {
        let of = self.voices.iter().find(|(template, of, _)| {
            of == alert
                && template.group == process.group
                && template.template.as_ref() == Some(&process.template)
        });
        of.map_or(Voice::default(), |(_, _, voice)| *voice)
    }

    fn voice_of(&self, template: &Selector, alert: &Alert) -> Voice {
        let of = self.voices.iter();
        let of = of.clone().find(|it| it.0 == *template && it.1 == *alert);
        of.map_or(Voice::default(), |it| it.2)
    }

    fn turn(&mut self, template: &Selector, alert: &Alert) {
        let voice = self.voice_of(template, alert).next();
        self.voices.retain(|it| it.0 != *template || it.1 != *alert);
        if voice != Voice::default() {
            self.voices.push((template.clone(), alert.clone(), voice));
        }
    }
}

/// What the session asks to be told of.
fn all(state: &State) -> Vec<(Selector, Alert)> {
    let Some(run) = &state.run else {
        return Vec::new();
    };
    let groups = run.session.groups.iter();
    groups
        .flat_map(|(group, of)| {
            of.templates.iter().flat_map(move |(template, of)| {
                of.alerts.iter().map(move |alert| {
                    let template = Selector {
                        group: group.clone(),
                        template: Some(template.clone()),
                        rank: None,
                    };
                    (template, alert.clone())
                })
            })
        })
        .collect()
}

/// Opens the list of alerts, at those of what is selected.
pub fn open(state: &mut State) {
    let all = all(state);
    if all.is_empty() {
        let text = "no template asks for alerts: they are composed with its other fields";
        return state.toasts.push(Level::Info, text, state.now);
    }
    let current = state.run.as_ref().and_then(|run| run.current());
    let is_of = |template: &Selector| {
        current.as_ref().is_some_and(|current| {
            template.group == current.group && template.template.as_ref() == Some(&current.template)
        })
    };
    let at = all.iter().position(|(template, _)| is_of(template));
    state.overlays.push(Overlay::Alerts {
        at: at.unwrap_or(0),
    });
}

/// A key in the list; false: it means nothing there.
pub fn act(state: &mut State, action: Action, page: usize) -> bool {
    let all = all(state);
    let last = all.len().saturating_sub(1);
    let Some(Overlay::Alerts { at }) = state.overlays.last_mut() else {
        return false;
    };
    match (action, action.rows(page)) {
        (_, Some(by)) => *at = at.saturating_add_signed(by).min(last),
        (Action::Enter, _) => {
            if let Some((template, alert)) = all.get(*at) {
                state.alerts.turn(template, alert);
            }
        }
        _ => return false,
    }
    true
}

/// Draws the list.
pub fn draw(state: &State, at: usize, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let all = all(state);
    let key = state.key_here(Action::Enter);
    let footer = format!("{key} loud, shown or off while this program runs");
    let panel = Panel::new("alerts").footer(footer);
    let height = u16::try_from(all.len())
        .unwrap_or(u16::MAX)
        .saturating_add(2);
    let inside = popup::draw(buffer, area, (72, height.min(area.height)), &panel, theme);
    let view = list::View {
        first: at.saturating_sub(usize::from(inside.height) / 2),
        selected: Some(at),
        length: all.len(),
    };
    list::draw(buffer, inside, view, theme, |buffer, line, index, _| {
        let (template, alert) = &all[index];
        let what = match alert {
            Alert::Died => "died".to_owned(),
            Alert::Failed => "failed".to_owned(),
            Alert::Quiet(time) => format!("quiet for {}", humantime::format_duration(*time)),
            Alert::Line(pattern) => format!("a line /{pattern}/"),
        };
        let (sign, said, style) = match state.alerts.voice_of(template, alert) {
            Voice::Loud => (theme.glyphs.warning, "loud", theme.warning),
            Voice::Shown => (theme.glyphs.info, "shown", theme.text),
            Voice::Off => (theme.glyphs.none, "off", theme.dim),
        };
        let right = format!("{sign} {said}");
        let width = columns(&right);
        let left = line.width.saturating_sub(width + 1);
        let text = format!("{template}  {what}");
        put_cut(
            buffer,
            line.x,
            line.y,
            left,
            &text,
            theme.text,
            theme.glyphs,
        );
        put_cut(
            buffer,
            line.right().saturating_sub(width),
            line.y,
            width,
            &right,
            style,
            theme.glyphs,
        );
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_failures_are_one_noise_and_the_next_comes_a_second_later() {
        let mut alerts = Alerts::default();
        let now = Instant::now();
        assert_eq!(alerts.take(now), None);
        alerts.push("g/a.0 failed");
        assert_eq!(alerts.take(now), Some("g/a.0 failed".to_owned()), "at once");
        for rank in 1..1_000 {
            alerts.push(format!("g/a.{rank} failed"));
        }
        assert_eq!(alerts.take(now), None);
        let due = alerts.due().unwrap();
        assert_eq!(due, now + EVERY);
        let told = alerts.take(due);
        assert_eq!(told.as_deref(), Some("g/a.1 failed, and 998 more"));
        assert_eq!((alerts.take(due), alerts.due()), (None, None));
    }

    #[test]
    fn each_alert_of_a_template_is_loud_until_it_is_turned_down() {
        let mut alerts = Alerts::default();
        let (template, process) = ("g/a".parse().unwrap(), "g/a.7".parse().unwrap());
        for voice in [Voice::Shown, Voice::Off, Voice::Loud] {
            alerts.turn(&template, &Alert::Died);
            assert_eq!(alerts.voice(&process, &Alert::Died), voice);
            assert_eq!(alerts.voice(&process, &Alert::Failed), Voice::Loud);
            assert_eq!(
                alerts.voice(&"g/b.7".parse().unwrap(), &Alert::Died),
                Voice::Loud
            );
        }
    }
}
