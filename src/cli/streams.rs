//! Standard output and standard error, whose readers may go away before we have ended.
//!
//! Owns the rule for that: who reads our output may have seen enough (`dragon-tui runs | head -1`), and who reads our
//! complaints may never have been there; neither changes what was done or the exit code that says so. Never hides a
//! result that a full disk swallowed. Start at [`stdout`], [`stderr`] and [`say`].

use std::{
    fmt::Display,
    io::{self, StderrLock, StdoutLock, Write},
};

use crate::term::plain_text::one_line;

/// A writer that drops everything once writing failed in a way that is of no account.
#[derive(Debug)]
pub struct Forgiving<W> {
    to: W,
    forgives: fn(&io::Error) -> bool,
    gone: bool,
}

impl<W> Forgiving<W> {
    fn done<T>(&mut self, done: io::Result<T>, dropped: T) -> io::Result<T> {
        match done {
            Err(error) if (self.forgives)(&error) => {
                self.gone = true;
                Ok(dropped)
            }
            done => done,
        }
    }
}

impl<W: Write> Write for Forgiving<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gone {
            return Ok(bytes.len());
        }
        let written = self.to.write(bytes);
        self.done(written, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.gone {
            return Ok(());
        }
        let flushed = self.to.flush();
        self.done(flushed, ())
    }
}

fn reader_left(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

/// Standard output for a result that its reader need not take to the end.
pub fn stdout() -> Forgiving<StdoutLock<'static>> {
    Forgiving {
        to: io::stdout().lock(),
        forgives: reader_left,
        gone: false,
    }
}

/// Standard error; writing to it never fails.
pub fn stderr() -> Forgiving<StderrLock<'static>> {
    Forgiving {
        to: io::stderr().lock(),
        // `write_all` tries again by itself after an interruption.
        forgives: |error| error.kind() != io::ErrorKind::Interrupted,
        gone: false,
    }
}

/// Says one line about the program on standard error, safe for a terminal whatever names it holds.
pub fn say(text: impl Display) {
    let line = format!("dragon-tui: {}\n", one_line(&text.to_string()));
    // It never fails.
    let _ = stderr().write_all(line.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes one write, then fails.
    struct Failing(Vec<u8>, io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if !self.0.is_empty() {
                return Err(self.1.into());
            }
            self.0.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_comes_after_the_reader_went_away_is_dropped_and_a_full_disk_is_told() {
        for kind in [io::ErrorKind::BrokenPipe, io::ErrorKind::StorageFull] {
            let mut out = Forgiving {
                to: Failing(Vec::new(), kind),
                forgives: reader_left,
                gone: false,
            };
            assert!(out.write_all(b"one").is_ok());
            let forgiven = kind == io::ErrorKind::BrokenPipe;
            assert_eq!(out.write_all(b"two").is_ok(), forgiven);
            assert_eq!(out.write_all(b"three").is_ok(), forgiven);
            assert_eq!(out.to.0, b"one");
        }
    }
}
