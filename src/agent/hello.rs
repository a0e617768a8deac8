//! The beginning: what the agent finds on its host, and what children start from.
//!
//! Owns the answer to `Hello` and the environment of a run. Never starts a child. Start at [`welcome`].

use std::path::{Path, PathBuf};

use rustix::process::Rlimit;

use super::{
    gpu::Gpus,
    start::{Environment, Starter},
    wire::{self, Hello, Welcome},
};

/// What a `Hello` leads to.
pub struct Greeting {
    /// The answer; the guardian's process id is still to be filled in.
    pub welcome: Welcome,
    /// Starts the children of this run.
    pub starter: Starter,
    /// The host's GPUs, when they were looked for and found.
    pub gpus: Option<Gpus>,
}

/// Looks around on this host and prepares what children start from, or says in words why it cannot.
pub fn welcome(hello: &Hello, nofile: Rlimit) -> Result<Greeting, String> {
    if hello.version != wire::VERSION {
        return Err(format!(
            "the engine speaks version {} and this agent version {}: use the same dragon-tui on both hosts",
            hello.version,
            wire::VERSION
        ));
    }
    let python_path = cache_root(hello).and_then(|root| unpack_python(&root));
    let (mut welcome, gpus) = look_around(hello.gpus);
    welcome.python_path = python_path.clone();
    let own = own_folder();
    let environment = environment(hello, own.as_deref(), python_path.ok().as_deref());
    let starter = Starter::new(environment, hello.cwd.clone(), nofile)
        .map_err(|error| format!("the agent cannot open /dev/null: {error}"))?;
    Ok(Greeting {
        welcome,
        starter,
        gpus,
    })
}

/// What this host has, for who wants to know it without an agent.
pub fn describe_this_host(with_gpus: bool) -> Welcome {
    look_around(with_gpus).0
}

fn look_around(with_gpus: bool) -> (Welcome, Option<Gpus>) {
    let (gpus, gpu_note) = match with_gpus.then(Gpus::find) {
        None => (None, None),
        Some(Ok(gpus)) => (Some(gpus), None),
        Some(Err(why)) => (None, Some(why)),
    };
    let memory = rustix::system::sysinfo();
    let welcome = Welcome {
        version: wire::VERSION,
        hostname: rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned(),
        pid: std::process::id(),
        guardian: 0,
        cpus: cpus(),
        memory: u64::from(memory.mem_unit) * memory.totalram as u64,
        gpus: gpus.as_ref().map_or(Vec::new(), |gpus| gpus.infos.clone()),
        gpu_note,
        python_path: Err("not asked for".to_owned()),
    };
    (welcome, gpus)
}

/// The cpus that this process may use.
fn cpus() -> Vec<u32> {
    match rustix::thread::sched_getaffinity(None) {
        Ok(set) => (0..rustix::thread::CpuSet::MAX_CPU as u32)
            .filter(|&cpu| set.is_set(cpu as usize))
            .collect(),
        // A machine with more cpus than the set holds.
        Err(_) => (0..std::thread::available_parallelism().map_or(1, |n| n.get() as u32)).collect(),
    }
}

fn own_folder() -> Option<String> {
    let own = std::env::current_exe().ok()?;
    Some(own.parent()?.to_str()?.to_owned())
}

/// The variables of a run, our folder behind `PATH` and the Python package before `PYTHONPATH`.
fn environment(hello: &Hello, own: Option<&str>, python: Option<&str>) -> Environment {
    let mut variables = hello.env.clone();
    let value = |name: &str| {
        let found = hello.env.iter().rev().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    };
    if let Some(own) = own {
        let path = match value("PATH") {
            Some(path) => format!("{path}:{own}"),
            // The default must stay what it was for who sets none.
            None => format!("/bin:/usr/bin:{own}"),
        };
        variables.push(("PATH".to_owned(), path));
    }
    if let Some(python) = python {
        let path = match value("PYTHONPATH") {
            Some(path) if !path.is_empty() => format!("{python}:{path}"),
            _ => python.to_owned(),
        };
        variables.push(("PYTHONPATH".to_owned(), path));
    }
    Environment::new(variables)
}

/// Where the user keeps what can be made again.
fn cache_root(hello: &Hello) -> Result<PathBuf, String> {
    let value = |name: &str| {
        let found = hello.env.iter().rev().find(|(n, _)| n == name);
        found.map(|(_, value)| Path::new(value))
    };
    // The XDG base directory specification: a relative path is to be ignored.
    let cache = match value("XDG_CACHE_HOME").filter(|path| path.is_absolute()) {
        Some(cache) => cache.to_owned(),
        None => value("HOME")
            .ok_or("neither XDG_CACHE_HOME nor HOME is set")?
            .join(".cache"),
    };
    Ok(cache.join("dragon-tui"))
}

/// Unpacks the Python package there and returns its folder.
fn unpack_python(root: &Path) -> Result<String, String> {
    let folder = crate::python::embed::unpack(root).map_err(|error| {
        format!(
            "cannot unpack the Python package in {}: {error}",
            root.display()
        )
    })?;
    let text = folder.into_os_string().into_string();
    text.map_err(|folder| format!("the folder {} is not UTF-8", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(env: &[(&str, &str)]) -> Hello {
        Hello {
            version: wire::VERSION,
            run: "r".to_owned(),
            mark: "m".to_owned(),
            env: env.iter().map(|&(n, v)| (n.into(), v.into())).collect(),
            cwd: "/".to_owned(),
            gpus: false,
            sample_every: 0,
        }
    }

    #[test]
    fn our_folder_comes_last_and_the_python_package_first() {
        let hello = hello(&[("PATH", "/a:/b"), ("PYTHONPATH", "/p")]);
        let all = environment(&hello, Some("/own"), Some("/python"));
        assert_eq!(all.get("PATH"), Some("/a:/b:/own"));
        assert_eq!(all.get("PYTHONPATH"), Some("/python:/p"));
        let none = environment(&self::hello(&[]), Some("/own"), Some("/python"));
        assert_eq!(none.get("PATH"), Some("/bin:/usr/bin:/own"));
        assert_eq!(none.get("PYTHONPATH"), Some("/python"));
    }

    #[test]
    fn the_cache_is_where_the_user_says() {
        let root = |env: &[(&str, &str)]| cache_root(&hello(env));
        assert_eq!(
            root(&[("XDG_CACHE_HOME", "/c"), ("HOME", "/h")]),
            Ok("/c/dragon-tui".into())
        );
        assert_eq!(
            root(&[("XDG_CACHE_HOME", "c"), ("HOME", "/h")]),
            Ok("/h/.cache/dragon-tui".into())
        );
        assert!(root(&[]).is_err());
    }

    #[test]
    fn another_version_is_refused_in_words() {
        let mut other = hello(&[]);
        other.version += 1;
        let nofile = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        let why = welcome(&other, nofile).err().unwrap();
        assert!(why.contains("use the same dragon-tui"), "{why}");
    }
}
