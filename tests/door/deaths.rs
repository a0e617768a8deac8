//! What is left when one of the two is gone: nothing.

use super::*;

/// A rank that ignores what it is asked, with a child in a session of its own.
const STUBBORN: &str =
    "trap '' INT TERM HUP; setsid sleep 6001 & echo here; while :; do sleep 1; done";

fn stubborn() -> Talk {
    let mut talk = Talk::started(&shell("bad", STUBBORN, "replicas: 2"));
    talk.watch(&["g/bad.0", "g/bad.1"]);
    talk.rank_started("g/bad.1");
    wait_for("both sleepers", LIMIT, || {
        let sleepers = talk.home.marked().into_iter();
        let sleepers = sleepers.filter(|it| it.arguments.get(1).is_some_and(|it| it == "6001"));
        (sleepers.count() == 2).then_some(())
    });
    talk
}

#[track_caller]
fn nothing_lives(home: &Home) {
    let began = Instant::now();
    while !home.processes().is_empty() {
        assert!(
            began.elapsed() < SOON,
            "left behind: {:?}",
            home.processes()
        );
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

#[test]
fn when_the_client_goes_everything_ends() {
    let Talk { client, home, .. } = stubborn();
    drop(client);
    nothing_lives(&home);
    let outcome = home.summary()["outcome"].clone();
    assert_eq!(outcome, "interrupted", "the record is complete");
}

#[test]
fn when_the_client_is_killed_everything_ends() {
    let home = Home::new();
    let (ours, theirs) = UnixStream::pair().unwrap();
    // Whoever holds the only other end: killed, it closes without a word.
    let mut holder = Program::new("sleep")
        .arg("6002")
        .stdin(Stdio::from(OwnedFd::from(ours.try_clone().unwrap())))
        .spawn()
        .unwrap();
    let mut engine = home
        .command(&["engine"])
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .spawn()
        .unwrap();
    let hello = ToEngine::Hello {
        protocol: PROTOCOL,
        opening: Box::new(opening(
            &home,
            &session(&shell("t", STUBBORN, ""), ""),
            true,
        )),
    };
    let mut bytes = Vec::new();
    encode(&hello, &mut bytes).unwrap();
    std::io::Write::write_all(&mut &ours, &bytes).unwrap();
    drop(ours);
    wait_for("the sleeper", LIMIT, || {
        let sleepers = home.marked().into_iter();
        let mut sleepers = sleepers.filter(|it| it.arguments.get(1).is_some_and(|it| it == "6001"));
        sleepers.next()
    });
    holder.kill().unwrap();
    holder.wait().unwrap();
    let began = Instant::now();
    wait_for("the engine's end", SOON, || engine.try_wait().unwrap());
    nothing_lives(&home);
    assert!(began.elapsed() < SOON);
}

/// A session to be started, whose check goes on until there is a file `GO`.
fn being_checked() -> Talk {
    let home = Home::new();
    home.write("f.py", "def f():\n    pass\n");
    let script = format!(
        "#!/bin/sh\ncd {}\ntouch CHECKED\nuntil [ -e GO ]; do sleep 0.02; done\nexec python3 \"$@\"\n",
        home.path().display()
    );
    let python = executable(&home, "slow-python", &script);
    let templates = shell("t", "touch STARTED; sleep 6003", "")
        + "\"p\": ProcessTemplate(target: Python(\"f.py:f\")),";
    let more = format!("python: {:?},", python.display().to_string());
    let opening = opening(&home, &session(&templates, &more), true);
    let mut talk = Talk::of(home, opening);
    talk.flush();
    wait_for("the check", LIMIT, || {
        talk.home.has("CHECKED").then_some(())
    });
    talk
}

#[test]
fn when_the_client_goes_while_the_session_is_being_checked_nothing_starts() {
    let Talk { client, home, .. } = being_checked();
    drop(client);
    home.write("GO", "");
    nothing_lives(&home);
    wait_for("no sockets", SOON, || {
        home.runs()
            .iter()
            .all(|run| run.join("summary.json").exists())
            .then_some(())
    });
    assert!(!home.has("STARTED"));
}

#[test]
fn who_wants_the_end_while_the_session_is_being_checked_has_nothing_started() {
    for end in [ToEngine::Command(Command::Finish), ToEngine::Bye] {
        let mut talk = being_checked();
        talk.send(end);
        talk.flush();
        talk.home.write("GO", "");
        talk.over();
        assert!(!talk.home.has("STARTED"));
    }
}

#[test]
fn when_the_engine_is_killed_the_client_is_told_and_nothing_is_left() {
    let mut talk = stubborn();
    signal(talk.client.pid().unwrap() as i32, libc::SIGKILL);
    assert_eq!(talk.gone(), "the engine was ended by signal 9");
    assert_eq!(
        talk.gone(),
        "the engine was ended by signal 9",
        "again and again"
    );
    assert_eq!(talk.client.send(ToEngine::Bye), Err(CommandError::Over));
    assert_eq!(talk.client.pid(), None);
    nothing_lives(&talk.home);
}

#[test]
fn an_engine_that_ends_in_trouble_has_said_why() {
    let home = Home::new();
    let script = "#!/bin/sh\necho 'something is wrong' >&2\nexit 7\n";
    let program = executable(&home, "engine", script);
    let mut talk = Talk::with(&program, home);
    let gone = talk.gone();
    assert_eq!(
        gone,
        "the engine ended with exit code 7; it said: something is wrong"
    );
}

#[test]
fn an_engine_that_speaks_nonsense_is_left() {
    let home = Home::new();
    let script = "#!/bin/sh\necho 'Last login: Monday on tty1' >&0\ncat >/dev/null\n";
    let program = executable(&home, "engine", script);
    let mut talk = Talk::with(&program, home);
    let gone = talk.gone();
    assert!(gone.contains("damaged"), "{gone}");
    assert!(
        gone.starts_with("the engine has ended"),
        "it heard so: {gone}"
    );
}

#[test]
fn bye_and_sigterm_end_everything_and_the_rest_is_told() {
    let mut talk = stubborn();
    let began = Instant::now();
    talk.send(ToEngine::Bye);
    assert_eq!(talk.over(), Outcome::Interrupted);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    nothing_lives(&talk.home);
    let mut talk = stubborn();
    signal(talk.client.pid().unwrap() as i32, libc::SIGTERM);
    assert_eq!(talk.over(), Outcome::Interrupted);
    nothing_lives(&talk.home);
}

#[test]
fn nonsense_on_the_socket_is_the_end_of_the_client() {
    let hello = |home: &Home| {
        let hello = ToEngine::Hello {
            protocol: PROTOCOL,
            opening: Box::new(opening(
                home,
                &session(&shell("t", "sleep 6004", ""), ""),
                true,
            )),
        };
        let mut bytes = Vec::new();
        encode(&hello, &mut bytes).unwrap();
        bytes
    };
    for greeted in [false, true] {
        for nonsense in [
            &b"GET / HTTP/1.1\r\n\r\n"[..],
            &[0xff; 100],
            b"\x02\0\0\0\x01{}",
        ] {
            let home = Home::new();
            let (ours, theirs) = UnixStream::pair().unwrap();
            let mut engine = home
                .command(&["engine"])
                .stdin(Stdio::from(OwnedFd::from(theirs)))
                .spawn()
                .unwrap();
            if greeted {
                std::io::Write::write_all(&mut &ours, &hello(&home)).unwrap();
                wait_for("the rank", LIMIT, || {
                    let mut all = home.marked().into_iter();
                    all.find(|it| it.arguments.get(1).is_some_and(|it| it == "6004"))
                });
            }
            std::io::Write::write_all(&mut &ours, nonsense).unwrap();
            wait_for("the engine's end", SOON, || engine.try_wait().unwrap());
            nothing_lives(&home);
        }
    }
}
