//! What there is to be looked at: the Rust files of the repository and the crates they may name.
//!
//! Reads files, judges nothing.

use std::collections::{BTreeMap, BTreeSet};
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

/// The module that each file of `src/` is, by the file's path.
pub fn modules(sources: &[Source]) -> BTreeMap<String, Vec<String>> {
    let mut places: BTreeMap<String, Vec<String>> = sources
        .iter()
        .filter(|source| source.path.starts_with("src/"))
        .map(|source| (source.path.clone(), module_of(&source.path)))
        .collect();
    for source in sources {
        for (file, name) in placed_elsewhere(source) {
            let (Some(from), Some(to)) = (places.get(&file), places.get(&source.path)) else {
                continue;
            };
            let (from, mut to) = (from.clone(), to.clone());
            to.push(name);
            // With a mod.rs move the files beside it.
            let folder = file.strip_suffix("mod.rs").map(str::to_owned);
            for (path, place) in &mut places {
                let moves = *path == file || folder.as_ref().is_some_and(|it| path.starts_with(it));
                if moves && place.starts_with(&from) {
                    place.splice(..from.len(), to.iter().cloned());
                }
            }
        }
    }
    places
}

/// File and module name of each `#[path = "…"] mod name;` that is written on lines of its own.
fn placed_elsewhere(source: &Source) -> Vec<(String, String)> {
    let folder = source
        .path
        .rsplit_once('/')
        .map_or("", |(folder, _)| folder);
    let mut found = Vec::new();
    let mut file = None;
    for line in source.text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("#[path = \"") {
            file = rest.split('"').next();
        } else if let Some(file) = file.filter(|_| !line.starts_with("#["))
            && let Some(name) = line.strip_suffix(';').and_then(|it| it.rsplit(' ').next())
        {
            found.push((format!("{folder}/{file}"), name.to_owned()));
        }
        if !line.starts_with("#[") {
            file = None;
        }
    }
    found
}

/// `src/engine/queues/mod.rs` is `engine::queues`; main.rs and lib.rs are the root.
fn module_of(file: &str) -> Vec<String> {
    let inside = file.strip_prefix("src/").unwrap_or(file);
    let mut parts: Vec<String> = inside
        .strip_suffix(".rs")
        .unwrap_or(inside)
        .split('/')
        .map(str::to_owned)
        .collect();
    if matches!(
        parts.last().map(String::as_str),
        Some("mod" | "lib" | "main")
    ) {
        parts.pop();
    }
    parts
}
