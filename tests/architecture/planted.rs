//! Every rule broken on purpose, and sources that only look as if they broke one.

use super::tree::dependencies;
use super::{Source, Violation, check};

const MANIFEST: &str = "
[package]
name = \"x\"

[dependencies]
anyhow = \"1\"
clap = { version = \"4\" }
indexmap = \"2\"
nvml-wrapper = \"0.13\"
portable-pty = \"0.9\"
ratatui = \"0.30\"
serde.workspace = true
sysinfo = \"0.40\"
tokio = \"1\"

[dev-dependencies]
proptest = \"1\"

[profile.dev]
debug = 1
";

/// What is found in these files; each gets a module doc in front, in line 1.
fn found(files: &[(&str, &str)]) -> Vec<Violation> {
    let sources: Vec<Source> = files
        .iter()
        .map(|(path, text)| Source {
            path: (*path).to_owned(),
            text: format!("//! Owns this.\n{text}"),
        })
        .collect();
    check(&sources, &dependencies(MANIFEST))
}

/// Asserts that the one file breaks exactly one rule, in line `line`, by `what`.
#[track_caller]
fn breaks(path: &str, text: &str, line: usize, what: &str) {
    let found = found(&[(path, text)]);
    let seen: Vec<(usize, &str)> = found.iter().map(|it| (it.line, it.what.as_str())).collect();
    assert_eq!(seen, [(line, what)], "{path}:\n{text}");
}

#[track_caller]
fn keeps(path: &str, text: &str) {
    assert_eq!(found(&[(path, text)]), [], "{path}:\n{text}");
}

#[test]
fn a_violation_names_file_line_and_rule() {
    let found = found(&[("src/model/ids.rs", "\nuse crate::engine::Door;\n")]);
    assert_eq!(
        found[0].to_string(),
        "src/model/ids.rs:3: crate::engine::Door: model may not name it"
    );
}

#[test]
fn layers_point_down_however_the_path_is_written() {
    let what = "crate::engine::Door";
    breaks("src/agent/serve.rs", "use crate::engine::Door;", 2, what);
    breaks(
        "src/agent/serve.rs",
        "fn f() { crate::engine::Door::open(); }",
        2,
        "crate::engine::Door::open",
    );
    breaks(
        "src/agent/serve.rs",
        "use super::super::engine::Door;",
        2,
        what,
    );
    breaks(
        "src/agent/serve.rs",
        "use crate::{\n    model,\n    engine::{self as e},\n};",
        4,
        "crate::engine",
    );
    breaks(
        "src/agent/serve.rs",
        "pub(in crate::engine) fn f() {}",
        2,
        "crate::engine",
    );
    breaks(
        "src/agent/serve.rs",
        "mod tests {\n    use super::super::super::engine::Door;\n}",
        3,
        what,
    );
    breaks(
        "src/agent/serve.rs",
        "use crate as all;",
        2,
        "the whole crate",
    );
    breaks(
        "src/record/writer.rs",
        "use crate::tui::State;",
        2,
        "crate::tui::State",
    );
    breaks(
        "src/term/screen.rs",
        "use crate::model::ids;",
        2,
        "crate::model::ids",
    );
    breaks(
        "src/engine/runtime.rs",
        "use crate::agent::spawn::start;",
        2,
        "crate::agent::spawn::start",
    );
    breaks(
        "src/agent/wire.rs",
        "use super::spawn::Child;",
        2,
        "crate::agent::spawn::Child",
    );
    breaks(
        "src/main.rs",
        "fn main() { dragon_tui::engine::start() }",
        2,
        "crate::engine::start",
    );
    breaks("src/weather/mod.rs", "", 1, "weather");
}

#[test]
fn what_the_table_allows_passes() {
    keeps(
        "src/engine/runtime.rs",
        "use crate::{agent::wire::Hello, model::ids, record};\nuse tokio::select;",
    );
    keeps(
        "src/engine/supervisor/mod.rs",
        "use super::placement::Seat;\nuse crate::model::ids;",
    );
    keeps(
        "src/agent/serve.rs",
        "use super::wire;\nuse std::{fs, process, time::Instant};",
    );
    keeps(
        "src/cli/replay.rs",
        "use crate::{engine, model, tui};\nuse anyhow::Result;\nuse clap::Parser;",
    );
    keeps("src/main.rs", "fn main() { dragon_tui::cli::main() }");
    keeps(
        "src/model/session/file.rs",
        "use std::fs;\nuse super::super::ids;",
    );
}

#[test]
fn a_child_module_is_known_without_super() {
    let queues = ("src/engine/queues/server.rs", "");
    let broker = ("src/engine/queues/broker.rs", "use super::server::Server;");
    let found = found(&[queues, broker]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].what, "crate::engine::queues::server::Server");
    let value = ("src/engine/queues/broker.rs", "use super::QueueDecl;");
    assert_eq!(self::found(&[queues, value]), []);
    let root = ("src/lib.rs", "pub use engine::queues;");
    assert_eq!(
        self::found(&[root, ("src/engine/mod.rs", "")])[0].what,
        "crate::engine::queues"
    );
}

#[test]
fn a_file_with_a_path_of_its_own_is_where_its_declaration_stands() {
    let server = ("src/engine/queues/server.rs", "");
    let broker = (
        "src/engine/queues/broker.rs",
        "#[cfg(test)]\n#[path = \"broker_tests/mod.rs\"]\nmod tests;",
    );
    let tests = (
        "src/engine/queues/broker_tests/mod.rs",
        "use super::super::server::Server;",
    );
    let oracle = (
        "src/engine/queues/broker_tests/oracle.rs",
        "use super::super::super::server::Server;",
    );
    let found = found(&[server, broker, tests, oracle]);
    assert_eq!(found.len(), 2);
    for it in found {
        assert_eq!(it.what, "crate::engine::queues::server::Server");
    }
}

#[test]
fn the_screens_reach_the_engine_by_its_door_only() {
    let engine = ["supervisor/mod", "door/mod", "door/client", "door/serve"];
    let engine = engine.map(|name| format!("src/engine/{name}.rs"));
    let names = |named: &str| {
        let screen = format!("use crate::engine::{named};");
        let mut sources: Vec<(&str, &str)> = engine.iter().map(|it| (&**it, "")).collect();
        sources.push(("src/tui/update.rs", &screen));
        found(&sources).len()
    };
    for named in ["door::Chunk", "door::client::Client"] {
        assert_eq!(names(named), 0, "{named}");
    }
    for named in ["EngineHandle", "supervisor::Supervisor", "door::serve::run"] {
        assert_eq!(names(named), 1, "{named}");
    }
}

#[test]
fn crates_stay_where_they_belong() {
    breaks("src/model/ids.rs", "use tokio::sync::mpsc;", 2, "tokio");
    breaks(
        "src/engine/placement.rs",
        "fn f() { tokio::spawn(g()) }",
        2,
        "tokio",
    );
    breaks(
        "src/agent/serve.rs",
        "#[tokio::main]\nasync fn f() {}",
        2,
        "tokio",
    );
    breaks("src/engine/runtime.rs", "use ratatui::Frame;", 2, "ratatui");
    breaks("src/engine/runtime.rs", "use anyhow::Result;", 2, "anyhow");
    breaks("src/tui/state.rs", "use clap::Parser;", 2, "clap");
    breaks(
        "src/agent/spawn.rs",
        "use portable_pty::PtySize;",
        2,
        "portable_pty",
    );
    breaks(
        "src/agent/serve.rs",
        "use nvml_wrapper as nvml;",
        2,
        "nvml_wrapper",
    );
    breaks(
        "src/engine/runtime.rs",
        "fn f() -> ::sysinfo::System {}",
        2,
        "sysinfo",
    );
    keeps("src/agent/pty.rs", "use portable_pty::PtySize;");
    keeps(
        "src/model/ids.rs",
        "use serde::Serialize;\n#[cfg(test)]\nmod tests {\n    use proptest::prelude::*;\n}",
    );
}

#[test]
fn the_rules_touch_no_clock_and_no_disk() {
    breaks(
        "src/model/ids.rs",
        "use std::time::{Duration, Instant};",
        2,
        "time::Instant",
    );
    breaks(
        "src/model/ids.rs",
        "use std::{fmt, fs::File};",
        2,
        "std::fs",
    );
    breaks("src/model/ids.rs", "use std::*;", 2, "std::fs");
    breaks("src/model/ids.rs", "use std::time::*;", 2, "time::Instant");
    breaks(
        "src/engine/placement.rs",
        "use std::process::Command;",
        2,
        "process::Command",
    );
    breaks(
        "src/engine/placement.rs",
        "fn f() { let _ = Instant::now(); }",
        2,
        "Instant::now",
    );
    breaks(
        "src/engine/queues/broker.rs",
        "fn f() { std::time::SystemTime::now(); }",
        2,
        "SystemTime::now",
    );
    breaks(
        "src/engine/supervisor/mod.rs",
        "fn f(at: Instant) { at\n.elapsed(); }",
        3,
        ".elapsed()",
    );
    keeps(
        "src/engine/supervisor/mod.rs",
        "use std::time::Instant;\nfn f(now: Instant) {}",
    );
    keeps(
        "src/engine/supervisor/tests.rs",
        "fn f() { Instant::now(); }",
    );
    keeps(
        "src/engine/placement.rs",
        "#[cfg(test)]\nmod tests {\n    fn f() { Instant::now(); }\n}",
    );
}

#[test]
fn what_is_free_in_tests_is_not_free_behind_them() {
    let after = "#[cfg(test)]\nmod tests { fn f() {} }\nfn g() { Instant::now(); }";
    breaks("src/engine/placement.rs", after, 4, "Instant::now");
    let elsewhere = "#[cfg(test)]\nuse std::fs;\nuse std::net;";
    breaks("src/engine/placement.rs", elsewhere, 4, "std::net");
    let field = "struct S {\n    #[cfg(test)]\n    a: u8,\n}\nfn g() { Instant::now(); }";
    breaks("src/engine/placement.rs", field, 6, "Instant::now");
    let not = "#[cfg(not(test))]\nfn g() { Instant::now(); }";
    breaks("src/engine/placement.rs", not, 3, "Instant::now");
    // Layers bind tests as well.
    let tests = "#[cfg(test)]\nmod tests {\n    use crate::engine::Door;\n}";
    breaks("src/agent/serve.rs", tests, 4, "crate::engine::Door");
}

#[test]
fn words_that_stay_out() {
    breaks(
        "src/engine/runtime.rs",
        "fn f() { tokio::sync::mpsc::unbounded_channel(); }",
        2,
        "unbounded_channel",
    );
    breaks(
        "src/cli/replay.rs",
        "use std::sync::mpsc;\nfn f() { mpsc::channel(); }",
        3,
        "mpsc::channel",
    );
    breaks("src/cli/replay.rs", "fn f() { todo!() }", 2, "todo!");
    breaks(
        "src/cli/replay.rs",
        "fn f() { unimplemented!() }",
        2,
        "unimplemented!",
    );
    breaks("src/cli/replay.rs", "fn f() { dbg!(1); }", 2, "dbg!");
    breaks(
        "src/agent/reap.rs",
        "fn f() { unsafe { g() } }",
        2,
        "unsafe",
    );
    breaks(
        "src/agent/reap.rs",
        "#![allow(unsafe_code)]",
        2,
        "unsafe_code",
    );
    breaks("src/cli/helper.rs", "", 1, "helper");
    breaks("src/cli/utils/mod.rs", "", 1, "utils");
    breaks("src/cli/replay.rs", "mod common {}", 2, "common");
    breaks(
        "src/tui/run/view.rs",
        "fn draw(state: &mut State) {}",
        2,
        "&mut State",
    );
    keeps("src/agent/spawn.rs", "fn f() { unsafe { g() } }");
    keeps(
        "src/engine/runtime.rs",
        "use tokio::sync::mpsc;\nfn f() { mpsc::channel(8); }",
    );
    keeps("src/tui/run/update.rs", "fn update(state: &mut State) {}");
}

#[test]
fn a_file_says_what_it_owns_and_stays_short() {
    let bare = Source {
        path: "src/cli/replay.rs".into(),
        text: "fn f() {}\n".into(),
    };
    assert_eq!(check(&[bare], &dependencies(MANIFEST))[0].what, "no //!");
    breaks("src/cli/replay.rs", &"\n".repeat(700), 701, "701 lines");
    keeps("src/cli/replay.rs", &"\n".repeat(699));
    keeps(
        "src/cli/replay.rs",
        &format!("//! Long because it is a table.\n{}", "\n".repeat(800)),
    );
    breaks("src/main.rs", &"\n".repeat(59), 60, "60 lines");
}

#[test]
fn tests_do_not_sleep() {
    breaks(
        "tests/e2e.rs",
        "fn f() { std::thread::sleep(A); }",
        2,
        "std::thread::sleep",
    );
    breaks(
        "tests/e2e.rs",
        "use tokio::time::sleep;",
        2,
        "tokio::time::sleep",
    );
    keeps(
        "tests/e2e.rs",
        "fn f() { run(\"sleep 300\"); thread::park_timeout(A); }",
    );
}

#[test]
fn comments_and_strings_are_no_code() {
    keeps(
        "src/model/ids.rs",
        "// use crate::engine::Door;\n/// [`crate::engine`]\n/* /* todo!() */ crate::tui::x */",
    );
    keeps(
        "src/model/ids.rs",
        "const A: &str = \"crate::engine::x \\\" todo!()\";",
    );
    keeps(
        "src/model/ids.rs",
        "const A: &str = r#\"\" crate::engine::x\"#;\nconst B: &[u8] = br\"unsafe\";",
    );
    keeps(
        "src/model/ids.rs",
        "const A: char = '\"';\nconst B: char = '\\'';\nfn f<'a>(x: &'a str) {}",
    );
    keeps("src/model/ids.rs", "fn r#unsafe_() { r#type(); }");
    // And code behind them is.
    breaks(
        "src/model/ids.rs",
        "const A: char = '\"'; use crate::engine::x;",
        2,
        "crate::engine::x",
    );
    breaks(
        "src/model/ids.rs",
        "const A: &str = \"\n\\\"\n\"; use crate::engine::x;",
        4,
        "crate::engine::x",
    );
    breaks(
        "src/model/ids.rs",
        "fn f<'a>() { crate::engine::x('b') }",
        2,
        "crate::engine::x",
    );
}
