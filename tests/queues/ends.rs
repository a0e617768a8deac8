//! What becomes of those who wait when somebody dies.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{bench::Bench, support};

fn kill(waiter: &Value) {
    let pid = i32::try_from(waiter["pid"].as_i64().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

/// Two ranks of `target` wait at queue `q`; the one that came first is killed, and the next item is put.
fn the_first_of_two_is_killed(bench: &Bench, target: &str) {
    let mut run = bench.start(
        r#""q": Queue()"#,
        &format!(
            "\"getter\": ProcessTemplate(target: {target}, args: [Queue(\"q\")], replicas: 2)"
        ),
    );
    let before = run.until("q", |stat| stat["getters"] == 2);
    let (first, second) = (&before["who"][0], &before["who"][1]);
    kill(first);
    let after = run.until("q", |stat| stat["getters"] == 1);
    assert_eq!(after["who"][0]["task"], second["task"], "{after}");
    let put = ["queue", "put", "q", "an item", "--run", "last"];
    assert_eq!(bench.finish(&mut bench.dragon(&put)).0, 0);
    let name = |waiter: &Value| waiter["task"].as_str().unwrap().replace("g/", "");
    let (code, told) = run.end();
    assert_eq!(code, 1, "one was killed: {told}");
    assert!(
        told.contains(&format!("{} | an item", name(second))),
        "{told}"
    );
    assert!(
        !told.contains(&format!("{} | an item", name(first))),
        "{told}"
    );
}

#[test]
fn a_killed_python_consumer_leaves_the_line() {
    if !support::needs("python3") {
        return;
    }
    let bench = Bench::new();
    bench.write("user.py", "def f(q):\n    print(q.get(), flush=True)\n");
    the_first_of_two_is_killed(&bench, r#"Python("user.py:f")"#);
}

#[test]
fn a_killed_shell_consumer_leaves_the_line() {
    the_first_of_two_is_killed(&Bench::new(), r#"Shell("exec dragon-tui queue get $1")"#);
}

#[test]
fn a_killed_producer_puts_nothing_any_more() {
    let bench = Bench::new();
    let mut run = bench.start(
        r#""q": Queue(maxsize: 1)"#,
        r#""putter": ProcessTemplate(target: Shell("exec dragon-tui queue put q item-$DRAGON_TUI_RANK"), replicas: 3)"#,
    );
    let before = run.until("q", |stat| stat["putters"] == 2);
    kill(&before["who"][0]);
    run.until("q", |stat| stat["putters"] == 1);
    let get = [
        "queue",
        "get",
        "q",
        "--count",
        "2",
        "--timeout",
        "20",
        "--run",
        "last",
    ];
    let (code, got, err) = bench.finish(&mut bench.dragon(&get));
    assert_eq!(code, 0, "{err}");
    let dead = before["who"][0]["task"].as_str().unwrap();
    let dead = dead.rsplit_once('.').unwrap().1;
    assert!(!got.contains(&format!("item-{dead}")), "{got}");
    assert_eq!(run.end().0, 1);
}

#[test]
fn the_end_of_a_run_ends_the_waiting_outside_and_says_so() {
    let bench = Bench::new();
    let mut run = bench.start(
        r#""q": Queue(), "stop": Queue()"#,
        r#""shell": ProcessTemplate(target: Shell("dragon-tui queue get stop"))"#,
    );
    run.socket();
    let said = bench.path().join("said");
    let mut getter = bench
        .dragon(&["queue", "get", "q", "--run", "last"])
        .stderr(std::fs::File::create(&said).unwrap())
        .spawn()
        .unwrap();
    run.until("q", |stat| stat["getters"] == 1);
    let put = ["queue", "put", "stop", "now", "--run", "last"];
    assert_eq!(bench.finish(&mut bench.dragon(&put)).0, 0);
    run.succeed();
    assert_eq!(getter.wait().unwrap().code(), Some(2));
    let said = std::fs::read_to_string(said).unwrap();
    assert!(said.contains("the run has ended"), "{said}");
}
