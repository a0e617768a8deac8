"""Looks at Python targets before anything starts: ``python .../dragon/preflight.py``.

Reads a JSON list of ``{"id": n, "target": "file.py:function"}`` from stdin or, when nothing comes
from there, from the variable ``DRAGON_TUI_CHECK``. Where a question has ``"cwd"`` or ``"pythonpath"``
(and they are not null), they stand in for the present folder and ``PYTHONPATH`` in that question.
Writes one line: a JSON list, in the same order, of ``{"id": n, "error": null or text}``, with
``"line"`` and ``"suggestion"`` where there are any.

Never imports or runs what it checks: files are read and parsed only, modules are found without
importing their parents. What cannot be told that way is no error: the run will tell.

Runs on any Python 3, so that a too old one can be named.
"""

import ast
import json
import os
import sys


def main():
    """Answers for all targets at once."""
    text = "" if sys.stdin is None or sys.stdin.closed else sys.stdin.read()
    targets = json.loads(text if text.strip() else os.environ.get("DRAGON_TUI_CHECK") or "[]")
    here = os.getcwd()
    variable = os.environ.get("PYTHONPATH") or ""
    base = _own_path(_entries(variable, here))
    files = {}
    answers = []
    for target in targets:
        folder = target.get("cwd") or here
        own = target.get("pythonpath")
        # As the runner has it: the present folder first.
        sys.path[:] = [folder] + _entries(variable if own is None else own, folder) + base
        answer = {"id": target.get("id"), "error": None}
        answer.update(_check(target.get("target", ""), folder, files) or {})
        answers.append(answer)
    print(json.dumps(answers))


def _entries(variable, folder):
    """The folders that ``PYTHONPATH`` with this value puts on the path of a process in ``folder``."""
    parts = variable.split(os.pathsep) if variable else []
    return [os.path.normpath(os.path.join(folder, part)) for part in parts]


def _own_path(entries):
    """The interpreter's own path with our package, without what ``PYTHONPATH`` put there."""
    path = list(sys.path)
    # Our own folder stands first when this was started as a file. With -P nothing was put there.
    if not getattr(sys.flags, "safe_path", False):
        del path[0]
    for entry in entries:
        if entry in path:
            path.remove(entry)
    return [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))] + path


def _check(target, folder, files):
    """What is wrong with one target in this folder, or ``None``. ``files`` remembers what was read."""
    if sys.version_info < (3, 9):
        version = sys.version.split()[0]
        return {"error": "Python 3.9 or newer is needed; %s is %s" % (sys.executable, version)}
    source, _, function = target.rpartition(":")
    if not source or not function:
        return {"error": "%r is no target; FILE.py:FUNCTION or PACKAGE.MODULE:FUNCTION is" % target}
    if source.endswith(".py") or os.sep in source:
        path = os.path.join(folder, source)
    else:
        try:
            path = _locate(source)
        except LookupError as error:
            return {"error": str(error)}
        if path is None:
            return None
    if path not in files:
        files[path] = _read(path)
    contents = files[path]
    if isinstance(contents, dict):
        return contents
    if _is_submodule(path, function.partition(".")[0]):
        return None
    return contents.lacks(function, source)


def _is_submodule(path, name):
    """Whether the package at ``path`` may have the module ``name`` as an attribute, once imported."""
    if os.path.basename(path) != "__init__.py":
        return False
    beside = os.path.join(os.path.dirname(path), name)
    return os.path.exists(beside) or os.path.exists(beside + ".py")


def _locate(module):
    """The source file of a module, ``None`` if it has none that can be read.

    Asks the finders that ``import`` asks, one name after the other. ``importlib.util.find_spec``
    would import the parents.
    """
    path = None
    name = ""
    above = []
    parts = module.split(".")
    for index, part in enumerate(parts):
        name = name + "." + part if name else part
        spec = None
        try:
            for finder in sys.meta_path:
                spec = finder.find_spec(name, path)
                if spec is not None:
                    break
        except Exception:
            # A namespace package inside another cannot be looked into without importing it, and
            # a finder of somebody else may do as it likes.
            return None
        if spec is None:
            if any(_adds_modules(spec) for spec in above):
                return None
            where = " in the package %s" % ".".join(parts[:index]) if index else ""
            raise LookupError("no module named %r%s" % (name, where))
        last = index == len(parts) - 1
        if not last and spec.submodule_search_locations is None:
            # As `os` does with `os.path`.
            if _adds_modules(spec):
                return None
            raise LookupError("no module named %r; %s is not a package" % (module, name))
        if last:
            # One inside of a zip file has no file of its own.
            origin = spec.origin or ""
            return origin if origin.endswith(".py") and os.path.isfile(origin) else None
        path = list(spec.submodule_search_locations)
        above.append(spec)
    return None


def _adds_modules(spec):
    """Whether importing this module may bring about modules below it that no finder knows of yet."""
    import re

    if spec.origin is None:
        return False  # A package without a file does nothing.
    try:
        with open(spec.origin, "rb") as file:
            code = file.read()
    except OSError:
        return True  # Built in, frozen or in a zip file.
    return not spec.origin.endswith(".py") or bool(
        re.search(rb"\b(modules|meta_path|path_hooks|__path__)\b", code)
    )


def _read(path):
    """The file's names, or what is wrong with the file."""
    import warnings

    try:
        with open(path, "rb") as file:
            code = file.read()
    except IsADirectoryError:
        return {"error": "%s is a folder, not a file" % path}
    except FileNotFoundError:
        return {"error": "no such file: %s" % path}
    except OSError as error:
        return {"error": "%s cannot be read: %s" % (path, error.strerror)}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _Names(ast.parse(code, path))
    except SyntaxError as error:
        return {"error": "syntax error in %s: %s" % (path, error.msg), "line": error.lineno or 1}
    except ValueError as error:
        return {"error": "%s is no Python source: %s" % (path, error)}
    except (MemoryError, RecursionError):
        return _Names(None)


# Who uses one of these may make any name anywhere.
_REACH_ANY_NAME = ("exec", "globals", "locals", "setattr", "vars")
_REACH_ANY_MODULE = ("modules", "__dict__", "f_globals")


def _is_self(node):
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


class _Names:
    """What a module will have at its top level, as far as reading can tell."""

    def __init__(self, tree):
        self.found = {}
        self.script_only = {}
        # Names of attributes that are set from outside of what has them.
        self.attributes = set()
        self.open_ended = tree is None
        if tree is not None:
            self._collect(tree.body, self.found)
            for node in ast.walk(tree):
                if isinstance(node, ast.Global):
                    # A function may fill it in.
                    for name in node.names:
                        self.found.setdefault(name, None)
                elif isinstance(node, ast.Name) and node.id in _REACH_ANY_NAME:
                    self.open_ended = True
                elif isinstance(node, ast.Attribute):
                    if node.attr in _REACH_ANY_MODULE and not _is_self(node.value):
                        self.open_ended = True
                    if isinstance(node.ctx, ast.Store):
                        self.attributes.add(node.attr)
                elif isinstance(node, ast.ImportFrom):
                    # What they are called here is not followed.
                    names = [alias.name for alias in node.names]
                    if any(name in _REACH_ANY_NAME + _REACH_ANY_MODULE for name in names):
                        self.open_ended = True
        if "__getattr__" in self.found:
            self.open_ended = True

    def _collect(self, statements, names):
        for node in statements:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                # Of several with one name only a run can tell which it is.
                names[node.name] = None if node.name in names else node
                continue
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                for alias in node.names:
                    if alias.name == "*":
                        self.open_ended = True
                    names[alias.asname or alias.name.split(".")[0]] = None
                continue
            if isinstance(node, ast.If) and _is_script_guard(node.test):
                # Ours is not the main module: this part is not run, only its else is.
                self._collect(node.body, self.script_only)
                self._collect(node.orelse, names)
                continue
            for child in ast.iter_child_nodes(node):
                self._assigned(child, names)
            # The parts of if, try, with, for, while and match.
            for field in ("body", "orelse", "finalbody"):
                self._collect(getattr(node, field, None) or [], names)
            for part in (getattr(node, "handlers", None) or []) + (getattr(node, "cases", None) or []):
                self._collect(part.body, names)

    def _assigned(self, node, names):
        if isinstance(node, (ast.stmt, ast.ExceptHandler)):
            return
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                names[part.id] = None

    def lacks(self, function, source):
        """What is wrong with asking ``source`` for ``function``, or ``None``."""
        first, _, rest = function.partition(".")
        if first in self.found:
            node = self.found[first]
            name = rest.partition(".")[0]
            # Bases, a metaclass and decorators may bring anything; `type` itself brings some too.
            plain = isinstance(node, ast.ClassDef) and not (
                node.bases or node.keywords or node.decorator_list
            )
            if rest and plain and not (
                self.open_ended or name in self.attributes or hasattr(type, name)
            ):
                inside = _Names(node)
                if name not in inside.found and not inside.open_ended:
                    return self._no_function(function, source, ["%s.%s" % (first, n) for n in inside.found])
            return None
        if self.open_ended:
            return None
        if first in self.script_only:
            answer = {
                "error": "%r in %s stands under `if __name__ == '__main__'`, "
                "which a target's file does not run" % (function, source)
            }
            if self.script_only[first] is not None:
                answer["line"] = self.script_only[first].lineno
            return answer
        return self._no_function(function, source, list(self.found))

    @staticmethod
    def _no_function(function, source, names):
        import difflib

        answer = {"error": "no function %r in %s" % (function, source)}
        near = difflib.get_close_matches(function, names, 1)
        if near:
            answer["suggestion"] = near[0]
        return answer


def _is_script_guard(test):
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)):
        return False
    sides = [test.left, test.comparators[0]]
    return any(isinstance(s, ast.Name) and s.id == "__name__" for s in sides) and any(
        isinstance(s, ast.Constant) and s.value == "__main__" for s in sides
    )


if __name__ == "__main__":
    main()
