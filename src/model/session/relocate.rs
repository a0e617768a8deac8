//! A session in another folder: what its relative paths lead to stays the same.
//!
//! Owns which fields of a session are paths that start at its file. Compares names only, asks no disk: give it folders
//! without symbolic links. Start at [`relocated`].

use std::path::{Component, Path, PathBuf};

use crate::model::{
    document::Session,
    template::{ProcessTemplate, Ready, Stderr, Stdin, Stdout, Target},
};

/// The session of a file in the folder `from` for one in the folder `to`, and how many paths were changed for that.
pub fn relocated(session: &Session, from: &Path, to: &Path) -> (Session, usize) {
    let mut session = session.clone();
    let mut count = 0;
    if from == to {
        return (session, count);
    }
    let mut change = |text: &mut String, is_program: bool| {
        let Some(mut moved) = other_way(text, from, to) else {
            return;
        };
        // A bare name is looked up in `PATH`.
        if is_program && !moved.contains('/') {
            moved.insert_str(0, "./");
        }
        if *text != moved {
            *text = moved;
            count += 1;
        }
    };
    if let Some(python) = session.python.as_mut().filter(|it| it.contains('/')) {
        change(python, true);
    }
    let groups = session.groups.values_mut();
    for template in groups.flat_map(|group| group.templates.values_mut()) {
        paths_of(template, &mut change);
    }
    (session, count)
}

/// Every path of a template, and whether it names a program.
fn paths_of(template: &mut ProcessTemplate, change: &mut impl FnMut(&mut String, bool)) {
    match &mut template.target {
        Target::Program(program) if program.contains('/') => change(program, true),
        Target::Python(target) => {
            if let Some((file, function)) = target.rsplit_once(':')
                && (file.ends_with(".py") || file.contains('/'))
            {
                let mut moved = file.to_owned();
                change(&mut moved, !file.ends_with(".py"));
                *target = format!("{moved}:{function}");
            }
        }
        Target::Program(_) | Target::Shell(_) => {}
    }
    if let Some(cwd) = &mut template.cwd {
        change(cwd, false);
    }
    if let Some(Stdin::File(path)) = &mut template.stdin {
        change(path, false);
    }
    if let Stdout::File(path) = &mut template.stdout {
        change(path, false);
    }
    if let Stderr::File(path) = &mut template.stderr {
        change(path, false);
    }
    if let Some(Ready::Exec(command)) = &mut template.ready
        && let Some(program) = command.first_mut().filter(|it| it.contains('/'))
    {
        change(program, true);
    }
    for path in &mut template.watch {
        change(path, false);
    }
}

/// The path to the same place from another folder; nothing for one that is absolute, or none.
fn other_way(text: &str, from: &Path, to: &Path) -> Option<String> {
    let path = Path::new(text);
    if text.is_empty() || path.is_absolute() {
        return None;
    }
    let mut place = from.to_owned();
    for part in path.components() {
        match (part, place.components().next_back()) {
            (Component::CurDir, _) | (Component::ParentDir, Some(Component::RootDir)) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                place.pop();
            }
            (part, _) => place.push(part),
        }
    }
    let shared = place
        .components()
        .zip(to.components())
        .take_while(|(one, other)| one == other)
        .count();
    // With nothing in common but the root the whole path says it better.
    let mut way = match shared {
        0 | 1 => place,
        shared => {
            let up = to.components().count().saturating_sub(shared);
            let mut way: PathBuf = std::iter::repeat_n("..", up).collect();
            way.extend(place.components().skip(shared));
            way
        }
    };
    if way.as_os_str().is_empty() {
        way.push(".");
    }
    way.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_the_same_place_from_another_folder() {
        let way = |path: &str, from: &str, to: &str| {
            other_way(path, Path::new(from), Path::new(to)).unwrap()
        };
        assert_eq!(
            way("../examples/a.py", "/p/sessions", "/p"),
            "examples/a.py"
        );
        assert_eq!(way("a.py", "/p", "/p/sessions/x"), "../../a.py");
        assert_eq!(way("./a/b", "/p/one", "/p/two"), "../one/a/b");
        assert_eq!(way("../../a", "/p/q/one", "/p/r"), "../a");
        assert_eq!(way("..", "/p/one", "/p"), ".");
        assert_eq!(
            way("a/{rank}.out", "/tmp/x", "/home/u"),
            "/tmp/x/a/{rank}.out"
        );
        assert_eq!(way("../../../../a", "/tmp/x", "/home/u"), "/a");
        assert_eq!(other_way("/a", Path::new("/p"), Path::new("/q")), None);
    }

    #[test]
    fn what_is_a_path_moves_and_what_is_none_stays() {
        let text = r#"Session(version: 1, python: "../venv/bin/python", groups: { "g": ProcessGroup(templates: {
            "a": ProcessTemplate(target: Program("../run"), args: ["../data"], cwd: "work", stdin: File("in"),
                stdout: File("{rank}.out"), stderr: File("/dev/null"), ready: Exec(["./ok", "x"]), watch: ["conf"]),
            "b": ProcessTemplate(target: Python("b.py:f")),
            "c": ProcessTemplate(target: Python("package.module:f")),
            "d": ProcessTemplate(target: Program("ls")),
            "e": ProcessTemplate(target: Shell("./x | y")),
        }) })"#;
        let session = Session::parse(text).session;
        let (moved, count) = relocated(&session, Path::new("/p/s"), Path::new("/p"));
        assert_eq!(count, 8);
        let a = &moved.groups["g"].templates["a"];
        assert_eq!(moved.python.as_deref(), Some("venv/bin/python"));
        assert_eq!(a.target, Target::Program("./run".to_owned()));
        assert_eq!(a.cwd.as_deref(), Some("s/work"));
        assert_eq!(a.stdout, Stdout::File("s/{rank}.out".to_owned()));
        assert_eq!(a.stderr, Stderr::File("/dev/null".to_owned()));
        assert_eq!(
            a.ready,
            Some(Ready::Exec(vec!["s/ok".to_owned(), "x".to_owned()]))
        );
        assert_eq!(a.watch, ["s/conf"]);
        let b = &moved.groups["g"].templates["b"];
        assert_eq!(b.target, Target::Python("s/b.py:f".to_owned()));
        let (back, _) = relocated(&moved, Path::new("/p"), Path::new("/p/s"));
        assert_eq!(
            back.groups["g"].templates["b"],
            session.groups["g"].templates["b"]
        );
        assert_eq!(relocated(&session, Path::new("/p"), Path::new("/p")).1, 0);
    }
}
