"""The command line's grammar, and its exit codes.

0 done, 2 the user's config or input is wrong (one message, no traceback), 130 interrupted,
1 anything else.
"""

import sys
from collections.abc import Sequence

from common.config.problems import did_you_mean
from common.errors import InputError
from common.runs.apps import Apps

USAGE = """\
usage: python run.py <config.yaml or preset> [key=value ...]   run it
       python run.py <config.yaml or preset> [key=value ...] --print-config   show every value
       python run.py <config.yaml or preset> [key=value ...] --dry-run        sizes, memory, stop
       python run.py list [concepts]        the presets; what the priors know
       python run.py explain <key>          what a key means: explain video.sampler.num_steps
       python run.py resume <run folder or name> [key=value ...]   continue a stopped run
       python run.py rerun <artefact> [key=value ...]   repeat the run that made a file
       python run.py inspect <file or run folder>       what is in it
       python run.py schema                 JSON schema of configs, for editors
"""

FLAGS = ("--print-config", "--dry-run", "--help", "-h", "--version")


def main(argv: Sequence[str], apps: Apps) -> int:
    """Carry out one command line and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _dispatch(argv, apps)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)  # noqa: T201
        return 130
    except BrokenPipeError:
        # The reader of our output left, as `head` does; nothing more can be said.
        sys.stderr.close()
        return 0


def _dispatch(argv: Sequence[str], apps: Apps) -> int:
    words = [word for word in argv if not word.startswith("-") or "=" in word]
    flags = [word for word in argv if word not in words]
    for flag in flags:
        if flag not in FLAGS:
            raise InputError(
                f"no option '{flag}'{did_you_mean(flag, FLAGS)}; settings are written key=value"
            )
    if "--version" in flags:
        from common.runs.environment import versions

        _say(f"extrude {versions()['extrude']}")
        return 0
    if not words or "--help" in flags or "-h" in flags:
        _say(USAGE.rstrip())
        return 0 if flags else 2
    return _command(words[0], words[1:], flags, apps)


def _command(word: str, rest: list[str], flags: list[str], apps: Apps) -> int:
    if word == "list":
        from common.cli.listing import list_concepts, list_presets

        if rest not in ([], ["concepts"]):
            raise InputError(f"list knows only 'list' and 'list concepts', not 'list {rest[0]}'")
        _say(list_concepts(apps) if rest else list_presets())
    elif word == "explain":
        from common.cli.explain import explain

        _say(explain(_single(word, rest, "a key"), apps))
    elif word == "inspect":
        from common.cli.inspect import inspect_path

        _say(inspect_path(_single(word, rest, "a file or run folder"), apps))
    elif word == "schema":
        from common.cli.schema import schema_text

        _say(schema_text(apps).rstrip())
    else:
        from common.cli import running

        if word in ("resume", "rerun", "cells"):
            if not rest:
                raise InputError(f"{word} needs what to {word}: python run.py {word} <path>")
            act = {"resume": running.resume, "rerun": running.rerun, "cells": running.cells}[word]
            return act(rest[0], rest[1:], apps)
        return running.run(word, rest, flags, apps)
    return 0


def _single(command: str, rest: list[str], what: str) -> str:
    if len(rest) != 1:
        raise InputError(
            f"{command} takes {what}, and nothing else; given: {' '.join(rest) or '-'}"
        )
    return rest[0]


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201
