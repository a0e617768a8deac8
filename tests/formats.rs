//! Files of every format we read: what is valid is read and written back byte for byte, what is invalid gives
//! exactly the problems that stand beside it.
//!
//! A case is a file in `tests/formats/<format>/valid` or `…/invalid`; the latter has its problems in a `.txt` of
//! the same name. `BLESS=1 cargo test --test formats` writes these anew.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail loudly

use std::{
    fs,
    path::{Path, PathBuf},
};

use dragon_tui::model::session::{Session, save};

fn cases(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/formats")
        .join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "ron"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} holds no case", folder.display());
    files
}

#[test]
fn a_valid_session_is_read_without_a_problem_and_saved_byte_for_byte() {
    for file in cases("session/valid") {
        let loaded = Session::open(&file).unwrap_or_else(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            panic!("{}", lines.join("\n"))
        });
        assert_eq!(loaded.warnings, [], "{}", file.display());
        assert_eq!(
            save(&loaded.session, Some(&loaded.text)),
            loaded.text,
            "{}",
            file.display()
        );
        let canonical = save(&loaded.session, None);
        let again = Session::parse(&canonical);
        assert_eq!(again.problems, [], "{canonical}");
        assert_eq!(again.session, loaded.session, "{canonical}");
    }
}

#[test]
fn the_example_is_in_canonical_form() {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/session/valid/example.ron");
    let loaded = Session::open(&file).unwrap();
    assert_eq!(save(&loaded.session, None), loaded.text);
}

#[test]
fn an_invalid_session_has_exactly_the_expected_problems() {
    for file in cases("session/invalid") {
        let text = fs::read_to_string(&file).unwrap();
        let name = PathBuf::from(file.file_name().unwrap());
        let problems = Session::load(&name, text).expect_err("the case is valid");
        let found: String = problems
            .iter()
            .map(|problem| format!("{problem}\n"))
            .collect();
        let expected = file.with_extension("txt");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&expected, &found).unwrap();
        }
        assert_eq!(
            found,
            fs::read_to_string(&expected).unwrap_or_default(),
            "{}",
            file.display()
        );
    }
}
