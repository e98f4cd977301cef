"""The receiving end: an answer goes into the archive, and to everyone who asked for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from orbitloom.errors import OutputError, PacketError
from orbitloom.ground.archive import Archive
from orbitloom.ground.arrival import Arrival, slug
from orbitloom.ground.files import write_file
from orbitloom.ground.outlets import Outlet, installed_outlets
from orbitloom.ground.subscriptions import subscribers
from orbitloom.scenario import Scenario
from orbitloom.wire import Answer

__all__ = ["Delivery", "Ground"]

_OURS = re.compile(r".+-\d{4,}-(alert|nothing_found|not_observable)\.\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of an answer on the ground.

    Attributes
    ----------
    subscriptions
        Those it was handed to now; none for an answer that had come before.
    files
        What was written for it, in order.
    """

    capture: int
    subscriptions: tuple[str, ...]
    files: tuple[Path, ...]


class Ground:
    """Receives the answers of one flight.

    Parameters
    ----------
    folder
        Gets ``inbox/`` and ``catalog/``, and loses what an earlier flight left there. None to
        write nothing, for an arm that is only measured.
    scenario
        What was flown: its name and seed go into every identifier, its subscriptions say who
        gets what.
    outlets
        Who turns answers into files; all that are installed if nobody is named.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """

    def __init__(
        self, folder: Path | None, scenario: Scenario, outlets: Iterable[Outlet] | None = None
    ) -> None:
        self._scenario = scenario
        self._flight = f"{slug(scenario.name)}-{scenario.seed}"
        self._note = f"Simulated by Orbitloom: scenario {scenario.name}, seed {scenario.seed}"
        self._digests: dict[int, str] = {}
        self._inbox: Path | None = None
        self._archive: Archive | None = None
        self._outlets: tuple[Outlet, ...] = ()
        if folder is not None:
            self._inbox = folder / "inbox"
            self._archive = Archive(folder / "catalog", scenario)
            self._outlets = installed_outlets() if outlets is None else tuple(outlets)
            _clear(folder)

    def receive(self, answer: Answer, *, arrived_ns: int, station: str) -> Delivery:
        """Archive an answer and deliver it; the same answer again changes nothing.

        Raises
        ------
        PacketError
            If the answer lacks what every answer has, or differs from one that had come before
            for its capture.
        OutputError
            If a file cannot be written.
        """
        arrival = Arrival(
            answer=answer,
            flight=self._flight,
            note=self._note,
            arrived_ns=arrived_ns,
            station=station,
        )
        digest = answer.digest()
        known = self._digests.get(arrival.capture)
        if known == digest:
            return Delivery(capture=arrival.capture, subscriptions=(), files=())
        if known is not None:
            raise PacketError(f"capture {arrival.capture} has come before with another answer")
        self._digests[arrival.capture] = digest
        served = subscribers(self._scenario.subscriptions, arrival)
        files: list[Path] = []
        if self._archive is not None:
            files += self._archive.add(arrival)
        if self._inbox is not None and served:
            for name, content in self._render(arrival):
                for subscription in served:
                    files.append(self._inbox / f"{subscription}-{name}")
                    write_file(files[-1], content)
        return Delivery(capture=arrival.capture, subscriptions=served, files=tuple(files))

    def close(self) -> None:
        """Write the catalogue over everything that came.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        if self._archive is not None:
            self._archive.close()

    def _render(self, arrival: Arrival) -> Iterable[tuple[str, bytes]]:
        for outlet in self._outlets:
            file = outlet.render(arrival)
            if file is not None:
                yield file


def _clear(folder: Path) -> None:
    """Make the folders, and take away the answers of an earlier flight, and nothing else."""
    inbox, catalog = folder / "inbox", folder / "catalog"
    try:
        for made in (inbox, catalog):
            made.mkdir(parents=True, exist_ok=True)
            write_file(made / ".writable", b"")
            (made / ".writable").unlink()
        for file in inbox.iterdir():
            if _OURS.fullmatch(file.name):
                file.unlink()
        for record in catalog.glob("*/*/record.geojson"):
            home = record.parent
            for file in (record, home / "chip.tif", home / f"{home.name}.json"):
                file.unlink(missing_ok=True)
            if not any(home.iterdir()):
                home.rmdir()
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(
            f"cannot be written ({(error.strerror or str(error)).lower()})",
            where=str(folder),
            way_out="Give another folder with --out, or mend its rights and free space",
        ) from None
