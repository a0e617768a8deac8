use super::*;

fn session(timeline: &str) -> Session {
    let text = format!(
        r#"Session(version: 1, {timeline} groups: {{"g": ProcessGroup(templates: {{
            "a": ProcessTemplate(target: Program("a"), replicas: 2)}})}})"#
    );
    Session::parse(&text).session
}

fn selector(text: &str) -> Selector {
    text.parse().unwrap()
}

fn told(session: &Session) -> Vec<String> {
    let entries = session.timeline.iter();
    entries
        .map(|entry| format!("{} {:?}", entry.at.as_millis(), entry.step))
        .map(|text| text.split(['(', ' ']).take(2).collect::<Vec<_>>().join(" "))
        .collect()
}

#[test]
fn what_was_done_becomes_the_timeline_beside_what_was_in_it_in_order() {
    let before = session(r#"timeline: [(at: "2s", do: Mute("g"))],"#);
    let mut noted = Noted::default();
    noted.take(1.0, &Command::Stop(selector("g/a.0")));
    noted.take(3.5, &Command::Scale(selector("g/a"), 4));
    noted.take(4.0, &Command::Restart(selector("g/a.1")));
    let after = noted.session(&before);
    assert_eq!(
        told(&after),
        ["1000 Stop", "2000 Mute", "3500 Scale", "4000 Restart"]
    );
    let text = crate::model::session::save(&after, None);
    let read = Session::parse(&text);
    assert_eq!(read.session, after);
    assert!(
        read.session
            .validate_to_run()
            .iter()
            .all(|problem| !problem.is_error())
    );
}

#[test]
fn questions_and_sizes_are_no_deeds() {
    let mut noted = Noted::default();
    noted.take(1.0, &Command::Explain("g/a.0".parse().unwrap()));
    noted.take(1.0, &Command::Resize("g/a.0".parse().unwrap(), 24, 80));
    noted.take(1.0, &Command::Finish);
    assert_eq!(noted, Noted::default());
}

#[test]
fn keys_typed_in_one_go_are_one_step_and_those_to_others_another() {
    let mut noted = Noted::default();
    let mut typed = |at: f64, to: &str, text: &str| {
        noted.take(at, &Command::Send(selector(to), text.as_bytes().to_vec()));
    };
    typed(1.0, "g/a.0", "l");
    typed(1.2, "g/a.0", "s");
    typed(1.4, "g/a.0", "\r");
    typed(1.5, "g/a.1", "x");
    typed(9.0, "g/a.1", "y");
    let send = |to: &str, text: &str| Step::Send(selector(to), text.to_owned());
    let steps: Vec<Step> = noted.steps.iter().map(|(_, step)| step.clone()).collect();
    assert_eq!(
        steps,
        [
            send("g/a.0", "ls\r"),
            send("g/a.1", "x"),
            send("g/a.1", "y")
        ]
    );
    assert_eq!(noted.steps[0].0, 1.0);
}

#[test]
fn a_group_that_was_started_again_by_hand_is_still_started_at_once() {
    let mut noted = Noted::default();
    noted.take(5.0, &Command::Stop(selector("g")));
    noted.take(9.0, &Command::Start(selector("g")));
    assert_eq!(
        told(&noted.session(&session(""))),
        ["0 Start", "5000 Stop", "9000 Start"]
    );
    let later = session(r#"timeline: [(at: "2s", do: Start("g"))],"#);
    assert_eq!(
        told(&noted.session(&later)),
        ["2000 Start", "5000 Stop", "9000 Start"]
    );
}

#[test]
fn what_cannot_be_kept_is_counted() {
    let mut noted = Noted::default();
    noted.take(0.0, &Command::Send(selector("g"), vec![0xff]));
    for _ in 0..STEPS_MAX + 2 {
        noted.take(1.0, &Command::Mute(selector("g")));
    }
    assert_eq!((noted.steps.len(), noted.left_out), (STEPS_MAX, 3));
}
