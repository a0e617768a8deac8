//! From the command line to the last process reaped: many short ranks, and the smallest session.

use std::{
    process::{Child, Command, Stdio},
    time::Instant,
};

use super::{
    place::{Place, program},
    table::{Rounds, Table, Target},
};

const RANKS: usize = 1_000;

fn timed(work: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    work();
    begin.elapsed().as_secs_f64()
}

/// A loop of posix_spawn(3), which is how std starts a program that asks for nothing special.
fn bare() {
    let start = |_| {
        Command::new("/bin/true")
            .stdin(Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut children: Vec<Child> = (0..RANKS).map(start).collect();
    for child in &mut children {
        child.wait().unwrap();
    }
}

/// 1,000 × `/bin/true`, the whole command.
pub fn thousand(place: &Place, rounds: usize, table: &mut Table) {
    let session = |terminal: &str| {
        let template = format!(
            "\"t\": ProcessTemplate(target: Program(\"/bin/true\"), replicas: {RANKS}, terminal: {terminal})"
        );
        place.session(&format!("true-{terminal}"), &template)
    };
    let (pipe, pty) = (session("Pipe"), session("Pty"));
    let [mut pipes, mut ptys, mut pipes_alone, mut ptys_alone] = <[Rounds; 4]>::default();
    for _ in 0..rounds {
        let limit = timed(bare);
        for (session, whole, alone) in [
            (&pipe, &mut pipes, &mut pipes_alone),
            (&pty, &mut ptys, &mut ptys_alone),
        ] {
            let run = place.run(session, &["--quiet"]);
            whole.push(limit, run.seconds);
            let last = run.lives().last().unwrap().ended;
            alone.push(limit, last);
            place.clear();
        }
    }
    table.ratio("1,000 x true, pipes", "s", &pipes, Target::AtMost(1.2));
    table.ratio(
        "  … first start to last end",
        "s",
        &pipes_alone,
        Target::None,
    );
    table.ratio("1,000 x true, ptys", "s", &ptys, Target::AtMost(1.3));
    table.ratio(
        "  … first start to last end",
        "s",
        &ptys_alone,
        Target::None,
    );
}

/// Four ranks say hello: against a shell that does it.
pub fn hello(place: &Place, rounds: usize, table: &mut Table) {
    let session = place.session(
        "hello",
        "\"t\": ProcessTemplate(target: Program(\"/bin/echo\"), args: [\"hello\"], replicas: 4)",
    );
    let script = "for i in 1 2 3 4; do /bin/echo hello & done; wait";
    let mut whole = Rounds::default();
    let mut version = Vec::new();
    for _ in 0..rounds * 4 {
        let limit = timed(|| {
            let mut shell = Command::new("sh");
            shell.args(["-c", script]).stdout(Stdio::null());
            assert!(shell.status().unwrap().success());
        });
        whole.push(limit * 1e3, place.run(&session, &[]).seconds * 1e3);
        place.clear();
        version.push(
            1e3 * timed(|| {
                let mut program = Command::new(program());
                program.arg("--version").stdout(Stdio::null());
                assert!(program.status().unwrap().success());
            }),
        );
    }
    table.difference(
        "4 x echo, more than a shell",
        "ms",
        &whole,
        Target::AtMost(50.0),
    );
    table.value("  … --version", "ms", &version, Target::None);
}
