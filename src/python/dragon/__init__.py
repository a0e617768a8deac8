"""The names of DragonHPC that a program in a run of dragon-tui imports.

Shipped inside dragon-tui and unpacked beside a run; needs Python 3.9 and nothing else.
Here today: ``dragon.native.queue.Queue``. The rest of Dragon's names can be imported, so that one
file may be a Dragon program and a session's target at once; *using* one raises
``NotImplementedError`` with its name.

Start reading at ``native/queue.py`` (the queue), ``run.py`` (how a target is called) and
``preflight.py`` (how it is checked before anything starts).
"""

import sys

from dragon import _missing

# Dragon exports its classes at the top as well. Loaded when asked for: the runner imports this
# package in every rank and most ranks need none of them.
_HOMES = {
    "Queue": "dragon.native.queue",
    "ProcessGroup": "dragon.native.process_group",
    "Process": "dragon.native.process",
    "ProcessTemplate": "dragon.native.process",
    "Popen": "dragon.native.process",
    "Policy": "dragon.infrastructure.policy",
    "System": "dragon.native.machine",
    "Node": "dragon.native.machine",
}

# Names Dragon has at its top and we have nowhere. Anything else is an ordinary AttributeError:
# pickle, copy and test tools look for arbitrary names in every loaded module.
_ABSENT = frozenset(
    "Barrier BoundedSemaphore Condition DDict Event Lock Pool RLock Semaphore Value Array "
    "Telemetry Batch".split()
)


def __getattr__(name):
    home = _HOMES.get(name)
    if home is not None:
        import importlib

        value = getattr(importlib.import_module(home), name)
        globals()[name] = value
        return value
    if name in _ABSENT:
        raise _missing.NotHere("dragon." + name)
    raise AttributeError("module 'dragon' has no attribute %r" % name)


_missing.answer_for_absent_modules(sys.meta_path)
