"""The command line. Exit 0 done, 1 the answer is no, 2 wrong use, 3 broken or not built yet.

Every verb imports what it needs when it runs, so that ``triage --help`` is instant and a base
install without torch serves everything but training.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeAlias

import typer

from triage import __version__, settings
from triage.errors import ConfigurationError, NotBuiltYet, TriageError

EXIT_NO, EXIT_BROKEN = 1, 3

app = typer.Typer(
    name="triage",
    help="Reads chest CTs for lung nodules beside the radiologist. Research use only.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
pacs_app = typer.Typer(help="Other systems: echo, find, pull, probe.", no_args_is_help=True)
user_app = typer.Typer(help="Accounts.", no_args_is_help=True)
data_app = typer.Typer(help="Data to learn from and to test on.", no_args_is_help=True)
token_app = typer.Typer(help="Bearer tokens for scripts.", no_args_is_help=True)
app.add_typer(pacs_app, name="pacs")
app.add_typer(user_app, name="user")
app.add_typer(token_app, name="token")
app.add_typer(data_app, name="data")

AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ReadyFd: TypeAlias = Annotated[int | None, typer.Option(hidden=True)]
LifeFd: TypeAlias = Annotated[int | None, typer.Option(hidden=True)]


# ------------------------------------------------------------------------------ running


@app.command()
def up() -> None:
    """All parts on one machine: receiver, page, worker."""
    from triage import upkeep

    raise typer.Exit(upkeep.up(settings.load()))


@app.command()
def receive(ready_fd: ReadyFd = None, life_fd: LifeFd = None) -> None:
    """The DICOM receiver alone."""
    from triage import wiring

    wiring.receive(settings.load(), ready_fd, life_fd)


@app.command()
def serve(ready_fd: ReadyFd = None, life_fd: LifeFd = None) -> None:
    """The page and its API alone."""
    from triage import wiring

    wiring.serve(settings.load(), ready_fd, life_fd)


@app.command()
def work(
    queues: Annotated[str, typer.Option(help="Comma-separated: cpu,gpu,train.")] = "cpu,train",
    ready_fd: ReadyFd = None,
    life_fd: LifeFd = None,
) -> None:
    """A worker alone; start as many as there are machines."""
    from triage import wiring

    wiring.work(settings.load(), tuple(queues.split(",")), ready_fd, life_fd)


# ------------------------------------------------------------------------------ studies


@app.command("import")
def import_(
    paths: Annotated[list[Path], typer.Argument(help="Files, folders, ZIPs.", exists=True)],
    as_json: AsJson = False,
) -> None:
    """Take in DICOM files through the same door checks as the network."""
    from triage import wiring

    report = wiring.import_paths(settings.load(), paths)
    summary = report.to_json()
    _print(summary, as_json)
    taken = summary["taken"] + summary["duplicates"]
    raise typer.Exit(0 if taken and not summary["refused"] else EXIT_NO)


@app.command()
def detect(
    path: Annotated[Path, typer.Argument(help="One series: a folder or a ZIP.", exists=True)],
    as_json: AsJson = False,
) -> None:
    """Read one series offline, without a database; exit 1 when it could not be assessed."""
    # Not by way of wiring: a database is not needed here, and not waited for.
    from triage.detect import nodule

    answer = nodule.detect_path(path, settings.load())
    _print(answer, as_json)
    raise typer.Exit(EXIT_NO if answer["result"]["status"] == "not_assessed" else 0)


@app.command()
def phantom(
    out: Annotated[Path, typer.Argument(help="Folder to write into.")],
    seed: Annotated[int, typer.Option()] = 1,
    nodules: Annotated[int, typer.Option(min=0, max=40)] = 4,
    slices: Annotated[int, typer.Option(min=20, max=1000)] = 240,
    as_json: AsJson = False,
) -> None:
    """Write a chest-like CT as real DICOM, with its truth."""
    from triage.phantom import dicom

    try:
        _print(dicom.make(out, seed, nodules, slices), as_json)
    except (ValueError, FileExistsError) as error:
        raise typer.BadParameter(str(error)) from error


@app.command()
def rules(
    guideline: Annotated[str, typer.Argument(help="lungrads2022 | fleischner2017 | growth")],
) -> None:
    """Apply a guideline to typed JSON on stdin; a missing input is a named refusal (exit 1)."""
    from triage.rules import fleischner, growth, lungrads

    table: Mapping[str, Callable[[Any], dict[str, Any]]] = {
        "lungrads2022": lungrads.lungrads2022,
        "fleischner2017": fleischner.fleischner2017,
        "growth": growth.growth,
    }
    if guideline not in table:
        raise typer.BadParameter(f"one of {', '.join(table)}")
    try:
        payload = json.load(sys.stdin, parse_float=Decimal)  # every typed digit counts
    except ValueError as error:
        raise typer.BadParameter(f"stdin is not JSON: {error}") from error
    outcome = table[guideline](payload)
    _print(outcome, as_json=True)
    raise typer.Exit(0 if outcome["status"] != "cannot_categorise" else EXIT_NO)


@pacs_app.command("echo")
def pacs_echo(
    node: Annotated[str, typer.Argument(help="Name of a [[pacs]] block.")],
    as_json: AsJson = False,
) -> None:
    """Verify the connection to a node (C-ECHO); exit 1 when it does not answer."""
    from triage import wiring

    _print(wiring.echo_node(settings.load(), node), as_json)


# ------------------------------------------------------------------------------ accounts


@user_app.command("add")
def user_add(
    name: str,
    role: Annotated[str, typer.Option(help="radiologist, admin, ...")] = "radiologist",
) -> None:
    """Add an account and print its one-time first-login link."""
    from triage import upkeep

    typer.echo(upkeep.add_user(settings.load(), name, role))


@user_app.command("passwd")
def user_passwd(name: str) -> None:
    """Print a one-time link with which the user sets a new password."""
    from triage import upkeep

    typer.echo(upkeep.new_login_link(settings.load(), name))


@token_app.command("create")
def token_create(
    role: Annotated[str, typer.Option()],
    name: Annotated[str, typer.Option()] = "script",
) -> None:
    """Print a new bearer token; it is shown once and kept as a digest."""
    from triage import upkeep

    typer.echo(upkeep.create_token(settings.load(), role, name))


# ------------------------------------------------------------------------------ upkeep


@app.command()
def verify(as_json: AsJson = False) -> None:
    """Compare every row with its file and digest; exit 1 when anything differs."""
    from triage import upkeep

    report = upkeep.verify(settings.load())
    _print(report, as_json)
    raise typer.Exit(0 if report["ok"] else EXIT_NO)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check configuration, ports, disk, model, runtime, database: each ok or the mend."""
    from triage import upkeep

    checks = upkeep.doctor(settings.load())
    if as_json:
        _print(checks, as_json)
    else:
        for check in checks:
            typer.echo(f"{'ok  ' if check['ok'] else 'MEND'} {check['name']}: {check['message']}")
    raise typer.Exit(0 if all(check["ok"] for check in checks) else EXIT_NO)


@app.command()
def bench(
    name: Annotated[str, typer.Argument(help="walk, detect, measure, loop_phantom, or all.")],
) -> None:
    """Run a benchmark of benchmarks/."""
    from triage import upkeep

    raise typer.Exit(upkeep.bench(name))


# ------------------------------------------------------------------------------ learning


@app.command()
def models(as_json: AsJson = False) -> None:
    """The models of this installation."""
    from triage import upkeep

    _print(upkeep.models(settings.load()), as_json)


@data_app.command("describe")
def data_describe(
    sources: Annotated[list[str], typer.Argument(help="shared:DIR lidc:DIR luna16:DIR own:DIR")],
    fold: Annotated[int, typer.Option(min=0, max=9, help="The tenth that tests.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Count what there is, by role, size, texture, thickness and readers, with its digests."""
    from triage.learn.data import describe
    from triage.learn.data import sources as known

    _print(describe.facts(known.open_data(sources, fold)), as_json)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def train(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="student, student-narrow, student-wide, teacher")],
) -> None:
    """Train a model; needs `make setup-train`. Then OUT and options as in `triage.learn.train`."""
    from triage import upkeep

    raise typer.Exit(upkeep.train([*context.args, "--network", what]))


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def evaluate(context: typer.Context) -> None:
    """Score models side by side on data with truth."""
    from triage.learn.evaluation import command

    command.app(context.args, prog_name="triage evaluate", standalone_mode=False)


@app.command()
def finetune(
    phantom: Annotated[
        bool, typer.Option("--phantom", help="On phantom studies, judged on phantoms.")
    ] = False,
    steps: Annotated[int | None, typer.Option(min=1, help="Training steps.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Run a round of learning on the signed decisions; exit 1 unless the verdict is promote."""
    from triage import rounds

    ended = rounds.finetune(settings.load(), phantom=phantom, steps=steps, seed=seed)
    _print(ended, as_json)
    raise typer.Exit(0 if ended.get("verdict") == "promote" else EXIT_NO)


@app.command()
def promote(
    digest: Annotated[str, typer.Argument(help="Of the challenger; eight digits are enough.")],
    phantom: Annotated[
        bool, typer.Option("--phantom", help="Although only phantoms stand behind the verdict.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a challenger the champion; only after a verdict of promote."""
    from triage import rounds

    _print(rounds.promote(settings.load(), digest, phantom=phantom), as_json)


@app.command()
def rollback(as_json: AsJson = False) -> None:
    """Go back to the champion before."""
    from triage import rounds

    _print(rounds.rollback(settings.load()), as_json)


def _not_built(name: str, what: str) -> Callable[[], NoReturn]:
    def verb() -> NoReturn:
        raise NotBuiltYet(f"`triage {name}` is not built yet: {what}")

    verb.__doc__ = f"{what[0].upper()}{what[1:]} (not built yet)."
    return verb


_LATER = {
    "deid": "de-identified copies with a report",
    "goal": "archive goals through the planner",
}
_LATER_PACS = {
    "find": "queries at a node",
    "pull": "fetching priors",
    "probe": "discovering what a node accepts",
}
_ANY_ARGUMENTS = {"allow_extra_args": True, "ignore_unknown_options": True}
for _name, _what in _LATER.items():
    app.command(_name, context_settings=_ANY_ARGUMENTS)(_not_built(_name, _what))
for _name, _what in _LATER_PACS.items():
    pacs_app.command(_name, context_settings=_ANY_ARGUMENTS)(_not_built(f"pacs {_name}", _what))


# ------------------------------------------------------------------------------ frame


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"triage {__version__}")
        raise typer.Exit


@app.callback()
def _frame(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print it.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="More log lines.")] = False,
) -> None:
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname).1s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    for chatty in ("alembic", "highdicom", "pydicom", "pynetdicom"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _print(document: Any, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False, default=str))
    else:
        for line in _lines(document):
            typer.echo(line)


def _lines(document: Any, indent: str = "") -> list[str]:
    if isinstance(document, Mapping):
        out: list[str] = []
        for key, value in document.items():
            nested = isinstance(value, Mapping | list) and value
            out.append(f"{indent}{key}:" if nested else f"{indent}{key}: {value}")
            out += _lines(value, indent + "  ") if nested else []
        return out
    if isinstance(document, list):
        return [line for item in document for line in [*_lines(item, indent), indent.rstrip()]]
    return [f"{indent}{document}"]


def main() -> None:
    """Entry point: errors of ours become one line on stderr and the right exit code."""
    try:
        app()
    except (NotBuiltYet, ConfigurationError) as error:
        typer.echo(f"triage: {error.message}", err=True)
        sys.exit(EXIT_BROKEN)
    except TriageError as error:
        typer.echo(f"triage: {error.message}", err=True)
        sys.exit(EXIT_NO)


if __name__ == "__main__":
    main()
