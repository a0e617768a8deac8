//! What there is to be looked at: the Rust files of the repository and the crates they may name.
//!
//! Reads files, judges nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{Source, is_word};

/// Every Rust file of `src/` and `tests/`.
pub fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["src", "tests"] {
        collect(root, &root.join(folder), &mut found);
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(Source {
                path: path
                    .strip_prefix(root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned(),
                text: fs::read_to_string(&path).unwrap(),
            });
        }
    }
}

/// The names of all crates in Cargo.toml, as code writes them.
pub fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut inside = false;
    let mut names = BTreeSet::new();
    for line in manifest.lines() {
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            inside = header.ends_with("dependencies");
            if let Some((_, name)) = header.rsplit_once("dependencies.") {
                names.insert(name.replace('-', "_"));
            }
        } else if inside
            && is_word(line)
            && let Some((name, _)) = line.split_once(['=', '.'])
        {
            names.insert(name.trim().replace('-', "_"));
        }
    }
    names
}

/// Those of this package.
pub fn our_dependencies() -> BTreeSet<String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    dependencies(&fs::read_to_string(manifest).unwrap())
}
