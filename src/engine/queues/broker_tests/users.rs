//! Who uses which queue.

use super::*;
use crate::engine::queues::QueueUser;

fn users(bench: &Bench, queue: &str) -> Vec<(String, String, u64, u64, u64)> {
    let samples = bench.broker.samples(100, bench.now);
    let sample = samples.into_iter().find(|sample| sample.name == queue);
    let user = |user: QueueUser| (user.kind, user.task, user.tasks, user.put, user.got);
    sample.unwrap().users.into_iter().map(user).collect()
}

fn user(kind: &str, task: &str, tasks: u64, put: u64, got: u64) -> (String, String, u64, u64, u64) {
    (kind.to_owned(), task.to_owned(), tasks, put, got)
}

#[test]
fn who_puts_and_who_gets_is_told_by_template_whether_they_waited_or_not() {
    let mut bench = Bench::new();
    bench.ask("p", "CLIENT SETNAME g/load.0@q");
    bench.ask("c", "CLIENT SETNAME g/work.0@q");
    bench.ask("d", "CLIENT SETNAME g/work.1@q");
    bench.tell("c", "BLPOP q 0");
    bench.tell("p", "RPUSH q 1 2 3 4");
    bench.said();
    bench.ask("d", "LPOP q");
    bench.ask("d", "LPOP q 2");
    assert_eq!(
        users(&bench, "q"),
        [
            user("g/load", "g/load.0", 1, 4, 0),
            user("g/work", "", 2, 0, 4)
        ]
    );
}

#[test]
fn a_put_that_waited_for_room_counts_for_who_waited() {
    let mut bench = Bench::new();
    bench.ask("p", "CLIENT SETNAME load@q");
    bench.ask("c", "Q.DECLARE q MAX 1");
    bench.ask("p", "RPUSH q 1");
    bench.tell("p", "RPUSH q 2");
    assert_eq!(users(&bench, "q"), [user("load", "load", 1, 1, 0)]);
    bench.tell("c", "LPOP q");
    assert_eq!(
        users(&bench, "q"),
        [user("", "", 1, 0, 1), user("load", "load", 1, 2, 0)]
    );
}

#[test]
fn what_tasks_did_that_are_gone_is_kept_and_no_queue_inherits_it() {
    let mut bench = Bench::new();
    for (client, name) in [("a", "g/t.0"), ("b", "g/t.1")] {
        bench.ask(client, &format!("CLIENT SETNAME {name}@q"));
        bench.ask(client, "RPUSH q x");
        let id = bench.clients[client];
        bench.broker.disconnect(id, bench.now);
    }
    assert_eq!(users(&bench, "q"), [user("g/t", "", 0, 2, 0)]);
    bench.ask("c", "DEL q");
    bench.ask("c", "RPUSH q y");
    assert_eq!(users(&bench, "q"), [user("", "", 1, 1, 0)]);
}

#[test]
fn more_users_than_anybody_looks_at_are_not_all_told() {
    let mut bench = Bench::new();
    for count in 0..40 {
        let name: &'static str = Box::leak(format!("t{count:02}").into_boxed_str());
        bench.ask(name, &format!("CLIENT SETNAME {name}@q"));
        bench.ask(
            name,
            &format!("RPUSH q {}", "x ".repeat(count + 1).trim_end()),
        );
    }
    let told = users(&bench, "q");
    assert_eq!(told.len(), 32);
    assert_eq!((told[0].0.as_str(), told[31].0.as_str()), ("t08", "t39"));
}
