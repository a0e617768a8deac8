use super::*;
use crate::tui::compose::saving::What;

fn hand() -> Hand {
    Hand {
        swaps: Swaps::new(None),
        state: None,
        is_told: false,
    }
}

fn save(path: &Path, over: Over) -> Save {
    let text = r#"Session(version: 1, groups: { "g": ProcessGroup(templates: {
        "a": ProcessTemplate(target: Program("./run")) }) })"#;
    Save {
        path: path.to_owned(),
        what: What::Draft(0),
        session: Session::parse(text).session,
        original: Some(text.into()),
        from: path.parent().unwrap().to_owned(),
        over,
        swap: None,
    }
}

#[test]
fn a_file_is_written_over_only_as_far_as_the_user_knows_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.ron");
    let result = |over: Over| hand().save(save(&path, over)).result;
    let written = result(Over::Nothing).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), *written.text);
    assert_eq!(result(Over::Nothing), Err(Refused::Exists));
    assert!(result(Over::This(written.text.clone())).is_ok());
    fs::write(&path, "of somebody else").unwrap();
    assert_eq!(
        result(Over::This(written.text.clone())),
        Err(Refused::Changed)
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "of somebody else");
    assert!(result(Over::Anything).is_ok());
    fs::remove_file(&path).unwrap();
    assert!(result(Over::This(written.text)).is_ok());
    let nowhere = folder.path().join("none/s.ron");
    let refused = hand().save(save(&nowhere, Over::Nothing)).result;
    assert!(matches!(refused, Err(Refused::Failed(_))), "{refused:?}");
}

#[test]
fn the_swap_file_goes_when_the_session_is_on_the_disk_and_not_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.ron");
    let of = swap::swap_of(Some(&path), folder.path());
    let mut hand = hand();
    let keep = swap::Swap::Keep {
        of: of.clone(),
        text: "kept".to_owned(),
    };
    hand.perform(Effect::Swap(keep));
    let to = |path: &Path, over| Save {
        swap: Some(of.clone()),
        ..save(path, over)
    };
    assert!(
        hand.save(to(&folder.path().join("none/s.ron"), Over::Nothing))
            .result
            .is_err()
    );
    assert!(of.exists());
    assert!(hand.save(to(&path, Over::Nothing)).result.is_ok());
    assert!(!of.exists());
}

#[test]
fn a_session_that_goes_to_another_folder_finds_its_programs_from_there() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("other")).unwrap();
    let from = save(&folder.path().join("s.ron"), Over::Nothing);
    let path = folder.path().join("other/s.ron");
    let written = hand().save(Save { path, ..from }).result.unwrap();
    assert!(written.text.contains("\"../run\""), "{}", written.text);
    assert!(written.moved.is_some());
}

#[test]
fn a_session_with_problems_is_opened_and_what_cannot_be_read_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.ron");
    let text = r#"Session(version: 1, groups: { "g": ProcessGroup(templates: {
        "a": ProcessTemplate(target: Program("x"), after: [Ended("nobody")]) }) })"#;
    fs::write(&path, text).unwrap();
    assert_eq!(read(&path, None).unwrap().session.groups.len(), 1);
    fs::write(&path, text.replace("after:", "afetr:")).unwrap();
    assert!(read(&path, None).is_err());
    assert!(read(folder.path(), None).is_err());
}

#[test]
fn nobody_waits_at_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.ron");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &path,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    let (problems, _) = read(&path, None).unwrap_err();
    assert!(problems[0].message.contains("pipe"), "{problems:?}");
}
