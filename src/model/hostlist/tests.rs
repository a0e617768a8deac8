use proptest::prelude::*;

use super::*;

#[test]
fn a_list_expands_as_slurm_does() {
    let cases = [
        (
            "node[01-03,07],login1",
            "node01 node02 node03 node07 login1",
        ),
        ("a[1-2]b[3-4]", "a1b3 a1b4 a2b3 a2b4"),
        ("n[9-11]", "n9 n10 n11"),
        ("n[09-11]", "n09 n10 n11"),
        ("n[098-101].site", "n098.site n099.site n100.site n101.site"),
        ("me@gpu1, gpu2,gpu1,gpu1", "me@gpu1 gpu2 gpu1"),
        ("x[5]", "x5"),
    ];
    for (text, hosts) in cases {
        assert_eq!(expand(text).unwrap().join(" "), hosts, "{text}");
    }
}

#[test]
fn what_is_no_list_is_refused_with_a_reason() {
    let cases = [
        ("node[01-", "never closed"),
        ("node]1", "without"),
        ("n[[1]]", "inside"),
        ("n[3-1]", "backwards"),
        ("n[a]", "no number"),
        ("n[1-2-3]", "no number"),
        ("n[]", "no number"),
        ("", "missing"),
        ("a,,b", "missing"),
        ("a b", "cannot be the name"),
        ("-oProxyCommand=x", "cannot be the name"),
        ("n[1-99999999]", "more than 65536"),
        ("n[1-300][1-300]", "more than 65536"),
        ("n[0-99999999999999999999]", "no number"),
    ];
    for (text, reason) in cases {
        let problem = expand(text).unwrap_err().to_string();
        assert!(problem.contains(reason), "{text}: {problem}");
    }
    assert_eq!(expand("n[1-65536]").unwrap().len(), HOSTS_MAX);
}

#[test]
fn hostile_lists_are_given_up_as_soon_as_they_are_too_much() {
    let cases = [
        ("n[1-65536],".repeat(400) + "x", "more than 65536"),
        ("n[1,1],".repeat(1_000_000) + "x", "more than 65536"),
        ("a,".repeat(2_000_000) + "x", "more than 65536"),
        ("[1]".repeat(1_000_000), "longer than 253"),
        (
            "n[1-65536]".to_owned() + &"[1]".repeat(1_000_000),
            "longer than 253",
        ),
        ("n[1-2]".repeat(1_000_000), "more than 65536"),
        ("x".repeat(10_000_000), "longer than 253"),
        (
            format!("n[{}]", "1-2,".repeat(1_000_000)),
            "more than 65536",
        ),
    ];
    for (text, reason) in cases {
        let problem = expand(&text).unwrap_err().to_string();
        assert!(
            problem.contains(reason) && problem.len() < 1000,
            "{problem}"
        );
    }
    assert_eq!(
        expand("n[1-6],".repeat(3).trim_end_matches(','))
            .unwrap()
            .len(),
        6
    );
}

#[test]
fn folding_gives_the_short_form_whatever_the_order() {
    assert_eq!(
        fold(["node07", "node02", "node01", "login1", "node03", "node01"]),
        "login1,node[01-03,07]"
    );
    assert_eq!(fold(["a1b3", "a2b3", "a1b4", "a2b4"]), "a[1-2]b[3-4]");
    assert_eq!(fold(["n9", "n10", "n11"]), "n[9-11]");
    assert_eq!(fold(["n1", "n01", "n2", "n02"]), "n[01-02,1-2]");
    assert_eq!(fold(Vec::<String>::new()), "");
}

proptest! {
    #[test]
    fn folding_loses_and_adds_no_host(hosts in proptest::collection::btree_set("[a-b]{1,2}[0-9]{1,3}(-[a-b][0-9]{0,2})?", 1..40)) {
        let mut back = expand(&fold(&hosts)).unwrap();
        let folded_again = fold(back.iter().rev());
        prop_assert_eq!(folded_again, fold(&hosts));
        back.sort();
        prop_assert_eq!(back, hosts.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn no_text_makes_it_panic(text in "[a\\[\\]0-9,\\- é]{0,30}") {
        let _ = expand(&text);
    }
}
