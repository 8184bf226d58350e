"""Faults that the operator can mend: the message says what is wrong and what would be right."""


class OperatorError(Exception):
    """Shown as one line, without a traceback, and the process exits with status 1."""
