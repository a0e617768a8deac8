use super::*;

#[test]
fn control_messages_arrive_whole_however_the_bytes_are_cut() {
    let messages = [
        ToAgent::Input(ChildKey(7), b"hello".to_vec()),
        ToAgent::Mute(ChildKey(1), true),
        ToAgent::Shutdown,
    ];
    let mut bytes = Vec::new();
    for message in &messages {
        encode_control(message, &mut bytes).unwrap();
    }
    for cut in 1..bytes.len() {
        let mut reader = ControlReader::default();
        let mut seen = Vec::new();
        for chunk in bytes.chunks(cut) {
            reader.push(chunk);
            while let Some(message) = reader.next_message::<ToAgent>().unwrap() {
                seen.push(message);
            }
        }
        assert_eq!(seen, messages);
    }
}

/// One of each message, with values that show where every field stands.
fn samples() -> (Vec<ToAgent>, Vec<FromAgent>) {
    let child = ChildKey(300);
    let hello = Hello {
        version: VERSION,
        run: "run".to_owned(),
        mark: "mark".to_owned(),
        env: vec![("A".to_owned(), "b".to_owned())],
        cwd: "/".to_owned(),
        gpus: true,
        sample_every: 1000,
    };
    let spec = SpawnSpec {
        child,
        task: "g/t.0".to_owned(),
        program: "p".to_owned(),
        args: vec!["x".to_owned()],
        env: Vec::new(),
        cwd: Some("/tmp".to_owned()),
        stdin: Source::Pane,
        stdout: Sink::Pane { muted: true },
        stderr: Sink::Stdout,
        terminal: Terminal::Pipe,
        size: (40, 120),
        cpus: vec![0, 2],
    };
    let check = Check {
        program: "p".to_owned(),
        path: None,
        cwd: None,
    };
    let welcome = Welcome {
        version: VERSION,
        hostname: "h".to_owned(),
        pid: 1,
        guardian: 2,
        cpus: vec![0],
        memory: 1 << 33,
        gpus: vec![GpuInfo {
            index: 0,
            name: "gpu".to_owned(),
            memory: 1,
        }],
        gpu_note: None,
        python_path: Ok("/py".to_owned()),
    };
    let samples = AgentSamples {
        cpu: 0.5,
        memory: (1, 2),
        load: Some(1.5),
        gpus: vec![GpuSample {
            index: 0,
            name: "gpu".to_owned(),
            utilisation: Some(7),
            ..GpuSample::default()
        }],
        children: vec![ChildSample {
            child,
            cpu: 1.0,
            memory: 2,
            processes: 3,
            shown: 4,
            discarded: 5,
        }],
    };
    let group: GroupName = "g".parse().unwrap();
    (
        vec![
            ToAgent::Hello(hello),
            ToAgent::Spawn(Box::new(spec)),
            ToAgent::Signal { child, signal: 15 },
            ToAgent::KillTree(child),
            ToAgent::Sweep(group.clone()),
            ToAgent::Mute(child, true),
            ToAgent::Input(child, b"in".to_vec()),
            ToAgent::CloseInput(child),
            ToAgent::Resize(child, 24, 80),
            ToAgent::Credit(child, 65_536),
            ToAgent::Close(child),
            ToAgent::Check(1, check),
            ToAgent::SampleEvery(0),
            ToAgent::Heartbeat(9),
            ToAgent::Shutdown,
        ],
        vec![
            FromAgent::Welcome(Box::new(welcome)),
            FromAgent::Spawned {
                child,
                pid: 77,
                channel: Channel::Pty,
            },
            FromAgent::SpawnFailed {
                child,
                reason: "no".to_owned(),
            },
            FromAgent::Exited {
                child,
                exit: Exit::Signal(9, true),
                usage: Usage::default(),
            },
            FromAgent::Exited {
                child,
                exit: Exit::Code(1),
                usage: Usage::default(),
            },
            FromAgent::Muted {
                child,
                muted: false,
                discarded: 128,
            },
            FromAgent::InputRefused(child),
            FromAgent::Swept(group, 3),
            FromAgent::Checked(
                1,
                Faults {
                    program: Some("no".to_owned()),
                    cwd: None,
                },
            ),
            FromAgent::Samples(samples),
            FromAgent::Notice(Level::Warning, Some(child), "text".to_owned()),
            FromAgent::Heartbeat(9),
            FromAgent::Bye,
        ],
    )
}

/// The file holds what version 2 writes, a message a line in hexadecimal. When this fails, engine and agent of
/// the same version would misunderstand each other: move [`VERSION`], and add a file of the new one.
#[test]
fn the_bytes_of_every_message_are_those_of_its_version() {
    let (to, from) = samples();
    let hex = |bytes: Vec<u8>| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let lines: Vec<String> = to
        .iter()
        .map(|message| hex(postcard::to_stdvec(message).unwrap()))
        .chain(
            from.iter()
                .map(|message| hex(postcard::to_stdvec(message).unwrap())),
        )
        .collect();
    let golden = include_str!("../../../tests/formats/wire/agent-2.hex");
    assert_eq!(
        golden.lines().collect::<Vec<_>>(),
        lines,
        "{}",
        lines.join("\n")
    );
}

#[test]
fn a_length_beyond_the_limit_is_damage_and_not_a_wait() {
    let mut reader = ControlReader::default();
    reader.push(&[0xff; 8]);
    assert!(reader.next_message::<ToAgent>().is_err());
}

#[test]
fn a_bulk_header_survives_the_wire_and_nonsense_is_refused() {
    let header = BulkHeader {
        kind: Bulk::Output,
        stream: 1,
        child: ChildKey(u64::MAX),
        len: 65_536,
    };
    assert_eq!(BulkHeader::decode(&header.encode()).unwrap(), header);
    assert!(BulkHeader::decode(&[0xff; 16]).is_err());
}
