mod assignments;
mod generated;
mod hostile;
mod laws;

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use super::*;

const TEXT: &str = "// Made by hand.
Session(
    version: 1, // the only one
    queues: { \"numbers\": Queue(maxsize: 100) },

    // --- groups ---

    groups: {
        \"demo\": ProcessGroup(
            templates: {
                // It fills the queue.
                \"generator\": ProcessTemplate(
                    target: Program(\"gen\"), // on PATH
                    args: [ Queue(\"numbers\"), 0x10 ],
                    replicas: 1,
                ),

                // Takes from it.
                // As fast as it can.
                \"consumer\": ProcessTemplate(target: Program(\"use\"), replicas: 3),
            },
        ),
    },
)
";

fn edited(assignments: &[&str]) -> String {
    edited_by(|session| {
        for assignment in assignments {
            set(session, assignment).unwrap();
        }
    })
}

fn edited_by(edit: impl FnOnce(&mut Session)) -> String {
    let mut session = Session::load(Path::new("s.ron"), TEXT).unwrap().session;
    edit(&mut session);
    let saved = save(&session, Some(TEXT));
    assert_eq!(
        save(&Session::parse(&saved).session, None),
        save(&session, None),
        "{saved}"
    );
    saved
}

fn replaced(pairs: &[(&str, &str)]) -> String {
    let mut text = TEXT.to_owned();
    for (from, to) in pairs {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text = text.replace(from, to);
    }
    text
}

#[test]
fn a_changed_value_is_replaced_in_place() {
    assert_eq!(
        edited(&["demo.consumer.replicas=4"]),
        replaced(&[("replicas: 3", "replicas: 4")])
    );
    // A default that is spelled out is changed where it stands.
    assert_eq!(
        edited(&["demo.generator.replicas=2"]),
        replaced(&[("replicas: 1", "replicas: 2")])
    );
    assert_eq!(
        edited(&["queues.numbers.maxsize=7"]),
        replaced(&[("100", "7")])
    );
    assert_eq!(
        edited(&["demo.generator.args=[Queue(\"numbers\"), 17]"]),
        replaced(&[("0x10", "17")])
    );
}

#[test]
fn an_added_field_stands_behind_the_one_before_it_with_the_indentation_around_it() {
    assert_eq!(
        edited(&[
            "demo.generator.env.A=b",
            "name=n",
            "demo.consumer.critical=true"
        ]),
        replaced(&[
            (
                "replicas: 1,\n",
                "replicas: 1,\n                    env: { \"A\": \"b\" },\n"
            ),
            ("// the only one\n", "// the only one\n    name: \"n\",\n"),
            ("replicas: 3)", "replicas: 3, critical: true)"),
        ])
    );
    // Without a default that is spelled out, it comes behind the arguments.
    assert_eq!(
        edited(&["demo.generator.args=[]", "demo.generator.cwd=/tmp"])
            .matches("cwd: \"/tmp\",\n")
            .count(),
        1
    );
}

#[test]
fn a_removed_entry_takes_its_own_comments_and_no_other() {
    let text = edited_by(|session| {
        session.groups["demo"].templates.shift_remove("generator");
    });
    let comments: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_once("//"))
        .map(|(_, comment)| comment.trim())
        .collect();
    assert_eq!(
        comments,
        [
            "Made by hand.",
            "the only one",
            "--- groups ---",
            "Takes from it.",
            "As fast as it can."
        ]
    );
    let text = edited_by(|session| {
        session.queues.clear();
        session.groups["demo"].templates["generator"].args.remove(0);
    });
    assert_eq!(
        text,
        replaced(&[
            ("    queues: { \"numbers\": Queue(maxsize: 100) },\n", ""),
            ("[ Queue(\"numbers\"), 0x10 ]", "[0x10 ]")
        ])
    );
    // The heading of the groups stands apart: it stays when they go.
    assert!(edited_by(|session| session.groups.clear()).contains("// --- groups ---"));
}

#[test]
fn moved_entries_take_their_comments_along() {
    let text = edited_by(|session| session.groups["demo"].templates.move_index(0, 1));
    let place = |piece: &str| text.find(piece).unwrap();
    assert!(place("\"consumer\"") < place("// It fills"), "{text}");
    assert!(place("// It fills") < place("\"generator\""), "{text}");
}

#[test]
fn a_blank_line_inside_of_a_comment_separates_nothing() {
    let text = replaced(&[(
        "// It fills the queue.\n",
        "/* It fills the queue.\n\n                   Slowly. */\n",
    )]);
    let mut session = Session::load(Path::new("s.ron"), text.as_str())
        .unwrap()
        .session;
    session.groups["demo"].templates.shift_remove("generator");
    let saved = save(&session, Some(&text));
    assert!(
        !saved.contains("It fills") && !saved.contains("Slowly"),
        "{saved}"
    );
    assert!(
        saved.contains("// Takes from it.") && saved.contains("// --- groups ---"),
        "{saved}"
    );
}

#[test]
fn windows_line_ends_stay() {
    let text = TEXT.replace('\n', "\r\n");
    let mut session = Session::load(Path::new("s.ron"), text.as_str())
        .unwrap()
        .session;
    set(&mut session, "demo.generator.cwd=/tmp").unwrap();
    let saved = save(&session, Some(&text));
    assert_eq!(saved.matches('\n').count(), saved.matches("\r\n").count());
    assert!(saved.contains("cwd: \"/tmp\",\r\n"));
}

#[test]
fn an_entry_can_be_added_where_only_a_comment_stands() {
    let text = "Session(version: 1, queues: {\n    // none yet\n}, groups: {})";
    let mut session = Session::load(Path::new("s.ron"), text).unwrap().session;
    session
        .queues
        .insert("q".parse().unwrap(), Default::default());
    assert_eq!(
        save(&session, Some(text)),
        "Session(version: 1, queues: {\n    // none yet\n    \"q\": Queue(),\n}, groups: {})"
    );
}

#[test]
fn a_text_that_is_no_session_is_written_anew() {
    assert_eq!(
        saved(&Session::default(), Some("Session(")),
        Saved {
            text: "Session(\n    version: 1,\n)\n".to_owned(),
            anew: true
        }
    );
    assert!(!saved(&Session::default(), None).anew);
    assert!(!saved(&Session::default(), Some("\n")).anew);
}

#[test]
fn a_session_composed_in_memory_is_checked_with_paths() {
    let mut session = Session::parse(TEXT).session;
    session.queues.clear();
    session.groups["demo"].templates["consumer"].replicas = 0;
    let problems: Vec<String> = session.validate().iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "groups.demo.templates.generator.args[0]: there is no queue `numbers`",
            "groups.demo.templates.consumer.replicas: replicas must be 1 to 1,000,000",
        ]
    );
    let empty = Session::default();
    assert!(empty.validate().iter().all(|problem| !problem.is_error()));
    assert!(empty.validate_to_run().iter().any(Problem::is_error));
}

#[test]
fn regular_expressions_are_listed_with_their_place() {
    let text = "Session(version: 1, groups: {\"g\": ProcessGroup(templates: {\"t\": ProcessTemplate(\n  target: Program(\"a\"), ready: Line(\"(\"), alerts: [Died, Line(\"[\")])})})";
    let loaded = Session::load(Path::new("s.ron"), text).unwrap();
    let found: Vec<String> = loaded
        .session
        .patterns()
        .into_iter()
        .map(|pattern| {
            loaded
                .place(Problem::error(pattern.path, pattern.text))
                .to_string()
        })
        .collect();
    assert_eq!(
        found,
        [
            "s.ron:2:32: groups.g.templates.t.ready: (",
            "s.ron:2:58: groups.g.templates.t.alerts[1]: ["
        ]
    );
}

#[test]
fn a_long_chain_and_a_wide_file_are_checked_quickly() {
    let mut text = "Session(version: 1, groups: {".to_owned();
    for index in 0..20_000 {
        text.push_str(&format!("\"g{index}\": ProcessGroup(after: [Ended(\"g{}\")], templates: {{\"t\": ProcessTemplate(target: Program(\"a\"))}}),\n", index + 1));
    }
    text.push_str("\"g20000\": ProcessGroup(after: [Ended(\"g0\")])})");
    let began = std::time::Instant::now();
    let parsed = Session::parse(&text);
    assert!(parsed.problems.iter().any(|problem| {
        problem
            .message
            .contains("groups wait for each other: g0 -> g1")
    }));
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

fn open_problem(path: &Path) -> String {
    let problems = Session::open(path).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].help.is_some());
    problems[0]
        .to_string()
        .replace(&path.display().to_string(), "PATH")
}

#[test]
fn a_file_that_cannot_be_read_says_why_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("s.ron");
    assert_eq!(open_problem(&file), "PATH: there is no such file");
    assert_eq!(
        open_problem(folder.path()),
        "PATH: this is a folder, not a session"
    );
    fs::write(&file, b"Session(\n  name: \"\xff\")").unwrap();
    assert_eq!(
        open_problem(&file),
        "PATH:2:10: the file is not UTF-8: byte 18 is 0xff"
    );
    fs::File::create(&file)
        .unwrap()
        .set_len(SIZE_MAX + 1)
        .unwrap();
    assert_eq!(
        open_problem(&file),
        "PATH: the file is larger than 16 MiB, the most a session may have"
    );
    assert_eq!(
        open_problem(Path::new("/dev/zero")),
        "PATH: the file is larger than 16 MiB, the most a session may have"
    );
}

#[test]
fn saving_replaces_the_file_at_once_and_keeps_its_mode_and_links() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("s.ron"), folder.path().join("link.ron"));
    fs::write(&file, TEXT).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("s.ron", &link).unwrap();
    let mut loaded = Session::open(&link).unwrap();
    assert_eq!(loaded.name(), "link");
    set(&mut loaded.session, "name=new").unwrap();
    let written = save_to(&link, &loaded.session, Some(&loaded.text)).unwrap();
    assert!(!written.anew);
    let written = written.text;
    assert_eq!(fs::read_to_string(&file).unwrap(), written);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o640
    );
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        2,
        "a temporary file is left"
    );
    fs::set_permissions(&file, fs::Permissions::from_mode(0o440)).unwrap();
    let refused = save_to(&file, &Session::default(), None).unwrap_err();
    assert_eq!(refused.message, "the file may not be written");
    assert_eq!(fs::read_to_string(&file).unwrap(), written);
    let nowhere =
        save_to(&folder.path().join("none/s.ron"), &Session::default(), None).unwrap_err();
    assert_eq!(nowhere.message, "there is no such folder");
    assert!(save_to(folder.path(), &Session::default(), None).is_err());
}
