"""The command line: a thin front to the flows and the lake. Heavy imports happen inside the commands that need them.

Exit status: 0 the run finished, whatever rows failed; 1 it could not finish; 2 the command was wrong; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.engine_cli import takes_engine_options
from tasks.errors import Interrupted, PagelakeError, UsageError
from tasks.infer.engine_options import EngineOptions
from tasks.infer.models import DEFAULT_MODEL, all_profiles
from tasks.rasterize.messages import ImageFormat

app = typer.Typer(
    help="Document collections as a queryable lake of pages and layout elements.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

DEFAULT_ENGINE = EngineOptions()
OutputFormat = Literal["table", "csv", "json", "parquet"]

Lake = Annotated[str, typer.Option(help="The lake: a folder or an fsspec URL.", envvar="PAGELAKE_LAKE")]
Model = Annotated[str, typer.Option(help="Which model reads the pages: see pagelake models.")]
Dpi = Annotated[float, typer.Option(min=1, max=1200, help="Pixels per inch of the page images.")]
Format = Annotated[ImageFormat, typer.Option(help="JPEG (quality 95) or PNG page images.")]
Password = Annotated[
    str | None,
    typer.Option(help="For encrypted PDFs. Never stored.", envvar="PAGELAKE_PASSWORD", show_envvar=True),
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes that render, and as many that read. Default: one per core.")
]
PageTimeout = Annotated[
    float, typer.Option(min=0.1, help="Seconds that rendering a page may take, and reading it on this machine.")
]


@app.command()
@takes_engine_options
def ingest(
    source: Annotated[
        list[str], typer.Argument(help="Files, folders, globs or fsspec URLs (s3://, gs://, https://, …).")
    ],
    lake: Lake,
    model: Model = DEFAULT_MODEL,
    dpi: Dpi = 200,
    image_format: Format = "jpeg",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many objects, by name.")] = None,
    password: Password = None,
    workers: Workers = None,
    page_timeout: PageTimeout = 60,
    engine: EngineOptions = DEFAULT_ENGINE,
) -> None:
    """Bring a lake up to date with a collection: the main job.

    Lists SOURCE, renders what is new into the table of pages, reads every page with the model and lands its layout
    elements. Run it again at any time: nothing is read, rendered or asked twice. Files that cannot be read end as rows
    that say why (pagelake status), and do not stop the run.

    Example: pagelake ingest reports/ scans/*.tiff --lake lake/
    """
    from flows.run_flow import run_ingest

    _hand_over(password)
    typer.echo(
        run_ingest(
            source=source,
            lake=lake,
            model=model,
            dpi=dpi,
            image_format=image_format,
            limit=limit,
            workers=workers,
            page_timeout_s=page_timeout,
            engine=engine,
        )
    )


@app.command()
@takes_engine_options
def retry(
    lake: Lake,
    kind: Annotated[list[str] | None, typer.Option(help="Only failures with this error kind; may be repeated.")] = None,
    model: Model = DEFAULT_MODEL,
    render: Annotated[
        str | None, typer.Option(help="Whose failures, if the lake has several renders, such as 200dpi-jpeg95.")
    ] = None,
    dpi: Annotated[
        float | None, typer.Option(min=1, max=1200, help="For pages that could not be rendered; default: as before.")
    ] = None,
    password: Password = None,
    workers: Workers = None,
    page_timeout: PageTimeout = 60,
    engine: EngineOptions = DEFAULT_ENGINE,
) -> None:
    """Run the failures again: documents that did not open, pages that were not rendered or not read.

    What is good is not touched. Give what may help: a password, a longer --page-timeout or --answer-timeout, a smaller
    --dpi. --model and --render say whose failures.

    Example: pagelake retry --lake lake/ --kind render_memory --kind render_timeout --dpi 100
    """
    from flows.run_flow import run_retry

    _hand_over(password)
    typer.echo(
        run_retry(
            lake=lake,
            kind=kind,
            model=model,
            render=render,
            dpi=dpi,
            workers=workers,
            page_timeout_s=page_timeout,
            engine=engine,
        )
    )


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="A DuckDB query over the lake's views; '-' reads it from stdin.")],
    lake: Lake,
    output_format: Annotated[OutputFormat, typer.Option("--format", help="How to print the answer.")] = "table",
    output: Annotated[Path | None, typer.Option(help="Write the answer here instead of printing it.")] = None,
    escape_formulas: Annotated[
        bool, typer.Option(help="In CSV: an apostrophe before text that a spreadsheet would take for a formula.")
    ] = False,
) -> None:
    """Ask the lake. Views: elements, pages, documents, sources, responses, failures, runs and more.

    Example: pagelake sql "SELECT category, count(*) FROM elements GROUP BY ALL" --lake lake/
    """
    from flows.query import run_query

    run_query(sys.stdin.read() if query == "-" else query, lake, output_format, output, escape_formulas=escape_formulas)


@app.command()
def status(lake: Lake) -> None:
    """What is in the lake, what failed and why, what is left to do."""
    from flows.query import run_status

    typer.echo(run_status(lake))


@app.command()
@takes_engine_options
def parse(
    file: Annotated[str, typer.Argument(help="A PDF or image: a path or an fsspec URL.")],
    model: Model = DEFAULT_MODEL,
    dpi: Dpi = 200,
    password: Password = None,
    workers: Workers = None,
    page_timeout: PageTimeout = 60,
    engine: EngineOptions = DEFAULT_ENGINE,
    stream: Annotated[
        bool, typer.Option("--stream", help="Print what the model writes as it comes: lines with a delta.")
    ] = False,
) -> None:
    """Read one file and print a JSON line per page as soon as it is read. Needs no lake and no Prefect.

    Each line holds page_number, width and height in points, status, tokens used, and the elements in reading order.
    """
    from flows.parse import parse_file

    parse_file(
        file,
        model=model,
        dpi=dpi,
        password=password,
        workers=workers or os.cpu_count() or 1,
        page_timeout_s=page_timeout,
        engine=engine,
        on_line=_print,
        on_news=lambda sentence: typer.echo(f"pagelake: {sentence}", err=True),
        stream=stream,
    )


@app.command()
def models() -> None:
    """The models that can read pages: how each is reached, the dpi it was made for, and what it is for.

    chat and got ask servers that somebody runs: give --endpoint, and their key, if any, in PAGELAKE_API_KEY. vllm
    starts one on this machine. A TOML file named by PAGELAKE_MODELS changes models or adds others.
    """
    for name, profile in sorted(all_profiles().items()):
        typer.echo(f"{name:<20} {', '.join(profile.engines):<10} {profile.dpi:>3} dpi  {profile.description}")


def main() -> None:
    """Entry point of `pagelake`."""
    try:
        app()
    except UsageError as error:
        _end(error, 2)
    except Interrupted as error:
        _end(error, 130)
    except PagelakeError as error:
        _end(error, 1)


def _hand_over(password: str | None) -> None:
    """To the flow, by the environment: Prefect would store a parameter."""
    if password is not None:
        os.environ["PAGELAKE_PASSWORD"] = password


def _print(line: str) -> None:
    """Print at once; a reader that went away, as `head` does, ends us in silence."""
    try:
        typer.echo(line)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None


def _end(message: object, exit_status: int) -> None:
    typer.echo(f"pagelake: {message}", err=True)
    sys.exit(exit_status)
