//! Who gets in: whoever can put an item can run code in a consumer that unpickles it.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::Command,
};

use crate::{
    bench::{Bench, Run},
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
