use super::*;

fn recipes() -> Recipes {
    Recipes {
        run: "r1".to_owned(),
        session_folder: "/s".into(),
        python: "python3".to_owned(),
        queue_socket: "/tmp/q".to_owned(),
        size: (40, 120),
    }
}

fn spec(template: &ProcessTemplate, mute: Option<bool>) -> SpawnSpec {
    let host = HostSide {
        name: HostName::localhost(),
        python_home: "/py".to_owned(),
    };
    let seat = Seat {
        host: 0,
        cpus: CpuSet::default(),
        gpus: None,
    };
    let process = "g/t.3".parse().unwrap();
    recipes().spec(
        &Session::default(),
        template,
        ChildKey(1),
        &process,
        &seat,
        8,
        mute,
        &host,
    )
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn exactly_rank_nproc_and_host_expand_and_doubled_braces_stay_literal() {
    let cases = [
        ("{rank} of {nproc} on {host}", "3 of 8 on h"),
        ("{{rank}}", "{rank}"),
        ("{Rank} {} {rank {x}{rank}", "{Rank} {} {rank {x}3"),
        ("{{{rank}}}", "{{rank}}"),
        ("a{", "a{"),
    ];
    for (given, expected) in cases {
        assert_eq!(expand(given, 3, 8, "h"), expected, "{given}");
    }
}

#[test]
fn a_program_without_args_gets_none_and_a_queue_comes_as_its_name() {
    let mut template = ProcessTemplate::new(Target::Program("echo".to_owned()));
    assert_eq!(spec(&template, None).args, Vec::<String>::new());
    template.args = vec![
        text("{rank}"),
        Value::Int(5),
        Value::Bool(true),
        Value::Queue("q".parse().unwrap()),
    ];
    assert_eq!(spec(&template, None).args, ["3", "5", "true", "q"]);
    assert_eq!(
        spec(&template, None).program,
        "echo",
        "a bare name is looked up on the host"
    );
}

#[test]
fn relative_paths_are_relative_to_the_session_file() {
    let template = ProcessTemplate {
        stdout: Stdout::File("out-{rank}.txt".to_owned()),
        stdin: Some(Stdin::File("/in".to_owned())),
        ..ProcessTemplate::new(Target::Program("./run.sh".to_owned()))
    };
    let spec = spec(&template, None);
    assert_eq!(spec.program, "/s/./run.sh");
    assert_eq!(spec.stdout, Sink::File("/s/out-3.txt".to_owned()));
    assert_eq!(spec.stdin, Source::File("/in".to_owned()));
    assert_eq!(spec.terminal, Terminal::Pipe);
}

#[test]
fn python_arguments_keep_their_types() {
    let template = ProcessTemplate {
        args: vec![
            Value::Queue("numbers".parse().unwrap()),
            Value::Int(5),
            Value::Float(1.0),
            Value::Float(f64::NAN),
            Value::None,
            Value::List(vec![text("a\"\n{rank}")]),
            Value::Map(vec![(text("k"), Value::Bool(false))]),
            Value::Map(vec![(Value::Int(1), text("x"))]),
            Value::Map(vec![(text("$queue"), text("x"))]),
        ],
        kwargs: [("lr".to_owned(), Value::Float(1e-6))]
            .into_iter()
            .collect(),
        ..ProcessTemplate::new(Target::Python("../examples/a.py:f".to_owned()))
    };
    let spec = spec(&template, None);
    assert_eq!(spec.args, ["/py/dragon/run.py", "/s/../examples/a.py:f"]);
    let call = &spec
        .env
        .iter()
        .find(|(name, _)| name == "DRAGON_TUI_CALL")
        .unwrap()
        .1;
    assert_eq!(
        call,
        r#"{"args":[{"$queue":"numbers"},5,1.0,NaN,null,["a\"\u000a3"],{"k":false},{"$map":[[1,"x"]]},{"$map":[["$queue","x"]]}],"kwargs":{"lr":1e-6}}"#
    );
}

#[test]
fn devnull_is_muted_from_birth_by_a_pipe_and_the_user_may_open_it_before_it_starts() {
    let template = ProcessTemplate {
        stdout: Stdout::DevNull,
        ..ProcessTemplate::new(Target::Program("x".to_owned()))
    };
    assert_eq!(spec(&template, None).stdout, Sink::Pane { muted: true });
    assert_eq!(spec(&template, None).terminal, Terminal::Pipe);
    assert_eq!(
        spec(&template, Some(false)).stdout,
        Sink::Pane { muted: false }
    );
}

#[test]
fn a_rank_that_gets_gpus_sees_only_those() {
    let env = gpu_env(&CpuSet::from_iter([1, 3]));
    assert!(env.contains(&("CUDA_VISIBLE_DEVICES".to_owned(), "1,3".to_owned())));
    assert!(env.contains(&("CUDA_DEVICE_ORDER".to_owned(), "PCI_BUS_ID".to_owned())));
}

#[test]
fn the_template_has_the_last_word_on_the_environment() {
    let template = ProcessTemplate {
        env: [("DRAGON_TUI_HOST".to_owned(), "mine-{rank}".to_owned())]
            .into_iter()
            .collect(),
        ..ProcessTemplate::new(Target::Shell("true".to_owned()))
    };
    let spec = spec(&template, None);
    assert_eq!(spec.env.last().unwrap().1, "mine-3");
    assert_eq!(spec.args, ["-c", "true", "sh"]);
}
