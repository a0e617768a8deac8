use super::*;
use proptest::prelude::*;

type Commands = Vec<Vec<Vec<u8>>>;

fn owned(request: &Request<'_>) -> Vec<Vec<u8>> {
    request.args(0).map(<[u8]>::to_vec).collect()
}

/// Everything the reader makes of `input` fed in pieces of `step` bytes, and the error that ended it.
fn read(input: &[u8], step: usize, authenticated: bool) -> (Commands, Option<ProtocolError>) {
    let mut reader = RequestReader::default();
    let mut commands = Vec::new();
    for piece in input.chunks(step) {
        reader.feed(piece);
        loop {
            match reader.next_request(authenticated) {
                Ok(Some(request)) => commands.push(owned(&request)),
                Ok(None) => break,
                Err(error) => return (commands, Some(error)),
            }
        }
    }
    (commands, None)
}

fn error_of(input: &[u8], authenticated: bool) -> String {
    match read(input, input.len(), authenticated).1 {
        Some(error) => error.reply().unwrap_or_else(|| "closed".to_owned()),
        None => "none".to_owned(),
    }
}

#[test]
fn an_inline_command_is_split_as_a_shell_would() {
    let line = b"  RPUSH q \"a b\\x41\\n\" 'it\\'s' \"\"\r\n\r\nPING\n";
    let expected: Commands = vec![
        vec![
            b"RPUSH".to_vec(),
            b"q".to_vec(),
            b"a bA\n".to_vec(),
            b"it's".to_vec(),
            Vec::new(),
        ],
        vec![b"PING".to_vec()],
    ];
    for step in [1, 3, line.len()] {
        assert_eq!(
            read(line, step, true),
            (expected.clone(), None),
            "step {step}"
        );
    }
}

#[test]
fn each_broken_stream_gets_the_words_of_the_contract() {
    let many = format!("*{}\r\n", MAX_ARGS + 1);
    let long = format!("*1\r\n${}\r\n", MAX_BULK + 1);
    for (input, text) in [
        ("*x\r\n", "ERR Protocol error: invalid multibulk length"),
        (&many, "ERR Protocol error: invalid multibulk length"),
        (&long, "ERR Protocol error: invalid bulk length"),
        ("*1\r\n$-1\r\n", "ERR Protocol error: invalid bulk length"),
        ("*1\r\n$abc\r\n", "ERR Protocol error: invalid bulk length"),
        ("*1\r\n:1\r\n", "ERR Protocol error: expected '$', got ':'"),
        (
            "*1\r\n$2\r\nabcd",
            "ERR Protocol error: expected CRLF after bulk",
        ),
        (
            "RPUSH q \"a\r\n",
            "ERR Protocol error: unbalanced quotes in request",
        ),
        (
            "RPUSH q \"a\"b\r\n",
            "ERR Protocol error: unbalanced quotes in request",
        ),
        ("POST / HTTP/1.1\r\n", "closed"),
        ("GET /index.html HTTP/1.1\r\n", "closed"),
        ("Host: localhost\r\n", "closed"),
    ] {
        assert_eq!(error_of(input.as_bytes(), true), text, "{input}");
    }
    let line = vec![b'a'; 70_000];
    assert_eq!(
        error_of(&line, true),
        "ERR Protocol error: too big inline request"
    );
    let head = [b"*".to_vec(), vec![b'1'; 70_000]].concat();
    assert_eq!(
        error_of(&head, true),
        "ERR Protocol error: too big mbulk count string"
    );
    let bulk = [b"*1\r\n$".to_vec(), vec![b'1'; 70_000]].concat();
    assert_eq!(
        error_of(&bulk, true),
        "ERR Protocol error: too big bulk count string"
    );
}

#[test]
fn before_auth_the_limits_are_small() {
    assert_eq!(
        error_of(b"*11\r\n", false),
        "ERR Protocol error: unauthenticated multibulk length"
    );
    assert_eq!(
        error_of(b"*1\r\n$16385\r\n", false),
        "ERR Protocol error: unauthenticated bulk length"
    );
    assert_eq!(error_of(b"*10\r\n", false), "none");
    assert_eq!(error_of(b"*1\r\n$16384\r\n", false), "none");
}

#[test]
fn an_announced_length_alone_costs_no_memory() {
    let mut reader = RequestReader::default();
    reader.feed(format!("*1\r\n${MAX_BULK}\r\nabc").as_bytes());
    assert!(reader.next_request(true).is_ok_and(|r| r.is_none()));
    assert!(reader.space().capacity() <= 2 * FIRST_GROWTH);
    assert_eq!(reader.buffered(), "*1\r\n$536870912\r\n".len() + 3);
}

#[test]
fn a_long_value_is_shared_and_exact() {
    let value = vec![7u8; 300_000];
    let mut reader = RequestReader::default();
    for piece in encode(&[b"RPUSH", b"q", &value]).chunks(50_000) {
        reader.feed(piece);
        if let Ok(Some(request)) = reader.next_request(true) {
            let item = request.item(2, Tick::at(std::time::Duration::ZERO));
            assert!(item.as_shared().is_some_and(|shared| *shared == value));
            return;
        }
    }
    panic!("the command never became whole");
}

#[test]
fn a_lent_buffer_comes_back_and_the_rest_stays() {
    let mut shared = Vec::with_capacity(READ_SIZE);
    let mut reader = RequestReader::default();
    let stream = [encode(&[b"PING"]), encode(&[b"ECHO", b"x"])].concat();
    assert!(reader.lend(&mut shared));
    reader.feed(&stream[..stream.len() - 5]);
    assert!(reader.next_request(true).is_ok_and(|r| r.is_some()));
    assert!(reader.next_request(true).is_ok_and(|r| r.is_none()));
    reader.give_back(&mut shared);
    assert!(shared.is_empty() && shared.capacity() >= READ_SIZE);
    reader.feed(&stream[stream.len() - 5..]);
    let second = reader.next_request(true).unwrap().map(|r| owned(&r));
    assert_eq!(second, Some(vec![b"ECHO".to_vec(), b"x".to_vec()]));
}

proptest! {
    #[test]
    fn bytes_fed_one_by_one_read_as_fed_whole(
        commands in prop::collection::vec(
            prop::collection::vec(prop_oneof![
                prop::collection::vec(any::<u8>(), 0..20),
                prop::collection::vec(any::<u8>(), 4090..4100),
            ], 1..5), 1..8),
        step in 1usize..5000,
    ) {
        let mut stream = Vec::new();
        for command in &commands {
            let args: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
            stream.extend(encode(&args));
        }
        for step in [1, step, stream.len()] {
            prop_assert_eq!(read(&stream, step, true), (commands.clone(), None));
        }
    }

    #[test]
    fn any_bytes_read_the_same_in_any_pieces_and_never_panic(
        input in prop::collection::vec(prop_oneof![
            4 => prop::sample::select(b"*$\r\n0123456789\"'\\x -PING".to_vec()),
            1 => any::<u8>(),
        ], 1..400),
        authenticated: bool,
    ) {
        let whole = read(&input, input.len(), authenticated);
        prop_assert_eq!(read(&input, 1, authenticated), whole);
    }

    #[test]
    fn numbers_read_as_the_standard_library_reads_them(value: i64) {
        prop_assert_eq!(number(value.to_string().as_bytes()), Some(value));
    }
}

#[test]
fn the_long_values_of_one_command_have_a_common_limit() {
    let mut reader = RequestReader::default();
    reader.feed(b"*4\r\n$5\r\nRPUSH\r\n$1\r\nq\r\n");
    assert_eq!(reader.next_request(true).map(|r| r.is_some()), Ok(false));
    // As if so much had come in already.
    reader.long_bytes = MAX_COMMAND - 10_000;
    reader.feed(format!("$9000\r\n{}\r\n", "v".repeat(9000)).as_bytes());
    assert_eq!(reader.next_request(true).map(|r| r.is_some()), Ok(false));
    assert_eq!(reader.buffered() / 1000, (MAX_COMMAND - 1000) / 1000);
    reader.feed(b"$9000\r\n");
    let error = reader.next_request(true).unwrap_err();
    assert_eq!(error, ProtocolError::Broken("too big request".to_owned()));
}

#[test]
fn nothing_of_a_finished_command_is_kept() {
    let mut reader = RequestReader::default();
    let long = vec![b'v'; SHARED_FROM];
    let values: Vec<&[u8]> = std::iter::repeat_n(&b"value"[..], 500_000)
        .chain([&long[..]])
        .collect();
    reader.feed(&encode(&values));
    let kept = {
        let request = reader.next_request(true).unwrap().unwrap();
        request.item(500_000, Tick::at(std::time::Duration::ZERO))
    };
    reader.finish_request();
    assert!(kept.as_shared().unwrap().is_unique());
    assert_eq!(
        (
            reader.buffered(),
            reader.buf.capacity(),
            reader.spans.capacity()
        ),
        (0, 0, 0)
    );
    reader.feed(b"PING\r\n");
    assert!(reader.next_request(true).unwrap().is_some());
}
