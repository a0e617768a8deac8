//! An engine that does not read: what waits for it comes once it reads again, and its end is seen all the same.

use std::{
    io::{ErrorKind, Read, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use dragon_tui::agent::wire::{
    self, ControlReader, FromAgent, Hello, MARK_VARIABLE, SpawnSpec, ToAgent,
};

use crate::{host::wait_until, support};

/// An agent whose answers are read only when a test does.
struct Unread {
    agent: Child,
    control: Option<UnixStream>,
    _bulk: UnixStream,
    reader: ControlReader,
}

impl Unread {
    fn new() -> Self {
        let (control, theirs) = UnixStream::pair().unwrap();
        let (bulk, their_bulk) = UnixStream::pair().unwrap();
        let agent = Command::new(support::program::PROGRAM)
            .arg("agent")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(OwnedFd::from(their_bulk)))
            .spawn()
            .unwrap();
        let mark = format!("unread-{}", agent.id());
        let mut this = Self {
            agent,
            control: Some(control),
            _bulk: bulk,
            reader: ControlReader::default(),
        };
        this.say(&ToAgent::Hello(Hello {
            version: wire::VERSION,
            run: "test".to_owned(),
            mark: mark.clone(),
            env: vec![(MARK_VARIABLE.to_owned(), mark)],
            cwd: "/".to_owned(),
            gpus: false,
            sample_every: 0,
        }));
        assert!(matches!(this.hear(), FromAgent::Welcome(_)));
        this
    }

    fn stream(&self) -> &UnixStream {
        self.control.as_ref().unwrap()
    }

    fn say(&self, message: &ToAgent) {
        let mut bytes = Vec::new();
        wire::encode_control(message, &mut bytes).unwrap();
        self.stream().write_all(&bytes).unwrap();
    }

    fn hear(&mut self) -> FromAgent {
        let mut control = self.control.as_ref().unwrap();
        control
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let mut bytes = [0; 4096];
        loop {
            if let Some(message) = self.reader.next_message().unwrap() {
                return message;
            }
            let read = control.read(&mut bytes).unwrap();
            assert!(read > 0, "the agent hung up");
            self.reader.push(&bytes[..read]);
        }
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let _ = self.agent.kill();
        let _ = self.agent.wait();
    }
}

#[test]
fn answers_that_nobody_read_for_a_while_all_come_and_in_order() {
    let mut unread = Unread::new();
    for number in 0..2_000 {
        unread.say(&ToAgent::Heartbeat(number));
    }
    for number in 0..2_000 {
        assert_eq!(unread.hear(), FromAgent::Heartbeat(number));
    }
    unread.say(&ToAgent::Shutdown);
    assert_eq!(unread.hear(), FromAgent::Bye);
    assert!(unread.agent.wait().unwrap().success());
}

#[test]
fn an_agent_choked_by_its_answers_breathes_again_and_sees_its_engine_go() {
    for goes in [false, true] {
        let mut unread = Unread::new();
        let mut bytes = Vec::new();
        for _ in 0..1_000 {
            wire::encode_control(&ToAgent::Heartbeat(u64::MAX), &mut bytes).unwrap();
        }
        // Until the agent has taken none for a while: it waits for somebody who reads its answers.
        let patience = Some(Duration::from_millis(500));
        unread.stream().set_write_timeout(patience).unwrap();
        let (mut sent, mut part) = (0u64, 0);
        loop {
            match unread.stream().write(&bytes[part..]) {
                Ok(written) => part += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
            if part == bytes.len() {
                (sent, part) = (sent + 1_000, 0);
                assert!(sent < 2_000_000, "it takes requests for ever");
            }
        }
        if goes {
            unread.control = None;
            wait_until("the end of the agent", || {
                unread.agent.try_wait().unwrap().is_some()
            });
            continue;
        }
        for _ in 0..sent {
            assert_eq!(unread.hear(), FromAgent::Heartbeat(u64::MAX));
        }
    }
}

#[test]
fn requests_are_performed_in_their_order_however_many_of_them_are_starts() {
    let unread = Unread::new();
    let mut spec = SpawnSpec {
        child: wire::ChildKey(1),
        task: "g/t.0".to_owned(),
        program: "/bin/true".to_owned(),
        args: Vec::new(),
        env: Vec::new(),
        cwd: None,
        stdin: wire::Source::Null,
        stdout: wire::Sink::Pane { muted: false },
        stderr: wire::Sink::Stdout,
        terminal: dragon_tui::model::template::Terminal::Pipe,
        size: (24, 80),
        cpus: Vec::new(),
    };
    let mut bytes = Vec::new();
    for number in 0..100 {
        spec.child.0 = number;
        wire::encode_control(&ToAgent::Spawn(Box::new(spec.clone())), &mut bytes).unwrap();
        wire::encode_control(&ToAgent::Heartbeat(number), &mut bytes).unwrap();
    }
    unread.stream().write_all(&bytes).unwrap();
    let mut unread = unread;
    let (mut started, mut beats) = (0, 0);
    while beats < 100 {
        match unread.hear() {
            FromAgent::Spawned { child, .. } => {
                assert_eq!(child.0, started);
                started += 1;
            }
            FromAgent::Heartbeat(number) => {
                assert_eq!((number, started), (beats, beats + 1), "in their order");
                beats += 1;
            }
            _ => {}
        }
    }
}
