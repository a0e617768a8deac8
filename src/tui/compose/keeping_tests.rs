//! Nothing that the user wrote is lost: saving, opening, recovering, the text itself.

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::{
    saving::{Over, Refused, Save, Saved, What, Written},
    swap::{Found, Left, Swap},
    tests::{Screens, demo, node, session},
    *,
};
use crate::{
    model::{
        document::Session,
        session::{save, written::alike},
        template::Target,
    },
    tui::{
        keymap::Action,
        message::{Effect, Msg},
        overlay::Overlay,
        state::Draft,
        update::{perform, update as turn},
    },
};

/// The screens over a session of a file.
fn of_file(text: &str) -> Screens {
    let mut screens = Screens::of(Session::default());
    let draft = Draft::read(
        "/there/s.ron".into(),
        Session::parse(text).session,
        text.into(),
    );
    opening::replace_draft(&mut screens.state, draft);
    screens.state.effects.clear();
    screens.effects.clear();
    screens
}

fn demo_file() -> Screens {
    of_file(&save(&demo(), None))
}

impl Screens {
    fn msg(&mut self, msg: Msg) {
        let effects = turn(&mut self.state, msg, Instant::now());
        self.effects.extend(effects);
    }

    /// The session that was asked to be written last.
    fn asked(&mut self) -> Option<Save> {
        let mut saves = self.effects.drain(..).filter_map(|effect| match effect {
            Effect::Save(save) => Some(*save),
            _ => None,
        });
        saves.next_back()
    }

    fn answer(&mut self, save: Save, result: Result<(), Refused>) {
        let written = Written {
            text: crate::model::session::save(&save.session, save.original.as_deref()).into(),
            session: save.session,
            anew: false,
            moved: None,
        };
        self.msg(Msg::Saved(Box::new(Saved {
            path: save.path,
            what: save.what,
            result: result.map(|()| written),
        })));
    }

    /// What is kept in swap files in the end.
    fn kept(&mut self) -> Vec<Swap> {
        let swaps = self.effects.drain(..).filter_map(|effect| match effect {
            Effect::Swap(swap) => Some(swap),
            _ => None,
        });
        swaps.collect()
    }

    fn left(&self) -> bool {
        self.effects.contains(&Effect::Quit)
    }

    fn asks(&self, words: &str) -> bool {
        matches!(self.state.overlays.last(), Some(Overlay::Confirm { question, .. }) if question.contains(words))
    }
}

#[test]
fn a_session_counts_as_saved_when_the_disk_has_it_and_not_before() {
    let mut screens = demo_file();
    screens.press("j j j +");
    screens.press("ctrl-s");
    let asked = screens.asked().unwrap();
    assert!(screens.state.draft.is_changed());
    screens.answer(asked, Err(Refused::Failed("the disk is full".to_owned())));
    assert!(screens.state.draft.is_changed());
    assert!(
        screens.screen().contains("disk is full"),
        "{}",
        screens.screen()
    );
    screens.press("q");
    assert!(screens.asks("not saved"));
    screens.press("esc ctrl-s");
    let asked = screens.asked().unwrap();
    assert_eq!(asked.path, PathBuf::from("/there/s.ron"));
    screens.answer(asked, Ok(()));
    assert!(!screens.state.draft.is_changed());
    screens.press("q");
    assert!(screens.left());
}

#[test]
fn a_save_elsewhere_that_fails_leaves_the_session_where_it_was() {
    let mut screens = demo_file();
    screens.press("j j j + alt-s");
    screens.press("ctrl-u");
    screens.write("/none/x.ron");
    screens.press("enter");
    let asked = screens.asked().unwrap();
    assert_eq!(asked.over, Over::Nothing);
    screens.answer(asked, Err(Refused::Failed("no such folder".to_owned())));
    let path = screens.state.draft.path.clone();
    assert_eq!(path, Some(PathBuf::from("/there/s.ron")));
    assert!(screens.state.draft.is_changed());
}

#[test]
fn what_is_changed_while_a_session_is_written_is_not_saved() {
    let mut screens = demo_file();
    screens.press("j j j + ctrl-s +");
    let asked = screens.asked().unwrap();
    screens.answer(asked, Ok(()));
    assert!(screens.state.draft.is_changed());
    assert!(screens.state.compose.changed.is_some(), "and it is kept");
    screens.press("ctrl-s");
    assert_eq!(
        screens.asked().unwrap().session.groups["demo"].templates["consumer"].replicas,
        5
    );
}

#[test]
fn one_save_is_under_way_at_a_time_and_the_last_wish_is_done_after_it() {
    let mut screens = demo_file();
    screens.press("j j j + ctrl-s + ctrl-s + ctrl-s");
    let first = screens.asked().unwrap();
    screens.answer(first, Ok(()));
    let second = screens.asked().unwrap();
    assert_eq!(
        second.session.groups["demo"].templates["consumer"].replicas,
        6
    );
    screens.answer(second, Ok(()));
    assert!(screens.asked().is_none());
    assert!(!screens.state.draft.is_changed());
}

#[test]
fn who_leaves_while_a_session_is_written_waits_for_it() {
    let mut screens = demo_file();
    screens.press("j j j + ctrl-s q");
    assert!(!screens.left());
    let asked = screens.asked().unwrap();
    screens.answer(asked, Ok(()));
    assert!(screens.left());
    let mut screens = demo_file();
    screens.press("j j j + ctrl-s q");
    let asked = screens.asked().unwrap();
    screens.answer(asked, Err(Refused::Failed("no".to_owned())));
    assert!(!screens.left(), "it stays, and says why");
    let mut screens = demo_file();
    screens.press("j j j + ctrl-s q q");
    assert!(screens.asks("still being written"));
    screens.press("y");
    assert!(screens.left());
}

#[test]
fn a_file_that_somebody_else_changed_is_written_over_only_after_asking() {
    let mut screens = demo_file();
    screens.press("j j j + ctrl-s");
    let asked = screens.asked().unwrap();
    assert!(matches!(asked.over, Over::This(_)));
    screens.answer(asked, Err(Refused::Changed));
    assert!(screens.asks("changed by somebody else"));
    // Later than keys that were meant for what was there before.
    screens.state.deaf_until = None;
    screens.press("y");
    assert_eq!(screens.asked().unwrap().over, Over::Anything);
}

#[test]
fn unsaved_changes_are_kept_some_seconds_after_the_first_one_however_many_follow() {
    let mut screens = demo_file();
    screens.press("j j j +");
    let due = screens.state.due().unwrap();
    screens.press("+");
    assert!(screens.state.due().unwrap() <= due);
    screens.effects.clear();
    // Any message will do: a rank that writes all the time must not put it off.
    let effects = turn(&mut screens.state, Msg::Told(String::new()), due);
    screens.effects.extend(effects);
    let text = screens.state.draft.written();
    let of = PathBuf::from("/there/.s.ron.swp");
    let kept = screens.kept();
    assert_eq!(kept[0], Swap::Keep { of, text });
    assert_eq!(screens.state.compose.changed, None);
}

fn left(text: &str) -> Found {
    Found {
        left: vec![Left {
            file: "/there/.s.ron.swp".into(),
            text: text.to_owned(),
            age: Some(Duration::from_secs(120)),
        }],
        is_open_elsewhere: false,
    }
}

#[test]
fn changes_of_a_session_with_errors_are_recovered_and_can_be_given_up_again() {
    let mut screens = demo_file();
    let text = save(&demo(), None).replace("Started(\"generator\")", "Started(\"nobody\")");
    opening::offer(&mut screens.state, left(&text));
    assert!(
        screens.screen().contains("2 minutes ago"),
        "{}",
        screens.screen()
    );
    screens.press("enter");
    assert_eq!(screens.state.draft.written(), text);
    assert!(screens.state.overlays.is_empty());
    let kept = screens.kept();
    assert!(matches!(&kept[0], Swap::TakenOver { file, .. } if file.ends_with(".s.ron.swp")));
    screens.press("u");
    assert!(!screens.state.draft.is_changed());
}

#[test]
fn declined_changes_stay_and_only_a_word_throws_them_away() {
    for keys in ["esc", "down enter"] {
        let mut screens = demo_file();
        opening::offer(&mut screens.state, left("Session(version: 1)"));
        screens.press(keys);
        assert_eq!(screens.kept(), [], "{keys}");
        assert!(screens.state.overlays.is_empty());
        assert!(!screens.state.draft.is_changed());
    }
    let mut screens = demo_file();
    opening::offer(&mut screens.state, left("Session(version: 1)"));
    screens.press("down down enter");
    let file = "/there/.s.ron.swp".into();
    assert_eq!(screens.kept(), [Swap::Remove { file }]);
}

#[test]
fn a_text_that_is_no_session_changes_nothing_is_kept_and_is_edited_again() {
    let mut screens = demo_file();
    screens.msg(Msg::Edited("Session(".to_owned()));
    assert!(alike(&screens.state.draft.session, &demo()));
    screens.press("esc q");
    assert!(screens.asks("not saved"));
    screens.press("esc E");
    let edited = Effect::Edit("Session(".to_owned());
    assert!(screens.effects.contains(&edited));
    let why = "`vi` ended with 1".to_owned();
    screens.msg(Msg::EditFailed { why, text: None });
    assert!(
        screens.state.compose.rejected.is_some(),
        "it is not lost with the editor"
    );
    screens.effects.clear();
    let due = screens.state.due().unwrap();
    let effects = turn(&mut screens.state, Msg::Due, due + Duration::from_secs(3));
    screens.effects.extend(effects);
    let of = PathBuf::from("/there/.s.ron.text.swp");
    let text = "Session(".to_owned();
    assert!(screens.kept().contains(&Swap::Keep { of, text }));
    screens.msg(Msg::Edited("Session(version: 1)".to_owned()));
    assert_eq!(screens.state.compose.rejected, None);
}

#[test]
fn a_comment_that_is_edited_counts_as_a_change_and_is_written() {
    let text = save(&demo(), None);
    let mut screens = of_file(&text);
    let commented = format!("// mine\n{text}");
    screens.msg(Msg::Edited(commented.clone()));
    assert!(screens.state.draft.is_changed());
    assert_eq!(screens.state.draft.written(), commented);
    screens.press("u");
    assert!(!screens.state.draft.is_changed());
    screens.press("ctrl-r ctrl-s");
    let asked = screens.asked().unwrap();
    screens.answer(asked, Ok(()));
    assert_eq!(screens.state.draft.saved_text.as_deref(), Some(&*commented));
    assert!(!screens.state.draft.is_changed());
    // What was done to the session before is no matter of the text.
    screens.press("j j j + ctrl-s");
    let asked = screens.asked().unwrap();
    screens.answer(asked, Ok(()));
    screens.press("+ u");
    assert!(!screens.state.draft.is_changed());
}

#[test]
fn another_session_knows_nothing_of_the_one_before() {
    let mut screens = demo_file();
    screens.press("j j j +");
    screens.msg(Msg::Planned(Box::default()));
    opening::asked(&mut screens.state, "/there/other.ron".into(), false);
    assert!(screens.asks("not saved"));
    screens.press("y");
    let open = screens
        .effects
        .iter()
        .rev()
        .find_map(|effect| match effect {
            Effect::Open(open) => Some(open.clone()),
            _ => None,
        });
    let open = open.unwrap();
    let text = r#"Session(version: 1, groups: { "b": ProcessGroup(templates: {
        "x": ProcessTemplate(target: Program("true"), after: [Ended("nobody")]) }) })"#;
    let read = opening::Read {
        session: Session::parse(text).session,
        text: text.into(),
        found: Found::default(),
    };
    screens.msg(Msg::Opened(Box::new(opening::Opened {
        open,
        result: Ok(Box::new(read)),
    })));
    assert_eq!(screens.state.draft.name(), "other");
    assert!(
        screens.screen().contains('✗'),
        "its problems are shown: {}",
        screens.screen()
    );
    assert!(screens.state.compose.planning.plan.is_none());
    screens.press("u");
    assert!(!screens.state.draft.is_changed());
    let of = PathBuf::from("/there/.s.ron.swp");
    assert!(screens.kept().contains(&Swap::Forget { of }));
}

#[test]
fn what_is_changed_while_another_session_is_read_is_asked_for_again() {
    let mut screens = demo_file();
    opening::asked(&mut screens.state, "/there/other.ron".into(), false);
    screens.press("j j j +");
    let ticket = screens.state.tickets;
    let read = opening::Read {
        session: Session::default(),
        text: "Session(version: 1)".into(),
        found: Found::default(),
    };
    screens.msg(Msg::Opened(Box::new(opening::Opened {
        open: opening::Open {
            ticket,
            path: "/there/other.ron".into(),
            start: false,
        },
        result: Ok(Box::new(read)),
    })));
    assert!(screens.asks("not saved"));
    assert!(screens.state.draft.is_changed());
}

#[test]
fn paths_lead_to_the_same_places_from_where_a_session_was_saved_to() {
    let text = r#"Session(version: 1, groups: { "g": ProcessGroup(templates: {
        "a": ProcessTemplate(target: Program("./run")) }) })"#;
    let mut screens = of_file(text);
    screens.press("j j + alt-s ctrl-u");
    screens.write("../x/new.ron");
    screens.press("enter");
    let save = screens.asked().unwrap();
    assert_eq!(save.from, PathBuf::from("/there"));
    let (from, to) = (PathBuf::from("/a/there"), PathBuf::from("/a/x"));
    let session = crate::model::session::relocated(&save.session, &from, &to).0;
    let written = Written {
        text: crate::model::session::save(&session, None).into(),
        session,
        anew: false,
        moved: Some((from, to)),
    };
    screens.msg(Msg::Saved(Box::new(Saved {
        path: save.path,
        what: save.what,
        result: Ok(written),
    })));
    assert!(!screens.state.draft.is_changed());
    let target = |screens: &Screens| screens.template().target.clone();
    let moved = Target::Program("../there/run".to_owned());
    assert_eq!(target(&screens), moved);
    screens.press("u");
    assert_eq!((target(&screens), screens.template().replicas), (moved, 1));
}

#[test]
fn what_the_command_line_changes_is_run_and_not_saved() {
    let mut screens = demo_file();
    screens.state.draft.assignments = vec!["demo.consumer.replicas=8".to_owned()];
    assert!(!screens.state.draft.is_changed());
    assert!(!screens.state.draft.written().contains('8'));
    perform(&mut screens.state, Action::Start);
    let run = screens.state.run.as_ref().unwrap();
    assert_eq!(run.session.groups["demo"].templates["consumer"].replicas, 8);
}

#[test]
fn whoever_opens_a_field_and_closes_it_changes_nothing() {
    let text = r#"Session(version: 1, groups: { "g": ProcessGroup(templates: {
        "a": ProcessTemplate(target: Program("/opt/my app/run")),
        "b": ProcessTemplate(target: Program("a$b")),
        "c": ProcessTemplate(target: Shell("for i in 1 2\ndo echo $i\ndone"), env: { "KEY": "one\ntwo" }),
    }) })"#;
    let mut screens = of_file(text);
    for template in ["a", "b", "c"] {
        screens.state.compose.at = node("g", template);
        screens.state.compose.focus = Focus::Form;
        let fields = update::fields(&screens.state).len();
        for field in 0..fields {
            screens.state.compose.field = field;
            let typed = update::field(&screens.state).unwrap().is_typed();
            if typed {
                screens.press("enter enter");
            }
        }
    }
    assert!(
        !screens.state.draft.is_changed(),
        "{}",
        screens.state.draft.written()
    );
    assert!(
        screens.screen().contains("several lines"),
        "{}",
        screens.screen()
    );
}

#[test]
fn a_program_with_a_blank_in_its_path_can_be_edited() {
    let text = r#"Session(version: 1, groups: { "g": ProcessGroup(templates: {
        "a": ProcessTemplate(target: Program("/opt/my app/run")) }) })"#;
    let mut screens = of_file(text);
    screens.press("j j enter down enter");
    screens.press("left left left left");
    screens.write("re");
    screens.press("enter");
    let program = Target::Program("/opt/my app/rerun".to_owned());
    assert_eq!(screens.template().target, program);
    assert!(screens.template().args.is_empty());
}

#[test]
fn a_draft_that_is_in_no_file_is_asked_where_to_and_a_copy_of_text_is_shared() {
    let text: Arc<str> = save(&demo(), None).into();
    let draft = Draft::again(session(&text), text.to_string(), Some("/past".into()));
    assert!(!draft.is_changed());
    let mut screens = Screens::of(Session::default());
    opening::replace_draft(&mut screens.state, draft);
    screens.press("ctrl-s");
    assert!(
        screens.screen().contains("/past/session.ron"),
        "{}",
        screens.screen()
    );
    screens.press("enter");
    let asked = screens.asked().unwrap();
    assert_eq!((asked.what, asked.from), (What::Draft(1), "/past".into()));
}
