use clap::Parser;

use super::*;
use crate::engine::queues::{QueueDecl, QueueServer, QueueServerHandle, ServerOptions};

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    queue: QueueArgs,
}

fn parsed(line: &[&str]) -> Result<QueueArgs, clap::Error> {
    Line::try_parse_from(std::iter::once("queue").chain(line.iter().copied()))
        .map(|line| line.queue)
}

struct Server {
    handle: QueueServerHandle,
    socket: PathBuf,
    _folder: tempfile::TempDir,
}

impl Server {
    /// One with a queue `two` for two items and an endless one.
    fn new() -> Self {
        Self::with(ServerOptions::default())
    }

    fn with(options: ServerOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("q.sock");
        let declared = [("two", Some(2)), ("endless", None)].map(|(name, maxsize)| QueueDecl {
            name: name.to_owned(),
            maxsize,
            ..QueueDecl::default()
        });
        let handle = QueueServer::start(socket.clone(), declared.into(), options).unwrap();
        Self {
            handle,
            socket,
            _folder: folder,
        }
    }

    fn link(&self) -> Link {
        let place = Place {
            run: None,
            socket: Some(self.socket.clone()),
        };
        Link::open(&place, "two").unwrap()
    }

    fn put(&self, line: &[&str], input: &[u8]) -> anyhow::Result<u8> {
        let Verb::Put(args) = parsed(line).unwrap().verb else {
            panic!("{line:?} is no put");
        };
        let items = match &args.value {
            Some(value) => put::Items::One(value.as_encoded_bytes().to_vec()),
            None => put::Items::Lines(io::BufReader::with_capacity(16, input)),
        };
        put::run(
            &mut self.link(),
            &args,
            items,
            Format::Text,
            &mut Vec::new(),
        )
    }

    fn get(&self, line: &[&str]) -> anyhow::Result<(u8, String)> {
        let args = parsed(line).unwrap();
        let Verb::Get(get) = args.verb else {
            panic!("{line:?} is no get");
        };
        let mut out = Vec::new();
        let screen = Screen { terminal: false };
        let code = get::run(&mut self.link(), &get, args.format, screen, &mut out)?;
        Ok((code, String::from_utf8(out).unwrap()))
    }
}

#[test]
fn a_timeout_is_a_number_of_seconds() {
    assert_eq!(seconds("0"), Ok(Patience::None));
    assert_eq!(
        seconds("1.5"),
        Ok(Patience::For(Duration::from_millis(1500)))
    );
    assert_eq!(seconds("inf"), Ok(Patience::Endless));
    for wrong in ["-1", "nan", "soon", ""] {
        assert!(seconds(wrong).is_err(), "{wrong}");
    }
    assert_eq!(
        Patience::For(Duration::from_nanos(1)).word().as_deref(),
        Some("0.000001")
    );
}

#[test]
fn an_item_comes_from_exactly_one_place() {
    assert!(parsed(&["put", "q", "x"]).is_ok());
    assert!(parsed(&["put", "q", "-"]).is_ok());
    assert!(parsed(&["put", "q", "-5"]).is_ok());
    assert!(parsed(&["put", "q", "--", "--lines"]).is_ok());
    assert!(parsed(&["put", "q", "--lines", "--run", "last"]).is_ok());
    assert!(parsed(&["put", "q"]).is_err());
    assert!(parsed(&["put", "q", "x", "--lines"]).is_err());
    assert!(parsed(&["put", "q", "--file", "f", "--lines"]).is_err());
    assert!(parsed(&["ls", "--run", "last", "--socket", "s"]).is_err());
    assert!(parsed(&["get", "q", "--count", "0"]).is_err());
}

#[test]
fn items_come_out_in_the_order_of_the_lines() {
    let server = Server::new();
    let lines: String = (0..1000).map(|number| format!("line {number}\n")).collect();
    let code = server.put(&["put", "endless", "--lines"], lines.as_bytes());
    assert_eq!(code.unwrap(), 0);
    assert_eq!(
        server.get(&["get", "endless", "--count", "1000"]).unwrap(),
        (0, lines)
    );
}

#[test]
fn empty_lines_and_a_last_line_without_its_end_are_items() {
    let server = Server::new();
    server
        .put(&["put", "endless", "--lines"], b"\na\r\n\nb")
        .unwrap();
    let got = server.get(&["get", "endless", "--count", "5", "--timeout", "0"]);
    assert_eq!(got.unwrap(), (1, "\na\r\n\nb\n".to_owned()));
}

#[test]
fn large_values_arrive_whole() {
    let server = Server::new();
    let large = "x".repeat(3_000_000);
    server
        .put(
            &["put", "two", "--lines"],
            format!("{large}\n{large}").as_bytes(),
        )
        .unwrap();
    let (_, got) = server.get(&["get", "two", "--count", "2"]).unwrap();
    assert_eq!(got, format!("{large}\n{large}\n"));
}

#[test]
fn lines_behind_the_one_without_room_are_not_put() {
    let server = Server::new();
    for timeout in ["0", "0.01"] {
        let code = server.put(
            &["put", "two", "--lines", "--timeout", timeout],
            b"1\n2\n3\n4\n",
        );
        assert_eq!(code.unwrap(), 1);
        let got = server.get(&["get", "two", "--count", "3", "--timeout", timeout]);
        assert_eq!(got.unwrap(), (1, "1\n2\n".to_owned()));
    }
}

#[test]
fn lines_behind_one_that_is_too_long_are_not_put_and_it_is_named() {
    let server = Server::new();
    server
        .handle
        .questions()
        .declare(QueueDecl {
            name: "short".to_owned(),
            maxbytes: Some(100),
            ..QueueDecl::default()
        })
        .unwrap();
    let lines = format!("1\n{}\n3\n4\n", "x".repeat(101));
    let told = server.put(&["put", "short", "--lines"], lines.as_bytes());
    let told = format!("{:#}", told.unwrap_err());
    assert!(
        told.starts_with("queue \"short\": line 2 was refused; 1 before it were put: "),
        "{told}"
    );
    assert!(told.contains("holds at most 100 bytes"), "{told}");
    let got = server.get(&["get", "short", "--count", "3", "--timeout", "0"]);
    assert_eq!(got.unwrap(), (1, "1\n".to_owned()));
}

#[test]
fn a_gap_that_a_refusal_leaves_is_told() {
    let server = Server::with(ServerOptions {
        max_memory: Some(20_000),
        ..ServerOptions::default()
    });
    let lines = format!("1\n2\n{}\n4\n5\n", "x".repeat(21_000));
    let told = server.put(&["put", "endless", "--lines"], lines.as_bytes());
    let told = format!("{:#}", told.unwrap_err());
    // The little buffer of the test has it know before the last line.
    let got = server.get(&["get", "endless", "--count", "5", "--timeout", "0"]);
    let behind = got.unwrap().1.lines().count() - 2;
    let gap = if behind > 0 {
        format!(", and {behind} behind it that were already under way")
    } else {
        String::new()
    };
    assert!(
        told.starts_with(&format!(
            "queue \"endless\": line 3 was refused; 2 before it were put{gap}: the queue server refused: OOM"
        )),
        "{told}"
    );
}

#[test]
fn json_says_how_much_was_put_and_purged() {
    let server = Server::new();
    let mut out = Vec::new();
    let Verb::Put(args) = parsed(&["put", "two", "--lines"]).unwrap().verb else {
        panic!();
    };
    let items = put::Items::Lines(io::BufReader::new(&b"1\n2"[..]));
    put::run(&mut server.link(), &args, items, Format::Json, &mut out).unwrap();
    let mut link = server.link();
    look::purge(&mut link, "two", true, Format::Json, &mut out).unwrap();
    look::purge(&mut link, "two", true, Format::Text, &mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "{\"put\":2,\"queue\":\"two\"}\n{\"purged\":2,\"queue\":\"two\"}\n0\n"
    );
}

#[test]
fn purging_needs_a_yes_where_nobody_can_be_asked() {
    // The tests' own standard input is no terminal.
    let server = Server::new();
    server.put(&["put", "two", "x"], b"").unwrap();
    if io::stdin().is_terminal() {
        return;
    }
    let error = look::purge(
        &mut server.link(),
        "two",
        false,
        Format::Text,
        &mut Vec::new(),
    );
    assert!(error.unwrap_err().to_string().contains("--yes"));
    assert_eq!(server.get(&["get", "two"]).unwrap().1, "x\n");
}

#[test]
fn a_queue_that_is_not_there_is_named_with_the_one_that_is_meant() {
    let server = Server::new();
    let screen = Screen { terminal: false };
    let mut link = server.link();
    let error = look::peek(&mut link, "tow", 1, Format::Text, screen, &mut Vec::new());
    assert_eq!(
        error.unwrap_err().to_string(),
        "there is no queue \"tow\" (did you mean \"two\"?)"
    );
    assert_eq!(server.get(&["get", "tow", "--timeout", "0"]).unwrap().0, 1);
}

#[test]
fn a_list_has_a_line_for_each_queue() {
    let server = Server::new();
    server.put(&["put", "two", "x"], b"").unwrap();
    let mut out = Vec::new();
    let screen = Screen { terminal: false };
    look::list(&mut server.link(), Format::Text, screen, &mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "name     depth  max  put  got  getters  putters\n\
         endless      0    -    0    0        0        0\n\
         two          1    2    1    0        0        0\n"
    );
}

/// Takes one write, then is closed.
struct Closing(Vec<u8>);

impl io::Write for Closing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.0.is_empty() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_item_that_could_not_be_written_is_given_back() {
    let server = Server::new();
    server
        .put(&["put", "endless", "--lines"], b"1\n2\n3")
        .unwrap();
    let Verb::Get(args) = parsed(&["get", "endless", "--count", "3"]).unwrap().verb else {
        panic!();
    };
    let mut out = Closing(Vec::new());
    let screen = Screen { terminal: false };
    let error = get::run(&mut server.link(), &args, Format::Text, screen, &mut out).unwrap_err();
    assert!(error.downcast_ref::<io::Error>().is_some(), "{error}");
    assert_eq!(out.0, b"1\n");
    let rest = server.get(&["get", "endless", "--count", "2"]).unwrap();
    assert_eq!(rest.1, "2\n3\n");
}

#[test]
fn a_server_that_went_away_is_said_and_is_no_closed_pipe() {
    let server = Server::new();
    let mut link = server.link();
    let Server { handle, socket, .. } = server;
    handle.shutdown();
    let error = link.stat("two").unwrap_err();
    assert!(error.to_string().contains("went away"), "{error}");
    assert!(error.downcast_ref::<io::Error>().is_none());
    let place = Place {
        run: None,
        socket: Some(socket),
    };
    let error = Link::open(&place, "two").unwrap_err().to_string();
    assert!(error.contains("its run has ended"), "{error}");
}

#[test]
fn raw_bytes_are_kept_from_a_terminal() {
    let Verb::Get(args) = parsed(&["get", "two", "--raw"]).unwrap().verb else {
        panic!();
    };
    assert!(get::check(&args, Format::Text, Screen { terminal: true }).is_err());
    assert!(get::check(&args, Format::Json, Screen { terminal: false }).is_err());
    assert!(get::check(&args, Format::Text, Screen { terminal: false }).is_ok());
}
