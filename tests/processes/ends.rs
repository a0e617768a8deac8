//! Kills, sweeps and the deaths of engine, agent and guardian: what is left afterwards.

use std::time::{Duration, Instant};

use dragon_tui::{
    agent::wire::{ChildKey, Exit, FromAgent, Sink, ToAgent},
    model::{ids::GroupName, template::Terminal},
};

use crate::host::{Host, alive, marked, wait_until};

#[test]
fn a_kill_reaches_who_ignores_signals_and_all_it_left_behind() {
    let mut host = Host::new();
    for terminal in [Terminal::Pipe, Terminal::Pty] {
        let mut spec = host.shell(
            "trap '' INT TERM HUP; (sleep 1111 & sleep 1112 & wait) & \
             setsid sh -c 'sleep 1113 & sleep 1114' >/dev/null 2>&1 </dev/null & \
             setsid env -i sleep 1115 >/dev/null 2>&1 </dev/null & echo go; wait; sleep 1116",
        );
        spec.terminal = terminal;
        let (child, pid, _) = host.start(&spec);
        host.reads(child, "go");
        wait_until("all five run", || marked(&host.mark).len() >= 7);
        host.say(&ToAgent::Signal { child, signal: 2 });
        host.say(&ToAgent::Signal { child, signal: 15 });
        let free = host.spec("true", &[]);
        host.run(&free);
        assert!(alive(pid));
        host.say(&ToAgent::KillTree(child));
        assert_eq!(host.exited(child).0, Exit::Signal(9, false));
        wait_until("nothing is left", || {
            marked(&host.mark).is_empty() && !sleeps("1115")
        });
        host.output(child);
    }
    host.finish();
}

fn sleeps(argument: &str) -> bool {
    let folders = std::fs::read_dir("/proc").unwrap().flatten();
    folders.into_iter().any(|folder| {
        let line = std::fs::read(folder.path().join("cmdline")).unwrap_or_default();
        line == format!("sleep\0{argument}\0").as_bytes()
    })
}

#[test]
fn a_sweep_kills_what_a_group_left_behind_and_spares_the_living() {
    let mut host = Host::new();
    let leaves = "setsid sleep 2221 >/dev/null 2>&1 </dev/null & \
                  (env -i sleep 2222 >/dev/null 2>&1 </dev/null &) ; sleep 0.1; exit 0";
    let left = host.shell(leaves);
    assert_eq!(host.run(&left).0, Exit::Code(0));
    let living = host.shell("sleep 2223 & echo go; wait");
    let (child, ..) = host.start(&living);
    host.reads(child, "go");
    let mut other = host.shell(leaves.replace("222", "333").as_str());
    other.task = "other/template.0".to_owned();
    other.env = vec![("DRAGON_TUI_GROUP".to_owned(), "other".to_owned())];
    host.run(&other);
    let group = GroupName::new("group").unwrap();
    host.say(&ToAgent::Sweep(group.clone()));
    let killed = host.wait("an answer", |heard| {
        heard.messages.iter().find_map(|message| match message {
            FromAgent::Swept(name, killed) if *name == group => Some(*killed),
            _ => None,
        })
    });
    assert_eq!(killed, 2);
    assert!(!sleeps("2221") && !sleeps("2222"));
    assert!(sleeps("2223"), "a living child's own");
    assert!(sleeps("3331") && sleeps("3332"), "another group's");
    host.finish();
    assert!(!sleeps("3331") && !sleeps("3332"));
}

#[test]
fn a_kill_finds_what_a_child_left_behind_that_is_reaped_and_spares_the_next_one() {
    let mut host = Host::new();
    let folder = tempfile::tempdir().unwrap();
    let mut left =
        host.shell("sleep 2231 & setsid sleep 2232 & until [ -e GO ]; do sleep 0.02; done; exit 0");
    left.cwd = Some(folder.path().to_str().unwrap().to_owned());
    // Its output ends with itself: the agent has nothing of it any more.
    left.stdout = Sink::File("out".to_owned());
    let (child, ..) = host.start(&left);
    wait_until("what it leaves", || sleeps("2231") && sleeps("2232"));
    std::fs::write(folder.path().join("GO"), "").unwrap();
    assert_eq!(host.exited(child).0, Exit::Code(0));
    host.output(child);
    let other = host.shell("sleep 2233 & echo go; wait");
    let (other, ..) = host.start(&other);
    host.reads(other, "go");
    assert!(sleeps("2231") && sleeps("2232"));
    host.say(&ToAgent::KillTree(child));
    wait_until("nothing of it is left", || {
        !sleeps("2231") && !sleeps("2232")
    });
    assert!(sleeps("2233"), "another child's own");
    // Once its group is swept it is forgotten.
    host.say(&ToAgent::Sweep(GroupName::new("group").unwrap()));
    host.say(&ToAgent::KillTree(child));
    host.finish();
}

/// Says its process id, then ends its first thread, while another one goes on.
const HEADLESS: &str = "import ctypes,os,platform,threading,time
threading.Thread(target=lambda: time.sleep(600)).start()
print('headless', os.getpid(), flush=True)
ctypes.CDLL(None).syscall(60 if platform.machine() == 'x86_64' else 93, 0)
";

/// A process whose first thread has ended: to `/proc` it is a zombie.
fn headless(host: &mut Host) -> (ChildKey, u32) {
    let spec = host.spec("setsid", &["--fork", "python3", "-c", HEADLESS]);
    let (child, ..) = host.start(&spec);
    let pid = host.wait("its process id", |heard| {
        let text = String::from_utf8_lossy(heard.output.get(&child)?);
        let (line, _) = text.split_once("\n")?;
        line.strip_prefix("headless ")?.parse::<u32>().ok()
    });
    wait_until("the end of its first thread", || !alive(pid));
    assert!(threads(pid) > 1);
    (child, pid)
}

fn threads(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, |threads| threads.count())
}

#[test]
fn a_process_whose_first_thread_has_ended_is_found_too() {
    let mut host = Host::new();
    let (child, pid) = headless(&mut host);
    host.say(&ToAgent::KillTree(child));
    wait_until("nothing of it is left", || threads(pid) <= 1);
    let (_, pid) = headless(&mut host);
    host.agent.kill().unwrap();
    wait_until("nothing of it is left", || threads(pid) <= 1);
}

#[test]
fn who_is_stopped_hears_that_it_is_to_end() {
    let mut host = Host::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("asked");
    let line = format!(
        "trap 'echo asked > {}; exit' INT; echo go; kill -STOP $$; while :; do sleep 0.1; done",
        file.display()
    );
    let spec = host.shell(&line);
    let (child, pid, _) = host.start(&spec);
    host.reads(child, "go");
    wait_until("it is stopped", || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.contains(") T ")
    });
    host.hang_up();
    assert!(host.agent.wait().unwrap().success());
    assert!(file.exists(), "it was asked before it was killed");
}

#[test]
fn nothing_is_left_when_the_agent_is_killed() {
    let mut host = Host::new();
    let spec = host.shell(
        "trap '' INT TERM HUP; setsid sleep 5551 >/dev/null 2>&1 </dev/null & sleep 5552 & echo go; wait",
    );
    let (child, ..) = host.start(&spec);
    host.reads(child, "go");
    wait_until("all run", || marked(&host.mark).len() >= 3);
    host.agent.kill().unwrap();
    wait_until("nothing is left", || marked(&host.mark).is_empty());
    wait_until("the guardian ends", || !alive(host.welcome.guardian));
}

#[test]
fn nothing_is_left_five_seconds_after_the_engine_is_gone() {
    let mut host = Host::new();
    let stubborn = host.shell(
        "trap '' INT TERM HUP; setsid sleep 6661 >/dev/null 2>&1 </dev/null & echo go; while :; do sleep 0.1; done",
    );
    let (child, ..) = host.start(&stubborn);
    host.reads(child, "go");
    let mut flood = host.spec("yes", &[]);
    flood.terminal = Terminal::Pty;
    host.start(&flood);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("asked");
    let polite = host.shell(&format!(
        "trap 'echo asked > {}; exit' INT; echo go; while :; do sleep 0.1; done",
        file.display()
    ));
    host.start(&polite);
    host.reads(polite.child, "go");
    let begin = Instant::now();
    host.hang_up();
    assert!(host.agent.wait().unwrap().success());
    assert!(
        begin.elapsed() < Duration::from_secs(5),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(marked(&host.mark), Vec::<i32>::new());
    assert!(file.exists(), "it was asked before it was killed");
}

#[test]
fn an_agent_with_nothing_to_do_leaves_at_once_when_the_engine_is_gone() {
    let mut host = Host::new();
    let begin = Instant::now();
    host.hang_up();
    assert!(host.agent.wait().unwrap().success());
    assert!(
        begin.elapsed() < Duration::from_secs(1),
        "{:?}",
        begin.elapsed()
    );
}

#[test]
fn a_terminated_agent_ends_its_children_and_says_bye() {
    let mut host = Host::new();
    let spec = host.spec("sleep", &["600"]);
    host.start(&spec);
    let pid = rustix::process::Pid::from_raw(host.agent.id() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(host.exited(spec.child).0, Exit::Signal(2, false));
    host.wait("Bye", |heard| {
        heard.messages.contains(&FromAgent::Bye).then_some(())
    });
    assert!(host.agent.wait().unwrap().success());
}

#[test]
fn a_guardian_that_dies_is_replaced_and_does_its_work() {
    let mut host = Host::new();
    let spec =
        host.shell("setsid sleep 7771 >/dev/null 2>&1 </dev/null & echo go; wait; sleep 600");
    let (child, ..) = host.start(&spec);
    host.reads(child, "go");
    let guardians = || -> Vec<u32> {
        let children = format!("/proc/{0}/task/{0}/children", host.agent.id());
        let children = std::fs::read_to_string(children).unwrap();
        let pids = children.split_whitespace().filter_map(|p| p.parse().ok());
        pids.filter(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.ends_with(b"\0guardian\0")
        })
        .collect()
    };
    let first = host.welcome.guardian;
    assert_eq!(guardians(), [first]);
    let pid = rustix::process::Pid::from_raw(first as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let mut second = first;
    wait_until("there is another one", || {
        second = guardians().first().copied().unwrap_or(first);
        second != first
    });
    host.wait("a notice", |heard| {
        let notice = |m: &FromAgent| matches!(m, FromAgent::Notice(_, None, text) if text.contains("guardian"));
        heard.messages.iter().any(notice).then_some(())
    });
    host.agent.kill().unwrap();
    wait_until("nothing is left", || marked(&host.mark).is_empty());
    wait_until("it ends", || !alive(second));
}

#[test]
fn hundreds_are_killed_by_hundreds_of_requests_in_one_go() {
    let mut host = Host::new();
    let mut keys = Vec::new();
    for _ in 0..300 {
        let spec = host.spec("sleep", &["600"]);
        keys.push(spec.child);
        host.say(&ToAgent::Spawn(Box::new(spec)));
    }
    for &key in &keys {
        host.say(&ToAgent::KillTree(key));
    }
    for &key in &keys {
        assert_eq!(host.exited(key).0, Exit::Signal(9, false));
    }
    host.finish();
}
