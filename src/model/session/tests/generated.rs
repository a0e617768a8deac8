//! Sessions of every form, for the laws.

use std::time::Duration;

use indexmap::IndexMap;
use proptest::{collection::vec, option, prelude::*};

use crate::model::{
    cpuset::CpuSet,
    document::{Session, Step, TimelineEntry},
    host::{DeclaredHost, HostSpec},
    ids::{GroupName, HostName, QueueName, Selector, TemplateName},
    policy::{Distribution, Placement, Policy},
    queue::{QueueServer, QueueSpec},
    template::*,
};

fn names() -> impl Strategy<Value = String> {
    "[a-c][A-Z0-9_-]{0,2}"
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[a-z/ ]{1,8}", 1 => "\\PC{0,6}", 1 => Just("a\"b\\\n//\u{1b}".to_owned())]
}

fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (0u64..100_000).prop_map(Duration::from_millis),
        (0u64..1 << 40).prop_map(Duration::from_nanos)
    ]
}

fn hosts() -> impl Strategy<Value = HostName> {
    "[a-z]{1,4}".prop_map(|name| HostName::new(&name))
}

fn policies() -> impl Strategy<Value = Policy> {
    let placement = prop_oneof![
        Just(Placement::Anywhere),
        Just(Placement::Local),
        hosts().prop_map(Placement::HostName),
        (0u32..3).prop_map(Placement::HostId),
    ];
    let distribution = prop_oneof![Just(Distribution::RoundRobin), Just(Distribution::Block)];
    let set = || vec(0u32..12, 0..5).prop_map(CpuSet::from_iter);
    (
        option::of(placement),
        option::of(distribution),
        option::of(set()),
        option::of(set()),
        option::of(1u32..9),
        option::of(0u32..9),
    )
        .prop_map(
            |(placement, distribution, cpu_affinity, gpu_affinity, cpus, gpus)| Policy {
                placement,
                distribution,
                cpu_affinity,
                gpu_affinity,
                cpus,
                gpus,
            },
        )
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>()
            .prop_filter("NaN is not equal to itself", |number| !number.is_nan())
            .prop_map(Value::Float),
        texts().prop_map(Value::Text),
        names().prop_map(|name| Value::Queue(QueueName::new(&name).unwrap())),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::List),
            proptest::collection::btree_map("[a-c]", inner, 0..3).prop_map(|map| Value::Map(
                map.into_iter()
                    .map(|(key, value)| (Value::Text(key), value))
                    .collect()
            )),
        ]
    })
}

fn afters() -> impl Strategy<Value = Vec<After>> {
    vec(
        (0..4, names()).prop_map(|(kind, name)| match kind {
            0 => After::Started(name),
            1 => After::Ready(name),
            2 => After::Succeeded(name),
            _ => After::Ended(name),
        }),
        0..2,
    )
}

fn files() -> impl Strategy<Value = (Option<Stdin>, Stdout, Stderr, Terminal)> {
    let stdin = option::of(prop_oneof![
        Just(Stdin::Pane),
        Just(Stdin::DevNull),
        texts().prop_map(Stdin::File)
    ]);
    let stdout = prop_oneof![
        Just(Stdout::Pane),
        Just(Stdout::DevNull),
        texts().prop_map(Stdout::File)
    ];
    let stderr = prop_oneof![
        Just(Stderr::Stdout),
        Just(Stderr::Pane),
        Just(Stderr::DevNull),
        texts().prop_map(Stderr::File)
    ];
    (
        stdin,
        stdout,
        stderr,
        prop_oneof![
            Just(Terminal::Auto),
            Just(Terminal::Pty),
            Just(Terminal::Pipe)
        ],
    )
}

fn endings() -> impl Strategy<Value = (Restart, bool, Option<Ready>, Stop)> {
    let restart = prop_oneof![
        Just(Restart::Never),
        Just(Restart::Always),
        (1u32..9).prop_map(|max| Restart::OnFailure { max })
    ];
    let ready = option::of(prop_oneof![
        texts().prop_map(Ready::Line),
        texts().prop_map(Ready::Tcp),
        vec(texts(), 0..3).prop_map(Ready::Exec),
    ]);
    let stop = (0..Signal::ALL.len(), durations()).prop_map(|(signal, grace)| Stop {
        signal: Signal::ALL[signal],
        grace,
    });
    (
        restart,
        any::<bool>(),
        ready,
        prop_oneof![Just(Stop::default()), stop],
    )
}

fn templates(plain: bool) -> impl Strategy<Value = ProcessTemplate> {
    let target = (0..3, texts()).prop_map(|(kind, text)| match kind {
        0 => Target::Program(text),
        1 => Target::Shell(text),
        _ => Target::Python(text),
    });
    let most = if plain { 0 } else { 3 };
    let alerts = vec(
        prop_oneof![
            Just(Alert::Died),
            Just(Alert::Failed),
            durations().prop_map(Alert::Quiet),
            texts().prop_map(Alert::Line)
        ],
        0..3,
    );
    let arguments = (vec(values(), 0..=most), vec((texts(), values()), 0..=most));
    let place = (
        vec((texts(), texts()), 0..3),
        option::of(texts()),
        1..1_000_000u32,
        policies(),
    );
    let rest = (afters(), alerts, vec(texts(), 0..2));
    (target, arguments, place, files(), endings(), rest).prop_map(
        |(
            target,
            (args, kwargs),
            (env, cwd, replicas, policy),
            (stdin, stdout, stderr, terminal),
            (restart, critical, ready, stop),
            (after, alerts, watch),
        )| {
            ProcessTemplate {
                target,
                args,
                kwargs: kwargs.into_iter().collect(),
                replicas,
                env: env.into_iter().collect(),
                cwd,
                stdin,
                stdout,
                stderr,
                terminal,
                policy,
                restart,
                critical,
                ready,
                stop,
                after,
                alerts,
                watch,
            }
        },
    )
}

fn groups(plain: bool) -> impl Strategy<Value = ProcessGroup> {
    (
        vec((names(), templates(plain)), 0..4),
        policies(),
        option::of(durations()),
        any::<bool>(),
        afters(),
    )
        .prop_map(
            |(templates, policy, walltime, ignore_error_on_exit, after)| ProcessGroup {
                templates: templates
                    .into_iter()
                    .map(|(name, template)| (TemplateName::new(&name).unwrap(), template))
                    .collect(),
                policy,
                walltime,
                ignore_error_on_exit,
                after,
            },
        )
}

fn steps() -> impl Strategy<Value = TimelineEntry> {
    let selector =
        (names(), option::of((names(), option::of(0u32..4)))).prop_map(|(group, inner)| {
            let (template, rank) = inner.map_or((None, None), |(template, rank)| {
                (Some(TemplateName::new(&template).unwrap()), rank)
            });
            Selector {
                group: GroupName::new(&group).unwrap(),
                template,
                rank,
            }
        });
    (durations(), 0..7, selector, 1u32..100, texts()).prop_map(|(at, kind, who, count, text)| {
        TimelineEntry {
            at,
            step: match kind {
                0 => Step::Start(who),
                1 => Step::Stop(who),
                2 => Step::Kill(who),
                3 => Step::Mute(who),
                4 => Step::Unmute(who),
                5 => Step::Scale(who, count),
                _ => Step::Send(who, text),
            },
        }
    })
}

/// Any session whose form is right; a plain one has no arguments, which the derived form writes in another way.
pub fn sessions(plain: bool) -> impl Strategy<Value = Session> {
    let host = prop_oneof![
        texts().prop_map(HostSpec::Ssh),
        texts().prop_map(HostSpec::Slurm),
        (hosts(), 1u32..9, 0u32..3)
            .prop_map(|(name, cpus, gpus)| HostSpec::Declared(DeclaredHost { name, cpus, gpus })),
    ];
    let limit = || option::of(prop_oneof![1u64..9, Just(u64::MAX)]);
    let queue =
        (limit(), limit(), any::<bool>()).prop_map(|(maxsize, maxbytes, joinable)| QueueSpec {
            maxsize,
            maxbytes,
            joinable,
        });
    let server = prop_oneof![
        Just(QueueServer::Embedded),
        texts().prop_map(QueueServer::Redis)
    ];
    let head = (
        option::of(texts()),
        option::of(texts()),
        vec(host, 0..3),
        vec((names(), queue), 0..3),
        server,
    );
    (
        head,
        vec(steps(), 0..3),
        policies(),
        vec((names(), groups(plain)), 0..3),
    )
        .prop_map(
            |((name, python, hosts, queues, queue_server), timeline, policy, groups)| Session {
                version: 1,
                name,
                python,
                hosts,
                queues: queues
                    .into_iter()
                    .map(|(name, queue)| (QueueName::new(&name).unwrap(), queue))
                    .collect(),
                queue_server,
                timeline,
                policy,
                groups: groups
                    .into_iter()
                    .map(|(name, group)| (GroupName::new(&name).unwrap(), group))
                    .collect::<IndexMap<_, _>>(),
            },
        )
}
