//! The program on a pty, and what it shows, read by the terminal that is part of it.

use std::{
    fs::File,
    io::{Read, Write},
    os::{fd::AsFd, unix::process::CommandExt},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use dragon_tui::term::{MouseMode, Screen};
use rustix::{
    event::{PollFd, PollFlags, poll},
    pty::OpenptFlags,
    termios::{LocalModes, Termios, Winsize, tcgetattr},
};

use crate::support::program::{Home, signal};

/// How long something may take to be seen.
const SOON: Duration = Duration::from_secs(20);

/// The program under way.
pub struct Terminal {
    child: Child,
    master: File,
    pub screen: Screen,
    /// Everything that it wrote, as it came.
    pub bytes: Vec<u8>,
    /// How fast the terminal takes what is written, in bytes a second; absent: at once. It takes nothing at all while
    /// the test waits for something else.
    pub speed: Option<u32>,
    before: Termios,
}

impl Terminal {
    /// Starts the program with these arguments on a pty of this size.
    pub fn open(home: &Home, arguments: &[&str], rows: u16, cols: u16) -> Self {
        Self::run(home, home.command(arguments), rows, cols)
    }

    /// Starts any command on a pty of this size.
    pub fn run(home: &Home, mut command: Command, rows: u16, cols: u16) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = rustix::pty::openpt(flags).unwrap();
        rustix::pty::unlockpt(&master).unwrap();
        let slave = rustix::pty::ioctl_tiocgptpeer(&master, flags).unwrap();
        let before = tcgetattr(&master).unwrap();
        command
            .env("TERM", "xterm-256color")
            .env("LANG", "C.UTF-8")
            .env("LC_ALL", "C.UTF-8")
            .env("XDG_CONFIG_HOME", home.path().join("config"))
            .stdin(Stdio::from(slave.try_clone().unwrap()))
            .stdout(Stdio::from(slave.try_clone().unwrap()))
            .stderr(Stdio::from(slave));
        set_size(&master, rows, cols);
        // A job of its own, as a shell makes it: it may be stopped.
        command.process_group(0);
        Self {
            master: File::from(master),
            child: command.spawn().unwrap(),
            screen: Screen::new(rows, cols, 0),
            bytes: Vec::new(),
            speed: None,
            before,
        }
    }

    /// Gives the terminal another size, and tells the program: the pty is not its controlling terminal.
    pub fn resize(&mut self, rows: u16, cols: u16) {
        set_size(&self.master, rows, cols);
        self.screen.resize(rows, cols);
        signal(self.pid(), libc::SIGWINCH);
    }

    /// Fails unless the program has the terminal for itself: keys come at once and unseen, pastes and the mouse are told.
    #[track_caller]
    pub fn is_taken(&self) {
        let local = tcgetattr(&self.master).unwrap().local_modes;
        assert!(!local.intersects(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG));
        let modes = self.screen.modes();
        assert!(modes.alternate_screen && modes.bracketed_paste, "{modes:?}");
        assert_ne!(modes.mouse, MouseMode::None);
    }

    /// Fails unless the terminal is as it was before the program.
    #[track_caller]
    pub fn is_given_back(&self) {
        let now = tcgetattr(&self.master).unwrap();
        assert_eq!(
            (now.input_modes, now.output_modes, now.control_modes),
            (
                self.before.input_modes,
                self.before.output_modes,
                self.before.control_modes
            )
        );
        assert_eq!(now.local_modes, self.before.local_modes);
        let untouched = Screen::new(1, 2, 0);
        assert_eq!(self.screen.modes(), untouched.modes());
        assert!(self.screen.cursor().is_some(), "the cursor is seen again");
        assert!(!self.screen.is_updating(), "what is written is shown");
    }

    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// Presses keys.
    pub fn keys(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Everything that is seen, line by line.
    pub fn text(&self) -> String {
        let rows = i32::from(self.screen.size().rows);
        let lines = (0..rows).map(|row| self.screen.line_text(row).trim_end().to_owned() + "\n");
        lines.collect()
    }

    /// Reads what comes within so many milliseconds. False: nothing comes any more.
    fn read(&mut self, milliseconds: u64) -> bool {
        let timeout = rustix::time::Timespec {
            tv_sec: 0,
            tv_nsec: (milliseconds * 1_000_000) as i64,
        };
        let mut polled = [PollFd::from_borrowed_fd(self.master.as_fd(), PollFlags::IN)];
        if poll(&mut polled, Some(&timeout)).unwrap() == 0 {
            return true;
        }
        let mut bytes = [0; 16 << 10];
        match self.master.read(&mut bytes) {
            Ok(count @ 1..) => {
                self.screen.feed(&bytes[..count]);
                self.bytes.extend_from_slice(&bytes[..count]);
                if let Some(speed) = self.speed {
                    std::thread::park_timeout(Duration::from_secs(count as u64) / speed);
                }
                true
            }
            // EIO: the other side is closed.
            Ok(0) | Err(_) => false,
        }
    }

    /// Takes in what was written so far.
    pub fn read_all(&mut self) {
        while self.has_more() && self.read(0) {}
    }

    /// Waits until what is seen is as wanted.
    #[track_caller]
    pub fn wait_until(&mut self, what: &str, wanted: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + SOON;
        while !wanted(&self.text()) {
            let open = self.read(100);
            if !open || Instant::now() > deadline {
                panic!("waited for {what}; this is seen:\n{}", self.text());
            }
        }
    }

    /// Waits until a text is seen.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        self.wait_until(&format!("{text:?}"), |seen| seen.contains(text));
    }

    /// Waits until a text is not seen any more.
    #[track_caller]
    pub fn wait_gone(&mut self, text: &str) {
        self.wait_until(&format!("no {text:?}"), |seen| !seen.contains(text));
    }

    /// Waits until what is seen is not in the middle of a frame.
    #[track_caller]
    pub fn wait_for_whole_frame(&mut self) {
        let deadline = Instant::now() + SOON;
        while self.screen.is_updating() {
            assert!(self.read(100) && Instant::now() < deadline);
        }
    }

    /// Waits for the program's end.
    #[track_caller]
    pub fn finish(&mut self) -> ExitStatus {
        let deadline = Instant::now() + SOON;
        loop {
            let open = self.read(20);
            if let Some(status) = self.child.try_wait().unwrap() {
                while open && self.read(0) && Instant::now() < deadline {
                    if !self.has_more() {
                        break;
                    }
                }
                return status;
            }
            assert!(Instant::now() < deadline, "it goes on:\n{}", self.text());
        }
    }

    /// Closes the terminal, as a window or a connection does; waits for the program's end.
    #[track_caller]
    pub fn hang_up(&mut self) -> ExitStatus {
        self.master = File::open("/dev/null").unwrap();
        let deadline = Instant::now() + SOON;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it goes on without a terminal");
            std::thread::yield_now();
        }
    }

    fn has_more(&self) -> bool {
        let mut polled = [PollFd::from_borrowed_fd(self.master.as_fd(), PollFlags::IN)];
        let none = rustix::time::Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        poll(&mut polled, Some(&none)).unwrap() > 0 && polled[0].revents().contains(PollFlags::IN)
    }
}

fn set_size(master: impl AsFd, rows: u16, cols: u16) {
    let size = Winsize {
        ws_row: rows,
        ws_col: cols,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    rustix::termios::tcsetwinsize(master, size).unwrap();
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
