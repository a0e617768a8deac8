use super::*;
use crate::model::{
    event::{Event, HostSample, ProcessSample},
    ids::Selector,
    session::FieldPath,
};

fn opening() -> Opening {
    Opening {
        text: "Session(version: 1)".to_owned(),
        name: "demo".to_owned(),
        folder: "/home/me".into(),
        path: Some("demo.ron".into()),
        host_aliases: vec![(HostName::new("node01"), HostName::localhost())],
        start: true,
        size: (24, 80),
        cwd: None,
    }
}

fn id(text: &str) -> ProcessId {
    text.parse().unwrap()
}

fn selector(text: &str) -> Selector {
    text.parse().unwrap()
}

fn to_engine() -> Vec<ToEngine> {
    let queue = || "jobs".to_owned();
    vec![
        ToEngine::Hello {
            protocol: PROTOCOL,
            opening: Box::new(opening()),
        },
        ToEngine::Command(Command::Scale(selector("g/t"), 3)),
        ToEngine::Command(Command::Send(selector("g/t.0"), b"y\n".to_vec())),
        ToEngine::Command(Command::RestartFailed(None)),
        ToEngine::Command(Command::Finish),
        ToEngine::Watch(vec![id("g/t.0"), id("g/t.1")]),
        ToEngine::SampleEvery(1000),
        ToEngine::QueuesEvery(500),
        ToEngine::Peek {
            queue: queue(),
            from: 0,
            count: 10,
            head: 256,
        },
        ToEngine::Purge { queue: queue() },
        ToEngine::Put {
            queue: queue(),
            bytes: b"i7".to_vec(),
        },
        ToEngine::Bye,
    ]
}

fn from_engine() -> Vec<FromEngine> {
    let mut problem = Problem::error(
        FieldPath::template("g", "t").name("args").index(0),
        "unknown queue",
    )
    .with_help("add it");
    problem.file = Some(std::path::Path::new("demo.ron").into());
    vec![
        FromEngine::Welcome {
            run: "261123-abcde".to_owned(),
            folder: "/runs/261123-abcde".into(),
            queue_socket: "/run/q".into(),
        },
        FromEngine::Refused {
            problems: vec![problem],
            unplaceable: false,
        },
        FromEngine::Failed {
            text: "no agent".to_owned(),
        },
        FromEngine::Event(Stamped {
            at: 0.5,
            event: Event::Refused {
                reason: "busy".to_owned(),
            },
        }),
        FromEngine::Samples(Samples {
            hosts: vec![HostSample {
                host: HostName::localhost(),
                cpu: 1.5,
                memory: (1, 2),
                load: None,
                gpus: Vec::new(),
            }],
            processes: vec![ProcessSample {
                process: id("g/t.0"),
                cpu: 0.5,
                memory: 4096,
                processes: 2,
                shown: 10,
                discarded: 0,
            }],
        }),
        FromEngine::Queues(vec![QueueSample {
            name: "jobs".to_owned(),
            depth: 1,
            bytes: 2,
            maxsize: Some(100),
            put: 3,
            got: 2,
            put_bytes: 6,
            got_bytes: 4,
            getters: 0,
            putters: 0,
            oldest_ms: 10,
            waiting: Vec::new(),
            users: Vec::new(),
        }]),
        FromEngine::Peeked {
            queue: "jobs".to_owned(),
            from: 0,
            items: vec![PeekedItem {
                head: b"i7".to_vec(),
                len: 2,
                age_ms: 10,
                returned: 0,
            }],
        },
        FromEngine::Done {
            what: Deed::Put,
            queue: "jobs".to_owned(),
            failed: true,
            text: "the queue is full".to_owned(),
        },
        FromEngine::Watching(vec![id("g/t.0")]),
        FromEngine::Over,
    ]
}

fn chunk() -> Chunk {
    Chunk {
        process: Arc::new(id("g/t.12")),
        incarnation: Incarnation(3),
        stream: 1,
        offset: 1 << 40,
        gap: 7,
        bytes: b"\x1b[1mhi\n".to_vec(),
    }
}

fn chunk_payload() -> Vec<u8> {
    let mut frame = Vec::new();
    encode_chunk(&chunk(), &mut frame);
    frame[HEADER..].to_vec()
}

/// The file holds the messages of version 1, one of each kind, and a chunk. A line that changes moves [`PROTOCOL`].
#[test]
fn every_message_is_written_as_its_version_says() {
    let hex = |bytes: Vec<u8>| bytes.iter().map(|it| format!("{it:02x}")).collect();
    let to = to_engine();
    let from = from_engine();
    let lines: Vec<String> = to
        .iter()
        .map(|message| serde_json::to_string(message).unwrap())
        .chain(from.iter().map(|it| serde_json::to_string(it).unwrap()))
        .chain([hex(chunk_payload())])
        .collect();
    let golden = include_str!("../../../../tests/formats/wire/door-1.txt");
    assert_eq!(
        golden.lines().collect::<Vec<_>>(),
        lines,
        "{}",
        lines.join("\n")
    );
}

#[test]
fn every_message_survives_the_wire_however_it_is_cut() {
    let mut bytes = Vec::new();
    for message in to_engine() {
        encode(&message, &mut bytes).unwrap();
    }
    for size in [1, 7, bytes.len()] {
        let mut reader = FrameReader::default();
        let mut read = Vec::new();
        for piece in bytes.chunks(size) {
            reader.push(piece);
            while let Some(message) = reader.next_to_engine().unwrap() {
                read.push(message);
            }
        }
        assert_eq!(read, to_engine());
        assert!(!reader.is_amid());
    }
    let mut bytes = Vec::new();
    let mut sent = from_engine();
    for message in &sent {
        encode(message, &mut bytes).unwrap();
    }
    encode_chunk(&chunk(), &mut bytes);
    sent.push(FromEngine::Chunk(chunk()));
    let mut reader = FrameReader::default();
    let mut read = Vec::new();
    for piece in bytes.chunks(11) {
        reader.push(piece);
        while let Some(message) = reader.next_from_engine().unwrap() {
            read.push(message);
        }
    }
    assert_eq!(read, sent);
}

#[test]
fn a_path_that_is_no_text_survives_too() {
    use std::os::unix::ffi::OsStrExt;
    let odd = std::path::Path::new(std::ffi::OsStr::from_bytes(b"/a\xff\n"));
    for path in [None, Some(odd.to_owned())] {
        let hello = ToEngine::Hello {
            protocol: PROTOCOL,
            opening: Box::new(Opening {
                folder: odd.to_owned(),
                path,
                ..opening()
            }),
        };
        let text = serde_json::to_string(&hello).unwrap();
        assert_eq!(serde_json::from_str::<ToEngine>(&text).unwrap(), hello);
    }
}

#[test]
fn a_greeting_of_another_version_is_understood_as_far_as_its_version() {
    let mut bytes = Vec::new();
    let hello = serde_json::json!({ "hello": { "protocol": 99, "unheard_of": [1] } });
    encode(&hello, &mut bytes).unwrap();
    let mut reader = FrameReader::default();
    reader.push(&bytes);
    assert!(matches!(
        reader.next_to_engine(),
        Err(WireError::Version(99))
    ));
}

#[test]
fn damage_is_told_and_not_waited_for() {
    let damaged: [&[u8]; 5] = [
        &[0xff; 16],
        b"\x01\0\0\0\x07x",
        b"\x01\0\0\0\x01x",
        b"\x02\0\0\0\x02xx",
        b"GET / HTTP/1.1\r\n\r\n",
    ];
    for bytes in damaged {
        let mut reader = FrameReader::default();
        reader.push(bytes);
        assert!(reader.next_from_engine().is_err(), "{bytes:?}");
        assert!(reader.next_to_engine().is_err(), "{bytes:?}");
    }
    let mut buffer = vec![1];
    assert!(encode(&FromEngine::Chunk(chunk()), &mut buffer).is_err());
    assert_eq!(buffer, [1], "as it was");
}

#[test]
fn a_chunk_with_any_byte_changed_or_cut_is_read_or_refused_but_never_more() {
    let whole = chunk_payload();
    for cut in 0..whole.len() {
        let _ = decode_chunk(&whole[..cut]);
        let mut changed = whole.clone();
        changed[cut] ^= 0xff;
        let _ = decode_chunk(&changed);
    }
    assert_eq!(decode_chunk(&whole), Some(chunk()));
}
