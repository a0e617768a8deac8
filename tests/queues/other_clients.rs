//! Clients that know nothing of dragon-tui.

use crate::{bench::Bench, support};

#[test]
fn redis_cli_in_a_shell_rank_pushes_pops_and_counts() {
    if !support::needs("redis-cli") {
        return;
    }
    let told = Bench::new().succeed(
        r#""jobs": Queue(maxsize: 10)"#,
        r##""shell": ProcessTemplate(target: Shell(r#"
            set -ex
            r() { redis-cli -s "$DRAGON_QUEUE_SOCKET" "$@"; }
            test "$(r PING)" = PONG
            test "$(r RPUSH jobs a b c)" = 3
            test "$(r LPUSH jobs z)" = 4
            test "$(r LLEN jobs)" = 4
            test "$(r LPOP jobs)" = z
            test "$(r RPOP jobs)" = c
            test "$(r LRANGE jobs 0 -1 | tr '\n' ' ')" = 'a b '
            test "$(r -3 LPOP jobs)" = a
            test "$(r -3 BLPOP jobs 1 | tr '\n' ' ')" = 'jobs b '
            test "$(r -3 LLEN jobs)" = 0
            test -z "$(r -3 LPOP jobs)"
            r -3 Q.STAT jobs | tr '\n' ' ' | grep 'max 10 '
            r HGETALL jobs | grep 'unknown command'
            echo all of it
        "#))"##,
    );
    assert!(told.contains("shell.0 | all of it"), "{told}");
}

#[test]
fn a_bare_socket_is_enough_to_take_part() {
    // Inline commands: what a shell with nothing but `nc -U` sends.
    let bench = Bench::new();
    bench.write(
        "bare.py",
        r"
import os, socket

def talk(queue):
    bare = socket.socket(socket.AF_UNIX)
    bare.connect(os.environ['DRAGON_QUEUE_SOCKET'])
    bare.sendall(b'RPUSH jobs hello\r\n')
    assert bare.recv(100) == b':1\r\n'
    assert queue.get(timeout=10) == 'hello'
    queue.put('back')
    bare.sendall(b'LPOP jobs\r\n')
    assert bare.recv(100) == b'$4\r\nback\r\n'
",
    );
    bench.succeed(
        r#""jobs": Queue()"#,
        r#""bare": ProcessTemplate(target: Python("bare.py:talk"), args: [Queue("jobs")])"#,
    );
}

#[test]
fn redis_py_with_its_defaults_the_dragon_queue_and_the_shell_exchange_items() {
    let Some(python) = support::needs_redis_py() else {
        return;
    };
    let bench = Bench::new();
    bench.write(
        "exchange.py",
        r"
import os, pickle
import redis
from dragon.native.queue import Queue

def exchange(there, back):
    server = redis.Redis.from_url(os.environ['DRAGON_QUEUE_URL'])
    assert server.ping()

    # From the shell, in its order, to whoever asks.
    assert server.blpop(there.name, timeout=20) == (there.name.encode(), b'one')
    assert there.get(timeout=20) == 'two'
    assert server.blpop([there.name], timeout=20)[1] == b'three'

    # Between the two clients in here.
    own = Queue(maxsize=5, name='own')
    assert server.rpush('own', 'text', b'\xff\x00') == 2
    assert server.llen('own') == own.size() == 2
    assert server.lrange('own', 0, -1) == [b'text', b'\xff\x00']
    assert own.get() == 'text'
    assert own.get() == b'\xff\x00'
    own.put('w\u00f6rd')
    own.put({'a': [1, None]})
    assert server.lpop('own').decode() == 'w\u00f6rd'
    assert pickle.loads(server.lpop('own')) == {'a': [1, None]}
    assert server.lpop('own') is None
    assert server.blpop('own', timeout=0.1) is None
    piped = server.pipeline(transaction=False)
    piped.rpush('own', 1).llen('own').lpop('own')
    assert piped.execute() == [1, 1, b'1']

    # To the shell.
    back.put('from dragon')
    server.rpush(back.name, 'from redis-py')
",
    );
    let shell = r##""shell": ProcessTemplate(target: Shell(r#"
        set -ex
        printf 'one\ntwo\nthree\n' | dragon-tui queue put there --lines
        test "$(dragon-tui queue get back --timeout 20)" = 'from dragon'
        test "$(dragon-tui queue get back --timeout 20)" = 'from redis-py'
    "#))"##;
    let templates = format!(
        "{shell}, \"python\": ProcessTemplate(target: Python(\"exchange.py:exchange\"), \
         args: [Queue(\"there\"), Queue(\"back\")])"
    );
    bench
        .start_with(
            &format!("python: {python:?},"),
            r#""there": Queue(maxsize: 2), "back": Queue(maxsize: 2)"#,
            &templates,
        )
        .succeed();
}
