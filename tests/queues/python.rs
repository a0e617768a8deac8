//! The `dragon` Queue in ranks that are Python functions.

use crate::{
    bench::{Bench, LIMIT, stat},
    support::{self, wait_for},
};

/// A rank of one function, `f`, called with `call`.
fn call(text: &str, queues: &str, arguments: &str) -> Option<String> {
    if !support::needs("python3") {
        return None;
    }
    let bench = Bench::new();
    bench.write("user.py", text);
    Some(bench.succeed(
        queues,
        &format!("\"py\": ProcessTemplate(target: Python(\"user.py:f\"), {arguments})"),
    ))
}

#[test]
fn every_value_comes_back_as_it_was_put() {
    call(
        r"
def f(q):
    values = [0, -1, 2**100, 1.5, True, None, '', 'text', 'w\u00f6rd\n', '\x1b[31m', '\udc80', b'', b'\x00\xff',
              b'\x80\x05N.', [1, [2, None]], {'a': {1: (2, 3)}}, {1, 2}, Exception, b'x' * 300000, 'y' * 300000]
    for value in values:
        q.put(value)
    assert q.size() == q.qsize() == len(values)
    for value in values:
        got = q.get(timeout=20)
        assert got == value and type(got) is type(value), (value, got)
    assert q.empty()
",
        r#""q": Queue()"#,
        r#"args: [Queue("q")]"#,
    );
}

#[test]
fn a_bounded_queue_is_full_and_empty_when_it_should_be() {
    call(
        r"
import time
from queue import Empty, Full
from dragon.native.queue import Queue

def refuses(error, call, *args, after=0, **kwargs):
    begin = time.monotonic()
    try:
        call(*args, **kwargs)
    except error:
        took = time.monotonic() - begin
        assert after * 0.95 <= took < after + 10, took
    else:
        raise AssertionError('no ' + error.__name__)

def f(declared):
    for q in (declared, Queue(maxsize=2)):
        assert q.maxsize == 2 and q.empty() and not q.full()
        refuses(Empty, q.get_nowait)
        refuses(Empty, q.get, False)
        refuses(Empty, q.get, timeout=0.2, after=0.2)
        q.put_nowait(1)
        assert not q.empty() and not q.full() and q.poll()
        q.put(2, timeout=5)
        assert q.full() and q.qsize() == 2
        refuses(Full, q.put_nowait, 3)
        refuses(Full, q.put, 3, block=False)
        refuses(Full, q.put, 3, timeout=0.2, after=0.2)
        refuses(ValueError, q.put, 3, timeout=-1)
        assert [q.get(), q.get_nowait()] == [1, 2]
        assert q.empty() and not q.poll()
    assert Queue().maxsize == Queue(0).maxsize == Queue(-1).maxsize == 100
    own = Queue(maxsize=1)
    other = Queue.attach(own.serialize())
    own.put('x')
    assert other.get() == 'x'
    own.close()
    refuses(ValueError, own.size)
    other.destroy()
    # A name that is taken is that queue, with the bound it has.
    for same in (Queue(maxsize=50, name='q'), Queue(name='q')):
        same.put(1)
        assert same.maxsize == declared.maxsize == 2 and declared.get() == 1
    named = Queue(maxsize=7, name='mine')
    assert Queue(name='mine').maxsize == 7
    named.destroy()
    assert Queue(name='mine').maxsize == 100
",
        r#""q": Queue(maxsize: 2)"#,
        r#"args: [Queue("q")]"#,
    );
}

#[test]
fn queues_that_were_destroyed_leave_nothing_at_the_server() {
    call(
        r"
from dragon.native import _server
from dragon.native.queue import Queue

def f(q):
    for _ in range(50):
        queue = Queue()
        queue.put(1)
        queue.destroy()
    assert [line[0] for line in q._ask(_server.pack(b'Q.LIST'))] == [b'q']
    q.put(1)
    q._ask(_server.pack(b'DEL', b'q'))
    assert q.size() == 0 and Queue.attach('q').maxsize == 3
",
        r#""q": Queue(maxsize: 3)"#,
        r#"args: [Queue("q")]"#,
    );
}

#[test]
fn a_queue_arrives_in_args_in_kwargs_in_lists_and_inside_items() {
    call(
        r"
from dragon.native.queue import Queue

def f(first, many, *, named, table):
    for at, queue in enumerate([first, many[0], many[1][0], named, table['deep'][0]]):
        assert isinstance(queue, Queue), queue
        queue.put(at)
    assert [first.name, named.name] == ['a', 'b']
    assert [first.get(), first.get(), first.get()] == [0, 1, 4]
    assert [named.get(), named.get()] == [2, 3]
    # A queue made here travels in an item of another and is the same there.
    mine = Queue(maxsize=3)
    first.put((mine, 'answer here'))
    there, word = first.get()
    there.put(word)
    assert mine.get(timeout=10) == 'answer here'
    assert (there.name, there.maxsize) == (mine.name, 3)
",
        r#""a": Queue(), "b": Queue(maxsize: 9)"#,
        r#"args: [Queue("a"), [Queue("a"), [Queue("b")]]],
           kwargs: { "named": Queue("b"), "table": { "deep": [Queue("a")] } }"#,
    );
}

#[test]
fn a_bound_holds_between_two_ranks_while_the_consumer_is_slow() {
    if !support::needs("python3") {
        return;
    }
    let bench = Bench::new();
    bench.write(
        "pair.py",
        r"
import time

def produce(q, count):
    for number in range(count):
        q.put(number)

def consume(q, count):
    for number in range(count):
        time.sleep(0.005)
        assert q.get() == number
",
    );
    let mut run = bench.start(
        r#""q": Queue(maxsize: 3)"#,
        r#""producer": ProcessTemplate(target: Python("pair.py:produce"), args: [Queue("q"), 200]),
           "consumer": ProcessTemplate(target: Python("pair.py:consume"), args: [Queue("q"), 200])"#,
    );
    let mut client = run.client();
    let mut was_full = 0;
    wait_for("last item", LIMIT, || {
        let now = stat(&mut client, "q").unwrap();
        let depth = now["depth"].as_i64().unwrap();
        assert!(depth <= 3, "{now}");
        if depth == 3 && now["putters"] == 1 {
            assert_eq!(now["who"][0]["task"], "g/producer.0", "{now}");
            was_full += 1;
        }
        // Seen before the run ends: from then on there is no server to ask.
        (now["put"] == 200).then_some(())
    });
    assert!(was_full > 0, "the producer never had to wait");
    run.succeed();
}

/// For programs of tests: waits until the server says that one waits at a queue, on a connection of its own.
const UNTIL_WAITING: &str = r#"
import os, socket, time

def until_waiting(name, side):
    deadline = time.monotonic() + 20
    wanted = b'\r\n' + side.encode() + b'\r\n:1\r\n'
    told = b''
    with socket.socket(socket.AF_UNIX) as server:
        server.settimeout(20)
        server.connect(os.environ['DRAGON_QUEUE_SOCKET'])
        while wanted not in told:
            assert time.monotonic() < deadline, told
            server.sendall(b'Q.STAT ' + name.encode() + b'\r\n')
            told = server.recv(65536)
"#;

#[test]
fn a_child_forked_while_threads_wait_lives_has_connections_of_its_own_and_keeps_none_of_its_parents()
 {
    call(
        &format!(
            "{UNTIL_WAITING}{}",
            r"
import multiprocessing, os, signal, threading, time

def waits_for(queue, what, *args, **kwargs):
    def wait():
        assert getattr(queue, what)(*args, **kwargs) in (None, 'end')
    thread = threading.Thread(target=wait)
    thread.start()
    return thread

def sockets():
    found = 0
    for number in os.listdir('/proc/self/fd'):
        try:
            found += os.readlink('/proc/self/fd/' + number).startswith('socket:')
        except FileNotFoundError:
            pass  # The folder's own.
    return found

def child(answers):
    answers.put('child')

def f(empty, full, answers):
    signal.alarm(60)
    before = sockets()
    full.put('end')
    threads = [waits_for(empty, 'get'), waits_for(full, 'put', 'end')]
    until_waiting('empty', 'getters')
    until_waiting('full', 'putters')
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        answers.put(sockets() - before)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert answers.get(timeout=20) == 0
    process = multiprocessing.get_context('fork').Process(target=child, args=(answers,))
    process.start()
    process.join(30)
    assert process.exitcode == 0
    assert answers.get(timeout=20) == 'child'
    # The parent's own exchanges were not disturbed.
    empty.put('end')
    assert [full.get(timeout=20), full.get(timeout=20)] == ['end', 'end']
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
"
        ),
        r#""empty": Queue(), "full": Queue(maxsize: 1), "answers": Queue()"#,
        r#"args: [Queue("empty"), Queue("full"), Queue("answers")]"#,
    );
}

#[test]
fn a_rank_ends_while_its_daemon_threads_wait() {
    call(
        &format!(
            "{UNTIL_WAITING}{}",
            r"
import signal, threading, time

def f(empty, full):
    signal.alarm(60)
    full.put(1)
    for call in (empty.get, lambda: full.put(2)):
        threading.Thread(target=call, daemon=True).start()
    until_waiting('empty', 'getters')
    until_waiting('full', 'putters')
"
        ),
        r#""empty": Queue(), "full": Queue(maxsize: 1)"#,
        r#"args: [Queue("empty"), Queue("full")]"#,
    );
}

#[test]
fn a_signal_handler_may_use_the_queue_its_own_program_is_just_using() {
    call(
        r"
import itertools, signal
from dragon.native import queue as module
from dragon.native.queue import Queue

def f(q, r, rest):
    seen = itertools.count()
    def handler(*_):
        number = next(seen)
        # Also those the program is about to use, and so many that the oldest would have to go.
        for other in [q, r] + rest[: number % len(rest)]:
            other.size()
        r.put(number)
        if going:
            signal.setitimer(signal.ITIMER_REAL, 0.0007)
    going = True
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.0007)
    for number in range(1000):
        q.put((number, b'x' * 70000 if number % 100 == 0 else b''))
        assert q.get(timeout=20)[0] == number
        assert rest[number % len(rest)].size() == 0
    going = False
    # What interrupts a wait for ever is served as well.
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, lambda *_: q.put('woken'))
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    assert q.get() == 'woken'
    count = r.size()
    assert count == next(seen) > 0, count
    assert [r.get() for _ in range(count)] == list(range(count))
    assert len(module._local.__dict__) <= 16
",
        r#""q": Queue(), "r": Queue(), "a": Queue(), "b": Queue(), "c": Queue(), "d": Queue(), "e": Queue(),
           "f": Queue(), "g": Queue(), "h": Queue(), "i": Queue(), "j": Queue(), "k": Queue(), "l": Queue(),
           "m": Queue(), "n": Queue(), "o": Queue(), "p": Queue()"#,
        r#"args: [Queue("q"), Queue("r"), [Queue("a"), Queue("b"), Queue("c"), Queue("d"), Queue("e"), Queue("f"),
            Queue("g"), Queue("h"), Queue("i"), Queue("j"), Queue("k"), Queue("l"), Queue("m"), Queue("n"),
            Queue("o"), Queue("p")]]"#,
    );
}

#[test]
fn a_value_that_is_too_long_is_named_before_it_is_sent() {
    call(
        r"
from dragon.native import _server

def f(q):
    # The limit is the server's own, as it closes the connection instead of saying so; here a handier one.
    assert _server.MAX_VALUE == 512 << 20
    _server.MAX_VALUE = 1 << 20
    q.put('x' * (1 << 20))
    assert len(q.get()) == 1 << 20
    try:
        q.put('x' * ((1 << 20) + 1))
    except ValueError as error:
        assert 'at most 1 MiB; this one has 1048577 bytes' in str(error), error
    else:
        raise AssertionError('it was taken')
    q.put(1)
    assert q.get() == 1
",
        r#""q": Queue()"#,
        r#"args: [Queue("q")]"#,
    );
}
