//! Are the programs and files there that a session names? On this machine, before anything is asked for.
//!
//! Owns what is looked for and what is said of it; looks at the disk, starts nothing. Start at [`of_this_host`] and
//! [`beside`].

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::{
    agent::{check, wire::Check},
    model::{
        document::Session,
        ids::{GroupName, TemplateName},
        policy::Placement,
        session::{FieldPath, Problem},
        template::{ProcessTemplate, Ready, Stdin, Target},
    },
};

/// What keeps ranks that run here from being started here. `folder` is that of the session.
pub fn of_this_host(session: &Session, folder: &Path) -> Vec<Problem> {
    let path = search_path();
    let here = std::env::current_dir().unwrap_or_default();
    // Thousands of templates may name one program.
    let mut known: BTreeMap<Check, (Option<String>, Option<String>)> = BTreeMap::new();
    let mut problems = Vec::new();
    for (group, name, template) in templates(session) {
        let placement = session.policy_of(group, name).placement;
        if !session.hosts.is_empty() && placement != Some(Placement::Local) {
            continue;
        }
        let at = FieldPath::template(group.as_str(), name.as_str());
        let cwd = template.cwd.as_deref().filter(|cwd| !cwd.contains('{'));
        let mut programs = Vec::new();
        match &template.target {
            Target::Program(program) => programs.push(("target", program)),
            Target::Python(_) => programs.extend(session.python.as_ref().map(|it| ("target", it))),
            Target::Shell(_) => {}
        }
        if let Some(Ready::Exec(command)) = &template.ready {
            programs.extend(command.first().map(|program| ("ready", program)));
        }
        for (field, program) in programs {
            if program.is_empty() || program.contains('{') {
                continue;
            }
            let check = Check {
                program: program_in(folder, program),
                path: template.env.get("PATH").cloned(),
                cwd: cwd.map(|cwd| folder.join(cwd).to_string_lossy().into_owned()),
            };
            let (program, cwd) = known.entry(check).or_insert_with_key(|check| {
                let faults = check::faults(check, &path, &here.to_string_lossy());
                (faults.program, faults.cwd)
            });
            for (field, fault) in [(field, program), ("cwd", cwd)] {
                let fault = fault.clone();
                problems.extend(fault.map(|text| Problem::error(at.name(field), text)));
            }
        }
        for (field, file) in files(template) {
            if !folder.join(&file).exists() {
                let text = format!("there is no {file:?} from the folder of the session");
                problems.push(Problem::error(at.name(field), text));
            }
        }
    }
    problems
}

/// What is not there of that which is named from the session's own folder: it may be where the session runs, so these are
/// warnings.
pub fn beside(session: &Session, folder: &Path) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut look = |at: FieldPath, text: &str| {
        let is_relative = Path::new(text).is_relative() && !text.contains('{');
        if is_relative && !text.is_empty() && !folder.join(text).exists() {
            let text = format!("there is no {text:?} from the folder of the session");
            let help = "right only if it is there on the host that it runs on";
            problems.push(Problem::warning(at, text).with_help(help));
        }
    };
    if let Some(python) = session.python.as_deref().filter(|it| it.contains('/')) {
        look(FieldPath::root().name("python"), python);
    }
    for (group, name, template) in templates(session) {
        let at = FieldPath::template(group.as_str(), name.as_str());
        if let Target::Program(program) = &template.target
            && program.contains('/')
        {
            look(at.name("target"), program);
        }
        if let Some(cwd) = &template.cwd {
            look(at.name("cwd"), cwd);
        }
        for (field, file) in files(template) {
            look(at.name(field), &file);
        }
    }
    problems
}

fn templates(
    session: &Session,
) -> impl Iterator<Item = (&GroupName, &TemplateName, &ProcessTemplate)> {
    session.groups.iter().flat_map(|(group, spec)| {
        let templates = spec.templates.iter();
        templates.map(move |(name, template)| (group, name, template))
    })
}

/// Files that must be there, and which fields name them.
fn files(template: &ProcessTemplate) -> Vec<(&'static str, String)> {
    let mut files = Vec::new();
    if let Target::Python(target) = &template.target
        && let Some((file, _)) = target.rsplit_once(':')
        && (file.ends_with(".py") || file.contains('/'))
    {
        files.push(("target", file.to_owned()));
    }
    if let Some(Stdin::File(file)) = &template.stdin
        && !file.contains('{')
    {
        files.push(("stdin", file.clone()));
    }
    files
}

fn program_in(folder: &Path, program: &str) -> String {
    match program.contains('/') {
        true => folder.join(program).to_string_lossy().into_owned(),
        false => program.to_owned(),
    }
}

/// Where ranks look for programs: this program's own folder comes last.
fn search_path() -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    let own = std::env::current_exe().ok();
    match own.as_deref().and_then(Path::parent).map(PathBuf::from) {
        Some(own) => format!("{path}:{}", own.display()),
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(problems: &[Problem]) -> Vec<String> {
        let told = problems.iter();
        told.map(|it| it.path.to_string().replace("groups.g.templates.", ""))
            .collect()
    }

    #[test]
    fn what_is_missing_here_is_told_of_the_field_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("there.py"), "").unwrap();
        std::fs::write(folder.path().join("plain"), "").unwrap();
        let text = r#"Session(version: 1, groups: { "g": ProcessGroup(templates: {
            "a": ProcessTemplate(target: Program("sh"), cwd: "."),
            "b": ProcessTemplate(target: Program("surely-not-installed")),
            "c": ProcessTemplate(target: Program("./plain")),
            "d": ProcessTemplate(target: Python("there.py:f"), stdin: File("none")),
            "e": ProcessTemplate(target: Python("gone.py:f"), stdin: File("{rank}.in")),
            "f": ProcessTemplate(target: Shell("whatever"), policy: Policy(placement: Local)),
            "h": ProcessTemplate(target: Program("sh"), cwd: "nowhere"),
        }) })"#;
        let mut session = Session::parse(text).session;
        let here = of_this_host(&session, folder.path());
        let expected = ["b.target", "c.target", "d.stdin", "e.target", "h.cwd"];
        assert_eq!(told(&here), expected, "{here:?}");
        let beside = beside(&session, folder.path());
        assert_eq!(told(&beside), ["d.stdin", "e.target", "h.cwd"]);
        assert!(beside.iter().all(|problem| !problem.is_error()));
        let other = Session::parse("Session(version: 1, hosts: [Declared(name: \"n\", cpus: 1)])");
        session.hosts = other.session.hosts;
        assert_eq!(of_this_host(&session, folder.path()), []);
    }
}
