"""The command ``rushlight``: a table of subcommands, each a parser and a function.

What a subcommand needs is imported when it runs.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ._version import __version__, pytorch_version

__all__ = ["main"]


class Command(NamedTuple):
    """A subcommand: one line of help, what it adds to its parser, and what it does."""

    summary: str
    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def _configure_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", default="rushlight-demo", metavar="FOLDER", help="where to write (default: %(default)s)"
    )
    parser.add_argument("--epochs", type=_positive, default=20, help="passes over the data (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of split, weights and order (default: %(default)s)")


def _demo(args: argparse.Namespace) -> int:
    from ._demo import demo

    return demo(args.out, args.epochs, args.seed)


def _configure_run(parser: argparse.ArgumentParser) -> None:
    parser.usage = "rushlight run [-h] SCRIPT [ARGS ...]\n       rushlight run [-h] -m MODULE [ARGS ...]"
    parser.add_argument("-m", dest="module", action="store_true", help="SCRIPT is a module's name, as in python -m")
    parser.add_argument("script", metavar="SCRIPT", help="a Python program written for PyTorch")
    parser.add_argument("args", metavar="ARGS", nargs=argparse.REMAINDER, help="what the program gets as its own")


def _run(args: argparse.Namespace) -> int:
    from ._run import run_module, run_script

    return (run_module if args.module else run_script)(args.script, args.args)


def _configure_doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")


def _doctor(args: argparse.Namespace) -> int:
    from ._doctor import doctor

    return doctor(args.json)


COMMANDS: dict[str, Command] = {
    "demo": Command("train a network on handwritten digits and show its graph", _configure_demo, _demo),
    "run": Command("run a PyTorch program, unmodified, on Rushlight", _configure_run, _run),
    "doctor": Command("say what this installation runs on, and what makes it slow", _configure_doctor, _doctor),
}


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, got {text}")
    return value


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line, from `COMMANDS`."""
    parser = argparse.ArgumentParser(
        prog="rushlight", description="PyTorch's autograd in pure Python on NumPy: import rushlight as torch."
    )
    parser.add_argument("--version", action="version", version=f"rushlight {__version__} (PyTorch {pytorch_version})")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        sub = subparsers.add_parser(
            name, help=command.summary, description=command.summary[0].upper() + command.summary[1:] + "."
        )
        command.configure(sub)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``rushlight ARGV...`` and return the exit status."""
    args = build_parser().parse_args(argv)
    try:
        return COMMANDS[args.command].run(args)
    except BrokenPipeError:  # whoever read our output went away; nothing more to say, at exit neither
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
