"""The receiving end: an answer goes into the archive, and to everyone who asked for it.

So do the words that a language model finds for an alert; they come later, or, by another way
through the network, before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from orbitloom.errors import PacketError
from orbitloom.ground.archive import Archive
from orbitloom.ground.arrival import Arrival, slug
from orbitloom.ground.cube import read_points, write_cube
from orbitloom.ground.files import write_file
from orbitloom.ground.outlets import Outlet, Rewording, installed_outlets
from orbitloom.ground.subscriptions import subscribers
from orbitloom.scenario import Scenario
from orbitloom.wire import Answer, Wording

__all__ = ["Delivery", "Ground"]


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
        Gets ``inbox/`` and ``catalog/``. None to write nothing, for an arm that is only measured.
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
        self._measured: dict[int, Answer] = {}  # those that hold points of a series
        self._alerts: dict[int, Arrival] = {}
        self._early: dict[int, tuple[Wording, int]] = {}  # words before their alert: when they came
        self._worded: set[int] = set()
        self._folder = folder
        self._inbox: Path | None = None
        self._archive: Archive | None = None
        self._outlets: tuple[Outlet, ...] = ()
        if folder is not None:
            self._inbox = folder / "inbox"
            self._archive = Archive(folder / "catalog", scenario)
            self._outlets = installed_outlets() if outlets is None else tuple(outlets)
            for made in (self._inbox, folder / "catalog"):  # refuse a bad place before the flight
                write_file(made / ".writable", b"")
                (made / ".writable").unlink()

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
        if read_points([answer]):
            self._measured[arrival.capture] = answer
        served = subscribers(self._scenario.subscriptions, arrival)
        files: list[Path] = []
        if self._archive is not None:
            files += self._archive.add(arrival)
        files += self._hand_out(served, self._render(arrival))
        if arrival.kind == "alert":
            self._alerts[arrival.capture] = arrival
        wording, came_ns = self._early.pop(arrival.capture, (None, 0))
        # A good answer is not refused because of words that were another's.
        if wording is not None and wording.answer_sha256 == digest and arrival.kind == "alert":
            files += self.reword(wording, arrived_ns=came_ns).files
        return Delivery(capture=arrival.capture, subscriptions=served, files=tuple(files))

    def reword(self, wording: Wording, *, arrived_ns: int) -> Delivery:
        """Archive the words of an alert and deliver them to whoever got the alert.

        Words that come before their alert wait for it; the same words again change nothing.

        Raises
        ------
        PacketError
            If they belong to another answer than the one that came for their capture.
        OutputError
            If a file cannot be written.
        """
        capture = wording.capture
        nothing = Delivery(capture=capture, subscriptions=(), files=())
        if capture not in self._digests:
            self._early[capture] = wording, arrived_ns
            return nothing
        arrival = self._alerts.get(capture)
        if arrival is None or wording.answer_sha256 != self._digests[capture]:
            raise PacketError(f"words for another answer than the one of capture {capture}")
        if capture in self._worded:
            return nothing
        self._worded.add(capture)
        served = subscribers(self._scenario.subscriptions, arrival)
        files: list[Path] = []
        if self._archive is not None:
            files.append(self._archive.reword(arrival, wording))
        files += self._hand_out(served, self._reworded(arrival, wording, arrived_ns))
        return Delivery(capture=capture, subscriptions=served, files=tuple(files))

    def close(self) -> None:
        """Write the catalogue over everything that came, and the cube of what was measured.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        if self._archive is not None:
            self._archive.close()
        if self._folder is not None and self._measured:
            # The order of arrival must leave no trace.
            write_cube(
                self._folder / "catalog" / "series",
                [self._measured[capture] for capture in sorted(self._measured)],
            )

    def _hand_out(self, served: Iterable[str], rendered: Iterable[tuple[str, bytes]]) -> list[Path]:
        """Write what outlets made into the inbox of each subscription."""
        files: list[Path] = []
        served = tuple(served)
        if self._inbox is not None and served:
            for name, content in rendered:
                for subscription in served:
                    files.append(self._inbox / f"{subscription}-{name}")
                    write_file(files[-1], content)
        return files

    def _reworded(
        self, arrival: Arrival, wording: Wording, arrived_ns: int
    ) -> Iterable[tuple[str, bytes]]:
        for outlet in self._outlets:
            file = (
                outlet.reword(arrival, wording, arrived_ns)
                if isinstance(outlet, Rewording)
                else None
            )
            if file is not None:
                yield file

    def _render(self, arrival: Arrival) -> Iterable[tuple[str, bytes]]:
        for outlet in self._outlets:
            file = outlet.render(arrival)
            if file is not None:
                yield file
