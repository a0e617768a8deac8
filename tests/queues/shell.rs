//! `dragon-tui queue` in ranks and from outside.

use std::{fs, process::Stdio};

use crate::{bench::Bench, support};

#[test]
fn every_verb_works_in_a_shell_rank() {
    let bench = Bench::new();
    bench.write("item", "from a\nfile\n");
    let told = bench.succeed(
        r#""jobs": Queue(maxsize: 3), "other": Queue()"#,
        r##""shell": ProcessTemplate(target: Shell(r#"
            set -ex # what it writes down lands in the files `said` too
            q() { dragon-tui queue "$@"; }
            rc() { set +e; "$@"; code=$?; set -e; }
            q put jobs one
            printf 'two\n\n' | q put jobs --lines
            test "$(q peek jobs --count 2)" = "$(printf 'one\ntwo')"
            rc q put jobs four --timeout 0.05 2>said; test $code = 1; grep 'stayed full' said
            rc q put jobs four --timeout 0 2>said; test $code = 1; grep 'is full' said
            q ls >list; grep -Ex 'jobs +3 +3 +3 +0 +0 +0' list; grep -Ex 'other +0 +- +0 +0 +0 +0' list
            test "$(q get jobs --count 3 | tr '\n' '|')" = 'one|two||'
            rc q get jobs --timeout 0.05 >got 2>said; test $code = 1; test ! -s got; ! grep dragon-tui: said
            q put other --file item
            test "$(q get other --raw | od -c | head -1)" = "$(od -c item | head -1)"
            printf 'whole\ninput' | q put other -
            q get other --format json | grep -F '"text":"whole\ninput"'
            q put other -5
            q put other -- --lines
            q stat other --format json | grep -F '"depth":2'
            q stat other | grep -Ex 'depth +2'
            rc q purge other </dev/null 2>said; test $code = 2; grep -e --yes said
            test "$(q purge other --yes)" = 2
            rc q peek othr 2>said; test $code = 2; grep 'did you mean "other"' said
            rc q get jobs --raw --format json 2>said; test $code = 2
            q put other x
            q get other --format json | grep -Fx '{"bytes":1,"queue":"other","text":"x"}'
            seq 1 2000 | q put other --lines
            test "$(q get other --count 2000 | sha256sum)" = "$(seq 1 2000 | sha256sum)"
            echo all of it
        "#))"##,
    );
    assert!(told.contains("shell.0 | all of it"), "{told}");
}

#[test]
fn the_queues_of_a_run_are_reached_from_outside_by_its_name() {
    let bench = Bench::new();
    let mut run = bench.start(
        r#""in": Queue(maxsize: 1), "out": Queue()"#,
        r#""shell": ProcessTemplate(target: Shell("
            while x=$(dragon-tui queue get in) && test $x != stop; do
                dragon-tui queue put out $x$x
            done"))"#,
    );
    let socket = run.socket();
    let q = |args: &[&str]| bench.finish(&mut bench.dragon(&[&["queue"], args].concat()));
    assert_eq!(q(&["put", "in", "a", "--run", "last"]).0, 0);
    let (code, out, _) = q(&["get", "--run", "last", "out", "--timeout", "20"]);
    assert_eq!((code, out.as_str()), (0, "aa\n"));
    let by_path = ["get", "out", "--timeout", "0", "--socket"];
    let (code, out, err) = q(&[&by_path[..], &[socket.to_str().unwrap()]].concat());
    assert_eq!((code, out.as_str(), err.as_str()), (1, "", ""));
    let (code, _, err) = q(&["ls"]);
    assert_eq!(code, 2);
    assert!(err.contains("--run RUN"), "{err}");
    let (code, _, err) = q(&["ls", "--run", "nonesuch"]);
    assert_eq!(code, 2);
    assert!(err.contains("nonesuch"), "{err}");
    assert_eq!(q(&["put", "in", "stop", "--run", "last"]).0, 0);
    run.succeed();
    let (code, _, err) = q(&["ls", "--run", "last"]);
    assert_eq!(code, 2);
    assert!(err.contains("has ended"), "{err}");
}

#[test]
fn who_waits_is_shown_by_the_name_of_the_process() {
    let bench = Bench::new();
    let mut run = bench.start(
        r#""full": Queue(maxsize: 1), "empty": Queue()"#,
        r#""getter": ProcessTemplate(target: Shell("dragon-tui queue get empty"), replicas: 2),
           "putter": ProcessTemplate(target: Shell("dragon-tui queue put full 1; dragon-tui queue put full 2"))"#,
    );
    let full = run.until("full", |stat| stat["putters"] == 1);
    assert_eq!(full["who"][0]["task"], "g/putter.0", "{full}");
    assert_eq!(full["who"][0]["side"], "put", "{full}");
    let empty = run.until("empty", |stat| stat["getters"] == 2);
    let mut names = [0, 1].map(|at| empty["who"][at]["task"].as_str().unwrap().to_owned());
    names.sort();
    assert_eq!(names, ["g/getter.0", "g/getter.1"]);
    let told = bench.finish(&mut bench.dragon(&["queue", "stat", "full", "--run", "last"]));
    assert!(told.1.contains("g/putter.0 (pid "), "{told:?}");
    for args in [
        &["get", "full"][..],
        &["put", "empty", "x"],
        &["put", "empty", "y"],
    ] {
        let args = [&["queue", "--run", "last"], args].concat();
        assert_eq!(bench.finish(&mut bench.dragon(&args)).0, 0);
    }
    run.succeed();
}

#[test]
fn items_of_python_are_described_and_not_unpickled() {
    if !support::needs("python3") {
        return;
    }
    let bench = Bench::new();
    bench.write(
        "user.py",
        r"
import os

class Trap:
    def __reduce__(self):
        return os.system, ('touch sprung',)

def f(q):
    for item in (37, Trap(), 'text', {'a': 1}):
        q.put(item)
",
    );
    bench.succeed(
        r#""q": Queue()"#,
        r##""python": ProcessTemplate(target: Python("user.py:f"), args: [Queue("q")]),
            "shell": ProcessTemplate(target: Shell(r#"
                for i in 1 2 3; do dragon-tui queue get q --timeout 20; done >got
                dragon-tui queue get q --raw --timeout 20 >raw
            "#))"##,
    );
    let got = fs::read_to_string(bench.path().join("got")).unwrap();
    let lines: Vec<&str> = got.lines().collect();
    assert_eq!(lines[0], "<pickle 5, 5 bytes: BININT1 37, STOP>");
    assert!(
        lines[1].contains("touch sprung") && lines[1].contains("REDUCE"),
        "{got}"
    );
    assert_eq!(lines[2..], ["text"]);
    assert!(!bench.path().join("sprung").exists());
    let raw = fs::read(bench.path().join("raw")).unwrap();
    assert!(
        raw.starts_with(b"\x80\x05") && raw.ends_with(b"."),
        "{raw:?}"
    );
}

#[test]
fn a_reader_that_goes_away_costs_no_item() {
    let bench = Bench::new();
    let mut run = bench.start(
        r#""q": Queue(), "stop": Queue()"#,
        r#""shell": ProcessTemplate(target: Shell("dragon-tui queue get stop"))"#,
    );
    run.socket();
    let put = |args: &[&str], input: &str| {
        bench.write("input", input);
        let input = fs::File::open(bench.path().join("input")).unwrap();
        let args = [&["queue", "--run", "last", "put"], args].concat();
        assert_eq!(bench.finish(bench.dragon(&args).stdin(input)).0, 0);
    };
    put(&["q", "--lines"], "1\n2\n3\n");
    let mut getter = bench
        .dragon(&["queue", "get", "q", "--count", "3", "--run", "last"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Nobody reads, from the first item on.
    drop(getter.stdout.take());
    assert_eq!(getter.wait().unwrap().code(), Some(2));
    assert_eq!(run.until("q", |_| true)["depth"], 3);
    let (_, out, _) = bench.finish(&mut bench.dragon(&["queue", "peek", "q", "--run", "last"]));
    assert_eq!(out, "1\n2\n3\n");
    put(&["stop", "now"], "");
    run.succeed();
}
