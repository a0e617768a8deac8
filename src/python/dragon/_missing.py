"""Parts of Dragon's API that are not here, each saying so by its own name.

Two ways to meet one: calling a class that can only be imported (``Missing``), and importing a
name or a module that does not exist at all (``NotHere``).
"""


def _sentence(name):
    return (
        "%s is not part of dragon-tui's Python package yet: "
        "compose it as a session (a SESSION.ron file) instead" % name
    )


class NotHere(NotImplementedError, ImportError):
    """Raised by an import. Also an ``ImportError``, so programs with a way round may take it."""

    def __init__(self, name):
        # ImportError's own `name` stays unset on purpose: the import system swallows errors that
        # carry the name of the submodule it was just trying.
        super().__init__(_sentence(name))


class Missing:
    """Base of the classes that may be imported, inherited from and named, but not called yet."""

    def __new__(cls, *_args, **_kwargs):
        # A user's subclass is not what is missing; the class of Dragon's below it is.
        ours = next(c for c in cls.__mro__ if c.__module__.startswith("dragon."))
        raise NotImplementedError(_sentence("%s.%s" % (ours.__module__, ours.__qualname__)))


class _AbsentModules:
    """The last finder asked: whatever module of ``dragon`` nobody found is not here."""

    @staticmethod
    def find_spec(fullname, path=None, target=None):
        if fullname.startswith("dragon."):
            raise NotHere(fullname)
        return None


def answer_for_absent_modules(meta_path):
    """Hangs the finder at the end of ``meta_path``, once."""
    if _AbsentModules not in meta_path:
        meta_path.append(_AbsentModules)
