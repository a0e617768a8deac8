//! A hundred ranks that write at once: every log complete, and nobody much later than the others.

use std::{
    fs::File,
    io::{Read, Write},
    time::Instant,
};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

use super::{
    flood::start_writer,
    place::Place,
    table::{Rounds, Table, Target},
    writer,
};

const RANKS: u32 = 100;

/// Megabytes a rank: by ptys fewer, for a round to take seconds.
const BY_PTY: u64 = 3;
const BY_PIPE: u64 = 20;

/// One thread, one epoll: reads what is ready and throws it away, or writes it to a file each. Seconds.
fn reader(bytes: u64, by_pty: bool, mut sink: impl FnMut(usize, &[u8])) -> f64 {
    let begin = Instant::now();
    let epoll = epoll::create(CreateFlags::CLOEXEC).unwrap();
    let mut writers: Vec<_> = (0..RANKS)
        .map(|rank| start_writer(rank, bytes, "block", by_pty))
        .collect();
    for (index, (_, ours)) in writers.iter().enumerate() {
        rustix::io::ioctl_fionbio(ours, true).unwrap();
        let data = EventData::new_u64(index as u64);
        epoll::add(&epoll, ours, data, EventFlags::IN).unwrap();
    }
    let mut buffer = vec![0; 64 << 10];
    let mut open = writers.len();
    let mut events = Vec::with_capacity(64);
    while open > 0 {
        events.clear();
        epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), None).unwrap();
        for event in &events {
            let index = event.data.u64() as usize;
            let ours = &mut writers[index].1;
            match ours.read(&mut buffer) {
                Ok(count @ 1..) => sink(index, &buffer[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Ok(0) | Err(_) => {
                    epoll::delete(&epoll, &*ours).unwrap();
                    open -= 1;
                }
            }
        }
    }
    for (child, _) in &mut writers {
        assert!(child.wait().unwrap().success());
    }
    begin.elapsed().as_secs_f64()
}

/// Files in a fresh folder, deleted by [`delete`].
fn files(place: &Place) -> Vec<File> {
    let folder = place.path("files");
    std::fs::create_dir(&folder).unwrap();
    (0..RANKS)
        .map(|rank| File::create(folder.join(rank.to_string())).unwrap())
        .collect()
}

fn delete(place: &Place) {
    std::fs::remove_dir_all(place.path("files")).unwrap();
}

/// Only writes the files, from memory, 64 KiB at a time. Seconds.
fn write_files(place: &Place, bytes: u64) -> f64 {
    let mut files = files(place);
    let block = vec![b'x'; 64 << 10];
    let begin = Instant::now();
    for _ in 0..bytes.div_ceil(block.len() as u64) {
        for file in &mut files {
            file.write_all(&block).unwrap();
        }
    }
    drop(files);
    let seconds = begin.elapsed().as_secs_f64();
    delete(place);
    seconds
}

/// Reads the ranks and writes the files, nothing else. Seconds.
fn log_only(place: &Place, bytes: u64) -> f64 {
    let mut files = files(place);
    let seconds = reader(bytes, false, |index, bytes| {
        files[index].write_all(bytes).unwrap();
    });
    delete(place);
    seconds
}

fn many(
    place: &Place,
    rounds: usize,
    table: &mut Table,
    by_pty: bool,
    name: &str,
    limits: &[(&str, &dyn Fn() -> f64, Target)],
) {
    let (terminal, bytes) = match by_pty {
        true => ("Pty", BY_PTY * 1_000_000),
        false => ("Pipe", BY_PIPE * 1_000_000),
    };
    let own = std::env::current_exe().unwrap();
    let template = format!(
        "\"t\": ProcessTemplate(target: Program({own:?}), args: {}, terminal: {terminal}, replicas: {RANKS})",
        writer::arguments(bytes, "block")
    );
    let session = place.session("many", &template);
    let total = writer::size(bytes) as f64 * f64::from(RANKS) / 1e6;
    let mut whole: Vec<Rounds> = limits.iter().map(|_| Rounds::default()).collect();
    let mut spread = Vec::new();
    for _ in 0..rounds {
        let found: Vec<f64> = limits.iter().map(|(_, limit, _)| total / limit()).collect();
        let run = place.run(&session, &["--quiet"]);
        for (limit, rounds) in found.into_iter().zip(&mut whole) {
            rounds.push(limit, total / run.seconds);
        }
        let lives = run.lives();
        let began = lives.iter().map(|life| life.began).fold(f64::MAX, f64::min);
        let first = lives[0].ended - began;
        let last = lives[lives.len() - 1].ended - began;
        spread.push((last / first - 1.0) * 100.0);
        for rank in 0..RANKS {
            writer::verify(&run.log(rank), rank, bytes, by_pty);
        }
        place.clear();
    }
    for ((what, _, target), rounds) in limits.iter().zip(&whole) {
        table.ratio(&format!("{name}, of {what}"), "MB/s", rounds, *target);
    }
    table.value(
        "  … last end after the first",
        "%",
        &spread,
        Target::AtMost(10.0),
    );
}

/// By ptys, against a reader that discards.
pub fn ptys(place: &Place, rounds: usize, table: &mut Table) {
    let discard = || reader(BY_PTY * 1_000_000, true, |_, _| {});
    let limits: [(&str, &dyn Fn() -> f64, Target); 1] =
        [("a discarding reader", &discard, Target::AtLeast(0.8))];
    many(place, rounds, table, true, "100 ptys, 3 MB each", &limits);
}

/// By pipes, against the least program that reads them and writes the files. What the files alone cost, from memory and
/// with no pipe to read, is told beside it: it moves by four between a machine that was just started and a warm one.
pub fn pipes(place: &Place, rounds: usize, table: &mut Table) {
    let bytes = BY_PIPE * 1_000_000;
    let files = || write_files(place, bytes);
    let logger = || log_only(place, bytes);
    let limits: [(&str, &dyn Fn() -> f64, Target); 2] = [
        ("only writing files", &logger, Target::AtLeast(0.8)),
        ("writing from memory", &files, Target::None),
    ];
    many(place, rounds, table, false, "100 pipes, 20 MB", &limits);
}
