"""What the caller of a command got wrong, apart from what the world did: scripts see it in the exit code."""

from core.errors import QuarterdeckError


class UsageMistakeError(QuarterdeckError):
    """The command line names what cannot be, or what is not there. The command ends with exit code 2."""
