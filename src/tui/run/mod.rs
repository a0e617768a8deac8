//! The run screen: the tree of ranks at the left, their panes at the right.
//!
//! Owns what is shown of a run and what keys do to it. Never starts or ends a process: wishes leave as commands. Start at
//! [`State`].

pub mod copying;
mod following;
pub mod hits;
mod merged;
mod pane;
mod parked;
pub mod pointer;
mod state;
mod tiles;
mod tree;
pub mod update;
pub mod view;
mod waits;

pub use self::{
    copying::Selection,
    merged::{Line, Merged},
    pane::Pane,
    state::{Focus, Link, State},
    tiles::Layout,
    tree::{process_of, selector_of},
};
