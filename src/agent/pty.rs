//! Ptys: opened, and given a size.
//!
//! The only file that names portable_pty. It opens; reading, writing and starting the child are ours,
//! for its own are blocking and quadratic in the number of children. Start at [`open`].

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

use portable_pty::{PtySize, native_pty_system};
use rustix::{
    fs::{Mode, OFlags},
    pty::OpenptFlags,
    termios::{LocalModes, SpecialCodeIndex, Winsize},
};

use super::spawn;

/// Both ends of a new pty.
pub struct Pty {
    /// Ours.
    pub master: OwnedFd,
    /// The child's.
    pub slave: OwnedFd,
}

/// Opens a pty of this size (rows, columns), both ends closed on exec.
pub fn open((rows, cols): (u16, u16)) -> io::Result<Pty> {
    let pair = native_pty_system()
        .openpty(PtySize {
            rows,
            cols,
            pixel_width: 0,
            pixel_height: 0,
        })
        .map_err(|error| reason_of(&error.to_string()))?;
    let raw = pair.master.as_raw_fd().ok_or(io::ErrorKind::Unsupported)?;
    let master = spawn::duplicate(raw)?;
    // By the master where the kernel can (4.13): right even where /dev/pts is another one here.
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let slave = match rustix::pty::ioctl_tiocgptpeer(&master, flags) {
        Ok(slave) => slave,
        Err(_) => rustix::fs::open(
            pair.master.tty_name().ok_or(io::ErrorKind::NotFound)?,
            OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
            Mode::empty(),
        )?,
    };
    // Dropping the pair closes its own descriptors; nothing took its writer, so nothing is written.
    Ok(Pty { master, slave })
}

/// What made portable_pty fail. Its error is only a text, with the number in it as Debug of an io::Error writes it; errno
/// is not to be relied on, since making that text (and a backtrace) may have changed it.
fn reason_of(text: &str) -> io::Error {
    let number = text.split_once("code: ").and_then(|(_, rest)| {
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    });
    match number {
        Some(number) => io::Error::from_raw_os_error(number),
        None => io::Error::other(text.to_owned()),
    }
}

/// Gives a pty another size; its foreground processes are told by SIGWINCH.
pub fn resize(master: impl AsFd, (rows, cols): (u16, u16)) -> io::Result<()> {
    let size = Winsize {
        ws_row: rows,
        ws_col: cols,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    Ok(rustix::termios::tcsetwinsize(master, size)?)
}

/// The byte that means "end of input" when typed into this pty: what its slave set as VEOF, else Ctrl-D.
/// Whether the line discipline collects lines, where the byte must be typed twice after an unfinished one.
pub fn end_of_input(master: impl AsFd) -> (u8, bool) {
    match rustix::termios::tcgetattr(master) {
        Ok(modes) => {
            let code = modes.special_codes[SpecialCodeIndex::VEOF];
            let by_line = modes.local_modes.contains(LocalModes::ICANON);
            (if code == 0 { 4 } else { code }, by_line)
        }
        Err(_) => (4, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_a_refusal_is_read_from_its_text() {
        for number in [libc::ENOSPC, libc::EMFILE, libc::EIO] {
            let error = io::Error::from_raw_os_error(number);
            let text = format!("failed to openpty: {error:?}");
            assert_eq!(reason_of(&text).raw_os_error(), Some(number));
        }
        assert_eq!(reason_of("no number").to_string(), "no number");
    }
}
