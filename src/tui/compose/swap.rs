//! Swap files: what was written and not saved, as it is kept on the disk.
//!
//! Owns their names, what stands in them, and which of them are this program's. A swap file lies beside its session
//! (`.NAME.ron.swp`, or a number more where that one is somebody else's) from some seconds after the first change until
//! the session is saved or left on purpose; where the folder may not be written to, it is in the state folder. Never
//! touches one that another program wrote, unless the user says what is to become of it. Start at [`Swaps`] and [`found`].

use std::{
    collections::HashMap,
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use crate::model::session::SIZE_MAX;

/// How the first line begins; who writes it follows: its process, when that began, its host.
const HEAD: &str = "// kept by dragon-tui";

/// Windows on one session that can each keep what they have.
const WINDOWS: usize = 20;

/// The swap file of a session, or of the one without a file that is composed in a folder.
pub fn swap_of(session: Option<&Path>, folder: &Path) -> PathBuf {
    beside(session, folder, ".swp")
}

/// The same for a text that is no session yet.
pub fn text_of(session: Option<&Path>, folder: &Path) -> PathBuf {
    beside(session, folder, ".text.swp")
}

fn beside(session: Option<&Path>, folder: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(".");
    match session.and_then(Path::file_name) {
        Some(file) => name.push(file),
        None => name.push("untitled.ron"),
    }
    name.push(ending);
    let beside = session.and_then(Path::parent);
    folder.join(beside.unwrap_or(Path::new(""))).join(name)
}

/// What is to become of swap files.
#[derive(Debug, Clone, PartialEq)]
pub enum Swap {
    /// Keep this text in that of ours.
    Keep {
        /// Which, as [`swap_of`] calls it.
        of: PathBuf,
        /// What.
        text: String,
    },
    /// What ours holds is saved, or not wanted: take it away, and what was taken over with it.
    Forget {
        /// Which.
        of: PathBuf,
    },
    /// What another one held was taken over into ours.
    TakenOver {
        /// Which.
        of: PathBuf,
        /// The other one.
        file: PathBuf,
    },
    /// The user does not want what is in this one.
    Remove {
        /// Which.
        file: PathBuf,
    },
}

/// A swap file that somebody left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Where.
    pub file: PathBuf,
    /// What it holds.
    pub text: String,
    /// How long ago it was written, as far as that is known.
    pub age: Option<Duration>,
}

/// What was found of a session.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// What can be taken over, the newest first.
    pub left: Vec<Left>,
    /// Another window has changes of it.
    pub is_open_elsewhere: bool,
}

/// The swap files of this program. Only one thread has it, so what was asked for first is done first.
#[derive(Debug)]
pub struct Swaps {
    me: String,
    /// Where those go that cannot lie beside their session.
    state: Option<PathBuf>,
    own: HashMap<PathBuf, PathBuf>,
    taken_over: HashMap<PathBuf, Vec<PathBuf>>,
}

impl Swaps {
    /// None yet.
    pub fn new(state: Option<PathBuf>) -> Self {
        Self {
            me: me(),
            state,
            own: HashMap::new(),
            taken_over: HashMap::new(),
        }
    }

    /// Does what is asked.
    ///
    /// # Errors
    /// When a text can be kept nowhere.
    pub fn perform(&mut self, swap: Swap) -> io::Result<()> {
        match swap {
            Swap::Keep { of, text } => {
                self.keep(&of, &text)?;
                // What it held is in ours now.
                for file in self.taken_over.remove(&of).into_iter().flatten() {
                    gone(&file);
                }
            }
            Swap::Forget { of } => {
                let own = self.own.remove(&of);
                let others = self.taken_over.remove(&of).into_iter().flatten();
                own.into_iter().chain(others).for_each(|file| gone(&file));
            }
            Swap::TakenOver { of, file } => self.taken_over.entry(of).or_default().push(file),
            Swap::Remove { file } => gone(&file),
        }
        Ok(())
    }

    fn keep(&mut self, of: &Path, text: &str) -> io::Result<()> {
        let text = format!("{HEAD} {}\n{text}", self.me);
        if let Some(own) = self.own.get(of) {
            match replace(own, &text) {
                // Somebody took its folder away.
                Err(error) if error.kind() == io::ErrorKind::NotFound => self.own.remove(of),
                written => return written,
            };
        }
        let mut failed = io::Error::from(io::ErrorKind::AlreadyExists);
        for place in places(of, self.state.as_deref()) {
            if let Some(state) = self.state.as_deref().filter(|it| place.starts_with(it)) {
                let _ = DirBuilder::new().recursive(true).mode(0o700).create(state);
            }
            match claim(&place) {
                Ok(file) => {
                    if let Err(error) = replace(&file, &text) {
                        gone(&file);
                        failed = error;
                        continue;
                    }
                    self.own.insert(of.to_owned(), file);
                    return Ok(());
                }
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }
}

/// Where a swap file may be, the best place first.
fn places(of: &Path, state: Option<&Path>) -> Vec<PathBuf> {
    let mut places = vec![of.to_owned()];
    if let (Some(state), Some(name)) = (state, of.file_name()) {
        // FNV-1a of the whole path: two sessions of one name have two.
        let hash = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        let hash = of
            .as_os_str()
            .as_bytes()
            .iter()
            .fold(0xcbf2_9ce4_8422_2325, hash);
        let mut file = OsString::from(format!("{hash:016x}"));
        file.push(name);
        places.push(state.join(file));
    }
    places
}

/// The names that a swap file of this place may have.
fn names(place: &Path) -> impl Iterator<Item = PathBuf> {
    (1..=WINDOWS).map(|number| match number {
        1 => place.to_owned(),
        number => place.with_extension(format!("{number}.swp")),
    })
}

/// A new file, which nobody else has.
fn claim(place: &Path) -> io::Result<PathBuf> {
    for name in names(place) {
        match private().create_new(true).open(&name) {
            Ok(_) => return Ok(name),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Only for its owner: an environment may hold keys.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

/// In one step: whoever reads it sees what was there or what is there now.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let mut temporary = file.to_owned().into_os_string();
    temporary.push(format!("~{}", std::process::id()));
    let temporary = PathBuf::from(temporary);
    // One of this name is of a process that is gone.
    gone(&temporary);
    let result = (|| {
        let mut new = private().create_new(true).open(&temporary)?;
        new.write_all(text.as_bytes())?;
        new.sync_all()?;
        fs::rename(&temporary, file)
    })();
    if result.is_err() {
        gone(&temporary);
    }
    result
}

fn gone(file: &Path) {
    if let Err(error) = fs::remove_file(file)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::debug!("{} stays: {error}", file.display());
    }
}

/// What others left of a session, which says `session` now; one that says the same is of no use, and is taken away.
pub fn found(of: &[PathBuf], session: &str, state: Option<&Path>) -> Found {
    let mut found = Found::default();
    let me = me();
    for of in of {
        let places = places(of, state);
        for file in places.iter().flat_map(|place| names(place)) {
            let Some((text, at)) = read(&file, SIZE_MAX) else {
                continue;
            };
            let (writer, text) = divided(&text);
            if writer == Some(me.as_str()) {
                continue;
            }
            let lives = writer.is_some_and(|writer| lives(writer, &me));
            if text == session || text.trim().is_empty() {
                if !lives {
                    gone(&file);
                }
            } else if lives {
                found.is_open_elsewhere = true;
            } else {
                let text = text.to_owned();
                let age = at.and_then(|at| at.elapsed().ok());
                found.left.push(Left { file, text, age });
            }
        }
    }
    found.left.sort_by_key(|left| left.age);
    found
}

/// Who wrote it, and what.
fn divided(text: &str) -> (Option<&str>, &str) {
    match text
        .strip_prefix(HEAD)
        .and_then(|rest| rest.split_once('\n'))
    {
        Some((writer, text)) => (Some(writer.trim()), text),
        None => (None, text),
    }
}

/// This process, as no other one will ever be called.
fn me() -> String {
    let pid = std::process::id();
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy().into_owned();
    format!("{pid} {} {host}", began(pid).unwrap_or_default())
}

/// When a process began (proc(5), field 22: what stands before is in parentheses, and may hold anything).
fn began(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(19)?.parse().ok()
}

/// Whether a writer is alive. Of one on another host nothing is known: what it left is offered.
fn lives(writer: &str, me: &str) -> bool {
    fn parts(who: &str) -> Option<(u32, u64, &str)> {
        let (pid, rest) = who.split_once(' ')?;
        let (began, host) = rest.split_once(' ')?;
        Some((pid.parse().ok()?, began.parse().ok()?, host))
    }
    match (parts(writer), parts(me)) {
        (Some((pid, since, there)), Some((_, _, here))) => {
            there == here && began(pid) == Some(since)
        }
        _ => false,
    }
}

/// A file and when it was written, where it is one, not too large, and text.
pub(super) fn read(path: &Path, most: u64) -> Option<(String, Option<SystemTime>)> {
    let about = fs::symlink_metadata(path).ok()?;
    // Whoever may write in the folder could have put anything there.
    if !about.is_file() || about.len() > most {
        return None;
    }
    let mut text = String::new();
    let file = File::open(path).ok()?;
    file.take(most).read_to_string(&mut text).ok()?;
    Some((text, about.modified().ok()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn keep(swaps: &mut Swaps, of: &Path, text: &str) {
        let (of, text) = (of.to_owned(), text.to_owned());
        swaps.perform(Swap::Keep { of, text }).unwrap();
    }

    /// As another program would call itself that lives, or is gone.
    fn other(state: Option<PathBuf>, lives: bool) -> Swaps {
        let parent = std::os::unix::process::parent_id();
        let host = me().rsplit(' ').next().unwrap().to_owned();
        let began = began(parent).unwrap() + u64::from(!lives);
        Swaps {
            me: format!("{parent} {began} {host}"),
            ..Swaps::new(state)
        }
    }

    #[test]
    fn a_swap_file_lies_hidden_beside_its_session() {
        let here = Path::new("/here");
        let of = |path: &str| swap_of(Some(Path::new(path)), here);
        assert_eq!(of("/a/b.ron"), Path::new("/a/.b.ron.swp"));
        assert_eq!(of("b.ron"), Path::new("/here/.b.ron.swp"));
        assert_eq!(swap_of(None, here), Path::new("/here/.untitled.ron.swp"));
        let text = text_of(Some(Path::new("b.ron")), here);
        assert_eq!(text, Path::new("/here/.b.ron.text.swp"));
    }

    #[test]
    fn what_a_window_left_is_found_and_what_the_session_says_already_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let of = [folder.path().join(".a.ron.swp")];
        assert_eq!(found(&of, "old", None), Found::default());
        keep(&mut other(None, false), &of[0], "new");
        let left = found(&of, "old", None).left;
        assert_eq!((left[0].text.as_str(), &left[0].file), ("new", &of[0]));
        let mode = fs::metadata(&of[0]).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "an environment may hold keys");
        assert_eq!(found(&of, "new", None), Found::default());
        assert!(!of[0].exists());
    }

    #[test]
    fn one_that_was_written_without_a_word_about_its_writer_is_offered_too() {
        let folder = tempfile::tempdir().unwrap();
        let of = [folder.path().join(".a.ron.swp")];
        fs::write(&of[0], "Session(version: 1)").unwrap();
        let left = found(&of, "old", None).left;
        assert_eq!(left[0].text, "Session(version: 1)");
    }

    #[test]
    fn two_windows_on_one_session_do_not_touch_what_the_other_one_keeps() {
        let folder = tempfile::tempdir().unwrap();
        let of = folder.path().join(".a.ron.swp");
        let (mut one, mut two) = (other(None, true), Swaps::new(None));
        keep(&mut one, &of, "of one");
        let seen = found(std::slice::from_ref(&of), "old", None);
        assert_eq!((seen.left.len(), seen.is_open_elsewhere), (0, true));
        keep(&mut two, &of, "of two");
        two.perform(Swap::Forget { of: of.clone() }).unwrap();
        let text = fs::read_to_string(&of).unwrap();
        assert!(text.ends_with("\nof one"), "{text}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_taken_over_is_there_until_it_is_kept_anew() {
        let folder = tempfile::tempdir().unwrap();
        let of = folder.path().join(".a.ron.swp");
        keep(&mut other(None, false), &of, "left");
        let mut swaps = Swaps::new(None);
        let taken = Swap::TakenOver {
            of: of.clone(),
            file: of.clone(),
        };
        swaps.perform(taken).unwrap();
        assert!(of.exists());
        keep(&mut swaps, &of, "left and more");
        assert!(!of.exists(), "ours has another name");
        let ours = folder.path().join(".a.ron.2.swp");
        assert!(fs::read_to_string(ours).unwrap().ends_with("left and more"));
        // One that is declined stays, whatever becomes of ours.
        keep(&mut other(None, false), &of, "declined");
        swaps.perform(Swap::Forget { of: of.clone() }).unwrap();
        assert!(of.exists());
    }

    #[test]
    fn where_the_folder_may_not_be_written_to_it_lies_elsewhere_and_is_found_there() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        // Not even root can write there.
        let of = [folder.path().join("none/.a.ron.swp")];
        keep(&mut other(Some(state.clone()), false), &of[0], "new");
        assert_eq!(found(&of, "old", Some(&state)).left[0].text, "new");
        let text = "new".to_owned();
        let of = of[0].clone();
        let nowhere = Swaps::new(None).perform(Swap::Keep { of, text });
        assert!(nowhere.is_err());
    }
}
