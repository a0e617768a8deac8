//! One rank that writes as fast as it is read: its log complete, its output printed, or it muted.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::{AsFd, OwnedFd},
    process::{Command, Stdio},
    time::Instant,
};

use super::{
    place::Place,
    table::{Rounds, Table, Target},
    writer,
};

/// Megabytes by pty, of blocks and of lines: a pty carries 50 to 150 MB/s, and a round is to take seconds.
const BY_PTY: [(u64, &str); 2] = [(150, "block"), (60, "line")];

/// Megabytes by pipe.
const BY_PIPE: [(u64, &str); 2] = [(500, "block"), (150, "line")];

/// A pty: our end and the program's.
pub fn open_pty() -> (OwnedFd, OwnedFd) {
    let flags = rustix::pty::OpenptFlags::RDWR
        | rustix::pty::OpenptFlags::NOCTTY
        | rustix::pty::OpenptFlags::CLOEXEC;
    let master = rustix::pty::openpt(flags).unwrap();
    rustix::pty::unlockpt(&master).unwrap();
    let slave = rustix::pty::ioctl_tiocgptpeer(&master, flags).unwrap();
    (master, slave)
}

/// Starts a writer; returns the end to read from.
pub fn start_writer(rank: u32, bytes: u64, way: &str, by_pty: bool) -> (std::process::Child, File) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([writer::MODE, &rank.to_string(), &bytes.to_string(), way]);
    let (ours, theirs) = if by_pty {
        open_pty()
    } else {
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap()
    };
    let stdin = match by_pty {
        true => Stdio::from(theirs.as_fd().try_clone_to_owned().unwrap()),
        false => Stdio::null(),
    };
    let child = command
        .stdin(stdin)
        .stdout(Stdio::from(theirs))
        .spawn()
        .unwrap();
    (child, File::from(ours))
}

/// The limit: reads blocking, 64 KiB at a time, and throws away or writes what it read. Seconds.
fn read_all(bytes: u64, way: &str, by_pty: bool, mut log: impl Write) -> f64 {
    let mut buffer = vec![0; 64 << 10];
    let begin = Instant::now();
    let (mut child, mut ours) = start_writer(0, bytes, way, by_pty);
    while let Ok(count @ 1..) = ours.read(&mut buffer) {
        log.write_all(&buffer[..count]).unwrap();
    }
    assert!(child.wait().unwrap().success());
    begin.elapsed().as_secs_f64()
}

/// What keeping the log costs whoever keeps it: where new pages of a file are slow, far more than reading. Seconds.
fn log_all(place: &Place, bytes: u64, way: &str, by_pty: bool) -> f64 {
    let path = place.path("limit.log");
    let seconds = read_all(bytes, way, by_pty, File::create(&path).unwrap());
    std::fs::remove_file(path).unwrap();
    seconds
}

fn flood(place: &Place, rounds: usize, table: &mut Table, by_pty: bool) {
    let (terminal, amounts) = match by_pty {
        true => ("Pty", BY_PTY),
        false => ("Pipe", BY_PIPE),
    };
    let own = std::env::current_exe().unwrap();
    for (megabytes, way) in amounts {
        let bytes = megabytes * 1_000_000;
        let size = writer::size(bytes) as f64 / 1e6;
        let session = |name: &str, more: &str| {
            let template = format!(
                "\"t\": ProcessTemplate(target: Program({own:?}), args: {}, terminal: {terminal}{more})",
                writer::arguments(bytes, way)
            );
            place.session(name, &template)
        };
        let shown = session("shown", "");
        let muted = session("muted", ", stdout: DevNull");
        let mut whole = <[Rounds; 3]>::default();
        let mut alone = <[Rounds; 3]>::default();
        let mut logged = Rounds::default();
        for _ in 0..rounds {
            let limit = size / read_all(bytes, way, by_pty, std::io::sink());
            let log_limit = size / log_all(place, bytes, way, by_pty);
            let quiet: &[&str] = &["--quiet"];
            for (index, (session, options)) in [(&shown, quiet), (&shown, &[]), (&muted, quiet)]
                .into_iter()
                .enumerate()
            {
                let run = place.run(session, options);
                whole[index].push(limit, size / run.seconds);
                if index == 0 {
                    logged.push(log_limit, size / run.seconds);
                }
                let life = &run.lives()[0];
                alone[index].push(limit, size / (life.ended - life.began));
                if index < 2 {
                    writer::verify(&run.log(0), 0, bytes, by_pty);
                }
                place.clear();
            }
        }
        let each = match way {
            "line" => "a write a line",
            _ => "64 KiB writes",
        };
        for (index, (what, least)) in [("log", 0.8), ("log, printed", 0.8), ("muted", 0.9)]
            .into_iter()
            .enumerate()
        {
            let name = format!("flood {terminal}, {each}, {what}");
            table.ratio(&name, "MB/s", &whole[index], Target::AtLeast(least));
            table.ratio(
                "  … the rank's own time",
                "MB/s",
                &alone[index],
                Target::None,
            );
            if index == 0 {
                let name = "  … of a reader that writes the log";
                table.ratio(name, "MB/s", &logged, Target::None);
            }
        }
    }
}

/// Through a pty.
pub fn pty(place: &Place, rounds: usize, table: &mut Table) {
    flood(place, rounds, table, true);
}

/// Through a pipe.
pub fn pipe(place: &Place, rounds: usize, table: &mut Table) {
    flood(place, rounds, table, false);
}
