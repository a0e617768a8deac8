//! Which fields each part of a session has, and how each is edited.
//!
//! Owns nothing but tables: the order of a form, its words, its choices. The defaults are those of the session format,
//! always the first choice.

/// A field of a form.
#[derive(Debug, PartialEq)]
pub struct Spec {
    /// Its path within the part, as [`set`](crate::model::session::set()) takes it.
    pub key: &'static str,
    /// What it is called on the screen.
    pub label: &'static str,
    /// Begins a section of this name; empty: goes on with the one before.
    pub section: &'static str,
    /// How it is edited.
    pub kind: Kind,
    /// What can be chosen from while it is typed.
    pub complete: Complete,
    /// In a sentence.
    pub about: &'static str,
}

/// How a field is edited.
#[derive(Debug, PartialEq)]
pub enum Kind {
    /// The name of the part itself.
    Name,
    /// A whole number. `unset` is shown where there is none; without it there is always one, `least` by default.
    Number {
        /// The least.
        least: u64,
        /// The greatest.
        most: u64,
        /// What no number means.
        unset: Option<&'static str>,
    },
    /// Text; none is the default, and means this.
    Text(&'static str),
    /// Text that has a default other than none, as it is written.
    Filled(&'static str),
    /// Indices such as `0-3,8`.
    Indices,
    /// Values in a list, as in a file without its brackets; an example.
    List(&'static str),
    /// Names and values, as in a file without its braces; an example.
    Map(&'static str),
    /// Variables as before a shell command.
    Env,
    /// Yes or no; no is the default.
    Flag,
    /// One of a few, the first is the default.
    Choice(&'static [Choice]),
}

/// One of a few.
#[derive(Debug, PartialEq)]
pub struct Choice {
    /// What it is called on the screen.
    pub word: &'static str,
    /// What it is called in a file.
    pub ron: &'static str,
    /// What belongs to it.
    pub payload: Payload,
}

/// What stands in the parentheses of a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// Nothing.
    Nothing,
    /// Text, at first this.
    Text(&'static str),
    /// Something else: what stands before it, and what it is at first.
    Raw(&'static str, &'static str),
    /// Values in a list, at first these.
    List(&'static str),
}

/// What can be chosen from while a field is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Complete {
    /// Nothing.
    Nothing,
    /// A file, and for a Python file one of its functions.
    Target,
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A queue.
    Queue,
    /// A condition on another of the same level.
    After,
    /// Something to be pointed out.
    Alert,
    /// A host.
    Host,
    /// A GPU of a host.
    Gpu,
}

const fn spec(
    key: &'static str,
    label: &'static str,
    kind: Kind,
    complete: Complete,
    about: &'static str,
) -> Spec {
    Spec {
        key,
        label,
        section: "",
        kind,
        complete,
        about,
    }
}

/// The same, at the head of a section.
const fn head(section: &'static str, spec: Spec) -> Spec {
    Spec { section, ..spec }
}

const fn plain(word: &'static str, ron: &'static str) -> Choice {
    Choice {
        word,
        ron,
        payload: Payload::Nothing,
    }
}

const fn text(word: &'static str, ron: &'static str, first: &'static str) -> Choice {
    Choice {
        word,
        ron,
        payload: Payload::Text(first),
    }
}

const TARGET: &[Choice] = &[
    text("program", "Program", ""),
    text("shell", "Shell", ""),
    text("python", "Python", ""),
];
const STDIN: &[Choice] = &[
    plain("auto", "None"),
    plain("pane", "Pane"),
    plain("DEVNULL", "DevNull"),
    text("file", "File", "input.txt"),
];
const STDOUT: &[Choice] = &[
    plain("pane", "Pane"),
    plain("DEVNULL", "DevNull"),
    text("file", "File", "{rank}.out"),
];
const STDERR: &[Choice] = &[
    plain("with output", "Stdout"),
    plain("pane", "Pane"),
    plain("DEVNULL", "DevNull"),
    text("file", "File", "{rank}.err"),
];
const TERMINAL: &[Choice] = &[
    plain("auto", "Auto"),
    plain("pty", "Pty"),
    plain("pipe", "Pipe"),
];
const PLACEMENT: &[Choice] = &[
    plain("default", "None"),
    plain("anywhere", "Anywhere"),
    plain("local", "Local"),
    text("host", "HostName", "localhost"),
    Choice {
        word: "index",
        ron: "HostId",
        payload: Payload::Raw("", "0"),
    },
];
const DISTRIBUTION: &[Choice] = &[
    plain("default", "None"),
    plain("round-robin", "RoundRobin"),
    plain("block", "Block"),
];
const RESTART: &[Choice] = &[
    plain("never", "Never"),
    Choice {
        word: "on failure, at most",
        ron: "OnFailure",
        payload: Payload::Raw("max: ", "3"),
    },
    plain("always", "Always"),
];
const READY: &[Choice] = &[
    plain("at once", "None"),
    text("line", "Line", "ready"),
    text("tcp", "Tcp", "localhost:8080"),
    Choice {
        word: "command",
        ron: "Exec",
        payload: Payload::List("\"true\""),
    },
];
const SIGNAL: &[Choice] = &[
    plain("INT", "INT"),
    plain("TERM", "TERM"),
    plain("HUP", "HUP"),
    plain("QUIT", "QUIT"),
    plain("KILL", "KILL"),
    plain("USR1", "USR1"),
    plain("USR2", "USR2"),
    plain("CONT", "CONT"),
    plain("STOP", "STOP"),
];
const SERVER: &[Choice] = &[
    plain("embedded", "Embedded"),
    text("redis", "Redis", "redis://localhost:6379"),
];
const HOST_KIND: &[Choice] = &[
    plain("declared", "Declared"),
    plain("ssh", "Ssh"),
    plain("slurm", "Slurm"),
];

const COUNT: u64 = u32::MAX as u64;

const PLACE: Spec = head(
    "place",
    spec(
        "policy.placement",
        "place",
        Kind::Choice(PLACEMENT),
        Complete::Host,
        "on which host; default: as the group says, then the session, else anywhere",
    ),
);
const DEAL: Spec = spec(
    "policy.distribution",
    "deal",
    Kind::Choice(DISTRIBUTION),
    Complete::Nothing,
    "how ranks are dealt to hosts: one each in turn, or host after host until it is full",
);
const CPUS: Spec = spec(
    "policy.cpus",
    "cpus",
    Kind::Number {
        least: 1,
        most: COUNT,
        unset: Some("shared"),
    },
    Complete::Nothing,
    "how many cpus each rank gets for itself",
);
const GPUS: Spec = spec(
    "policy.gpus",
    "gpus",
    Kind::Number {
        least: 0,
        most: COUNT,
        unset: Some("any"),
    },
    Complete::Nothing,
    "how many GPUs each rank gets for itself",
);
const CPU_SET: Spec = spec(
    "policy.cpu_affinity",
    "on cpus",
    Kind::Indices,
    Complete::Nothing,
    "the cpus that every rank may use, shared: 0-3,8",
);
const GPU_SET: Spec = spec(
    "policy.gpu_affinity",
    "on gpus",
    Kind::Indices,
    Complete::Gpu,
    "the GPUs that every rank may use, shared: 0,1",
);

/// The fields of a template.
pub const TEMPLATE: &[Spec] = &[
    spec(
        "",
        "name",
        Kind::Name,
        Complete::Nothing,
        "what refers to it follows when it changes",
    ),
    spec(
        "target",
        "target",
        Kind::Choice(TARGET),
        Complete::Target,
        "a program, a line for /bin/sh, or a Python function: file.py:function or package.module:function",
    ),
    spec(
        "args",
        "args",
        Kind::List("\"text\", 5, Queue(\"numbers\")"),
        Complete::Queue,
        "what it is given, divided by commas: \"text\", 5, Queue(\"numbers\")",
    ),
    spec(
        "kwargs",
        "kwargs",
        Kind::Map("\"steps\": 5, \"queue\": Queue(\"numbers\")"),
        Complete::Queue,
        "named arguments of a Python function: \"steps\": 5, \"queue\": Queue(\"numbers\")",
    ),
    spec(
        "replicas",
        "replicas",
        Kind::Number {
            least: 1,
            most: 1_000_000,
            unset: None,
        },
        Complete::Nothing,
        "how many ranks",
    ),
    spec(
        "env",
        "env",
        Kind::Env,
        Complete::Nothing,
        "variables: NAME=value OTHER='two words'",
    ),
    spec(
        "cwd",
        "folder",
        Kind::Text("where dragon-tui was started"),
        Complete::Folder,
        "the working folder",
    ),
    head(
        "input and output",
        spec(
            "stdin",
            "input",
            Kind::Choice(STDIN),
            Complete::File,
            "auto: what is typed into its pane, where that is a terminal",
        ),
    ),
    spec(
        "stdout",
        "output",
        Kind::Choice(STDOUT),
        Complete::File,
        "DEVNULL: muted from birth, m opens it later; in the name of a file {rank} expands",
    ),
    spec(
        "stderr",
        "errors",
        Kind::Choice(STDERR),
        Complete::File,
        "where it writes its errors to",
    ),
    spec(
        "terminal",
        "terminal",
        Kind::Choice(TERMINAL),
        Complete::Nothing,
        "what connects it with its pane: auto takes a pty while there are some",
    ),
    PLACE,
    DEAL,
    CPUS,
    GPUS,
    CPU_SET,
    GPU_SET,
    head(
        "life",
        spec(
            "restart",
            "restart",
            Kind::Choice(RESTART),
            Complete::Nothing,
            "whether it is started again when it ended",
        ),
    ),
    spec(
        "critical",
        "critical",
        Kind::Flag,
        Complete::Nothing,
        "its end, even a good one, ends the group",
    ),
    spec(
        "ready",
        "ready",
        Kind::Choice(READY),
        Complete::Nothing,
        "when it counts as ready: a line it writes, a port that answers, a command that succeeds",
    ),
    spec(
        "stop.signal",
        "stop with",
        Kind::Choice(SIGNAL),
        Complete::Nothing,
        "the first signal; then TERM, then KILL, always to the whole tree",
    ),
    spec(
        "stop.grace",
        "grace",
        Kind::Filled("5s"),
        Complete::Nothing,
        "how long each step of stopping waits: 5s, 2m",
    ),
    spec(
        "after",
        "after",
        Kind::List("Ready(\"server\")"),
        Complete::After,
        "what it waits for, in its group: Started, Ready, Succeeded or Ended of a template",
    ),
    spec(
        "alerts",
        "alerts",
        Kind::List("Died, Failed, Quiet(\"1m\"), Line(\"error\")"),
        Complete::Alert,
        "what is pointed out: Died, Failed, Quiet(\"1m\"), Line(\"error\")",
    ),
    spec(
        "watch",
        "watch",
        Kind::List("\"model.py\""),
        Complete::File,
        "files that restart it when they change: \"model.py\"",
    ),
];

/// The fields of a group.
pub const GROUP: &[Spec] = &[
    spec(
        "",
        "name",
        Kind::Name,
        Complete::Nothing,
        "what refers to it follows when it changes",
    ),
    spec(
        "walltime",
        "walltime",
        Kind::Text("no end"),
        Complete::Nothing,
        "it is stopped after this time: 90s, 2h 30m",
    ),
    spec(
        "ignore_error_on_exit",
        "go on",
        Kind::Flag,
        Complete::Nothing,
        "the rest goes on when a rank fails; else the first failure stops the group",
    ),
    spec(
        "after",
        "after",
        Kind::List("Succeeded(\"prepare\")"),
        Complete::After,
        "what it waits for: Started, Ready, Succeeded or Ended of another group",
    ),
    PLACE,
    DEAL,
    CPUS,
    GPUS,
    CPU_SET,
    GPU_SET,
];

/// The fields of a queue.
pub const QUEUE: &[Spec] = &[
    spec(
        "",
        "name",
        Kind::Name,
        Complete::Nothing,
        "the arguments that refer to it follow when it changes",
    ),
    spec(
        "maxsize",
        "items",
        Kind::Number {
            least: 1,
            most: u64::MAX,
            unset: Some("no limit"),
        },
        Complete::Nothing,
        "the greatest number of items; who puts more waits",
    ),
    spec(
        "maxbytes",
        "bytes",
        Kind::Number {
            least: 1,
            most: u64::MAX,
            unset: Some("no limit"),
        },
        Complete::Nothing,
        "the greatest number of bytes of all items together",
    ),
    spec(
        "joinable",
        "joinable",
        Kind::Flag,
        Complete::Nothing,
        "items must be acknowledged with task_done() before join() returns",
    ),
];

/// The fields of a session.
pub const SESSION: &[Spec] = &[
    spec(
        "name",
        "name",
        Kind::Text("that of its file"),
        Complete::Nothing,
        "what the session is called",
    ),
    spec(
        "python",
        "python",
        Kind::Text("of $VIRTUAL_ENV, else python3"),
        Complete::File,
        "the Python interpreter",
    ),
    spec(
        "queue_server",
        "queues",
        Kind::Choice(SERVER),
        Complete::Nothing,
        "what serves the queues",
    ),
    spec(
        "timeline",
        "timeline",
        Kind::List("(at: \"5s\", do: Mute(\"demo/generator\"))"),
        Complete::Nothing,
        "what is done while it runs: (at: \"5s\", do: Mute(\"demo/generator\")); T on the run screen saves what you did",
    ),
    PLACE,
    DEAL,
    CPUS,
    GPUS,
    CPU_SET,
    GPU_SET,
];

const KIND_OF_HOST: Spec = spec(
    "kind",
    "kind",
    Kind::Choice(HOST_KIND),
    Complete::Nothing,
    "declared: described here, so that it can be planned for; ssh and slurm are reached",
);

/// The fields of a host that is described.
pub const DECLARED: &[Spec] = &[
    KIND_OF_HOST,
    spec(
        "name",
        "name",
        Kind::Filled("localhost"),
        Complete::Nothing,
        "placements on it follow when it changes",
    ),
    spec(
        "cpus",
        "cpus",
        Kind::Number {
            least: 1,
            most: COUNT,
            unset: None,
        },
        Complete::Nothing,
        "how many cpus it has",
    ),
    spec(
        "gpus",
        "gpus",
        Kind::Number {
            least: 0,
            most: COUNT,
            unset: None,
        },
        Complete::Nothing,
        "how many GPUs it has",
    ),
];

/// The fields of hosts that are reached by ssh.
pub const SSH: &[Spec] = &[
    KIND_OF_HOST,
    spec(
        "hosts",
        "hosts",
        Kind::Filled("node[01-03]"),
        Complete::Nothing,
        "names, as Slurm writes them: node[01-03],login1",
    ),
];

/// The fields of an allocation.
pub const SLURM: &[Spec] = &[
    KIND_OF_HOST,
    spec(
        "options",
        "options",
        Kind::Filled("-N 2"),
        Complete::Nothing,
        "options of salloc: -N 4 -p gpu",
    ),
];
