//! Lists whose items are known at once: changes that were left, the parts of the session, the themes, the GPUs.
//!
//! Owns what stands in them; choosing is the [`picker`](super::pick)'s. Start at [`open_parts`].

use super::{
    node,
    pick::{Item, Picker, Then},
    saving::near,
    swap::Left,
};
use crate::tui::{overlay::Overlay, state::State};

fn open(state: &mut State, picker: Picker) {
    state.overlays.push(Overlay::Pick(Box::new(picker)));
}

/// What is to become of changes that were never saved.
pub fn open_unsaved(state: &mut State, title: String, left: Left) {
    let file = left.file.clone();
    let stay = format!("they stay in {}", near(&file, &state.folder).display());
    let items = vec![
        Item::new("take them", "undo takes that back", Then::Recover(left)),
        Item::new("not now", stay, Then::Nothing),
        Item::new("throw them away", "for good", Then::ThrowAway(file)),
    ];
    open(state, Picker::new(title, items));
}

/// Every part of the session, to be gone to by a few letters of its name.
pub fn open_parts(state: &mut State) {
    let session = &state.draft.session;
    let rows = node::rows(session, &Default::default());
    let items = rows.into_iter().map(|row| {
        let title = row.node.title(session);
        let (kind, name) = title.split_once(' ').unwrap_or(("", &title));
        Item::new(name, kind, Then::Select(row.node.clone()))
    });
    let picker = Picker::new("go to which part?", items.collect());
    open(state, picker);
}

/// The themes, each seen while it is selected.
pub fn open_themes(state: &mut State) {
    let names = state.themes.iter();
    let items = names.map(|name| Item::new(name.clone(), "", Then::Theme(name.clone())));
    let mut picker = Picker::new("theme", items.collect());
    let at = state.themes.iter().position(|name| *name == state.theme);
    picker.at = at.unwrap_or(0);
    picker.before = Some(state.theme.clone());
    open(state, picker);
}

/// The numbers of the GPUs that the hosts of the plan have.
pub fn gpus(state: &State) -> Vec<Item> {
    const SHOWN: usize = 64;
    let plan = state.compose.planning.plan.as_ref();
    let hosts = plan.map_or(&[][..], |plan| &plan.hosts);
    let most = hosts.iter().map(|host| host.gpus).max().unwrap_or(0);
    let items = (0..most.min(SHOWN)).map(|gpu| {
        let having = hosts.iter().filter(|host| gpu < host.gpus);
        let names: Vec<&str> = having.map(|host| host.name.as_str()).take(3).collect();
        let about = format!("on {}", names.join(", "));
        Item::new(gpu.to_string(), about, Then::Insert(gpu.to_string()))
    });
    items.collect()
}
