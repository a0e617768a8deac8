"""Calls the function that is a rank's target: ``python .../dragon/run.py TARGET``.

``python -m dragon.run TARGET`` does the same, but looks into the current folder first, where a
folder ``dragon`` or a ``json.py`` of the user's would take the place of the real one.

``TARGET`` is ``path/to/file.py:function`` or ``package.module:function``. The arguments are taken
from the variable ``DRAGON_TUI_CALL``, JSON: ``{"args": [...], "kwargs": {...}}``, and the variable
is gone before any code of the user runs. Two kinds of map in it are not dicts as they stand:
``{"$queue": "name"}`` is a queue, ``{"$map": [[key, value], ...]}`` is a dict that JSON cannot
write (keys that are no strings, or one of these two keys).

Everything else is left to Python: an exception prints its traceback (without our frames) and ends
the process with 1, ``sys.exit(n)`` with n, Ctrl-C by SIGINT.
"""

import os
import sys


def main(argv):
    """Runs the target; returns only when its function has returned."""
    if sys.version_info < (3, 9):
        _give_up("Python 3.9 or newer is needed; %s is %s" % (sys.executable, sys.version.split()[0]))
    if len(argv) != 2:
        _give_up("usage: python -m dragon.run FILE.py:FUNCTION | PACKAGE.MODULE:FUNCTION")
    _forget_our_folder()
    sys.excepthook = _without_our_frames(sys.excepthook)
    source, _, function = argv[1].rpartition(":")
    if not source or not function:
        _give_up("%r is no target; FILE.py:FUNCTION or PACKAGE.MODULE:FUNCTION is" % argv[1])
    call = os.environ.pop("DRAGON_TUI_CALL", None)
    if source.endswith(".py") or os.sep in source:
        module = _load_file(source)
    else:
        module = _import_module(source)
    target = _find(module, source, function)
    args, kwargs = _arguments(call)
    result = target(*args, **kwargs)
    if type(result).__name__ == "coroutine":
        import asyncio

        asyncio.run(result)


def _forget_our_folder():
    """Takes off the path what Python put there for the runner; the target's own folder follows."""
    # With -P or PYTHONSAFEPATH it put nothing there.
    if not getattr(sys.flags, "safe_path", False):
        del sys.path[0]
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if home not in sys.path:
        sys.path.insert(0, home)
    # Loaded now: beside the user's file may lie another thing of that name.
    import dragon  # noqa: F401


def _load_file(path):
    """Imports a file under its stem, with its folder first on the path, as `python FILE` has it."""
    import importlib.util

    path = os.path.abspath(path)
    if not os.path.isfile(path):
        _give_up("no file %s on this host" % path)
    sys.path.insert(0, os.path.dirname(path))
    sys.argv = [path]
    name = os.path.basename(path)[: -len(".py")] if path.endswith(".py") else os.path.basename(path)
    name = name.replace(".", "_")
    if name in sys.modules:
        # A file called like a module that is loaded already must not take its place.
        name += "__target"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None:
        _give_up("%s is no Python file" % path)
    module = importlib.util.module_from_spec(spec)
    # Registered first: pickles made by the file's own code refer to it by name.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _import_module(name):
    import importlib

    sys.path.insert(0, os.getcwd())
    sys.argv = [name]
    module = importlib.import_module(name)
    sys.argv = [getattr(module, "__file__", None) or name]
    return module


def _find(module, source, function):
    target = module
    for part in function.split("."):
        try:
            target = getattr(target, part)
        except AttributeError:
            import difflib

            near = difflib.get_close_matches(part, [n for n in dir(target) if n[:2] != "__"], 1)
            hint = "; did you mean %r?" % near[0] if near else ""
            _give_up("no function %r in %s%s" % (function, source, hint))
    if not callable(target):
        _give_up("%r in %s is no function, it is %r" % (function, source, target))
    return target


def _arguments(call):
    if not call:
        return [], {}
    import json

    try:
        call = json.loads(call)
        args, kwargs = call.get("args") or [], call.get("kwargs") or {}
        return [_value(a) for a in args], {k: _value(v) for k, v in kwargs.items()}
    except (ValueError, AttributeError, TypeError) as error:
        _give_up("DRAGON_TUI_CALL cannot be read: %s" % error)


def _value(json):
    if isinstance(json, list):
        return [_value(item) for item in json]
    if not isinstance(json, dict):
        return json
    if len(json) == 1:
        if "$queue" in json:
            from dragon.native.queue import _named

            return _named(json["$queue"])
        if "$map" in json:
            return {_key(key): _value(value) for key, value in json["$map"]}
    return {key: _value(value) for key, value in json.items()}


def _key(json):
    # A list cannot be a key; what is one in the session was meant as a tuple.
    return tuple(_key(item) for item in json) if isinstance(json, list) else _value(json)


def _without_our_frames(hook):
    """The hook, given a traceback that begins in the user's code."""

    def trimmed(kind, error, trace):
        ours = (__file__, "<frozen runpy>", "<frozen importlib._bootstrap>",
                "<frozen importlib._bootstrap_external>")
        first = trace
        while first is not None:
            file = first.tb_frame.f_code.co_filename
            if file not in ours and not file.endswith(("/runpy.py", "/importlib/__init__.py")):
                break
            first = first.tb_next
        # The built-in hook prints the exception's own trace, whatever it is handed.
        error.__traceback__ = first
        hook(kind, error, first)

    return trimmed


def _give_up(reason):
    """What is wrong with the target itself, in one line; no traceback would make it clearer."""
    sys.stderr.write("dragon-tui: %s\n" % reason)
    sys.exit(1)


if __name__ == "__main__":
    main(sys.argv)
