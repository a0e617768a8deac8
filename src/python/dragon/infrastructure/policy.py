"""``Policy``: may be imported and its constants named; placement is composed in a session."""

import enum

from dragon._missing import Missing


class Policy(Missing):
    """Where a process should run. In a session: ``policy: Policy(placement: …)``."""

    class Placement(enum.IntEnum):
        """Dragon's values, unchanged."""

        LOCAL = -5
        ANYWHERE = -4
        HOST_NAME = -3
        HOST_ID = -2
        DEFAULT = -1

    class Distribution(enum.IntEnum):
        """Dragon's values, unchanged."""

        ROUNDROBIN = 1
        BLOCK = 2
        DEFAULT = 3
