//! What holds for every session.

use proptest::prelude::*;
use ron::extensions::Extensions;

use super::{super::*, generated::sessions};
use crate::model::ron_text;

/// A canonical text with a comment in every line, and some that stand apart.
fn decorated(session: &Session) -> String {
    let mut out = "// header\n\n".to_owned();
    for (number, line) in save(session, None).lines().enumerate() {
        match number % 6 {
            1 => out.push_str(&format!("\n    /* apart {number} */\n\n")),
            2 => out.push_str(&format!("    /* above {number}\n\n\n    it */\n")),
            4 => out.push_str(&format!("\n    /* apart {number}\n\n    too */\n\n")),
            5 => out.push_str(&format!("/* before {number}\n\n */")),
            _ => {}
        }
        out.push_str(&format!("{line} // line {number}\n"));
    }
    out
}

fn comments(text: &str) -> Vec<String> {
    let mut found: Vec<String> = ron_text::parse(text)
        .comments
        .iter()
        .map(|span| span.of(text).to_owned())
        .collect();
    found.sort();
    found
}

/// The form of a text is right, and it says this session, order included.
fn says(text: &str, session: &Session) -> Result<(), TestCaseError> {
    let parsed = Session::parse(text);
    prop_assert_eq!(&parsed.session, session, "{}", text);
    prop_assert_eq!(save(&parsed.session, None), save(session, None));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_saved_session_is_read_as_the_same_session(session in sessions(false)) {
        says(&save(&session, None), &session)?;
        says(&decorated(&session), &session)?;
    }

    #[test]
    fn saving_what_did_not_change_keeps_every_byte(session in sessions(false)) {
        let text = decorated(&session);
        prop_assert_eq!(save(&Session::parse(&text).session, Some(&text)), text);
    }

    #[test]
    fn any_session_can_be_saved_over_any_other_without_losing_the_header(before in sessions(false), after in sessions(false)) {
        let text = decorated(&before);
        let Saved { text: saved, anew } = saved(&after, Some(&text));
        prop_assert!(!anew, "{saved}");
        says(&saved, &after)?;
        prop_assert!(saved.starts_with("// header\n\n"), "{saved}");
        // Saving once more changes nothing.
        prop_assert_eq!(save(&after, Some(&saved)), saved);
    }

    #[test]
    fn a_text_that_is_changed_less_deep_says_the_same(before in sessions(false), after in sessions(false)) {
        let text = decorated(&before);
        let (old, new) = (encode::session(&before), encode::session(&after));
        for depth in 0..6 {
            let saved = patch::at_depth(&text, &old, &new, depth).unwrap();
            says(&saved, &after)?;
            prop_assert!(saved.starts_with("// header\n\n"), "{saved}");
        }
    }

    #[test]
    fn a_change_of_values_loses_no_comment(session in sessions(false)) {
        let text = decorated(&session);
        let mut changed = session.clone();
        changed.name = Some("another name".to_owned());
        for group in changed.groups.values_mut() {
            group.walltime = Some(std::time::Duration::from_secs(77));
            for template in group.templates.values_mut() {
                template.replicas = template.replicas % 1000 + 2;
                template.critical = true;
            }
        }
        let saved = save(&changed, Some(&text));
        says(&saved, &changed)?;
        prop_assert_eq!(comments(&saved), comments(&text), "{}\n---\n{}", text, saved);
    }

    #[test]
    fn a_removed_group_takes_the_comments_of_its_lines_and_no_other(session in sessions(false), pick in any::<prop::sample::Index>()) {
        if session.groups.len() < 2 {
            return Ok(());
        }
        let text = decorated(&session);
        let (name, _) = session.groups.get_index(pick.index(session.groups.len())).unwrap();
        let tree = ron_text::parse(&text);
        let groups = child(tree.root.as_ref().unwrap(), "groups").unwrap();
        let item = groups.body().unwrap().items.iter().find(|item| item.key_text() == Some(name.as_str())).unwrap();
        let last_line = text[item.span().end..].find('\n').map_or(text.len(), |at| item.span().end + at);
        let directly_above = |span: &ron_text::Span| {
            let gap = &text[span.end.min(item.span().start)..item.span().start];
            span.of(&text).starts_with("/*") && gap.trim().is_empty() && gap.matches('\n').count() < 2
        };
        let mut expected: Vec<String> = tree
            .comments
            .iter()
            .filter(|span| (span.start < item.span().start && !directly_above(span)) || span.start > last_line)
            .map(|span| span.of(&text).to_owned())
            .collect();
        expected.sort();
        let mut changed = session.clone();
        changed.groups.shift_remove(name.as_str());
        let saved = save(&changed, Some(&text));
        says(&saved, &changed)?;
        prop_assert_eq!(comments(&saved), expected, "{}\n---\n{}", text, saved);
    }

    #[test]
    fn ron_reads_the_same_session(session in sessions(true)) {
        let extensions = Extensions::IMPLICIT_SOME | Extensions::UNWRAP_VARIANT_NEWTYPES;
        let text = save(&session, None);
        let read = ron::Options::default().with_default_extension(extensions).from_str::<Session>(&text);
        prop_assert_eq!(read.map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?, session);
    }

    #[test]
    fn no_damage_to_a_session_makes_it_panic(session in sessions(false), at in any::<prop::sample::Index>(), length in 0usize..40, put in "[\\[\\](){}\",:a1 \u{1b}]{0,3}") {
        let text: Vec<char> = decorated(&session).chars().collect();
        let at = at.index(text.len());
        let damaged: String = text[..at].iter().copied().chain(put.chars()).chain(text[(at + length).min(text.len())..].iter().copied()).collect();
        let parsed = Session::parse(&damaged);
        for problem in &parsed.problems {
            prop_assert!(problem.span.is_some());
            // It may be shown on a terminal.
            let shown = problem.render(&damaged);
            prop_assert!(!shown.contains('\u{1b}'), "{shown:?}");
        }
        let _ = save(&parsed.session, Some(&damaged));
    }

    #[test]
    fn no_assignment_makes_it_panic(session in sessions(false), text in "[abcdmo.=\\[(\"1]{0,20}") {
        let _ = set(&mut session.clone(), &text);
    }
}
