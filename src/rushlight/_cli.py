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


def _configure_graph(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="SCRIPT.py:NAME", help="a program, and the variable in it that has a graph")
    parser.add_argument("-o", "--output", default="graph.html", metavar="FILE",
                        help="what to write: .svg .html .txt .dot .mmd .json (default: %(default)s)")  # fmt: skip
    parser.add_argument(
        "--max-nodes", type=_positive, default=60, help="fold from so many operations on (default: %(default)s)"
    )


def _graph(args: argparse.Namespace) -> int:
    from ._see.command import graph

    return graph(args.target, args.output, args.max_nodes)


def _configure_trace(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="SCRIPT.py:NAME", help="a program, and the loss in it")
    parser.add_argument("-o", "--output", default="trace.html", metavar="FILE", help="the page (default: %(default)s)")


def _trace(args: argparse.Namespace) -> int:
    from ._see.command import trace

    return trace(args.target, args.output)


COMMANDS: dict[str, Command] = {
    "demo": Command("train a network on handwritten digits and show its graph", _configure_demo, _demo),
    "run": Command("run a PyTorch program, unmodified, on Rushlight", _configure_run, _run),
    "graph": Command("draw the graph behind a variable of a program", _configure_graph, _graph),
    "trace": Command("write a page that plays a loss forward and backward", _configure_trace, _trace),
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
