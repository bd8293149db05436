"""Errors that are the user's to mend: one clear message each, never a traceback.

Every error can name the file, the field, what was found, what was expected and how to mend it
(DESIGN section 6). ``exit_code`` is what a command that ends with the error returns.
"""

from __future__ import annotations

EXIT_CONFIGURATION = 2
EXIT_DATA = 3
EXIT_GATE_REFUSED = 4
EXIT_TRANSIENT = 75
EXIT_INTERRUPTED = 143


class UserError(Exception):
    """Something that the user of the product can mend.

    Args:
        problem: One sentence that says what is wrong.
        file: The file (path or URI) it was found in.
        field: The field, variable or parameter, as the user knows it.
        found: What stands there.
        expected: What should stand there.
        mend: What to do about it.
    """

    exit_code = EXIT_CONFIGURATION

    def __init__(
        self,
        problem: str,
        *,
        file: object = None,
        field: object = None,
        found: object = None,
        expected: object = None,
        mend: object = None,
    ) -> None:
        self.problem = problem
        details = {
            "file": file,
            "field": field,
            "found": found,
            "expected": expected,
            "mend": mend,
        }
        self.details = {name: str(value) for name, value in details.items() if value is not None}
        super().__init__(self._text())

    def _text(self) -> str:
        lines = [self.problem]
        lines += [f"  {name}: {value}" for name, value in self.details.items()]
        return "\n".join(lines)


class ConfigError(UserError):
    """A configuration that is wrong or asks for what is not supported."""


class CheckpointError(ConfigError):
    """A checkpoint that is missing, broken or does not fit the model."""


class DataError(UserError):
    """Data that is missing, broken or would spoil training."""

    exit_code = EXIT_DATA


class Interrupted(UserError):  # noqa: N818 - it is no error of anybody
    """Work that was told to stop (SIGTERM) and can be continued by running it again."""

    exit_code = EXIT_INTERRUPTED
