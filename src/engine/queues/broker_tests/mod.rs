use super::super::registry::{KEEP_COUNTERS, MAX_QUEUES};
use super::super::request::{RequestReader, encode};
use super::*;

mod oracle;
mod users;

/// A broker with named clients and a clock that only moves when told.
pub(super) struct Bench {
    pub broker: Broker,
    pub now: Duration,
    clients: HashMap<&'static str, ClientId>,
    heard: Vec<(ClientId, Reply)>,
}

impl Bench {
    pub fn new() -> Self {
        Bench::limited(u64::MAX, None)
    }

    fn limited(max_memory: u64, token: Option<&[u8]>) -> Self {
        let token = token.map(<[u8]>::to_vec);
        let started = Duration::from_secs(1_000_000);
        let broker = Broker::new(BrokerOptions {
            max_memory,
            token,
            started,
        });
        Bench {
            broker,
            now: Duration::ZERO,
            clients: HashMap::new(),
            heard: Vec::new(),
        }
    }

    pub fn client(&mut self, name: &'static str) -> ClientId {
        let (broker, now) = (&mut self.broker, self.now);
        *self
            .clients
            .entry(name)
            .or_insert_with(|| broker.connect(7, false, now))
    }

    /// Executes a command for a client; arguments are split at blanks.
    pub fn tell(&mut self, name: &'static str, line: &str) {
        let client = self.client(name);
        self.tell_client(client, line);
    }

    pub fn tell_client(&mut self, client: ClientId, line: &str) {
        let args: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let mut reader = RequestReader::default();
        reader.feed(&encode(&args));
        let request = reader.next_request(true).unwrap().unwrap();
        self.broker.execute(client, &request, self.now);
        self.listen();
    }

    pub fn listen(&mut self) {
        for effect in self.broker.effects() {
            if let Effect::Reply(client, reply) = effect {
                self.heard.push((client, reply));
            }
        }
    }

    pub fn wait(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
        self.broker.expire(self.now);
        self.listen();
    }

    fn leave(&mut self, name: &'static str) {
        let client = self.clients.remove(name).unwrap();
        self.broker.disconnect(client, self.now);
        self.listen();
    }

    /// All that was said since the last call: `client: reply`, in order.
    fn said(&mut self) -> Vec<String> {
        let names: HashMap<ClientId, &str> = self
            .clients
            .iter()
            .map(|(name, client)| (*client, *name))
            .collect();
        self.heard
            .drain(..)
            .map(|(client, reply)| format!("{}: {}", names[&client], plain(&reply)))
            .collect()
    }

    pub fn heard(&mut self) -> Vec<(ClientId, Reply)> {
        std::mem::take(&mut self.heard)
    }

    /// Executes a command and returns its reply, which must be the only one.
    fn ask(&mut self, name: &'static str, line: &str) -> String {
        self.tell(name, line);
        let said = self.said();
        assert_eq!(said.len(), 1, "{line}: {said:?}");
        said[0].split_once(": ").unwrap().1.to_owned()
    }
}

/// A reply as a short text.
pub(super) fn plain(reply: &Reply) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let list = |replies: &[String]| format!("[{}]", replies.join(" "));
    match reply {
        Reply::Status(word) => (*word).to_owned(),
        Reply::Error(error) => format!("-{error}"),
        Reply::Int(number) => number.to_string(),
        Reply::Text(words) => words.clone().into_owned(),
        Reply::Key(key) => text(key),
        Reply::Value(item) => text(item.bytes()),
        Reply::Nil | Reply::NilArray => "nil".to_owned(),
        Reply::Array(replies) => list(&replies.iter().map(plain).collect::<Vec<_>>()),
        Reply::Map(pairs) => list(
            &pairs
                .iter()
                .map(|(k, v)| format!("{k}={}", plain(v)))
                .collect::<Vec<_>>(),
        ),
        Reply::Got(got) => match &got.items {
            GotItems::One(item) => text(item.bytes()),
            GotItems::WithKey(item) => list(&[text(&got.key), text(item.bytes())]),
            GotItems::Many(items) => list(
                &items
                    .iter()
                    .map(|item| text(item.bytes()))
                    .collect::<Vec<_>>(),
            ),
        },
    }
}

#[test]
fn one_push_of_three_values_serves_three_waiters_in_their_order() {
    let mut bench = Bench::new();
    for name in ["a", "b", "c"] {
        bench.tell(name, "BLPOP q 0");
    }
    bench.tell("p", "RPUSH q 1 2 3");
    assert_eq!(bench.said(), ["p: 3", "a: [q 1]", "b: [q 2]", "c: [q 3]"]);
}

#[test]
fn of_several_keys_the_leftmost_filled_one_is_taken() {
    let mut bench = Bench::new();
    bench.tell("p", "RPUSH two x");
    bench.tell("p", "RPUSH three y z");
    bench.said();
    assert_eq!(bench.ask("a", "BLPOP one two three 0"), "[two x]");
    assert_eq!(bench.ask("a", "BRPOP one two three 0"), "[three z]");
}

#[test]
fn a_waiter_of_several_keys_is_served_once() {
    let mut bench = Bench::new();
    bench.tell("a", "BLPOP one two one 0");
    bench.tell("p", "RPUSH two x y");
    assert_eq!(bench.said(), ["p: 2", "a: [two x]"]);
    assert_eq!(bench.ask("p", "RPUSH one z"), "1");
    assert_eq!(bench.ask("p", "LLEN two"), "1");
}

#[test]
fn room_is_given_to_the_longest_waiting_putter_before_the_get_is_answered() {
    let mut bench = Bench::new();
    bench.ask("c", "Q.DECLARE q MAX 2");
    bench.ask("p", "RPUSH q 1 2");
    bench.tell("big", "RPUSH q 3 4");
    bench.tell("small", "RPUSH q 5");
    assert_eq!(bench.said(), [""; 0]);
    // One place is free, which would do for the small one; it does not overtake.
    assert_eq!(bench.ask("c", "LPOP q"), "1");
    assert_eq!(bench.ask("d", "Q.PUT q NOWAIT 6"), "nil");
    bench.tell("c", "LPOP q");
    assert_eq!(bench.said(), ["big: 2", "c: 2"]);
    bench.tell("c", "BLPOP q 0");
    assert_eq!(bench.said(), ["small: 2", "c: [q 3]"]);
}

#[test]
fn a_full_queue_says_so_in_the_words_of_the_contract() {
    let mut bench = Bench::new();
    bench.ask("c", "Q.DECLARE k MAX 2 FULL ERROR");
    bench.ask("c", "RPUSH k 1 2");
    assert_eq!(bench.ask("c", "RPUSH k 3"), "-FULL queue 'k' holds 2 of 2");
    assert!(
        bench
            .ask("c", "RPUSH k 1 2 3")
            .starts_with("-FULL queue 'k' holds at most 2: 3 values can never fit")
    );
    bench.ask("c", "Q.DECLARE b MAXBYTES 4 FULL ERROR");
    assert_eq!(bench.ask("c", "RPUSH b 123"), "1");
    assert_eq!(
        bench.ask("c", "RPUSH b 45"),
        "-FULL queue 'b' holds 3 of 4 bytes"
    );
    assert!(bench.ask("c", "RPUSH b 12345").contains("can never fit"));
}

#[test]
fn a_lowered_maximum_drops_nothing_and_puts_wait_until_it_has_drained() {
    let mut bench = Bench::new();
    bench.ask("c", "RPUSH q 1 2 3");
    bench.ask("c", "Q.DECLARE q MAX 1");
    bench.tell("p", "RPUSH q 4");
    bench.tell("c", "LPOP q 2");
    assert_eq!(bench.said(), ["c: [1 2]"]);
    bench.tell("c", "LPOP q");
    assert_eq!(bench.said(), ["p: 1", "c: 3"]);
    // Redeclared wider, or without a limit, it lets the waiting ones in.
    bench.tell("p", "RPUSH q 5");
    bench.tell("c", "Q.DECLARE q MAX 0");
    assert_eq!(bench.said(), ["p: 2", "c: OK"]);
}

#[test]
fn a_batch_that_can_no_longer_ever_fit_is_told_so() {
    let mut bench = Bench::new();
    bench.ask("c", "Q.DECLARE q MAX 3");
    bench.ask("c", "RPUSH q 1 2");
    bench.tell("p", "RPUSH q 3 4");
    bench.tell("r", "RPUSH q 5");
    bench.tell("c", "Q.DECLARE q MAX 1");
    let said = bench.said();
    assert!(
        said[0].starts_with("p: -FULL") && said[1] == "c: OK",
        "{said:?}"
    );
    bench.tell("c", "LPOP q 2");
    assert_eq!(bench.said(), ["r: 1", "c: [1 2]"]);
}

#[test]
fn those_who_time_out_or_vanish_are_out_of_the_line_at_once() {
    let mut bench = Bench::new();
    bench.ask("c", "Q.DECLARE q MAX 1");
    bench.tell("early", "BLPOP q 0.010");
    bench.tell("gone", "BLPOP q 0");
    bench.tell("a", "BLPOP q 0");
    bench.wait(9);
    assert_eq!(bench.said(), [""; 0]);
    bench.wait(1);
    assert_eq!(bench.said(), ["early: nil"]);
    bench.leave("gone");
    bench.tell("p", "RPUSH q 1");
    assert_eq!(bench.said(), ["p: 1", "a: [q 1]"]);
    bench.ask("p", "RPUSH q 2");
    bench.tell("first", "Q.PUT q 0 3");
    bench.tell("brief", "Q.PUT q 0.5 4");
    bench.tell("last", "Q.PUT q 5 5");
    bench.leave("first");
    bench.wait(500);
    assert_eq!(bench.said(), ["brief: nil"]);
    bench.tell("c", "LPOP q");
    assert_eq!(bench.said(), ["last: 1", "c: 2"]);
    assert_eq!(bench.broker.next_deadline(), None);
}

#[test]
fn a_vanished_putter_makes_way_for_the_next_that_fits() {
    let mut bench = Bench::new();
    bench.ask("c", "Q.DECLARE q MAX 3");
    bench.ask("c", "RPUSH q 1 2");
    bench.tell("big", "RPUSH q 3 4");
    bench.tell("small", "RPUSH q 5");
    bench.leave("big");
    assert_eq!(bench.said(), ["small: 3"]);
}

#[test]
fn what_could_not_be_delivered_goes_back_to_the_front_and_on_to_the_next() {
    let mut bench = Bench::new();
    bench.ask("p", "Q.DECLARE q MAX 3");
    bench.ask("p", "RPUSH q 1 2 3");
    bench.tell("c", "LPOP q 2");
    let [(_, Reply::Got(got))] = &bench.heard()[..] else {
        panic!("no items")
    };
    bench.ask("p", "RPUSH q 4 5");
    // Given back, they may exceed the bound: they were counted before.
    bench
        .broker
        .give_back_all(std::iter::once(got.clone()), bench.now);
    assert_eq!(bench.ask("c", "LRANGE q 0 -1"), "[1 2 3 4 5]");
    bench.ask("c", "DEL q");
    bench.tell("d", "BLPOP q 0");
    bench
        .broker
        .give_back_all(std::iter::once(got.clone()), bench.now);
    bench.listen();
    assert_eq!(bench.said(), ["d: [q 1]"]);
    assert_eq!(bench.ask("c", "LRANGE q 0 -1"), "[2]");
}

#[test]
fn timeouts_and_counts_that_make_no_sense_get_stocks_words() {
    let mut bench = Bench::new();
    bench.ask("c", "RPUSH q 1");
    for (line, said) in [
        ("BLPOP x -1", "-ERR timeout is negative"),
        ("BLPOP x nan", "-ERR timeout is not a float or out of range"),
        ("BLPOP x inf", "-ERR timeout is not a float or out of range"),
        (
            "BLPOP x 1e10",
            "-ERR timeout is not a float or out of range",
        ),
        (
            "BLPOP x soon",
            "-ERR timeout is not a float or out of range",
        ),
        ("Q.PUT x -1 v", "-ERR timeout is negative"),
        ("LPOP q -1", "-ERR value is out of range, must be positive"),
        (
            "LPOP q many",
            "-ERR value is out of range, must be positive",
        ),
        ("LPOP q 0", "[]"),
        ("LPOP none 0", "nil"),
        (
            "LRANGE q a 1",
            "-ERR value is not an integer or out of range",
        ),
        ("LPOP", "-ERR wrong number of arguments for 'lpop' command"),
        (
            "rpush q",
            "-ERR wrong number of arguments for 'rpush' command",
        ),
        (
            "HSET h a 1",
            "-ERR unknown command 'HSET', with args beginning with: 'h' 'a' '1' ",
        ),
        (
            "CLIENT NONSENSE",
            "-ERR unknown subcommand 'NONSENSE'. Try CLIENT HELP.",
        ),
        (
            "CLIENT SETNAME",
            "-ERR wrong number of arguments for 'client|setname' command",
        ),
        ("SELECT 1", "-ERR DB index is out of range"),
        ("RPUSH  1", "-ERR queue name must have 1 to 1024 bytes"),
        ("Q.DECLARE q MAX", "-ERR syntax error"),
        (
            "Q.DECLARE q MAX -1",
            "-ERR value is out of range, must be positive",
        ),
    ] {
        assert_eq!(bench.ask("c", line), said, "{line}");
    }
    let long = format!("RPUSH {} 1", "k".repeat(1025));
    assert_eq!(
        bench.ask("c", &long),
        "-ERR queue name must have 1 to 1024 bytes"
    );
}

#[test]
fn an_empty_list_does_not_exist_and_ranges_are_as_in_stock() {
    let mut bench = Bench::new();
    bench.ask("c", "Q.DECLARE e MAX 1");
    bench.ask("c", "RPUSH q a b c");
    bench.ask("c", "LPUSH q z");
    for (line, said) in [
        ("LRANGE q 0 -1", "[z a b c]"),
        ("LRANGE q -2 100", "[b c]"),
        ("LRANGE q 2 1", "[]"),
        ("LRANGE q -100 0", "[z]"),
        ("LINDEX q -1", "c"),
        ("LINDEX q 4", "nil"),
        ("EXISTS q q e none", "2"),
        ("TYPE q", "list"),
        ("TYPE e", "none"),
        ("KEYS *", "[q]"),
        ("DBSIZE", "1"),
        ("RPOP q 2", "[c b]"),
        ("Q.LIST", "[[e 0 0 0] [q 2 0 0]]"),
        ("UNLINK q e none", "1"),
        ("DBSIZE", "0"),
        ("Q.LIST", "[]"),
    ] {
        assert_eq!(bench.ask("c", line), said, "{line}");
    }
}

#[test]
fn q_stat_tells_who_waits_and_since_when() {
    let mut bench = Bench::new();
    bench.ask("c", "Q.DECLARE q MAX 1 MAXBYTES 9 JOINABLE");
    bench.ask("p", "CLIENT SETNAME load.3@q");
    bench.ask("p", "RPUSH q abc");
    bench.wait(1000);
    bench.tell("p", "RPUSH q d");
    bench.wait(500);
    assert_eq!(
        bench.ask("c", "Q.STAT q"),
        "[depth=1 bytes=3 max=1 maxbytes=9 joinable=1 taken=0 put=1 got=0 acked=0 redelivered=0 dead=0 put_bytes=3 \
         got_bytes=0 getters=0 putters=1 oldest_getter_ms=0 oldest_putter_ms=500 oldest_item_ms=1500 purged=0 \
         who=[[side=put client=2 task=load.3 pid=7 waiting_ms=500]]]"
    );
    assert_eq!(bench.ask("c", "Q.STAT none"), "nil");
}

#[test]
fn a_locked_client_may_only_authenticate_and_three_wrong_secrets_close_it() {
    let mut bench = Bench::limited(u64::MAX, Some(b"secret"));
    let client = bench.broker.connect(0, true, bench.now);
    bench.clients.insert("c", client);
    assert_eq!(bench.ask("c", "PING"), "-NOAUTH Authentication required.");
    assert!(
        bench
            .ask("c", "HELLO 3")
            .starts_with("-NOAUTH HELLO must be called")
    );
    assert!(bench.ask("c", "AUTH wrong").starts_with("-WRONGPASS"));
    assert!(!bench.broker.is_authenticated(client));
    assert_eq!(bench.ask("c", "AUTH default secret"), "OK");
    assert_eq!(bench.ask("c", "PING"), "PONG");
    for attempt in 1..=3 {
        let args: [&[u8]; 2] = [b"AUTH", b"wrong"];
        let mut reader = RequestReader::default();
        reader.feed(&encode(&args));
        let request = reader.next_request(true).unwrap().unwrap();
        bench.broker.execute(client, &request, bench.now);
        let closed = bench
            .broker
            .effects()
            .any(|effect| effect == Effect::Close(client));
        assert_eq!(closed, attempt == 3);
    }
}

#[test]
fn memory_counts_waiting_values_too_and_comes_back_to_nothing() {
    let mut bench = Bench::limited(10_000, None);
    bench.ask("c", "Q.DECLARE q MAX 1");
    bench.ask("c", "RPUSH q 1");
    bench.tell("p", &format!("RPUSH q {}", "x".repeat(8800)));
    assert_eq!(
        bench.ask("c", "RPUSH other y"),
        "-OOM command not allowed when used memory > 'maxmemory'."
    );
    bench.leave("p");
    assert_eq!(bench.ask("c", "RPUSH other y"), "1");
    bench.ask("c", "DEL q other");
    assert_eq!(bench.broker.used_memory(), 0);
}

#[test]
fn what_would_go_beyond_the_memory_is_refused_before_it_is_there() {
    let mut bench = Bench::limited(10_000, None);
    let refused = "-OOM command not allowed when used memory > 'maxmemory'.";
    assert_eq!(
        bench.ask("c", &format!("RPUSH q {}", "x".repeat(10_001))),
        refused
    );
    // Requests and replies that are on their way count too.
    bench.broker.in_transit = 9_995;
    assert_eq!(bench.ask("c", "RPUSH q 123456"), refused);
    assert_eq!(bench.ask("c", "RPUSH q 12345"), "1");
    assert!(!bench.broker.is_overrun());
    bench.broker.in_transit = 20_000;
    assert!(bench.broker.is_overrun());
}

#[test]
fn a_queue_declared_by_a_client_goes_when_it_is_deleted_and_the_sessions_stays() {
    let mut bench = Bench::new();
    let session = QueueDecl {
        name: "s".to_owned(),
        maxsize: Some(2),
        ..QueueDecl::default()
    };
    bench.broker.declare(&session, bench.now);
    for line in ["Q.DECLARE s JOINABLE", "Q.DECLARE q MAX 3"] {
        assert_eq!(bench.ask("c", line), "OK");
    }
    bench.ask("c", "RPUSH q 1 2");
    bench.ask("c", "RPUSH s 1");
    // Declared means it stays when it runs empty.
    bench.ask("c", "LPOP q 9");
    assert_eq!(bench.ask("c", "Q.LIST"), "[[q 0 0 0] [s 1 0 0]]");
    // As long as somebody waits there, it is there.
    bench.tell("w", "BLPOP q 1");
    bench.ask("c", "DEL q s");
    assert_eq!(bench.ask("c", "Q.LIST"), "[[q 0 1 0] [s 0 0 0]]");
    bench.wait(1000);
    bench.said();
    assert_eq!(bench.ask("c", "DEL q s"), "0");
    assert_eq!(bench.ask("c", "Q.LIST"), "[[s 0 0 0]]");
    assert!(bench.ask("c", "Q.STAT s").contains(" max=2 "));
}

#[test]
fn ifnew_leaves_a_declared_queue_as_it_is() {
    let mut bench = Bench::new();
    bench.ask("c", "RPUSH q 1");
    assert_eq!(bench.ask("c", "Q.DECLARE q IFNEW MAX 3"), "OK");
    assert_eq!(bench.ask("c", "Q.DECLARE q MAX 4 IFNEW"), "nil");
    assert!(bench.ask("c", "Q.STAT q").contains(" max=3 "));
    assert_eq!(bench.ask("c", "Q.DECLARE q MAX 4"), "OK");
    assert!(bench.ask("c", "Q.STAT q").contains(" max=4 "));
}

#[test]
fn clients_cannot_make_any_number_of_queues() {
    let mut bench = Bench::new();
    for index in 0..MAX_QUEUES - 2 {
        bench.broker.queue_or_new(&index.to_be_bytes());
    }
    let refused = "-ERR there are 65536 queues already, more cannot be made";
    assert_eq!(bench.ask("c", "BLPOP a b c 0"), refused);
    assert_eq!(bench.ask("c", "Q.DECLARE a"), "OK");
    assert_eq!(bench.ask("c", "RPUSH b 1"), "1");
    assert_eq!(bench.ask("c", "RPUSH c 1"), refused);
    assert_eq!(bench.ask("c", "Q.DECLARE c"), refused);
    assert_eq!(bench.ask("c", "RPUSH b 2"), "2");
    assert_eq!(bench.ask("c", "DEL b"), "1");
    assert_eq!(bench.ask("c", "RPUSH c 1"), "1");
    assert_eq!(bench.broker.samples(1, bench.now).len(), 1);
}

#[test]
fn lengths_without_measure_are_refused() {
    let mut bench = Bench::new();
    let keys = "k ".repeat(1024);
    assert_eq!(
        bench.ask("c", &format!("BLPOP {keys}more 0")),
        "-ERR at most 1024 queues can be waited for at once"
    );
    assert_eq!(bench.broker.queues.len(), 0);
    bench.tell("w", &format!("BLPOP {keys}0.001"));
    bench.wait(1);
    assert_eq!(bench.said(), ["w: nil"]);
    for line in ["KEYS", "Q.LIST"] {
        assert_eq!(
            bench.ask("c", &format!("{line} {}", "*".repeat(4096))),
            "[]"
        );
        assert_eq!(
            bench.ask("c", &format!("{line} {}", "*".repeat(4097))),
            "-ERR pattern must have at most 4096 bytes"
        );
    }
    for line in [
        "CLIENT SETNAME",
        "CLIENT SETINFO LIB-NAME",
        "HELLO 2 SETNAME",
    ] {
        assert!(
            !bench
                .ask("c", &format!("{line} {}", "n".repeat(2048)))
                .starts_with('-')
        );
        assert_eq!(
            bench.ask("c", &format!("{line} {}", "n".repeat(2049))),
            "-ERR Client names and library names have at most 2048 bytes."
        );
    }
}

#[test]
fn a_command_with_one_bad_name_does_nothing() {
    let mut bench = Bench::new();
    let refused = "-ERR queue name must have 1 to 1024 bytes";
    bench.ask("c", "RPUSH a 1");
    assert_eq!(bench.ask("c", "DEL a "), refused);
    assert_eq!(bench.ask("c", "BLPOP a  0"), refused);
    assert_eq!(bench.ask("c", "LLEN a"), "1");
}

#[test]
fn full_names_the_bound_that_refuses() {
    let mut bench = Bench::new();
    bench.ask("c", "Q.DECLARE q MAX 9 MAXBYTES 5 FULL ERROR");
    bench.ask("c", "RPUSH q abc");
    assert_eq!(
        bench.ask("c", "RPUSH q abc"),
        "-FULL queue 'q' holds 3 of 5 bytes"
    );
    // There is room for this one, but somebody waits with a longer one.
    bench.tell("p", "Q.PUT q 0 abcd");
    assert_eq!(
        bench.ask("c", "RPUSH q a"),
        "-FULL queue 'q' has putters waiting"
    );
}

#[test]
fn queues_that_come_and_go_leave_nothing_behind() {
    let mut bench = Bench::new();
    for index in 0..3 * KEEP_COUNTERS {
        bench.ask("c", &format!("RPUSH k{index} 1"));
        bench.ask("c", &format!("LPOP k{index}"));
        bench.tell("w", &format!("BLPOP w{index} 0.001"));
        bench.wait(1);
        bench.said();
    }
    assert!(
        bench.broker.queues.len() <= KEEP_COUNTERS + 2,
        "{}",
        bench.broker.queues.len()
    );
}

#[test]
fn random_nonsense_never_panics() {
    use proptest::prelude::*;
    let words = [
        "RPUSH",
        "LPOP",
        "BLPOP",
        "Q.PUT",
        "Q.DECLARE",
        "Q.STAT",
        "Q.LIST",
        "CLIENT",
        "HELLO",
        "LRANGE",
        "KEYS",
        "MAX",
        "NOWAIT",
        "q",
        "r",
        "0",
        "-1",
        "3",
        "9223372036854775807",
        "-9223372036854775808",
        "LIST",
        "KILL",
        "ID",
        "AUTH",
        "SETNAME",
        "[",
        "INFO",
        "TIME",
        "COMMAND",
        "CONFIG",
        "GET",
        "DEL",
        "LINDEX",
        "1e300",
        "FULL",
        "ERROR",
    ];
    let line = prop::collection::vec(prop::sample::select(words.to_vec()), 1..7);
    proptest!(|(lines in prop::collection::vec(line, 1..60))| {
        let mut bench = Bench::new();
        for line in lines {
            let client = bench.client("c");
            if bench.broker.is_blocked(client) {
                bench.leave("c");
            }
            bench.tell("c", &line.join(" "));
            bench.heard();
        }
    });
}
