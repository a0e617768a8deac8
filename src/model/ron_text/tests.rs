use proptest::prelude::*;

use super::*;

fn root(text: &str) -> Node {
    let tree = parse(text);
    assert_eq!(tree.problems, [], "{text}");
    tree.root.unwrap()
}

fn kind(text: &str) -> Kind {
    root(text).kind
}

fn messages(text: &str) -> Vec<String> {
    let lines = Lines::new(text);
    let shown = |problem: &SyntaxProblem| {
        let at = lines.position(text, problem.span.start);
        format!("{}:{} {}", at.line, at.column, problem.message)
    };
    parse(text).problems.iter().map(shown).collect()
}

#[test]
fn literals_are_read_as_ron_means_them() {
    assert_eq!(kind("0x1F"), Kind::Integer(31));
    assert_eq!(kind("-0b1_01"), Kind::Integer(-5));
    assert_eq!(kind("1_000u16"), Kind::Integer(1000));
    assert_eq!(kind("0o17"), Kind::Integer(15));
    assert_eq!(kind("9".repeat(60).as_str()), Kind::Integer(i128::MAX));
    assert_eq!(kind("-1.5e3"), Kind::Float(-1500.0));
    assert_eq!(kind(".5"), Kind::Float(0.5));
    assert_eq!(kind("1e2"), Kind::Float(100.0));
    assert_eq!(kind("-inf"), Kind::Float(f64::NEG_INFINITY));
    assert_eq!(kind("'\\''"), Kind::Char('\''));
    assert_eq!(
        kind(r#""a\tb\x41\u{1F409}\xc3\xa4""#),
        Kind::Text("a\tbA🐉ä".into())
    );
    assert_eq!(kind("\"a\\\n   b\""), Kind::Text("ab".into()));
    assert_eq!(kind("r#\"a\"\\b\"#"), Kind::Text("a\"\\b".into()));
    assert_eq!(kind("b\"x\""), Kind::Bytes);
    assert_eq!(kind("/* a /* b */ c */ true // end"), Kind::Bool(true));
    assert_eq!(
        kind("#![enable(implicit_some, unwrap_newtypes)]\nNone"),
        Kind::Name("None".into())
    );
    assert_eq!(kind("\u{FEFF}5"), Kind::Integer(5));
}

#[test]
fn every_problem_is_reported_with_its_place_and_what_was_expected() {
    assert_eq!(
        messages("(a = 1 b: 2,, c: ?, d: [1 2}, e: 'xy', f: 12ab)"),
        [
            "1:4 expected `:`, found `=`",
            "1:8 expected `,` or `)`, found `b`",
            "1:13 expected a value, found `,`",
            "1:18 expected a value, found `?`",
            "1:27 expected `,` or `]`, found `2`",
            "1:28 expected `]`, found `}`",
            "1:34 text stands in double quotes, not in single ones",
            "1:43 `12ab` is no number",
        ]
    );
}

#[test]
fn a_bracket_that_is_never_closed_is_reported_once_where_it_opens() {
    assert_eq!(
        messages("(\n  a: [1, 2"),
        ["2:6 `[` is never closed: expected `]`"]
    );
    assert_eq!(
        messages("(a: \"x"),
        [
            "1:5 text that begins here is not closed",
            "1:1 `(` is never closed: expected `)`"
        ]
    );
    assert_eq!(
        messages("/* x"),
        ["1:1 a comment that begins here is not closed"]
    );
    assert_eq!(
        messages(""),
        ["1:1 expected a value, found the end of the file"]
    );
    assert_eq!(
        messages("5 6"),
        ["1:3 expected the end of the file, found `6`"]
    );
}

#[test]
fn columns_count_characters_and_lines_end_at_newlines() {
    let text = "ä\r\n  öx\n";
    let lines = Lines::new(text);
    assert_eq!(
        lines.position(text, text.find('x').unwrap()),
        Position { line: 2, column: 4 }
    );
    assert_eq!(lines.position(text, 99), Position { line: 3, column: 1 });
}

#[test]
fn comments_are_found_in_order_and_not_in_text() {
    let text = "// a\n( /* b */ x /* c */ : \"// no\", // d\n y: Foo /* e */ , )// f";
    let tree = parse(text);
    let found: Vec<&str> = tree.comments.iter().map(|span| span.of(text)).collect();
    assert_eq!(
        found,
        ["// a", "/* b */", "/* c */", "// d", "/* e */", "// f"]
    );
    assert_eq!(tree.problems, []);
}

#[test]
fn hostile_texts_are_read_in_bounded_time_and_depth() {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    for piece in [
        "[", "(", "{", "a(", "\"", "\\\"\n", "r#\"", "r#", "'", "/*", "//\n", ",", ")", "[1,",
        "\u{1b}", "+", "\\u{", "a:", "\"\\u{\n", "\"\\x",
    ] {
        let tree = parse(&piece.repeat(200_000));
        assert!(tree.problems.len() <= PROBLEMS_MAX + 1, "{piece:?}");
        assert!(
            std::time::Instant::now() < deadline,
            "{piece:?} takes too long"
        );
    }
}

#[test]
fn depth_is_limited_with_one_problem() {
    let deep = format!(
        "{}1{}",
        "[".repeat(DEPTH_MAX + 1),
        "]".repeat(DEPTH_MAX + 1)
    );
    assert_eq!(parse(&deep).problems.len(), 1);
    let fine = format!("{}1{}", "[".repeat(DEPTH_MAX), "]".repeat(DEPTH_MAX));
    assert_eq!(parse(&fine).problems, []);
}

/// Any RON value as `ron` may write it.
fn values() -> impl Strategy<Value = ron::Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(ron::Value::Bool),
        any::<i64>().prop_map(|n| ron::Value::Number(n.into())),
        "\\PC{0,8}".prop_map(ron::Value::String),
        any::<char>().prop_map(ron::Value::Char),
        Just(ron::Value::Unit),
        Just(ron::Value::Option(None)),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(ron::Value::Seq),
            inner
                .clone()
                .prop_map(|value| ron::Value::Option(Some(Box::new(value)))),
            proptest::collection::vec(("[a-z]{1,4}", inner), 0..4).prop_map(|entries| {
                ron::Value::Map(
                    entries
                        .into_iter()
                        .map(|(key, value)| (ron::Value::String(key), value))
                        .collect(),
                )
            }),
        ]
    })
}

/// What the tree says, as `ron` would say it.
fn as_ron(node: &Node) -> ron::Value {
    match &node.kind {
        Kind::Bool(value) => ron::Value::Bool(*value),
        Kind::Integer(number) => ron::Value::Number(i64::try_from(*number).unwrap().into()),
        Kind::Char(c) => ron::Value::Char(*c),
        Kind::Text(text) => ron::Value::String(text.clone()),
        Kind::Name(name) if &**name == "None" => ron::Value::Option(None),
        Kind::Paren(paren) => match (&paren.name, paren.body.items.as_slice()) {
            (None, []) => ron::Value::Unit,
            (Some(_), [item]) => ron::Value::Option(Some(Box::new(as_ron(&item.value)))),
            other => panic!("{other:?}"),
        },
        Kind::List(body) => {
            ron::Value::Seq(body.items.iter().map(|item| as_ron(&item.value)).collect())
        }
        Kind::Map(body) => {
            let entry = |item: &Item| (as_ron(item.key.as_ref().unwrap()), as_ron(&item.value));
            ron::Value::Map(body.items.iter().map(entry).collect())
        }
        other => panic!("{other:?}"),
    }
}

/// Numbers are compared by value: `ron` keeps the smallest type that held one.
fn canonical(value: &ron::Value) -> String {
    format!("{:?}", ron::to_string(value).unwrap())
}

#[test]
fn a_byte_order_mark_is_no_column() {
    let text = "\u{FEFF}(a b)";
    let problem = &parse(text).problems[0];
    let at = |offset| {
        let place = Lines::new(text).position(text, offset);
        (place.line, place.column)
    };
    assert_eq!(problem.span.of(text), "b");
    assert_eq!(at(problem.span.start), (1, 4));
    assert_eq!((at(0), at(3)), ((1, 1), (1, 1)));
}

#[test]
fn many_characters_on_one_line_are_read_in_one_pass() {
    let tree = parse(&format!("[{}]", "'\\n',".repeat(500_000)));
    assert_eq!(tree.problems, []);
    let items = &tree.root.as_ref().unwrap().body().unwrap().items;
    assert_eq!(items.len(), 500_000);
    // None of these is closed.
    let tree = parse(&format!("[{}]", "'\\\n,".repeat(500_000)));
    assert!(tree.problems.len() > PROBLEMS_MAX);
}

proptest! {
    #[test]
    fn what_ron_writes_is_read_as_the_same_value(value in values(), pretty in any::<bool>()) {
        let text = if pretty {
            ron::ser::to_string_pretty(&value, ron::ser::PrettyConfig::default()).unwrap()
        } else {
            ron::to_string(&value).unwrap()
        };
        let tree = parse(&text);
        prop_assert!(tree.problems.is_empty(), "{text}\n{:?}", tree.problems);
        prop_assert_eq!(canonical(&as_ron(&tree.root.unwrap())), canonical(&value));
    }

    #[test]
    fn what_is_read_without_a_problem_is_ron(tokens in proptest::collection::vec(prop_oneof![
        Just("("), Just(")"), Just("["), Just("]"), Just("{"), Just("}"), Just(","), Just(":"), Just("a"), Just("Foo"),
        Just("1"), Just("-2.5"), Just("\"t\""), Just("'c'"), Just(" "), Just("// x\n"), Just("/* y */"), Just("None"), Just("Some("),
        Just("r#\"q\"#"), Just("true"),
    ], 0..14)) {
        let text = tokens.concat();
        let tree = parse(&text);
        if tree.problems.is_empty() && !text.contains("Foo") && !text.contains('a') && !text.contains("Some") {
            let read = ron::from_str::<ron::Value>(&text);
            prop_assert!(read.is_ok(), "{text}: {read:?}");
        }
        if let Ok(_value) = ron::from_str::<ron::Value>(&text) {
            prop_assert!(tree.problems.is_empty(), "{text}: {:?}", tree.problems);
        }
    }

    #[test]
    fn no_text_makes_it_panic_and_every_span_lies_in_it(text in "[\\[\\](){}:,=a\"'\\\\r#/*0-9.\\-ä\n\u{1b} ]{0,60}") {
        let tree = parse(&text);
        for problem in &tree.problems {
            prop_assert!(problem.span.start <= text.len());
        }
        for comment in &tree.comments {
            prop_assert!(text.get(comment.start..comment.end).is_some());
        }
        fn check(node: &Node, text: &str) {
            assert!(text.get(node.span.start..node.span.end).is_some());
            for item in node.body().map(|body| body.items.as_slice()).unwrap_or_default() {
                assert!(item.span().start >= node.span.start && item.span().end <= node.span.end);
                check(&item.value, text);
            }
        }
        if let Some(root) = &tree.root {
            check(root, &text);
        }
    }

    #[test]
    fn written_text_is_read_again(text in any::<String>()) {
        let written = write_text(&text);
        prop_assert_eq!(kind(&written), Kind::Text(text.clone()));
        prop_assert_eq!(ron::from_str::<String>(&written).unwrap(), text);
    }
}
