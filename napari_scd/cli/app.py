"""The command tree, and how exceptions become exit codes."""

from __future__ import annotations

import logging
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from napari_scd import __version__
from napari_scd.cli.ablate import ablate
from napari_scd.cli.benchmark import benchmark
from napari_scd.cli.bundle import bundle
from napari_scd.cli.busy import busy
from napari_scd.cli.calibrate import calibrate
from napari_scd.cli.compare import compare
from napari_scd.cli.console import complain, warn
from napari_scd.cli.convert import add, convert
from napari_scd.cli.demo import demo
from napari_scd.cli.evaluate import evaluate
from napari_scd.cli.help_pages import tidied
from napari_scd.cli.latency import latency
from napari_scd.cli.models import info, list_
from napari_scd.cli.points import PointCommand
from napari_scd.cli.remedies import unexpected, with_remedy
from napari_scd.cli.segment import segment
from napari_scd.cli.signals import Ended, die_of, ending
from napari_scd.cli.streams import guarded
from napari_scd.cli.train import train
from napari_scd.errors import InputError
from napari_scd.own_process import settle_account, settle_folder, settle_threads

if TYPE_CHECKING:
    from collections.abc import Sequence

logger = logging.getLogger(__name__)

EXIT_UNEXPECTED = 1
EXIT_INPUT = 2
EXIT_INTERRUPTED = 130
WRITING_COMMANDS = ("segment", "demo", "train", "ablate")

app = typer.Typer(
    name="napari-scd",
    help="Segment CT and MR volumes, and see which image patches the network looked at. Research use only.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
models = typer.Typer(help="The models that are ready to use.", no_args_is_help=True)
models.command("list")(list_)
models.command("info")(info)
models.command("convert", no_args_is_help=True)(convert)
models.command("add", no_args_is_help=True)(add)
models.command("calibrate", no_args_is_help=True)(calibrate)
models.command("bundle", no_args_is_help=True)(bundle)
app.command("segment", cls=PointCommand, no_args_is_help=True)(segment)
app.command("compare", no_args_is_help=True)(compare)
app.add_typer(models, name="models")
app.command("demo")(demo)
app.add_typer(benchmark, name="benchmark")
app.command("train", no_args_is_help=True)(train)
app.command("ablate", no_args_is_help=True)(ablate)
app.command("evaluate", no_args_is_help=True)(evaluate)
benchmark.command("busy")(busy)
benchmark.command("latency")(latency)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"napari-scd {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an unexpected error (at any place).")
    ] = False,
) -> None:
    """Options of every command; `main` has taken ``--debug`` out before they are read."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    0: success; 2: the input cannot be used (one sentence on stderr); 130 interrupted by Ctrl+C, 143 by a
    termination signal; 1 anything that should not have happened. After another signal, such as that of a
    terminal that went away, the process ends as if by that signal, once it has cleaned up.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command and options; those of the process when left out.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if "--debug" in arguments:
        logging.basicConfig()
        logging.getLogger("napari_scd").setLevel(logging.DEBUG)
    settle_account()
    settle_threads()
    words = [word for word in arguments if word != "--debug"]
    signal_number = 0
    with guarded() as (out, _):
        if settle_folder():
            warn("The working folder no longer exists: name files by their whole paths.")
        try:
            with ending():
                code = _run(words)
        except Ended as end:
            signal_number, code = end.number, 128 + end.number
            complain(f"Ended by the signal {end}.")
        if out is not None:
            out.flush()
            if out.lost:
                complain(f"The output could not be written ({out.lost}).")
                code = code or (0 if _made_files(words) else EXIT_UNEXPECTED)
    if signal_number and signal_number != signal.SIGTERM:
        die_of(signal_number)
    sys.exit(code)


def _run(words: list[str]) -> int:
    """Run a command and return its exit code."""
    try:
        tidied(typer.main.get_command(app))(words, prog_name="napari-scd")
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
        if code == EXIT_INTERRUPTED:
            complain("Interrupted.")
        return code
    except InputError as error:
        logger.debug("Leaving with an error", exc_info=True)
        complain(with_remedy(error))
        return EXIT_INPUT
    except KeyboardInterrupt:
        complain("Interrupted.")
        return EXIT_INTERRUPTED
    except Exception as error:
        logger.debug("Leaving with an error", exc_info=True)
        complain(unexpected(error))
        return EXIT_UNEXPECTED
    return 0


def _made_files(words: list[str]) -> bool:
    """Whether a command's result is its files, and what it prints is only about them."""
    return bool(words) and words[0] in WRITING_COMMANDS and "--json" not in words
