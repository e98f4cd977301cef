"""What traffic keeps account of when things break: outages, copies, and what became of bundles."""

from __future__ import annotations

from dataclasses import dataclass, field

from orbitloom.wire import WaitCause

__all__ = ["Custody", "Outage"]


@dataclass(slots=True, kw_only=True, eq=False)
class Outage:
    """Contacts that do not work for one reason.

    Attributes
    ----------
    cause
        The ledger's word for the reason.
    node
        Whose fault it is; -1 for that of a link.
    contacts
        Their numbers, sorted.
    t_ns
        Since when.
    known
        Whether the network has noticed and plans without them.
    displaced
        Bundles that had to look for another way.
    unconfirmed
        Bundles that have come over a contact whose receipts have not.
    """

    cause: WaitCause
    node: int
    contacts: tuple[int, ...]
    t_ns: int
    known: bool = False
    displaced: set[int] = field(default_factory=set)
    unconfirmed: set[int] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Custody:
    """Counts over a flight.

    Attributes
    ----------
    cut
        Transmissions that a fault has ended; what was sent stayed with the sender.
    rerouted
        Times that a bundle had to look for another way.
    copies
        Bundles sent again because no receipt had come for what had arrived.
    duplicates
        Copies that came to a node that had the bundle already, and were dropped.
    mended
        Damaged products that were made whole again.
    lost, lost_bytes
        Bundles, or parts of flows, of which nothing is left.
    """

    cut: int = 0
    rerouted: int = 0
    copies: int = 0
    duplicates: int = 0
    mended: int = 0
    lost: int = 0
    lost_bytes: int = 0
