//! The user's terminal: taken, drawn on, and given back.
//!
//! Owns raw mode, the alternate screen and everything else that must be undone: after a normal end, after a panic and
//! around a suspension alike. Never decides when to draw. Start at [`Terminal::take`].

use std::{
    io::{self, IsTerminal, Stdout, Write},
    mem::ManuallyDrop,
    panic::PanicHookInfo,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
};

use crossterm::{
    cursor,
    event::{
        DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste,
        EnableMouseCapture, KeyCode, KeyEvent, KeyModifiers,
    },
    execute, queue,
    style::Print,
    terminal::{
        BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
        disable_raw_mode, enable_raw_mode,
    },
};
use ratatui::{Frame, backend::CrosstermBackend, layout::Rect};

use crate::term::keys;

/// Whether the terminal is ours now, for whoever has to give it back in a hurry.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Bytes of a frame that are gathered before they are written.
const BUFFER: usize = 64 << 10;

type Inner = ratatui::Terminal<CrosstermBackend<io::BufWriter<Gate<Stdout>>>>;

/// Writes while the terminal is ours. What is left of a frame when a panic has given it back goes nowhere: it would be
/// written on what is the user's again.
struct Gate<W> {
    out: W,
    open: &'static AtomicBool,
}

impl<W: Write> Write for Gate<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.open.load(SeqCst) {
            true => self.out.write(bytes),
            false => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Handles panics from now on: one of this thread gives the terminal back before it is reported. One of another thread
/// costs no more than what that one did; whoever waits for it says so, on the screen.
fn watch_panics() {
    let owner = thread::current().id();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
        if thread::current().id() == owner {
            restore();
        } else if TAKEN.load(SeqCst) {
            return tracing::error!("{info}");
        }
        before(info);
    }));
}

/// The user's terminal while it is ours.
pub struct Terminal {
    /// Never dropped: the library's own end complains on standard error when the terminal is gone, and that panics then.
    inner: ManuallyDrop<Inner>,
    mouse: bool,
}

/// Gives the terminal back; may be called at any time, from any thread, more than once.
pub fn restore() {
    if !TAKEN.swap(false, SeqCst) {
        return;
    }
    let _ = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        DisableFocusChange,
        LeaveAlternateScreen,
        cursor::Show,
    );
    let _ = disable_raw_mode();
}

impl Terminal {
    /// Whether there is one.
    pub fn is_there() -> bool {
        io::stdin().is_terminal() && io::stdout().is_terminal()
    }

    /// Takes the terminal. A panic of this thread gives it back before it is reported.
    pub fn take(mouse: bool) -> io::Result<Self> {
        watch_panics();
        let out = Gate {
            out: io::stdout(),
            open: &TAKEN,
        };
        let out = io::BufWriter::with_capacity(BUFFER, out);
        let inner = ratatui::Terminal::new(CrosstermBackend::new(out))?;
        let inner = ManuallyDrop::new(inner);
        let mut terminal = Self { inner, mouse };
        terminal.enter()?;
        Ok(terminal)
    }

    fn enter(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        TAKEN.store(true, SeqCst);
        execute!(
            io::stdout(),
            EnterAlternateScreen,
            EnableBracketedPaste,
            cursor::Hide
        )?;
        if self.mouse {
            execute!(io::stdout(), EnableMouseCapture)?;
        }
        Ok(())
    }

    /// Columns and rows.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        crossterm::terminal::size()
    }

    /// Draws a frame: what changed since the last one, in one go where the terminal can.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        queue!(self.inner.backend_mut(), BeginSynchronizedUpdate)?;
        self.inner.draw(draw)?;
        queue!(self.inner.backend_mut(), EndSynchronizedUpdate)?;
        self.inner.backend_mut().flush()
    }

    /// Draws everything anew with the next frame. Not by the library's own `clear`: that asks the terminal where its
    /// cursor is, and waits for an answer that somebody else may read.
    pub fn clear(&mut self) -> io::Result<()> {
        let size = self.inner.size()?;
        self.inner.resize(Rect::new(0, 0, size.width, size.height))
    }

    /// Gives the terminal back, lets `meanwhile` use it, and takes it again.
    pub fn lend<T>(&mut self, meanwhile: impl FnOnce() -> T) -> io::Result<T> {
        restore();
        let result = meanwhile();
        self.enter()?;
        self.clear()?;
        Ok(result)
    }

    /// Puts text on the user's clipboard (OSC 52; works over ssh where the terminal allows it).
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        let encoded = base64(text.as_bytes());
        queue!(
            self.inner.backend_mut(),
            Print(format!("\x1b]52;c;{encoded}\x1b\\"))
        )?;
        self.inner.backend_mut().flush()
    }

    /// Rings the bell, and tells the desktop (OSC 9 or 777, whatever the terminal knows) if `text` is given.
    pub fn alert(&mut self, bell: bool, text: Option<&str>) -> io::Result<()> {
        let backend = self.inner.backend_mut();
        if bell {
            queue!(backend, Print("\x07"))?;
        }
        if let Some(text) = text {
            let text: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
            // A `;` would divide it.
            let parts = text.replace(';', ",");
            queue!(
                backend,
                Print(format!("\x1b]9;dragon-tui: {text}\x1b\\")),
                Print(format!("\x1b]777;notify;dragon-tui;{parts}\x1b\\"))
            )?;
        }
        backend.flush()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let place = (word >> (18 - 6 * digit)) & 63;
            text.push(match digit <= chunk.len() {
                true => char::from(DIGITS[place as usize]),
                false => '=',
            });
        }
    }
    text
}

/// A key as a process's terminal knows it; absent: there is none.
pub fn key_of(event: &KeyEvent) -> Option<(keys::Key, keys::Mods)> {
    use keys::Key;
    let key = match event.code {
        KeyCode::Char(character) => Key::Char(character),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Escape,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Insert => Key::Insert,
        KeyCode::Delete => Key::Delete,
        KeyCode::F(number) => Key::F(number),
        _ => return None,
    };
    let with = |modifier| event.modifiers.contains(modifier);
    let mods = keys::Mods {
        shift: with(KeyModifiers::SHIFT),
        alt: with(KeyModifiers::ALT),
        ctrl: with(KeyModifiers::CONTROL),
    };
    Some((key, mods))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_when_the_terminal_was_given_back_is_not_written() {
        static OPEN: AtomicBool = AtomicBool::new(true);
        let mut written = Vec::new();
        let gate = Gate {
            out: &mut written,
            open: &OPEN,
        };
        let mut out = io::BufWriter::new(gate);
        out.write_all(b"a frame").unwrap();
        out.flush().unwrap();
        out.write_all(b"half a frame").unwrap();
        OPEN.store(false, SeqCst);
        drop(out);
        assert_eq!(written, b"a frame");
    }

    #[test]
    fn base64_is_that_of_the_standard() {
        // RFC 4648, section 10.
        for (text, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(text.as_bytes()), encoded);
        }
    }
}
