//! The package unpacked and tried with the interpreter that is on the path.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::embed::{PREFLIGHT, RUNNER, files, hash, unpack};

/// A folder with the unpacked package and the files of a user.
struct Bench {
    folder: tempfile::TempDir,
    package: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let package = unpack(&folder.path().join("cache")).unwrap();
        Self { folder, package }
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn python(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new("python3");
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("PYTHONPATH", &self.package)
            .env_remove("DRAGON_QUEUE_URL")
            .env_remove("DRAGON_QUEUE_SOCKET")
            .stdin(Stdio::null());
        command
    }

    /// Calls `target` as the engine does.
    fn call(&self, target: &str, call: &str) -> Output {
        self.python([self.package.join(RUNNER).as_os_str(), OsStr::new(target)])
            .env("DRAGON_TUI_CALL", call)
            .output()
            .unwrap()
    }

    /// Writes `text` as `user.py` and calls its function `f`.
    fn run(&self, text: &str, call: &str) -> Output {
        let file = self.write("user.py", text);
        self.call(&format!("{file}:f"), call)
    }

    /// The answer of the preflight for one target.
    fn check(&self, target: &str) -> serde_json::Value {
        let question = serde_json::json!([{ "id": 7, "target": target }]);
        let output = self
            .python([self.package.join(PREFLIGHT)])
            .env("DRAGON_TUI_CHECK", question.to_string())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", err(&output));
        let answers: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answers[0]["id"], 7);
        answers[0].clone()
    }
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn python_files(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            python_files(&path, found);
        } else if path.extension().is_some_and(|end| end == "py") {
            found.insert(path);
        }
    }
}

#[test]
fn every_python_file_of_the_package_is_embedded() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/python");
    let mut on_disk = BTreeSet::new();
    python_files(&source.join("dragon"), &mut on_disk);
    let embedded: BTreeSet<_> = files().map(|(path, _)| source.join(path)).collect();
    assert_eq!(embedded, on_disk);
}

#[test]
fn unpacking_twice_gives_the_same_private_folder() {
    let root = tempfile::tempdir().unwrap();
    let cache = root.path().join("a/b");
    let home = unpack(&cache).unwrap();
    assert_eq!(home, cache.join(format!("python-{}", hash())));
    assert_eq!(
        fs::metadata(&home).unwrap().permissions().mode() & 0o777,
        0o700
    );
    let inode = || std::os::unix::fs::MetadataExt::ino(&fs::metadata(&home).unwrap());
    let before = inode();
    assert_eq!(unpack(&cache).unwrap(), home);
    assert_eq!(inode(), before);
}

#[test]
fn a_folder_that_lost_or_tore_files_is_repaired() {
    let root = tempfile::tempdir().unwrap();
    let home = unpack(root.path()).unwrap();
    fs::remove_dir_all(home.join("dragon/native")).unwrap();
    fs::write(home.join(RUNNER), "half").unwrap();
    unpack(root.path()).unwrap();
    for (path, text) in files() {
        assert_eq!(fs::read_to_string(home.join(path)).unwrap(), text);
    }
    let mut found = BTreeSet::new();
    python_files(&home, &mut found);
    assert_eq!(found.len(), files().count());
}

#[test]
fn a_folder_others_can_write_to_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let home = unpack(root.path()).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o777)).unwrap();
    let error = unpack(root.path()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
}

#[test]
fn a_folder_of_another_user_is_refused() {
    // Only root can give one away.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let home = unpack(root.path()).unwrap();
    std::os::unix::fs::chown(&home, Some(65534), None).unwrap();
    let error = unpack(root.path()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
}

#[test]
fn many_unpack_at_once_and_leave_one_whole_folder() {
    let root = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let home = unpack(root.path()).unwrap();
                for (path, text) in files() {
                    assert_eq!(fs::read_to_string(home.join(path)).unwrap(), text);
                }
            });
        }
    });
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}

#[test]
fn a_function_gets_its_arguments_and_none_of_our_variables() {
    let bench = Bench::new();
    let output = bench.run(
        "import os, sys, user\n\
         def f(*args, **kwargs):\n\
         \x20   print(args, kwargs)\n\
         \x20   print(__name__, user.f is f, 'DRAGON_TUI_CALL' in os.environ)\n\
         \x20   print(sys.argv == [__file__], sys.path[0] == os.path.dirname(__file__))\n\
         if __name__ == '__main__': print('never')\n",
        r#"{"args": [1, 2.5, true, null, "é", [1, [2]], {"a": {"$queue": "numbers"}},
            {"$map": [["$queue", 1], [[1, 2], {"$map": []}]]}], "kwargs": {"k": "{rank}"}}"#,
    );
    assert_eq!(
        out(&output),
        "(1, 2.5, True, None, 'é', [1, [2]], {'a': <Queue 'numbers'>}, \
         {'$queue': 1, (1, 2): {}}) {'k': '{rank}'}\nuser True False\nTrue True\n",
        "{}",
        err(&output)
    );
    assert!(output.status.success());
}

#[test]
fn a_module_is_found_from_the_current_folder_and_a_method_by_its_dots() {
    let bench = Bench::new();
    bench.write("pack/__init__.py", "");
    bench.write(
        "pack/mod.py",
        "class C:\n  @staticmethod\n  def m(x): print('m', x)\n",
    );
    let output = bench.call("pack.mod:C.m", r#"{"args": [3], "kwargs": {}}"#);
    assert_eq!(out(&output), "m 3\n", "{}", err(&output));
}

#[test]
fn a_traceback_is_pythons_own_without_our_frames() {
    let bench = Bench::new();
    let output = bench.run(
        "def f():\n    print('before')\n    g()\ndef g(): raise ValueError('no')\n",
        "",
    );
    let trace = err(&output);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(out(&output), "before\n");
    assert!(
        trace.starts_with("Traceback (most recent call last):\n"),
        "{trace}"
    );
    assert!(trace.contains("line 3, in f") && trace.contains("line 4, in g"));
    assert!(trace.ends_with("ValueError: no\n"), "{trace}");
    assert!(
        !trace.contains("run.py") && !trace.contains("importlib"),
        "{trace}"
    );
}

#[test]
fn a_process_ends_as_python_ends_it() {
    use std::os::unix::process::ExitStatusExt;
    let bench = Bench::new();
    for (body, code) in [
        ("sys.exit(7)", 7),
        ("sys.exit()", 0),
        ("sys.exit('why')", 1),
        ("return 5", 0),
    ] {
        let output = bench.run(&format!("import sys\ndef f():\n    {body}\n"), "");
        assert_eq!(output.status.code(), Some(code), "{body}");
    }
    let output = bench.run("def f():\n    raise KeyboardInterrupt\n", "");
    assert_eq!(output.status.signal(), Some(2), "{}", err(&output));
    let output = bench.run("async def f():\n    print('awaited')\n", "");
    assert_eq!(out(&output), "awaited\n");
}

#[test]
fn a_missing_function_or_file_is_one_line_and_code_1() {
    let bench = Bench::new();
    let output = bench.run("def ff(): pass\n", "");
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("no function 'f' in"));
    assert!(
        err(&output).ends_with("did you mean 'ff'?\n"),
        "{}",
        err(&output)
    );
    let output = bench.call("/nowhere.py:f", "");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        err(&output),
        "dragon-tui: no file /nowhere.py on this host\n"
    );
}

#[test]
fn folders_and_files_of_the_user_do_not_take_our_modules_place() {
    let bench = Bench::new();
    bench.write("dragon/__init__.py", "raise Exception('not this one')");
    bench.write("json.py", "raise Exception('nor this one')");
    let file = bench.write("sub/os.py", "def f(x): import os; print(x, os.sep)");
    let output = bench.call(&format!("{file}:f"), r#"{"args": [1]}"#);
    assert_eq!(out(&output), "1 /\n", "{}", err(&output));
}

#[test]
fn names_of_dragon_can_be_imported_and_say_so_when_used() {
    let bench = Bench::new();
    let output = bench.run(
        "from dragon.infrastructure.policy import Policy\n\
         from dragon.native.machine import System, Node\n\
         from dragon.native.process import Popen, Process, ProcessTemplate\n\
         from dragon.native.process_group import ProcessGroup, DragonUserCodeError\n\
         from dragon import Queue\n\
         print(int(Policy.Placement.HOST_NAME), Popen.DEVNULL)\n\
         def f():\n\
         \x20   for use in (ProcessGroup, Policy, System, lambda: ProcessTemplate(target=f)):\n\
         \x20       try: use()\n\
         \x20       except NotImplementedError as error: print(str(error).split(' ')[0])\n\
         \x20   try: from dragon.native.barrier import Barrier\n\
         \x20   except NotImplementedError as error: print(str(error).split(' ')[0])\n\
         \x20   try: Queue()\n\
         \x20   except RuntimeError as error: print('dragon-tui SESSION.ron' in str(error))\n",
        "",
    );
    assert_eq!(
        out(&output),
        "-3 -3\ndragon.native.process_group.ProcessGroup\n\
         dragon.infrastructure.policy.Policy\ndragon.native.machine.System\n\
         dragon.native.process.ProcessTemplate\ndragon.native.barrier\nTrue\n",
        "{}",
        err(&output)
    );
}

#[test]
fn values_of_a_queue_come_back_as_they_were_put() {
    let bench = Bench::new();
    let output = bench.run(
        "from dragon.native.queue import _decode, _encode, _named\n\
         import pickle\n\
         def f():\n\
         \x20   for v in ['', 'é', '\\x80', '\\ud800', b'', b'a', b'\\x80\\x05.', 1, None, (1, [2])]:\n\
         \x20       back = _decode(_encode(v))\n\
         \x20       assert back == v and type(back) is type(v), (v, back)\n\
         \x20   assert _encode('plain') == b'plain' and _encode(1)[:2] == b'\\x80\\x05'\n\
         \x20   assert _decode(b'from a shell') == 'from a shell'\n\
         \x20   assert _decode(b'\\xff\\xfe') == b'\\xff\\xfe'\n\
         \x20   assert pickle.loads(pickle.dumps(_named('q', 3))).maxsize == 3\n\
         \x20   print('ok')\n",
        "",
    );
    assert_eq!(out(&output), "ok\n", "{}", err(&output));
}

#[test]
fn a_server_that_is_not_there_is_an_error_with_the_sockets_name() {
    let bench = Bench::new();
    let output = bench
        .python([
            "-c",
            "import dragon.native.queue as q; q.Queue.attach('a').get()",
        ])
        .env("DRAGON_QUEUE_SOCKET", "/nowhere/q.sock")
        .output()
        .unwrap();
    let trace = err(&output);
    assert!(
        trace.contains("ConnectionError: no queue server at /nowhere/q.sock: No such file"),
        "{trace}"
    );
}

#[test]
fn the_preflight_finds_functions_however_they_came_about() {
    let bench = Bench::new();
    let file = bench.write(
        "user.py",
        "raise SystemExit('imported')\n\
         import os.path as path, json\n\
         from a import b as c\n\
         def plain(): pass\n\
         async def waits(): pass\n\
         class Class:\n    def method(self): pass\n\
         x = y, (z, *rest) = 1\n\
         if json:\n    def in_if(): pass\nelse:\n    in_else = 1\n\
         try:\n    in_try = 1\nexcept OSError:\n    in_except = 1\n\
         with open('x') as handle:\n    in_with = 1\n\
         def fill():\n    global filled\n    filled = 1\n",
    );
    for name in [
        "path",
        "json",
        "c",
        "plain",
        "waits",
        "Class",
        "Class.method",
        "x",
        "z",
        "rest",
        "in_if",
        "in_else",
        "in_try",
        "in_except",
        "handle",
        "in_with",
        "filled",
    ] {
        let answer = bench.check(&format!("{file}:{name}"));
        assert!(answer["error"].is_null(), "{name}: {answer}");
    }
    let open_ended = bench.write("star.py", "from other import *\n");
    assert!(bench.check(&format!("{open_ended}:any"))["error"].is_null());
}

#[test]
fn what_the_preflight_cannot_tell_is_no_error() {
    let bench = Bench::new();
    let class = "class C:\n    def method(self): pass\n";
    for (text, target) in [
        ("import sys\nsys.modules[__name__].made = print\n", "made"),
        ("import sys\nsys.modules[__name__] = object()\n", "made"),
        (
            "from sys import modules as m\nm[__name__].made = print\n",
            "made",
        ),
        ("g = globals\ng()['made'] = print\n", "made"),
        ("import user0\nuser0.__dict__['made'] = print\n", "made"),
        (
            "class M(type):\n    def made(cls): pass\nclass C(metaclass=M): pass\n",
            "C.made",
        ),
        (class, "C.mro"),
        (&format!("{class}C.made = print\n"), "C.made"),
        (
            &format!("{class}C = type('C', (), {{'made': print}})\n"),
            "C.made",
        ),
        (
            &format!("if x:\n    class C: made = 1\nelse:\n    class C: other = 1\n{class}"),
            "C.made",
        ),
    ] {
        let file = bench.write("user.py", text);
        let answer = bench.check(&format!("{file}:{target}"));
        assert!(answer["error"].is_null(), "{text}: {answer}");
    }
    // And what it can tell still is one.
    let file = bench.write("user.py", &format!("import sys\nself = 1\n{class}"));
    assert_eq!(
        bench.check(&format!("{file}:C.methot"))["suggestion"],
        "C.method"
    );
}

#[test]
fn modules_that_only_an_import_brings_about_are_no_error() {
    let bench = Bench::new();
    bench.write(
        "virtual.py",
        "import sys, math\nsys.modules['virtual.sub'] = math\n",
    );
    bench.write(
        "pack/__init__.py",
        "import sys\nsys.modules[__name__ + '.made'] = sys\n",
    );
    bench.write("plain/__init__.py", "from .sub import f\n");
    bench.write("plain/sub.py", "def f(): pass\n");
    bench.write("single.py", "");
    for target in [
        "os.path:join",
        "virtual.sub:sqrt",
        "pack.made:exit",
        "plain:sub.f",
    ] {
        let answer = bench.check(target);
        assert!(answer["error"].is_null(), "{target}: {answer}");
    }
    for target in [
        "plain.none:f",
        "single.sub:f",
        "plain:other",
        "nowhere.at:all",
    ] {
        let answer = bench.check(target);
        assert!(!answer["error"].is_null(), "{target}");
    }
}

#[test]
fn the_preflight_says_what_is_wrong_and_where() {
    let bench = Bench::new();
    let file = bench.write(
        "user.py",
        "def data_generator(): pass\nif __name__ == '__main__':\n    def only(): pass\n",
    );
    let answer = bench.check(&format!("{file}:data_genrator"));
    assert_eq!(answer["suggestion"], "data_generator");
    let answer = bench.check(&format!("{file}:only"));
    assert_eq!(answer["line"], 3);
    assert!(answer["error"].as_str().unwrap().contains("__main__"));
    let torn = bench.write("torn.py", "def f():\n    pass\ndef g(:\n");
    let answer = bench.check(&format!("{torn}:f"));
    assert_eq!(answer["line"], 3);
    assert!(
        answer["error"]
            .as_str()
            .unwrap()
            .starts_with("syntax error")
    );
    let answer = bench.check("/nowhere.py:f");
    assert_eq!(answer["error"], "no such file: /nowhere.py");
}

#[test]
fn the_preflight_finds_modules_without_importing_their_packages() {
    let bench = Bench::new();
    bench.write("pack/__init__.py", "raise Exception('imported')");
    bench.write("pack/mod.py", "def f(): pass\n");
    assert!(bench.check("pack.mod:f")["error"].is_null());
    assert_eq!(
        bench.check("pack.mod:g")["error"],
        "no function 'g' in pack.mod"
    );
    assert_eq!(
        bench.check("pack.none:f")["error"],
        "no module named 'pack.none' in the package pack"
    );
    assert!(bench.check("math:sqrt")["error"].is_null());
}

#[test]
fn the_preflight_looks_where_each_template_looks() {
    let bench = Bench::new();
    for (folder, function) in [("one", "f"), ("two", "g")] {
        bench.write(
            &format!("{folder}/mod.py"),
            &format!("def {function}(): pass\n"),
        );
    }
    let one = bench.write("one/x.py", "");
    let one = one.trim_end_matches("/x.py");
    let two = one.replace("/one", "/two");
    let question = serde_json::json!([
        { "id": 0, "target": "mod:f" },
        { "id": 1, "target": "mod:f", "cwd": one },
        { "id": 2, "target": "mod:f", "pythonpath": one, "cwd": null },
        { "id": 3, "target": "mod:f", "pythonpath": one, "cwd": two },
        { "id": 4, "target": "mod:g", "pythonpath": format!("{two}:{one}") },
        { "id": 5, "target": "mod:g", "pythonpath": ".", "cwd": two },
        { "id": 6, "target": "json:loads", "pythonpath": one },
        { "id": 7, "target": "dragon.native.queue:Queue", "pythonpath": one },
    ]);
    let output = bench
        .python([bench.package.join(PREFLIGHT)])
        .env("DRAGON_TUI_CHECK", question.to_string())
        .output()
        .unwrap();
    let answers: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let right: Vec<bool> = answers.iter().map(|a| a["error"].is_null()).collect();
    let expected = [false, true, true, false, true, true, true, true];
    assert_eq!(right, expected, "{answers:#?}");
}

#[test]
fn a_reply_is_the_same_in_whatever_pieces_it_comes() {
    let bench = Bench::new();
    let output = bench.run(
        "from dragon.native import _server\n\
         class Pieces:\n\
         \x20   def __init__(self, data, step): self.data, self.step = data, step\n\
         \x20   def recv(self, most):\n\
         \x20       got, self.data = self.data[:min(most, self.step)], self.data[min(most, self.step):]\n\
         \x20       return got\n\
         \x20   def recv_into(self, view):\n\
         \x20       got = self.recv(len(view))\n\
         \x20       view[:len(got)] = got\n\
         \x20       return len(got)\n\
         def read(data, step):\n\
         \x20   sock, c = Pieces(data, step), _server.Connection.__new__(_server.Connection)\n\
         \x20   c._data, c._at, c._sock = b'', 0, None\n\
         \x20   replies = []\n\
         \x20   while sock.data or c._at < len(c._data):\n\
         \x20       reply = c._reply(sock)\n\
         \x20       replies.append(str(reply) if isinstance(reply, Exception) else reply)\n\
         \x20   return replies\n\
         def f():\n\
         \x20   long = bytes(range(256)) * 1000\n\
         \x20   data = b'+OK\\r\\n:-7\\r\\n$-1\\r\\n*-1\\r\\n-ERR a b\\r\\n$0\\r\\n\\r\\n$4\\r\\n\\r\\n\\r\\n\\r\\n'\n\
         \x20   data += b'*2\\r\\n$1\\r\\nq\\r\\n$%d\\r\\n%b\\r\\n' % (len(long), long)\n\
         \x20   right = [b'OK', -7, None, None, 'ERR a b', b'', b'\\r\\n\\r\\n', [b'q', long]]\n\
         \x20   for step in (1, 2, 3, 7, 1000, 65536, len(data)):\n\
         \x20       assert read(data, step) == right, step\n\
         \x20   for wrong in (b'+OK', b'$5\\r\\nab', b'$70000\\r\\nab', b'$2\\r\\nabcd', b'?\\r\\n', b'+' * 200000):\n\
         \x20       try: read(wrong, 9999)\n\
         \x20       except _server._Broken: pass\n\
         \x20       else: assert False, wrong[:20]\n\
         \x20   print('ok')\n",
        "",
    );
    assert_eq!(out(&output), "ok\n", "{}", err(&output));
}
