"""``System`` and ``Node``: names to import; hosts are seen on the hosts screen."""

from dragon._missing import Missing, _sentence


class System(Missing):
    """All hosts of a run."""


class Node(Missing):
    """One host of a run."""


def current():
    """The host this process runs on."""
    raise NotImplementedError(_sentence("dragon.native.machine.current"))
