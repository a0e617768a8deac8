//! The user's settings.
//!
//! Owns the form of `config.ron`. Never writes it.

/// Settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The name of the theme.
    pub theme: String,
    /// Whether the mouse is used.
    pub mouse: bool,
    /// Lines kept above each pane.
    pub scrollback: u32,
    /// Whether the bell is rung.
    pub bell: bool,
    /// Whether the desktop is told of alerts.
    pub desktop_notifications: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            theme: super::theme::DEFAULT.to_owned(),
            mouse: true,
            scrollback: 2_000,
            bell: true,
            desktop_notifications: true,
        }
    }
}
