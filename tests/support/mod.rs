//! What every kind of test here needs: tools that may be missing, and waiting for a condition.
//!
//! Owns the rule for missing tools. A test asks first and leaves at once:
//!
//! ```ignore
//! if !support::needs("redis-cli") {
//!     return;
//! }
//! ```
//!
//! Without the tool the test then passes for its runner, but a line `skipped: NAME: reason` stands
//! in the file named by `DRAGON_TUI_SKIPPED` (on stderr if there is none), from which `tests/run`
//! counts. With `DRAGON_TUI_TESTS=all` nothing may be missing: the test panics instead.
//!
//! Never installs anything; `tests/run` does, and its list of packages is where a new tool goes.

// Each program of tests uses the part it needs.
#![allow(dead_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod program;

use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

/// Whether `program` is on the `PATH`. If not, this test is skipped, or fails when all must run.
#[must_use]
pub fn needs(program: &str) -> bool {
    needs_that(
        on_path(program),
        &format!("there is no {program} on the PATH"),
    )
}

/// A Python that can `import redis`; none: as [`needs`].
#[must_use]
pub fn needs_redis_py() -> Option<PathBuf> {
    let python = env::var_os("DRAGON_TUI_TEST_PYTHON").map(PathBuf::from);
    needs_that(
        python.is_some(),
        "DRAGON_TUI_TEST_PYTHON names no Python with redis-py",
    )
    .then_some(python)
    .flatten()
}

/// `there` itself; if it is false this test is skipped for `reason`, or fails when all must run.
#[must_use]
pub fn needs_that(there: bool, reason: &str) -> bool {
    if there {
        return true;
    }
    let name = test_name();
    assert!(
        env::var_os("DRAGON_TUI_TESTS").is_none_or(|wanted| wanted != "all"),
        "{name} would have to be skipped, and all tests were asked for: {reason}"
    );
    let line = format!("skipped: {name}: {}\n", reason.replace('\n', " "));
    match env::var_os("DRAGON_TUI_SKIPPED") {
        // One write, appended: tests of several processes share the file.
        Some(file) => OpenOptions::new()
            .create(true)
            .append(true)
            .open(file)
            .and_then(|mut file| file.write_all(line.as_bytes()))
            .expect("the file named by DRAGON_TUI_SKIPPED takes a line"),
        None => eprint!("{line}"),
    }
    false
}

/// Waits until `condition` holds and returns what it gave; panics after `limit`, naming `what`.
///
/// The condition is asked every few milliseconds: what a test waits for outside its own process
/// rarely wakes anybody.
pub fn wait_for<T>(what: &str, limit: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "after {limit:?} still no {what}");
        thread::park_timeout(Duration::from_millis(5));
    }
}

fn on_path(program: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| {
        env::split_paths(&path).any(|folder| {
            folder
                .join(program)
                .metadata()
                .is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
        })
    })
}

/// `PROGRAM::TEST`, the program without the hash that cargo gives it.
fn test_name() -> String {
    let test = env::var("NEXTEST_TEST_NAME")
        .ok()
        .or_else(|| thread::current().name().map(String::from))
        .unwrap_or_default();
    let program = env::current_exe()
        .ok()
        .and_then(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .unwrap_or_default();
    let program = program
        .rsplit_once('-')
        .map_or(program.as_str(), |(name, _)| name);
    format!("{program}::{test}")
}
