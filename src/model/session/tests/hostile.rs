//! Small texts that could ask for a lot of work or memory: each is given up as soon as it is too much.
//!
//! No times are measured: before there were bounds, each of these took minutes or gigabytes.

use super::super::*;

fn problems(text: &str) -> Vec<Problem> {
    let problems = Session::parse(text).problems;
    assert!(problems.len() <= PROBLEMS_MAX + 1, "{}", problems.len());
    let bytes: usize = problems
        .iter()
        .map(|problem| problem.render(text).len())
        .sum();
    assert!(bytes < 1 << 20, "{bytes} bytes are shown");
    problems
}

/// A session with these fields, and groups of one template each.
fn session(fields: &str, groups: impl Iterator<Item = String>) -> String {
    let groups: Vec<String> = groups.collect();
    format!(
        "Session(version: 1, {fields} groups: {{{}}})",
        groups.join("\n")
    )
}

#[track_caller]
fn is_given_up(text: &str) {
    let problems = problems(text);
    assert_eq!(problems.len(), PROBLEMS_MAX + 1);
    assert!(problems.iter().all(|problem| problem.span.is_some()));
    let last = problems.last().unwrap();
    assert!(
        last.is_error() && last.message.contains("too many problems"),
        "{last}"
    );
}

#[test]
fn a_problem_in_every_group_is_told_of_the_first_ones_only() {
    let group = |fields: &'static str| {
        move |index| {
            format!(
                "\"g{index}\": ProcessGroup({fields}, templates: {{\"t\": ProcessTemplate(target: Shell(\"a\"), env: {{\"A\": \"{index}\"}})}}),"
            )
        }
    };
    is_given_up(&session("", (0..20_000).map(group("colour: 1"))));
    is_given_up(&session(
        "",
        (0..20_000).map(group("after: [Ended(\"nobody-of-this-name\")]")),
    ));
    is_given_up(&session(
        "",
        (0..20_000).map(group("policy: Policy(placement: HostName(\"-\"))")),
    ));
    // On one line, in which a place is counted from its beginning.
    is_given_up(&session("", (0..20_000).map(group("walltime: 1"))).replace('\n', " "));
    let mute = "(at: \"1s\", do: Mute(\"g1/tt\")),".repeat(50_000);
    is_given_up(&session(
        &format!("timeline: [{mute}],"),
        (0..20_000).map(group("policy: Policy()")),
    ));
    let args = "Queue(\"numbre\"),".repeat(100_000);
    is_given_up(&session(
        "queues: {\"numbers\": Queue()},",
        [format!("\"g\": ProcessGroup(templates: {{\"t\": ProcessTemplate(target: Shell(\"a\"), args: [{args}])}})")].into_iter(),
    ));
}

#[test]
fn many_warnings_hide_no_error() {
    let mut text = session(
        "",
        (0..1_000).map(|index| format!("\"g{index}\": ProcessGroup(),")),
    );
    assert!(problems(&text).iter().all(|problem| !problem.is_error()));
    text = text.replace(
        "\"g999\": ProcessGroup()",
        "\"g999\": ProcessGroup(walltime: \"0s\")",
    );
    assert_eq!(
        problems(&text)
            .iter()
            .filter(|problem| problem.is_error())
            .count(),
        1
    );
}

#[test]
fn a_name_of_any_length_is_neither_copied_nor_shown_whole() {
    let name = "x".repeat(2_000_000);
    let fields: Vec<String> = (0..2_000)
        .map(|index| format!("colour{index}: 1"))
        .collect();
    let text = session(
        "",
        [format!("\"{name}\": ProcessGroup({})", fields.join(", "))].into_iter(),
    );
    is_given_up(&text);
    let lists = "[1, b\"\"],".repeat(2_000);
    let text = session(
        "",
        [format!("\"g\": ProcessGroup(templates: {{\"t\": ProcessTemplate(target: Python(\"a.py:f\"), kwargs: {{\"{name}\": [{lists}]}})}})")].into_iter(),
    );
    is_given_up(&text);
    let text = session(
        "",
        [format!(
            "{name}: ProcessGroup(), \"g\": ProcessGroup(after: [Ended(\"{name}\")])"
        )]
        .into_iter(),
    );
    assert!(!problems(&text).is_empty());
}

#[test]
fn hosts_are_counted_once_and_not_beyond_the_limit() {
    let many = "Slurm(\"-N 1\"), ".to_owned() + &"Ssh(\"n[1-60000]\"),".repeat(100_000);
    let found = problems(&session(&format!("hosts: [{many}],"), std::iter::empty()));
    assert!(
        found
            .iter()
            .any(|problem| problem.message.contains("more than 65536 hosts")),
        "{found:?}"
    );
    // Every policy asks how many hosts there are.
    let group = |index| {
        format!(
            "\"g{index}\": ProcessGroup(policy: Policy(placement: HostId({index})), templates: {{\"t\": ProcessTemplate(target: Shell(\"a\"))}}),"
        )
    };
    let text = session("hosts: [Ssh(\"n[1-60000]\")],", (0..5_000).map(group));
    assert_eq!(problems(&text), []);
}

#[test]
fn a_declared_host_has_no_more_cpus_than_there_are_indices() {
    for count in ["8193", "4294967295", "99999999999999999999"] {
        let text = session(
            &format!("hosts: [Declared(name: \"a\", cpus: {count}, gpus: {count})],"),
            std::iter::empty(),
        );
        let found = problems(&text);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].message.contains("cpus must be 1 to 8,192"),
            "{found:?}"
        );
    }
}
