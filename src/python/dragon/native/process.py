"""``Process``, ``ProcessTemplate`` and ``Popen``: names to import; templates are composed in a session."""

from dragon._missing import Missing


class Popen(Missing):
    """Only its constants, which are those of ``subprocess``."""

    PIPE = -1
    STDOUT = -2
    DEVNULL = -3


class ProcessTemplate(Missing):
    """The recipe for one process. In a session: ``templates``."""


class Process(Missing):
    """One process. In a session: a template with one replica."""
