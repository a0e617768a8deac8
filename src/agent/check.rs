//! Can a target start here? Asked before anything starts, and again to explain why something did not.
//!
//! Owns the sentences about programs and folders. Never starts anything. Start at [`faults`].

use std::path::Path;

use rustix::{
    fs::{Access, AtFlags, CWD},
    io::Errno,
};

use super::{
    reasons::reason,
    wire::{Check, Faults},
};

/// All that is wrong with a target. `path` and `cwd` stand in where it names none.
pub fn faults(check: &Check, path: &str, cwd: &str) -> Faults {
    let cwd = check.cwd.as_deref().unwrap_or(cwd);
    let path = check.path.as_deref().unwrap_or(path);
    let folder = folder(cwd);
    // Where the folder is missing, a relative program is missing too: said once.
    let program = match &folder {
        Err(_) if !check.program.starts_with('/') && check.program.contains('/') => Ok(()),
        _ => program(&check.program, path, cwd),
    };
    Faults {
        program: program.err(),
        cwd: folder.err(),
    }
}

/// Whether this folder can be entered, or why not.
pub fn folder(cwd: &str) -> Result<(), String> {
    let path = Path::new(cwd);
    let cannot = |why: &str| Err(format!("cannot enter folder {cwd:?}: {why}"));
    match std::fs::metadata(path) {
        Err(error) => cannot(&reason(&error)),
        Ok(found) if !found.is_dir() => cannot("it is no folder"),
        Ok(_) => match executable(path) {
            Err(_) => cannot("permission denied"),
            Ok(()) => Ok(()),
        },
    }
}

/// Whether this program can be run in this folder with this `PATH`, or why not.
pub fn program(program: &str, path: &str, cwd: &str) -> Result<(), String> {
    let cannot = |why: &str| Err(format!("cannot run {program:?}: {why}"));
    if program.is_empty() {
        return Err("cannot run a program without a name".to_owned());
    }
    let by_name = !program.contains('/');
    let mut worst = None;
    for candidate in candidates(program, path) {
        match one(&Path::new(cwd).join(candidate), by_name) {
            Ok(()) => return Ok(()),
            Err(Some(why)) => {
                worst.get_or_insert(why);
            }
            Err(None) => {}
        }
    }
    match worst {
        Some(why) => cannot(&why),
        None if by_name => cannot("not found in PATH"),
        None => cannot("there is no such file"),
    }
}

/// Absent: there is nothing at this path.
fn one(path: &Path, by_name: bool) -> Result<(), Option<String>> {
    match std::fs::metadata(path) {
        Err(error) => match error.raw_os_error() {
            Some(libc::ENOENT | libc::ENOTDIR) => Err(None),
            // A folder of PATH that we may not look into holds nothing for us.
            Some(libc::EACCES) if by_name => Err(None),
            _ => Err(Some(reason(&error))),
        },
        Ok(found) if found.is_dir() => Err(Some("it is a directory".to_owned())),
        Ok(_) => executable(path).map_err(|_| Some("not executable (chmod +x?)".to_owned())),
    }
}

/// As the user that would run it, with all his groups.
fn executable(path: &Path) -> Result<(), Errno> {
    rustix::fs::accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS)
}

/// The paths at which a program is looked for, in order; an empty part of `PATH` is the working folder.
pub fn candidates(program: &str, path: &str) -> Vec<String> {
    if program.contains('/') {
        return vec![program.to_owned()];
    }
    let folders = path.split(':');
    folders
        .map(|folder| match folder {
            "" => format!("./{program}"),
            _ => format!("{}/{program}", folder.trim_end_matches('/')),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn ask(program: &str, path: &str, cwd: &str) -> Vec<String> {
        let check = Check {
            program: program.to_owned(),
            path: Some(path.to_owned()),
            cwd: None,
        };
        let found = faults(&check, "/nowhere", cwd);
        found
            .cwd
            .into_iter()
            .chain(found.program)
            .collect::<Vec<_>>()
    }

    #[test]
    fn a_program_is_found_by_name_by_path_and_in_the_folder() {
        assert!(ask("sh", "/nowhere:/bin", "/").is_empty());
        assert!(ask("/bin/sh", "", "/").is_empty());
        assert!(ask("bin/sh", "", "/").is_empty());
        assert!(
            ask("sh", ":/nowhere", "/bin").is_empty(),
            "empty means here"
        );
    }

    #[test]
    fn every_obstacle_has_its_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let cwd = folder.path().to_str().unwrap();
        let file = folder.path().join("plain");
        std::fs::write(&file, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
        let only = |program: &str, cwd: &str| {
            let mut all = ask(program, "/bin", cwd);
            assert_eq!(all.len(), 1, "{all:?}");
            all.remove(0)
        };
        assert_eq!(only("gone", cwd), r#"cannot run "gone": not found in PATH"#);
        assert_eq!(
            only("./gone", cwd),
            r#"cannot run "./gone": there is no such file"#
        );
        assert_eq!(
            only("./plain", cwd),
            r#"cannot run "./plain": not executable (chmod +x?)"#
        );
        assert_eq!(
            only("/bin/", cwd),
            r#"cannot run "/bin/": it is a directory"#
        );
        assert!(only("./gone", "/no/where").contains("no such file or directory"));
        assert_eq!(
            only("sh", file.to_str().unwrap()),
            format!("cannot enter folder {file:?}: it is no folder")
        );
        let two = ask("gone", "/bin", "/no/where");
        assert_eq!(two.len(), 2, "both are said: {two:?}");
    }
}
