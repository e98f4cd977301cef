"""The commands about language: which models there are, how well one does, and questions."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from orbitloom.ground.ask_task import Order
    from orbitloom.processing.language.scorecard import ScoreCard

__all__ = ["add_model_commands"]

_EXAMPLES = """[bold]Examples[/bold]

  orbitloom model check                                         the model of the package

  orbitloom model check http://localhost:8080/v1#llama-3.1-8b   one behind a URL

  orbitloom model check my.gguf+adapter.gguf --cases 40"""

_WORD_EXAMPLES = """[bold]Examples[/bold]

  orbitloom process --packets capture --out answer && orbitloom model word answer/answer.geojson

  orbitloom model word orbitloom-out/inbox/*-alert.geojson --model http://localhost:8080/v1#llama"""

_ASK_EXAMPLES = """[bold]Examples[/bold]

  orbitloom ask "new floods near Wuhan since yesterday?"

  orbitloom ask "how many severe fires in the last 12 hours" --in orbitloom-out --json

  orbitloom ask "look at 39.47N 0.38W for floods tomorrow" --task valencia.toml

  orbitloom ask "which flood was the worst?" --model http://localhost:8080/v1#qwen3-32b"""

_NAME = typer.Argument(
    help="[bold]embedded[/bold], a file [bold]X.gguf[+ADAPTER.gguf][/bold], or a URL "
    "[bold]http://host:port/v1#name[/bold].",
    metavar="MODEL",
)


def add_model_commands(app: typer.Typer) -> None:
    """Add them to the command line."""
    models = typer.Typer(
        help="Language models: what words an alert on board.", no_args_is_help=True
    )
    models.command("list")(_list)
    models.command("path")(_path)
    models.command("check", epilog=_EXAMPLES)(_check)
    models.command("word", epilog=_WORD_EXAMPLES)(_word)
    app.add_typer(models, name="model")
    app.command("ask", epilog=_ASK_EXAMPLES)(_ask)


def _list() -> None:
    """Tell which language models can be had here."""
    from rich.console import Console
    from rich.table import Table

    from orbitloom.errors import ModelError
    from orbitloom.processing.language.runtime import open_model

    table = Table("model", "what it is", "here", box=None)
    try:
        endpoint = open_model("embedded")
        assert endpoint is not None
        who = endpoint.identity
        adapted = f" with adapter {who.adapter_sha256[:12]}" if who.adapter_sha256 else ""
        here = f"{who.runtime}, weights {who.weights_sha256[:12]}{adapted}"
    except ModelError as error:
        here = f"no: {error}"
    table.add_row("embedded", "SmolLM2-135M-Instruct (Apache-2.0), 93 MB", here)
    table.add_row("FILE.gguf[+ADAPTER.gguf]", "a file of your own, with llama.cpp", "")
    table.add_row("http://host:port/v1#name", "llama-server, vLLM, Ollama, ...", "")
    table.add_row("template", "no model: fixed sentences", "yes")
    Console(soft_wrap=True).print(table)


def _path() -> None:
    """Print where the weights of the embedded model are."""
    from orbitloom.processing.language.embedded import default_weights

    typer.echo(default_weights())


def _check(
    model: Annotated[str, _NAME] = "embedded",
    cases: Annotated[
        int, typer.Option(min=1, max=10_000, help="How many cases of evidence to word.")
    ] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the cases.")] = 0,
) -> None:
    """Try a language model: how many of its texts does the guard let through.

    A text that breaks a rule is refused. Beside it, where it is installed, the embedded model. Ends
    with 1 if less than 95 of 100 texts are taken.
    """
    from rich.console import Console
    from rich.progress import Progress

    from orbitloom.errors import ModelError
    from orbitloom.processing.language.attacks import ATTACKS
    from orbitloom.processing.language.runtime import open_model
    from orbitloom.processing.language.scorecard import attacks_refused, score

    cards: list[ScoreCard] = []
    for name in dict.fromkeys((model, "embedded")):
        try:
            endpoint = open_model(name)
            if endpoint is None:
                raise ModelError("is no model: there is nothing to check", where=name)
            with Progress(console=Console(stderr=True), transient=True) as bar:
                task = bar.add_task(f"{name}: {cases} cases", total=1.0)
                cards.append(
                    score(
                        endpoint,
                        cases,
                        seed,
                        lambda share: bar.update(task, completed=share),  # noqa: B023
                    )
                )
        except ModelError:
            if name == model:
                raise
    _print(cards)
    typer.echo(f"guard: {attacks_refused()} of {len(ATTACKS)} texts refused that have to be")
    worst = min(group.accepted_share for group in cards[0].groups.values() if group.cases)
    if worst < 0.95 or attacks_refused() < len(ATTACKS):
        raise typer.Exit(1)


def _ask(
    question: Annotated[str, typer.Argument(help="In plain English.", metavar="QUESTION")],
    folder: Annotated[
        Path, typer.Option("--in", help="What a flight wrote.", metavar="DIR")
    ] = Path("orbitloom-out"),
    now: Annotated[
        str | None,
        typer.Option(
            help="What today and the last hours count from. Default: the archive's last alert.",
            metavar="TIME",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="A capable model that chooses the query: a file [bold]X.gguf[/bold] or a URL "
            "[bold]http://host:port/v1#name[/bold]. Default: the parser alone.",
            metavar="MODEL",
        ),
    ] = None,
    task: Annotated[
        Path | None,
        typer.Option(
            help="Write the scenario of a task, to be flown: a new file.", metavar="FILE.toml"
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print query and answer as JSON.", metavar="")
    ] = False,
) -> None:
    """Ask the archive of a flight, or have a place looked at: products answer, and are named.

    The question becomes a query or a task, which is shown. What the archive does not hold is
    refused. With a model, the model chooses, and code checks that the question says the same.
    """
    from dataclasses import asdict

    from orbitloom.errors import ScenarioError
    from orbitloom.ground.ask import Refused, answer, read_archive, read_places
    from orbitloom.ground.ask_model import choose
    from orbitloom.ground.ask_task import Order, Task, order
    from orbitloom.processing.language.runtime import open_model
    from orbitloom.scenario.time import from_iso

    products, places = read_archive(folder), read_places(folder)
    try:
        now_ns = from_iso(now) if now else max((p.sensed_ns for p in products), default=0)
    except ValueError:
        raise ScenarioError(
            f"{now!r} is not a time such as 2026-06-14T10:30:00Z", where="option --now"
        ) from None
    # The embedded model words; what it would choose is no better than what the parser knows.
    endpoint = None if model in (None, "embedded") else open_model(model)
    choice = choose(question, products, places, now_ns, endpoint)
    call = choice.call
    if isinstance(call, Task) and not now_ns:
        raise ScenarioError(
            "the archive holds no alert to count the time from",
            where="option --now",
            way_out="Give a time such as 2026-06-14T10:30:00Z",
        )
    wanted = order(call, places, now_ns) if isinstance(call, Task) else call
    if isinstance(wanted, Refused):
        raise ScenarioError(wanted.reason, where="question", way_out=wanted.way_out)
    shown: dict[str, Any] = {}
    if isinstance(wanted, Order):
        shown["task"] = wanted.told()
        text = wanted.toml().rstrip()
        said: dict[str, Any] = {"toml": text}
        if task is not None:
            said |= _planned(wanted, task)
            text = f"{said['planned']}\nto fly it: orbitloom fly {task}"
    else:
        if task is not None:
            raise ScenarioError(
                "the question asks for no look", where="option --task", way_out="Leave it out"
            )
        shown["query"] = {name: value for name, value in asdict(wanted).items() if value}
        told = answer(wanted, products)
        text, said = told.text, asdict(told)
    who = f"chosen by the {choice.by}"
    if choice.why:
        who += f"; the model's choice was refused: {choice.why}"
    if choice.unread:
        who += f"; words that say nothing to the archive: {', '.join(choice.unread)}"
    if as_json:
        by = {"chosen_by": choice.by, "refused": choice.why, "unread": choice.unread}
        typer.echo(json.dumps({**shown, **by, **said}, ensure_ascii=False))
        return
    for name, value in shown.items():
        typer.echo(f"{name}: {json.dumps(value, ensure_ascii=False)}")
    if endpoint is not None:
        typer.echo(who)
    typer.echo(text)


def _planned(wanted: Order, file: Path) -> dict[str, str]:
    """Write a task's scenario; return when which satellite takes it."""
    from orbitloom.errors import OutputError, ScenarioError
    from orbitloom.ground.files import write_file
    from orbitloom.scenario import load
    from orbitloom.scenario.time import to_iso
    from orbitloom.world.captures import capture_tasks
    from orbitloom.world.orbits import build_ephemeris

    if file.suffix != ".toml":
        raise ScenarioError("is no .toml file", where=str(file), way_out="Give FILE.toml")
    if file.exists():
        raise OutputError("is there already", where=str(file), way_out="Name another file")
    write_file(file, wanted.scenario("ring12").encode())
    scenario = load(file)
    ephemeris = build_ephemeris(scenario.fleet, scenario.start_ns, scenario.end_ns)
    looks = capture_tasks(scenario, ephemeris)
    planned = "no satellite of ring12 can take it by day within that time"
    if looks:
        first = looks[0]
        planned = (
            f"{first.satellite} takes it at {to_iso(first.middle_ns)}, {first.roll_deg:+.1f}° roll"
        )
    return {"scenario": str(file), "planned": planned}


def _word(
    answers: Annotated[
        list[Path],
        typer.Argument(
            help="Alerts as GeoJSON: answer.geojson, or of an inbox.", metavar="FILE..."
        ),
    ],
    model: Annotated[
        str, typer.Option(help="As for [bold]orbitloom model check[/bold], or template.")
    ] = "embedded",
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print all that is known of the words, a line each.", metavar=""
        ),
    ] = False,
) -> None:
    """Put alerts into words: by a model under the guard, or else by the template.

    What the model writes names facts in braces; code fills in their values. A text that breaks a
    rule never leaves. Without the embedded model's files the template speaks, and says so.
    """
    from orbitloom.errors import InputFileError, ModelError
    from orbitloom.processing.language.chat import probe
    from orbitloom.processing.language.dossier import dossier_of
    from orbitloom.processing.language.runtime import open_model
    from orbitloom.processing.language.writer import write

    dossiers = []
    for file in answers:
        try:
            content = file.read_bytes()
            record = json.loads(content)
            kind = record["properties"]["kind"]
        except OSError as error:
            raise InputFileError.from_os(error, file) from error
        except (ValueError, KeyError, TypeError) as error:
            raise InputFileError(
                "is no answer", where=str(file), way_out="Give GeoJSON of orbitloom"
            ) from error
        if kind != "alert":
            raise InputFileError(f"is no alert but {kind!r}", where=str(file))
        digest = record["properties"].get("digest") or hashlib.sha256(content).hexdigest()
        dossiers.append(dossier_of(record, digest))
    try:
        endpoint = open_model(model)
        able = None if endpoint is None else probe(endpoint)
    except ModelError as error:
        if model != "embedded":
            raise
        typer.echo(f"note: {error}. The template speaks.", err=True)
        endpoint = able = None
    for dossier in dossiers:
        written = write(dossier, endpoint, able)
        if as_json:
            told = {"product": dossier.product, "digest": dossier.digest, **written.record()}
            typer.echo(json.dumps(told, ensure_ascii=False))
        else:
            refused = {r.rule for attempt in written.attempts for r in attempt.refusals}
            why = f" (refused: {', '.join(sorted(refused))})" if refused else ""
            typer.echo(
                f"{written.words.headline}\n  {written.words.text}\n  [{written.writer}]{why}"
            )


def _print(cards: list[ScoreCard]) -> None:
    from rich.console import Console
    from rich.table import Table

    names = (
        f"{card.identity.model}{', with an adapter' * bool(card.identity.adapter_sha256)}"
        for card in cards
    )
    table = Table("", *names, box=None)
    table.add_row("runtime", *(card.identity.runtime for card in cards))
    for what in ("schema", "grammar"):
        honours = ("yes" if getattr(card.able, what) else "no" for card in cards)
        table.add_row(f"honours a {what}", *honours)
    for name in cards[0].groups:
        groups = [card.groups[name] for card in cards]
        table.add_row(
            f"{name}: taken, at once / retried / of",
            *(
                f"{100 * g.accepted_share:.1f} %, {g.first} / {g.retried} / {g.cases}"
                for g in groups
            ),
        )
    count = sum(group.cases for group in cards[0].groups.values())
    for what in ("prompt_tokens", "completion_tokens", "cpu_s", "wall_s"):
        each = (f"{getattr(card, what) / count:.2f}" for card in cards)
        table.add_row(f"{what.replace('_', ' ')} a text", *each)
    table.add_row(
        "refused by",
        *(", ".join(f"{k} {n}" for k, n in list(c.refused.items())[:6]) for c in cards),
    )
    console = Console(soft_wrap=True)
    console.print(table)
    for card in cards:
        for written in card.sample:
            console.print(f"  {written.words.headline}\n    {written.words.text}", highlight=False)
