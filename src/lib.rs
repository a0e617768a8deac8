//! dragon-tui: groups of processes, composed, launched, watched and steered.
//!
//! *Facts arrive as events, wishes leave as commands.* A pure domain model sits at the bottom ([`model`]); a
//! supervisor that is a plain function of (state, input, now) decides ([`engine::supervisor`]). Hands are on the
//! hosts: every host, this one too, has one small agent process that owns the children there, and ends them all
//! when its link closes ([`agent`]). The engine holds the brain, the queues and the record of the run
//! ([`engine`], [`record`]), and speaks one serialisable language of commands, events and pane bytes to its
//! clients; the headless replay in [`cli`] is one, the screens ([`tui`]) are another. What a process prints becomes a
//! picture in [`term`].
//!
//! Where to start reading: [`model::document::Session`] for what a session is, [`engine::Engine::start`] for how it
//! runs, [`agent::wire`] for what crosses to a host, [`engine::queues`] for the queues, [`tui::open`] for the screens.
//!
//! Layers point down: `cli` → `tui` → `engine::door` → `engine` → `record`, `agent::wire` → `model`; `term` stands
//! alone. A test holds the table.

pub mod agent;
pub mod cli;
pub mod engine;
pub mod model;
pub mod python;
pub mod record;
pub mod term;
pub mod tui;
