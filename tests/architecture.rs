//! The layers of `src/`, kept by reading it: who may name whom, and a few words that may not stand.
//!
//! Owns the table of layers ([`LAYERS`]), the crates and words with a home of their own, and the
//! list of [`EXCEPTIONS`]. It follows `crate::`, `super::`, `use` trees and inline modules; it does
//! not know types, macros or what a re-export hands on. Never changes a source. Start at [`LAYERS`];
//! the rules are in [`check`], `reading.rs` reads Rust, `planted.rs` breaks every rule on purpose.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use reading::{PathUse, Read, Token, is_word, read};
use tree::{our_dependencies, sources};

#[path = "architecture/planted.rs"]
mod planted;
#[path = "architecture/reading.rs"]
mod reading;
#[path = "architecture/tree.rs"]
mod tree;

// What is decided

/// A part of `src/` and what it may name. The longest of the `places` that fits a file counts.
struct Layer {
    /// As a message says it.
    name: &'static str,
    /// Module paths that belong to it, and may name each other.
    places: &'static [&'static str],
    /// Our modules it may name. With `!` at the end: only what stands at the top of that module.
    ours: Ours,
    crates: Crates,
    /// Parts of `std` it does without, except in tests. A path that ends so counts too.
    without: &'static [&'static str],
}

enum Ours {
    Only(&'static [&'static str]),
    All,
}

/// Which of the dependencies in Cargo.toml.
enum Crates {
    Only(&'static [&'static str]),
    Never(&'static [&'static str]),
    All,
}

const SCREEN: &[&str] = &["ratatui", "crossterm", "ratatui_textarea"];
const NO_WORLD: &[&str] = &[
    "std::fs",
    "process::Command",
    "std::net",
    "std::os::unix::net",
    "std::thread",
    "std::env",
    "Instant::now",
    "SystemTime::now",
];

const LAYERS: &[Layer] = &[
    Layer {
        name: "model",
        places: &["model"],
        ours: Ours::Only(&[]),
        crates: Crates::Only(&[
            "serde",
            "thiserror",
            "ron",
            "indexmap",
            "humantime",
            "regex",
        ]),
        // Not even as types: a value of the model is the same whenever it is looked at.
        without: &[
            "std::fs",
            "process::Command",
            "std::net",
            "std::os::unix::net",
            "std::thread",
            "std::env",
            "time::Instant",
            "time::SystemTime",
        ],
    },
    Layer {
        // Its loading and saving are the model's only way to the disk.
        name: "model::session",
        places: &["model::session"],
        ours: Ours::Only(&["model"]),
        crates: Crates::Only(&[
            "serde",
            "thiserror",
            "ron",
            "indexmap",
            "humantime",
            "regex",
        ]),
        without: &[
            "process::Command",
            "std::net",
            "std::os::unix::net",
            "std::thread",
            "time::Instant",
            "time::SystemTime",
        ],
    },
    Layer {
        name: "the engine's rules (supervisor, placement)",
        places: &["engine::supervisor", "engine::placement"],
        ours: Ours::Only(&["model"]),
        crates: Crates::Only(&["serde", "thiserror", "indexmap", "regex"]),
        without: NO_WORLD,
    },
    Layer {
        name: "the queues' rules (broker)",
        places: &[
            "engine::queues::broker",
            "engine::queues::commands",
            "engine::queues::glob",
            "engine::queues::inline",
            "engine::queues::items",
            "engine::queues::registry",
            "engine::queues::reply",
            "engine::queues::request",
            "engine::queues::session",
            "engine::queues::stat",
            "engine::queues::state",
            "engine::queues::table",
            "engine::queues::users",
        ],
        // `!`: the plain values that stand in engine/queues/mod.rs itself.
        ours: Ours::Only(&["model", "engine::queues!"]),
        crates: Crates::Only(&["serde", "thiserror", "indexmap", "bytes", "memchr"]),
        without: NO_WORLD,
    },
    Layer {
        name: "engine",
        places: &["engine"],
        ours: Ours::Only(&["model", "record", "agent::wire"]),
        crates: Crates::Never(SCREEN),
        without: &[],
    },
    Layer {
        name: "agent::wire",
        places: &["agent::wire"],
        ours: Ours::Only(&["model"]),
        crates: Crates::Only(&["serde", "thiserror", "postcard"]),
        without: NO_WORLD,
    },
    Layer {
        name: "agent",
        places: &["agent"],
        ours: Ours::Only(&["model"]),
        // One thread and epoll: a small process forks quickly.
        crates: Crates::Never(&["tokio", "ratatui", "crossterm", "ratatui_textarea"]),
        without: &[],
    },
    Layer {
        name: "record",
        places: &["record"],
        ours: Ours::Only(&["model"]),
        crates: Crates::Never(&["tokio", "ratatui", "crossterm", "ratatui_textarea"]),
        without: &["process::Command", "std::net"],
    },
    Layer {
        name: "term",
        places: &["term"],
        ours: Ours::Only(&[]),
        crates: Crates::Only(&["alacritty_terminal", "unicode_width", "memchr", "thiserror"]),
        without: NO_WORLD,
    },
    Layer {
        name: "python",
        places: &["python"],
        ours: Ours::Only(&[]),
        crates: Crates::Only(&["rustix"]),
        without: &["process::Command", "std::net"],
    },
    Layer {
        name: "tui",
        places: &["tui"],
        // The engine is another process: a client of its door is all that the screens have of it.
        ours: Ours::Only(&[
            "model",
            "term",
            "record",
            "engine::door!",
            "engine::door::client",
            "engine::door::join",
            "engine::door::preview",
            "engine::door::wire",
        ]),
        crates: Crates::Never(&["portable_pty", "redis"]),
        without: &["process::Command", "std::net"],
    },
    Layer {
        name: "cli",
        places: &["cli"],
        ours: Ours::All,
        crates: Crates::All,
        without: &[],
    },
    Layer {
        name: "main.rs",
        places: &["main"],
        ours: Ours::Only(&["cli"]),
        crates: Crates::Only(&["anyhow", "clap"]),
        without: &["std::fs", "std::net", "std::thread"],
    },
    Layer {
        // The list of modules; documentation links are comments.
        name: "lib.rs",
        places: &["lib"],
        ours: Ours::Only(&[]),
        crates: Crates::Only(&[]),
        without: &["std"],
    },
];

/// Crates that one place names, so that replacing one is the matter of one file.
const HOMES: &[(&str, &[&str])] = &[
    ("clap", &["src/cli/", "src/main.rs"]),
    ("anyhow", &["src/cli/", "src/main.rs"]),
    ("portable_pty", &["src/agent/pty.rs"]),
    ("nvml_wrapper", &["src/agent/gpu.rs"]),
    ("sysinfo", &["src/agent/stats.rs"]),
    ("alacritty_terminal", &["src/term/screen/"]),
];

/// Where `unsafe` may stand: a child between clone and exec needs raw system calls.
const UNSAFE_HOME: &str = "src/agent/spawn.rs";

/// Crates that test code of every layer may name.
const TEST_CRATES: &[&str] = &[
    "proptest",
    "tempfile",
    "insta",
    "serde_json",
    "redis_protocol",
];

/// A name that says nothing about what a module owns.
const EMPTY_NAMES: &[&str] = &[
    "utils", "util", "manager", "managers", "helper", "helpers", "common", "misc",
];

const LONGEST_FILE: usize = 700;
const LONGEST_MAIN: usize = 60;

/// File (or folder, with `/` at the end), what it names against the table (or the module around
/// it), and why that is right. One that is not needed any more fails.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "src/engine/supervisor/",
        "crate::agent::wire",
        "which child and how it ended: plain values that go out to the agents and come back unchanged",
    ),
    (
        "src/engine/start.rs",
        "crate::agent::guardian",
        "what runs that died left behind on this host is ended, by their marks, before the next run",
    ),
    (
        "src/engine/runtime/",
        "crate::agent::guardian",
        "when the agent of this host was lost, the run does not end before the guardian's work is done",
    ),
    (
        "src/engine/",
        "crate::python::embed",
        "which file of the unpacked package runs a function, and which looks at it",
    ),
    (
        "src/agent/hello.rs",
        "crate::python::embed",
        "the agent unpacks the Python package on its host",
    ),
    (
        "src/tui/deeds.rs",
        "process::Command",
        "the pager of the user, who asked for it",
    ),
];

// The rules

/// One line of a source that breaks a rule.
#[derive(Debug, PartialEq)]
struct Violation {
    file: String,
    line: usize,
    /// The path or word that broke it; what an exception has to name.
    what: String,
    rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}: {}: {}",
            self.file, self.line, self.what, self.rule
        )
    }
}

/// A file: its path from the repository's root, with `/`, and its text.
struct Source {
    path: String,
    text: String,
}

/// Everything in `sources` (of `src/` and `tests/`) that breaks a rule. `dependencies` as code
/// writes them.
fn check(sources: &[Source], dependencies: &BTreeSet<String>) -> Vec<Violation> {
    let places = tree::modules(sources);
    let modules: BTreeSet<Vec<String>> = places.values().cloned().collect();
    let mut found = Vec::new();
    for source in sources {
        let read = read(&source.text);
        let mut say = |line: usize, what: &str, rule: &str| {
            found.push(Violation {
                file: source.path.clone(),
                line,
                what: what.to_owned(),
                rule: rule.to_owned(),
            });
        };
        check_shape(source, &mut say);
        if source.path.starts_with("src/") {
            check_words(source, &read, &mut say);
            check_homes(source, &read, &mut say);
            check_layer(
                source,
                &read,
                &places[&source.path],
                &modules,
                dependencies,
                &mut say,
            );
        } else {
            check_sleeps(&read, &mut say);
        }
    }
    found
}

fn check_shape(source: &Source, say: &mut impl FnMut(usize, &str, &str)) {
    let path = Path::new(&source.path);
    for part in path.iter().filter_map(|part| part.to_str()) {
        let name = part.strip_suffix(".rs").unwrap_or(part);
        if EMPTY_NAMES.contains(&name) {
            say(1, name, "a module is called by what it owns");
        }
    }
    let docs: Vec<&str> = source
        .text
        .lines()
        .take_while(|line| line.starts_with("//!"))
        .collect();
    // What a sibling file of tests owns its name says.
    if docs.is_empty() && !is_test(&source.path) {
        say(
            1,
            "no //!",
            "a file begins with what it owns and what it never does",
        );
    }
    let lines = source.text.lines().count();
    if lines > LONGEST_FILE && !docs.iter().any(|line| line.contains("Long because")) {
        let rule = format!(
            "a file of more than {LONGEST_FILE} lines is split, or its module doc says \"Long because …\""
        );
        say(lines, &format!("{lines} lines"), &rule);
    }
    if source.path == "src/main.rs" && lines >= LONGEST_MAIN {
        let rule = format!("main.rs stays under {LONGEST_MAIN} lines");
        say(lines, &format!("{lines} lines"), &rule);
    }
}

fn check_words(source: &Source, read: &Read, say: &mut impl FnMut(usize, &str, &str)) {
    for (index, token) in read.tokens.iter().enumerate() {
        let next = read
            .tokens
            .get(index + 1)
            .map_or("", |next| next.text.as_str());
        match token.text.as_str() {
            word @ ("unbounded_channel" | "UnboundedSender" | "UnboundedReceiver") => {
                say(token.line, word, "every channel has a bound");
            }
            word @ ("todo" | "unimplemented" | "dbg") if next == "!" => {
                say(
                    token.line,
                    &format!("{word}!"),
                    "nothing half-done stands in src",
                );
            }
            word @ ("unsafe" | "unsafe_code") if source.path != UNSAFE_HOME => {
                say(
                    token.line,
                    word,
                    &format!("unsafe stands in {UNSAFE_HOME} only"),
                );
            }
            "mod" if EMPTY_NAMES.contains(&next) && is_word(next) => {
                say(token.line, next, "a module is called by what it owns");
            }
            "State" if pure_screen(&source.path) && after_mut_borrow(&read.tokens, index) => {
                say(
                    token.line,
                    "&mut State",
                    "drawing reads the state, update writes it",
                );
            }
            _ => {}
        }
    }
    // tokio's `mpsc::channel` has a bound, that of std has none.
    let of_std = |path: &PathUse| path.parts == ["std", "sync", "mpsc"];
    let imported = read.paths.iter().any(of_std);
    for path in read
        .paths
        .iter()
        .filter(|path| !path.in_test && !is_test(&source.path))
    {
        if path.is("std::sync::mpsc::channel") || imported && path.is("mpsc::channel") {
            say(
                path.line,
                &path.shown(),
                "every channel has a bound: sync_channel",
            );
        }
    }
}

fn check_homes(source: &Source, read: &Read, say: &mut impl FnMut(usize, &str, &str)) {
    for (name, homes) in HOMES {
        if homes.iter().any(|home| in_home(&source.path, home)) {
            continue;
        }
        for path in read.paths.iter().filter(|path| path.parts[0] == *name) {
            say(
                path.line,
                name,
                &format!("only {} names it", homes.join(" and ")),
            );
        }
    }
}

fn check_layer(
    source: &Source,
    read: &Read,
    here: &[String],
    modules: &BTreeSet<Vec<String>>,
    dependencies: &BTreeSet<String>,
    say: &mut impl FnMut(usize, &str, &str),
) {
    let Some(layer) = layer_of(&source.path, here) else {
        say(
            1,
            &here.join("::"),
            "a folder of src that LAYERS does not know",
        );
        return;
    };
    let drawing = pure_screen(&source.path);
    for path in &read.paths {
        let test = path.in_test || is_test(&source.path);
        let first = path.parts[0].as_str();
        if let Some(target) = resolve(path, here, modules) {
            if !layer.may_name(&target, modules) {
                let target = if target.is_empty() {
                    "the whole crate".to_owned()
                } else {
                    format!("crate::{}", target.join("::"))
                };
                say(
                    path.line,
                    &target,
                    &format!("{} may not name it", layer.name),
                );
            }
            continue;
        }
        if dependencies.contains(first) && !(test && TEST_CRATES.contains(&first)) {
            let allowed = match &layer.crates {
                Crates::Only(names) => names.contains(&first),
                Crates::Never(names) => !names.contains(&first),
                Crates::All => true,
            };
            if !allowed || drawing && first == "tokio" {
                say(path.line, first, &format!("{} does without it", layer.name));
            }
        }
        if !test && let Some(part) = layer.without.iter().find(|part| path.is(part)) {
            say(path.line, part, &format!("{} does without it", layer.name));
        }
    }
    if layer.without.contains(&"Instant::now") {
        for window in read.tokens.windows(2) {
            if window[0].text == "."
                && window[1].text == "elapsed"
                && !window[1].in_test
                && !is_test(&source.path)
            {
                say(
                    window[1].line,
                    ".elapsed()",
                    &format!("{} reads no clock", layer.name),
                );
            }
        }
    }
}

fn check_sleeps(read: &Read, say: &mut impl FnMut(usize, &str, &str)) {
    for path in &read.paths {
        if path.is("thread::sleep") || path.is("time::sleep") {
            let rule = "a test waits for a condition with a deadline (support::wait_for)";
            say(path.line, &path.shown(), rule);
        }
    }
}

impl Layer {
    fn may_name(&self, target: &[String], modules: &BTreeSet<Vec<String>>) -> bool {
        let Ours::Only(allowed) = &self.ours else {
            return true;
        };
        self.places.iter().any(|place| starts_with(target, place))
            || allowed.iter().any(|entry| match entry.strip_suffix('!') {
                None => starts_with(target, entry),
                Some(top) => {
                    let depth = top.split("::").count();
                    starts_with(target, top)
                        && !target
                            .get(..=depth)
                            .is_some_and(|inside| modules.contains(inside))
                }
            })
    }
}

fn layer_of(file: &str, here: &[String]) -> Option<&'static Layer> {
    let here = match file {
        "src/main.rs" => vec!["main".to_owned()],
        "src/lib.rs" => vec!["lib".to_owned()],
        _ => here.to_vec(),
    };
    LAYERS
        .iter()
        .flat_map(|layer| layer.places.iter().map(move |place| (place, layer)))
        .filter(|(place, _)| starts_with(&here, place))
        .max_by_key(|(place, _)| place.len())
        .map(|(_, layer)| layer)
}

/// The module path of ours that `path` means, if it means one.
fn resolve(
    path: &PathUse,
    here: &[String],
    modules: &BTreeSet<Vec<String>>,
) -> Option<Vec<String>> {
    let mut at: Vec<String> = here.iter().chain(&path.inline).cloned().collect();
    let mut rest = path.parts.as_slice();
    match rest[0].as_str() {
        "crate" | "dragon_tui" => {
            at.clear();
            rest = &rest[1..];
        }
        "self" | "super" => {
            while let Some(word @ ("self" | "super")) = rest.first().map(String::as_str) {
                if word == "super" {
                    at.pop();
                }
                rest = &rest[1..];
            }
        }
        child => {
            let mut known = at.clone();
            known.push(child.to_owned());
            // `use std::…` and the like: not a module of ours.
            if !modules.contains(&known) {
                return None;
            }
        }
    }
    at.extend(rest.iter().filter(|part| *part != "*").cloned());
    Some(at)
}

fn starts_with(path: &[String], prefix: &str) -> bool {
    let mut parts = path.iter();
    prefix
        .split("::")
        .all(|part| parts.next().is_some_and(|it| it == part))
}

fn in_home(file: &str, home: &str) -> bool {
    if home.ends_with('/') {
        file.starts_with(home)
    } else {
        file == home
    }
}

fn is_test(file: &str) -> bool {
    let is = |name: &str| name == "tests" || name.ends_with("_tests");
    Path::new(file)
        .with_extension("")
        .iter()
        .filter_map(|part| part.to_str())
        .any(is)
}

/// Files that only draw.
fn pure_screen(file: &str) -> bool {
    file.starts_with("src/tui/")
        && (file.ends_with("/view.rs") || file.contains("/view/") || file.contains("/widget/"))
}

fn after_mut_borrow(tokens: &[Token], index: usize) -> bool {
    index >= 2 && tokens[index - 1].text == "mut" && tokens[index - 2].text == "&"
}

// The tests

fn is_exception(violation: &Violation, exception: &(&str, &str, &str)) -> bool {
    let (file, what, _) = exception;
    let inside = violation.what.strip_prefix(what);
    in_home(&violation.file, file) && inside.is_some_and(|it| it.is_empty() || it.starts_with("::"))
}

#[test]
fn every_source_keeps_to_its_layer() {
    let broken: Vec<String> = check(&sources(), &our_dependencies())
        .iter()
        .filter(|it| {
            !EXCEPTIONS
                .iter()
                .any(|exception| is_exception(it, exception))
        })
        .map(ToString::to_string)
        .collect();
    assert!(
        broken.is_empty(),
        "{} places break the rules of tests/architecture.rs:\n{}",
        broken.len(),
        broken.join("\n")
    );
}

#[test]
fn no_exception_is_left_over() {
    let broken = check(&sources(), &our_dependencies());
    for exception in EXCEPTIONS {
        assert!(
            broken.iter().any(|it| is_exception(it, exception)),
            "{} does not need its exception for {} any more",
            exception.0,
            exception.1
        );
    }
}
