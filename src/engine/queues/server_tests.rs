use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::client::{Client, Reply};
use super::{QueueDecl, QueueError, QueueServer, QueueServerHandle, ServerOptions, Side};

struct Server {
    handle: QueueServerHandle,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

fn serve(declared: Vec<QueueDecl>) -> Server {
    serve_with(declared, ServerOptions::default())
}

fn serve_with(declared: Vec<QueueDecl>, options: ServerOptions) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.sock");
    let handle = QueueServer::start(path.clone(), declared, options).unwrap();
    Server {
        handle,
        path,
        _folder: folder,
    }
}

fn bounded(name: &str, maxsize: u64) -> QueueDecl {
    QueueDecl {
        name: name.to_owned(),
        maxsize: Some(maxsize),
        ..QueueDecl::default()
    }
}

impl Server {
    /// A client that fails instead of waiting for ever.
    fn client(&self) -> Client {
        let client = Client::connect(&self.path).unwrap();
        client.set_patience(Some(Duration::from_secs(20))).unwrap();
        client
    }

    /// Waits until `what` holds for a queue.
    fn until(&self, queue: &str, what: impl Fn(&super::QueueSample) -> bool) -> super::QueueSample {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(sample) = self
                .handle
                .questions()
                .stat(queue)
                .unwrap()
                .filter(|sample| what(sample))
            {
                return sample;
            }
            assert!(
                Instant::now() < deadline,
                "{:?}",
                self.handle.questions().stat(queue)
            );
            std::thread::yield_now();
        }
    }
}

fn words(line: &str) -> Vec<&[u8]> {
    line.split(' ').map(str::as_bytes).collect()
}

fn ask(client: &mut Client, line: &str) -> Reply {
    client.command(&words(line)).unwrap()
}

fn bulk(text: &str) -> Reply {
    Reply::Bulk(text.as_bytes().to_vec())
}

fn error(text: &str) -> Reply {
    Reply::Error(text.to_owned())
}

#[test]
fn what_is_put_is_got_in_order() {
    let server = serve(vec![]);
    let mut client = server.client();
    assert_eq!(ask(&mut client, "RPUSH q a b c"), Reply::Int(3));
    assert_eq!(ask(&mut client, "LPOP q"), bulk("a"));
    assert_eq!(
        ask(&mut client, "BLPOP p q 0"),
        Reply::Array(vec![bulk("q"), bulk("b")])
    );
    assert_eq!(ask(&mut client, "LPOP q 5"), Reply::Array(vec![bulk("c")]));
    assert_eq!(ask(&mut client, "LPOP q"), Reply::Nil);
}

#[test]
fn the_socket_is_its_owners_alone_and_goes_with_the_server() {
    let server = serve(vec![]);
    assert_eq!(
        std::fs::metadata(&server.path)
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
    let mut client = server.client();
    server.handle.shutdown();
    assert!(!server.path.exists());
    assert_eq!(
        client.receive().unwrap_err().kind(),
        ErrorKind::UnexpectedEof
    );
}

#[test]
fn a_dead_socket_is_replaced_and_a_living_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let handle = QueueServer::start(path.clone(), vec![], ServerOptions::default()).unwrap();
    let second = QueueServer::start(path.clone(), vec![], ServerOptions::default());
    assert_eq!(second.unwrap_err().kind(), ErrorKind::AddrInUse);
    assert!(Client::connect(&path).is_ok());
    handle.shutdown();
}

#[test]
fn what_is_no_socket_is_not_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    std::fs::write(&file, "precious").unwrap();
    drop(std::os::unix::net::UnixListener::bind(folder.path().join("dead")).unwrap());
    std::os::unix::fs::symlink("dead", &link).unwrap();
    for path in [&file, &link] {
        let refused = QueueServer::start(path.clone(), vec![], ServerOptions::default());
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::AddrInUse);
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn a_living_server_that_accepts_nobody_just_now_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.sock");
    // Its line holds one, and nobody is let in.
    let socket = |flags| {
        rustix::net::socket_with(
            rustix::net::AddressFamily::UNIX,
            rustix::net::SocketType::STREAM,
            flags,
            None,
        )
        .unwrap()
    };
    let address = rustix::net::SocketAddrUnix::new(&path).unwrap();
    let listener = socket(rustix::net::SocketFlags::CLOEXEC);
    rustix::net::bind(&listener, &address).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let waiting: Vec<_> = (0..4)
        .map(|_| socket(rustix::net::SocketFlags::NONBLOCK))
        .collect();
    let full = waiting
        .iter()
        .any(|client| rustix::net::connect(client, &address) == Err(rustix::io::Errno::AGAIN));
    assert!(full);
    let refused = QueueServer::start(path.clone(), vec![], ServerOptions::default());
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::AddrInUse);
    assert!(path.exists());
}

#[test]
fn a_socket_path_that_is_too_long_is_named() {
    let path = PathBuf::from(format!("/tmp/{}", "x".repeat(120)));
    let problem = QueueServer::start(path, vec![], ServerOptions::default()).unwrap_err();
    assert!(problem.to_string().contains("107"), "{problem}");
}

#[test]
fn ten_thousand_pushes_pipelined_and_read_late_do_not_hang() {
    let server = serve(vec![]);
    let mut client = server.client();
    for _ in 0..10_000 {
        client.send(&[b"RPUSH", b"q", b"x"]).unwrap();
    }
    for depth in 1..=10_000 {
        assert_eq!(client.receive().unwrap(), Reply::Int(depth));
    }
}

#[test]
fn four_hundred_blocked_consumers_are_served_in_their_order() {
    let server = serve(vec![]);
    let mut consumers: Vec<Client> = (0..400).map(|_| server.client()).collect();
    for (index, consumer) in consumers.iter_mut().enumerate() {
        consumer.send(&words("BLPOP q 0")).unwrap();
        server.until("q", |sample| sample.getters == index as u64 + 1);
    }
    let mut producer = server.client();
    for index in 0..400 {
        producer.send(&words(&format!("RPUSH q {index}"))).unwrap();
    }
    for (index, consumer) in consumers.iter_mut().enumerate() {
        let got = Reply::Array(vec![bulk("q"), bulk(&index.to_string())]);
        assert_eq!(consumer.receive().unwrap(), got);
    }
}

#[test]
fn a_put_into_a_full_queue_waits_for_room() {
    let server = serve(vec![bounded("q", 2)]);
    let (mut producer, mut consumer) = (server.client(), server.client());
    producer.send(&words("RPUSH q a b")).unwrap();
    producer.send(&words("RPUSH q c")).unwrap();
    producer.send(&words("Q.PUT q 0 d")).unwrap();
    assert_eq!(producer.receive().unwrap(), Reply::Int(2));
    let sample = server.until("q", |sample| sample.putters == 1);
    assert_eq!((sample.depth, sample.waiting[0].side), (2, Side::Put));
    assert_eq!(sample.waiting[0].pid, std::process::id());
    assert_eq!(ask(&mut consumer, "LPOP q"), bulk("a"));
    assert_eq!(producer.receive().unwrap(), Reply::Int(2));
    assert_eq!(ask(&mut consumer, "LPOP q"), bulk("b"));
    assert_eq!(producer.receive().unwrap(), Reply::Int(2));
    assert_eq!(
        ask(&mut consumer, "LPOP q 9"),
        Reply::Array(vec![bulk("c"), bulk("d")])
    );
}

#[test]
fn timeouts_fire_in_time() {
    let server = serve(vec![bounded("full", 1)]);
    let mut client = server.client();
    ask(&mut client, "RPUSH full x");
    for line in ["BLPOP q 0.05", "Q.PUT full 0.05 y"] {
        let begin = Instant::now();
        assert_eq!(ask(&mut client, line), Reply::Nil);
        let took = begin.elapsed();
        // Generous above, for a busy machine; never early.
        assert!(
            took >= Duration::from_millis(50) && took < Duration::from_secs(2),
            "{took:?}"
        );
    }
}

#[test]
fn a_client_that_vanishes_leaves_every_line_and_loses_nothing() {
    let server = serve(vec![bounded("full", 1)]);
    let mut client = server.client();
    ask(&mut client, "RPUSH full x");
    let (mut getter, mut putter) = (server.client(), server.client());
    getter.send(&words("BLPOP a b 0")).unwrap();
    putter.send(&words("RPUSH full y")).unwrap();
    server.until("b", |sample| sample.getters == 1);
    server.until("full", |sample| sample.putters == 1);
    // Half a command, and commands behind a blocked one, go too.
    getter.send_raw(b"*3\r\n$5\r\nRPUSH\r\n").unwrap();
    putter.send(&words("RPUSH full z")).unwrap();
    drop((getter, putter));
    server.until("full", |sample| sample.putters == 0);
    let deadline = Instant::now() + Duration::from_secs(20);
    while server.handle.questions().stat("b").unwrap().is_some() && Instant::now() < deadline {}
    assert_eq!(ask(&mut client, "RPUSH b 1"), Reply::Int(1));
    assert_eq!(ask(&mut client, "LLEN b"), Reply::Int(1));
    assert_eq!(
        ask(&mut client, "LPOP full 9"),
        Reply::Array(vec![bulk("x")])
    );
}

#[test]
fn a_reply_the_kernel_never_took_goes_back_to_the_front() {
    let server = serve(vec![]);
    let mut client = server.client();
    let value = vec![b'v'; 30_000_000];
    for mark in [b'1', b'2', b'3'] {
        client
            .command(&[b"RPUSH", b"q", &[&[mark], &value[..]].concat()])
            .unwrap();
    }
    let mut reader = server.client();
    reader.send(&words("LPOP q 2")).unwrap();
    server.until("q", |sample| sample.depth == 1);
    drop(reader);
    server.until("q", |sample| sample.depth == 3);
    let heads: Vec<u8> = server
        .handle
        .questions()
        .peek("q", 0, 9, 100)
        .unwrap()
        .iter()
        .map(|item| item.head[0])
        .collect();
    assert_eq!(heads, b"123");
    assert_eq!(
        server.handle.questions().peek("q", 0, 1, 100).unwrap()[0].returned,
        1
    );
}

#[test]
fn long_values_arrive_whole_among_short_ones() {
    let server = serve(vec![]);
    let (mut producer, mut consumer) = (server.client(), server.client());
    let values: Vec<Vec<u8>> = [3, 4095, 4096, 70_000, 1, 3_000_000, 0, 16_384]
        .iter()
        .map(|&len: &usize| (0..len).map(|at| (at * 31 + len) as u8).collect())
        .collect();
    let sent = values.clone();
    let thread = std::thread::spawn(move || {
        for value in &sent {
            producer.send(&[b"RPUSH", b"q", value]).unwrap();
        }
        for _ in &sent {
            assert!(matches!(producer.receive().unwrap(), Reply::Int(_)));
        }
    });
    for value in values {
        let got = ask(&mut consumer, "BLPOP q 0");
        assert!(got == Reply::Array(vec![bulk("q"), Reply::Bulk(value)]));
    }
    thread.join().unwrap();
}

#[test]
fn a_client_that_never_reads_is_closed_and_the_others_go_on() {
    let server = serve(vec![]);
    let mut client = server.client();
    client
        .command(&[b"RPUSH", b"q", &vec![0; 1_000_000]])
        .unwrap();
    let mut deaf = server.client();
    let closed = (0..1000).any(|_| deaf.send(&words("LRANGE q 0 0")).is_err());
    let deadline = Instant::now() + Duration::from_secs(20);
    while !closed && deaf.send(&words("LRANGE q 0 0")).is_ok() {
        assert!(Instant::now() < deadline, "still open");
    }
    assert_eq!(ask(&mut client, "LLEN q"), Reply::Int(1));
}

#[test]
fn a_broken_stream_is_answered_and_closed_and_a_browser_only_closed() {
    let server = serve(vec![]);
    let mut client = server.client();
    client.send_raw(b"PING\r\n*1\r\n$x\r\nPING\r\n").unwrap();
    assert_eq!(client.receive().unwrap(), Reply::Status("PONG".into()));
    assert_eq!(
        client.receive().unwrap(),
        error("ERR Protocol error: invalid bulk length")
    );
    assert_eq!(
        client.receive().unwrap_err().kind(),
        ErrorKind::UnexpectedEof
    );
    let mut browser = server.client();
    browser
        .send_raw(b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    assert!(browser.receive().is_err());
}

#[test]
fn hello_3_changes_the_dialect_and_quit_closes() {
    let server = serve(vec![bounded("q", 5)]);
    let mut client = server.client();
    assert!(matches!(ask(&mut client, "Q.STAT q"), Reply::Array(_)));
    assert_eq!(
        ask(&mut client, "HELLO 4"),
        error("NOPROTO unsupported protocol version")
    );
    assert!(matches!(
        ask(&mut client, "HELLO 3 SETNAME t.1@q"),
        Reply::Map(_)
    ));
    assert!(matches!(ask(&mut client, "Q.STAT q"), Reply::Map(_)));
    assert_eq!(ask(&mut client, "CLIENT GETNAME"), bulk("t.1@q"));
    assert_eq!(ask(&mut client, "QUIT"), Reply::Status("OK".into()));
    assert!(client.receive().is_err());
}

#[test]
fn too_many_clients_are_told_so() {
    let options = ServerOptions {
        max_clients: 1,
        ..ServerOptions::default()
    };
    let server = serve_with(vec![], options);
    let mut first = server.client();
    assert_eq!(ask(&mut first, "PING"), Reply::Status("PONG".into()));
    assert_eq!(
        server.client().receive().unwrap(),
        error("ERR max number of clients reached")
    );
    drop(first);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !matches!(server.client().command(&[b"PING"]), Ok(Reply::Status(_))) {
        assert!(Instant::now() < deadline, "the place was never freed");
    }
}

#[test]
fn beyond_the_memory_limit_puts_are_refused_and_gets_go_on() {
    let options = ServerOptions {
        max_memory: Some(100_000),
        ..ServerOptions::default()
    };
    let server = serve_with(vec![], options);
    let mut client = server.client();
    client
        .command(&[b"RPUSH", b"q", &vec![b'x'; 100_000]])
        .unwrap();
    let refused = error("OOM command not allowed when used memory > 'maxmemory'.");
    assert_eq!(ask(&mut client, "RPUSH q y"), refused);
    assert!(matches!(ask(&mut client, "LPOP q"), Reply::Bulk(_)));
    assert_eq!(ask(&mut client, "RPUSH q y"), Reply::Int(1));
}

#[test]
fn the_snapshot_follows_what_happens() {
    let server = serve(vec![bounded("q", 7)]);
    assert_eq!(server.handle.questions().snapshot()[0].maxsize, Some(7));
    let mut client = server.client();
    ask(&mut client, "RPUSH q a b");
    let deadline = Instant::now() + Duration::from_secs(20);
    while server.handle.questions().snapshot()[0].depth != 2 {
        assert!(
            Instant::now() < deadline,
            "{:?}",
            server.handle.questions().snapshot()
        );
    }
    assert_eq!(server.handle.questions().list().unwrap()[0].put_bytes, 2);
    assert_eq!(
        server.handle.questions().stat("none"),
        Ok::<_, QueueError>(None)
    );
}

#[test]
fn queues_may_be_declared_while_it_runs() {
    let server = serve(vec![]);
    server.handle.questions().declare(bounded("q", 1)).unwrap();
    let mut client = server.client();
    ask(&mut client, "RPUSH q a");
    assert_eq!(ask(&mut client, "Q.PUT q NOWAIT b"), Reply::Nil);
}

#[test]
fn a_client_that_pipelines_more_than_it_has_room_for_and_reads_gets_everything() {
    let server = serve(vec![]);
    let mut client = server.client();
    let value = vec![b'v'; 1 << 20];
    for _ in 0..150 {
        client.command(&[b"RPUSH", b"q", &value]).unwrap();
    }
    // In one piece, so that no reply is read before the last command is there.
    let all = b"LPOP q\r\n".repeat(150);
    client.send_raw(&all).unwrap();
    // The rest stays in the queue until there is room for it.
    server.until("q", |sample| (20..150).contains(&sample.depth));
    for _ in 0..150 {
        assert!(matches!(client.receive().unwrap(), Reply::Bulk(bytes) if bytes == value));
    }
    assert_eq!(ask(&mut client, "LLEN q"), Reply::Int(0));
}

#[test]
fn items_of_a_broken_connection_come_back_in_order_also_to_one_who_waits() {
    let server = serve(vec![]);
    let mut client = server.client();
    let value = vec![b'v'; 10_000_000];
    for mark in [b'1', b'2', b'3'] {
        client
            .command(&[b"RPUSH", b"q", &[&[mark], &value[..]].concat()])
            .unwrap();
    }
    let (mut reader, mut waiter) = (server.client(), server.client());
    for _ in 0..3 {
        reader.send(&words("LPOP q")).unwrap();
    }
    server.until("q", |sample| sample.depth == 0);
    waiter.send(&words("BLPOP q 0")).unwrap();
    server.until("q", |sample| sample.getters == 1);
    drop(reader);
    let Reply::Array(got) = waiter.receive().unwrap() else {
        panic!("no item");
    };
    assert_eq!(got[1].as_bytes().unwrap()[0], b'1');
}

#[test]
fn a_killed_client_leaves_its_lines_before_the_next_command() {
    let server = serve(vec![]);
    let (mut victim, mut killer) = (server.client(), server.client());
    let Reply::Int(id) = ask(&mut victim, "CLIENT ID") else {
        panic!("no number");
    };
    victim.send(&words("BLPOP q 0")).unwrap();
    server.until("q", |sample| sample.getters == 1);
    killer
        .send_raw(format!("CLIENT KILL ID {id}\r\nRPUSH q a\r\nLLEN q\r\n").as_bytes())
        .unwrap();
    for _ in 0..3 {
        assert_eq!(killer.receive().unwrap(), Reply::Int(1));
    }
    assert!(victim.receive().is_err());
}

#[test]
fn who_only_stops_sending_still_gets_its_replies() {
    use std::io::{Read, Write};
    let server = serve(vec![]);
    let mut client = server.client();
    let value = vec![b'v'; 1 << 20];
    for _ in 0..100 {
        client.command(&[b"RPUSH", b"q", &value]).unwrap();
    }
    let mut bare = std::os::unix::net::UnixStream::connect(&server.path).unwrap();
    bare.write_all(&[b"LPOP q\r\n".repeat(100), b"PING\r\nRPUSH q".to_vec()].concat())
        .unwrap();
    bare.shutdown(std::net::Shutdown::Write).unwrap();
    let mut got = Vec::new();
    bare.set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    bare.read_to_end(&mut got).unwrap();
    assert!(got.ends_with(b"+PONG\r\n"));
    assert_eq!(got.len(), 100 * ((1 << 20) + 12) + 7);
    // Who waits and stops sending is taken for dead.
    let mut waiting = std::os::unix::net::UnixStream::connect(&server.path).unwrap();
    waiting.write_all(b"PING\r\nBLPOP q 0\r\n").unwrap();
    waiting.shutdown(std::net::Shutdown::Write).unwrap();
    let mut got = String::new();
    waiting
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    waiting.read_to_string(&mut got).unwrap();
    assert_eq!(got, "+PONG\r\n");
    server.until("q", |sample| sample.getters == 0);
}

#[test]
fn requests_that_are_not_whole_count_as_memory_and_have_an_end() {
    let options = ServerOptions {
        max_memory: Some(20_000_000),
        ..ServerOptions::default()
    };
    let server = serve_with(vec![], options);
    let (mut half, mut client) = (server.client(), server.client());
    half.send_raw(b"*3\r\n$5\r\nRPUSH\r\n$1\r\nq\r\n$30000000\r\n")
        .unwrap();
    half.send_raw(&vec![b'x'; 19_990_000]).unwrap();
    let refused = error("OOM command not allowed when used memory > 'maxmemory'.");
    let deadline = Instant::now() + Duration::from_secs(20);
    let value = vec![b'y'; 100_000];
    while client.command(&[b"RPUSH", b"r", &value]).unwrap() != refused {
        client.command(&[b"DEL", b"r"]).unwrap();
        assert!(Instant::now() < deadline, "it does not count");
    }
    // A request that fits into the memory counts once, not also as what came of it before.
    half.send_raw(&vec![b'x'; 10_010_000]).unwrap();
    half.send_raw(b"\r\n").unwrap();
    assert_eq!(half.receive().unwrap(), refused);
    assert_eq!(
        client
            .command(&[b"RPUSH", b"r", &vec![b'y'; 19_900_000]])
            .unwrap(),
        Reply::Int(1)
    );
    // Nobody fills the memory with a request that never ends.
    half.send_raw(b"*1000\r\n$5\r\nRPUSH\r\n$1\r\nq\r\n")
        .unwrap();
    let piece = [
        b"$4000000\r\n".to_vec(),
        vec![b'x'; 4_000_000],
        b"\r\n".to_vec(),
    ]
    .concat();
    let ended = (0..20).any(|_| half.send_raw(&piece).is_err());
    assert!(ended, "it took everything");
    assert_eq!(ask(&mut client, "LLEN r"), Reply::Int(1));
}
