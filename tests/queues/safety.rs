//! Who gets in: whoever can put an item can run code in a consumer that unpickles it.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::Command,
    time::Instant,
};

use dragon_tui::engine::queues::client::{Client, Reply};
use rustix::process::{Resource, Rlimit, prlimit};

use crate::{
    bench::{Bench, LIMIT, Run},
    support,
};

const QUEUES: &str = r#""stop": Queue()"#;
const HOLD: &str = r#""shell": ProcessTemplate(target: Shell("dragon-tui queue get stop"))"#;

fn stop(bench: &Bench, run: Run<'_>) {
    let put = ["queue", "put", "stop", "now", "--run", "last"];
    assert_eq!(bench.finish(&mut bench.dragon(&put)).0, 0);
    run.succeed();
}

#[test]
fn the_socket_is_private_in_a_private_folder_and_goes_away_with_the_run() {
    let bench = Bench::new();
    let mut run = bench.start(QUEUES, HOLD);
    let socket = run.socket();
    let folder = socket.parent().unwrap().to_owned();
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().mode() & 0o7777;
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(folder.parent().unwrap()), 0o700);
    stop(&bench, run);
    assert!(!folder.exists());
}

#[test]
fn the_socket_of_a_killed_run_is_gone_or_dead_and_the_client_says_so() {
    let bench = Bench::new();
    let mut run = bench.start(QUEUES, HOLD);
    let socket = run.socket();
    run.until("stop", |stat| stat["getters"] == 1);
    run.kill();
    let list = ["queue", "ls", "--socket", socket.to_str().unwrap()];
    let (code, _, err) = bench.finish(&mut bench.dragon(&list));
    assert_eq!(code, 2);
    assert!(err.contains("its run has ended"), "{err}");
    fs::remove_dir_all(socket.parent().unwrap()).ok();
}

#[test]
fn another_user_cannot_connect() {
    let root = rustix::process::geteuid().is_root();
    if !support::needs("redis-cli")
        || !support::needs("setpriv")
        || !support::needs_that(root, "only root can become somebody else")
    {
        return;
    }
    let bench = Bench::new();
    let mut run = bench.start(QUEUES, HOLD);
    let socket = run.socket();
    let ping = |path: &Path| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command.args(["redis-cli", "-s"]).arg(path).arg("PING");
        command.current_dir("/");
        let (code, out, err) = bench.finish(&mut command);
        assert!(code != 0 && !out.contains("PONG"), "{code}: {out}{err}");
        out + &err
    };
    // The folder keeps them out.
    let told = ping(&socket);
    assert!(told.contains("Permission denied"), "{told}");
    // And where it did not, the server would: here is a way round the folder, open to everyone.
    let open = tempfile::tempdir_in("/tmp").unwrap();
    fs::set_permissions(open.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let way_round = open.path().join("queue.sock");
    fs::hard_link(&socket, &way_round).unwrap();
    fs::set_permissions(&way_round, fs::Permissions::from_mode(0o666)).unwrap();
    ping(&way_round);
    // We ourselves get in by both.
    for path in [&socket, &way_round] {
        let list = ["queue", "ls", "--socket", path.to_str().unwrap()];
        assert_eq!(bench.finish(&mut bench.dragon(&list)).0, 0);
    }
    stop(&bench, run);
}

#[test]
fn more_clients_than_there_are_descriptors_are_told_so_and_the_others_go_on() {
    let bench = Bench::new();
    let limits = r#""shell": ProcessTemplate(target: Shell("ulimit -Sn; ulimit -Hn; dragon-tui queue get stop"))"#;
    let mut run = bench.start_limited((100, 300), QUEUES, limits);
    run.until("stop", |stat| stat["getters"] == 1);
    let socket = run.socket();
    // The client, where it is let in.
    let connect = || {
        let mut client = Client::connect(&socket).unwrap();
        client.set_patience(Some(LIMIT)).unwrap();
        // A client that is refused may be gone before its command.
        let _ = client.send(&[b"PING"]);
        match client.receive().unwrap() {
            Reply::Error(text) => {
                assert_eq!(text, "ERR max number of clients reached");
                None
            }
            _ => Some(client),
        }
    };
    let mut let_in: Vec<Client> = (0..400).filter_map(|_| connect()).collect();
    // More than the soft limit allows; of the hard one a quarter is the engine's own.
    assert!((200..=225).contains(&let_in.len()), "{}", let_in.len());
    for client in &mut let_in {
        assert!(matches!(client.command(&[b"PING"]), Ok(Reply::Status(_))));
    }
    // When there is really none left, that is said too.
    let_in.truncate(50);
    let deadline = Instant::now() + LIMIT;
    while connect().is_none() {
        assert!(Instant::now() < deadline, "no place became free");
    }
    let open = fs::read_dir(format!("/proc/{}/fd", run.pid())).unwrap();
    let highest = open.map(|fd| {
        fd.unwrap()
            .file_name()
            .into_string()
            .unwrap()
            .parse()
            .unwrap()
    });
    let highest: u64 = highest.max().unwrap();
    let limit = |soft| {
        let (current, maximum) = (Some(soft), Some(300));
        let limits = Rlimit { current, maximum };
        prlimit(Some(run.pid()), Resource::Nofile, limits).unwrap()
    };
    assert_eq!(limit(highest + 1).current, Some(300));
    let filling: Vec<Option<Client>> = (0..300).map(|_| connect()).collect();
    assert!(filling.iter().any(Option::is_none));
    limit(300);
    drop((filling, let_in));
    let told = {
        let put = ["queue", "put", "stop", "now", "--run", "last"];
        let deadline = Instant::now() + LIMIT;
        while bench.finish(&mut bench.dragon(&put)).0 != 0 {
            assert!(Instant::now() < deadline, "no place became free");
        }
        run.succeed()
    };
    // The ranks have the limits that the run was started with.
    assert!(told.contains("shell.0 | 100\n"), "{told}");
    assert!(told.contains("shell.0 | 300\n"), "{told}");
}

#[test]
fn a_client_whose_process_cannot_be_seen_from_here_is_let_in() {
    // As from outside of a container that shares the folder of sockets.
    let mut contained = Command::new("unshare");
    contained.args(["--pid", "--fork", "--kill-child", "--mount-proc"]);
    let can = contained
        .arg("true")
        .output()
        .is_ok_and(|done| done.status.success());
    if !support::needs_that(can, "a process id namespace cannot be made") {
        return;
    }
    let bench = Bench::new();
    let mut run = bench.start_contained(QUEUES, HOLD);
    let mut client = run.client();
    run.until("stop", |stat| stat["getters"] == 1);
    assert!(matches!(
        client.command(&[b"RPUSH", b"stop", b"x"]),
        Ok(Reply::Int(0 | 1))
    ));
    run.succeed();
}
