"""``ProcessGroup`` and its exceptions: names to import; groups are composed in a session."""

from dragon._missing import Missing


class DragonProcessGroupError(Exception):
    """Base of everything a group raises."""


class DragonProcessGroupAlreadyInitialized(DragonProcessGroupError):
    """``init()`` a second time."""


class DragonProcessGroupIdleError(DragonProcessGroupError):
    """Not possible while the group is idle."""


class DragonProcessGroupStartError(DragonProcessGroupError):
    """The group could not be started."""


class DragonProcessGroupRunningError(DragonProcessGroupError):
    """Not possible while the group runs."""


class DragonProcessGroupJoinError(DragonProcessGroupError):
    """Waiting for the group failed."""


class DragonProcessGroupSignalError(DragonProcessGroupError):
    """A signal could not be sent."""


class DragonProcessGroupException(DragonProcessGroupError):
    """Anything else that went wrong in a group."""


class DragonUserCodeError(DragonProcessGroupError):
    """A member of the group ended with an error of its own."""


class ProcessGroup(Missing):
    """Processes that start, stop and finish together. In a session: ``groups``."""
