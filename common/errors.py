"""The one error type that means "the user can fix this"."""


class InputError(ValueError):
    """A config, file or argument of the user is wrong.

    The message is written for the user: it names the thing, the numbers and the fix. The command
    line prints it without a traceback and exits with code 2; any other exception is a defect of
    the program and exits with code 1.
    """


def missing_extra(package: str, extra: str, purpose: str) -> InputError:
    """The error for an optional dependency that is not installed."""
    return InputError(
        f"{purpose} needs the package '{package}', which is not installed. "
        f"Install it with: pip install -c constraints.txt -e '.[{extra}]'"
    )
