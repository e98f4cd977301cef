"""A model that is divided among satellites: rates in closed form, and as a simulation of events.

A *pipeline* has the layers in stages on a ring of satellites; each token passes all of them, and
several texts can be under way at once. A *tensor split* shares each layer and sums up twice a
layer, which is for the links inside one satellite. Stages and parts are taken as equal.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import simpy

from orbitloom.processing.placement import Link

__all__ = [
    "Token",
    "fly_pipeline",
    "fly_tensor_split",
    "pipeline_tokens_per_s",
    "tensor_split_tokens_per_s",
    "tensor_split_worthwhile",
]

_ACTIVATION_BYTES = 2  # fp16
_ALL_REDUCES = 2  # a layer: after attention and after its feed-forward part

Steps = Generator[simpy.Event, Any, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token that came out: of which text, its place in it, when, and how often it was begun."""

    text: int
    number: int
    out_s: float
    tries: int


class _Ring:
    """The satellites of a pipeline, from when it stands until one of them is lost."""

    def __init__(self, env: simpy.Environment, stages: int, ready_s: float) -> None:
        self.computers = [simpy.Resource(env, capacity=1) for _ in range(stages)]
        self.lasers = [simpy.Resource(env, capacity=1) for _ in range(stages)]
        self.ready_s = ready_s
        self.broken = env.event()


def pipeline_tokens_per_s(
    token_s: float, stages: int, link: Link, width: int, texts: int = 1
) -> float:
    """Return the rate of all texts: ``min(n / (t_1 + S t_hop), S / t_1, 1 / t_sending)``.

    So many texts are on their way round, until a stage or a laser is always busy. One text is never
    written faster than by one computer: a pipeline is for a model that does not fit one satellite.

    Parameters
    ----------
    token_s
        Time of a token in all the layers.
    stages
        Satellites in the ring; the last hands the token back to the first.
    link
        Between neighbours.
    width
        d_model: `2 * width` bytes go over each hop.
    texts
        Streams of tokens; a text's next token begins when the one before has come round.
    """
    hop_bytes = _ACTIVATION_BYTES * width
    return min(
        texts / (token_s + stages * link.transfer_s(hop_bytes)),
        stages / token_s,
        1.0 / link.sending_s(hop_bytes),
    )


def fly_pipeline(
    token_s: float,
    stages: int,
    link: Link,
    width: int,
    *,
    texts: int = 1,
    tokens: int = 100,
    lost_s: Sequence[float] = (),
    reform_s: float = 1.0,
) -> tuple[Token, ...]:
    """Send tokens round a ring of satellites.

    Whoever asked keeps the texts and outlives the run. A lost satellite takes its layers' caches
    with it, so the ring is formed anew over those left, and every token that was under way is begun
    again there; what still runs on the broken ring is given up, so none comes out twice.

    Parameters
    ----------
    token_s, stages, link, width, texts
        As for `pipeline_tokens_per_s`.
    tokens
        Of each text.
    lost_s
        When a satellite is lost; which one makes no difference.
    reform_s
        From a loss until the ring stands again: silence noticed, layers loaded, caches computed.

    Returns
    -------
    tuple of Token
        In order of coming out. If no satellite is left, those that came out before.
    """
    env = simpy.Environment()
    hop_bytes = _ACTIVATION_BYTES * width
    rings = [_Ring(env, stages, 0.0)]
    out: list[Token] = []

    def losses() -> Steps:
        for at_s in sorted(lost_s)[:stages]:
            yield env.timeout(max(at_s - env.now, 0.0))
            broken = rings[-1]
            rings.append(_Ring(env, len(broken.computers) - 1, env.now + reform_s))
            broken.broken.succeed()

    def passed(ring: _Ring) -> Steps:
        try:
            yield env.timeout(max(ring.ready_s - env.now, 0.0))
            for computer, laser in zip(ring.computers, ring.lasers, strict=True):
                with computer.request() as turn:
                    yield turn
                    yield env.timeout(token_s / len(ring.computers))
                with laser.request() as turn:
                    yield turn
                    yield env.timeout(link.sending_s(hop_bytes))
                yield env.timeout(link.light_s)
        except simpy.Interrupt:
            return  # the ring is broken, and what was under way is lost

    def written(text: int) -> Steps:
        for number in range(tokens):
            for tries in count(1):
                ring = rings[-1]
                if not ring.computers:
                    return
                token = env.process(passed(ring))
                yield token | ring.broken
                if token.triggered:
                    out.append(Token(text=text, number=number, out_s=float(env.now), tries=tries))
                    break
                token.interrupt()

    env.process(losses())
    for text in range(texts):
        env.process(written(text))
    env.run()
    return tuple(out)


def tensor_split_tokens_per_s(
    token_s: float, parts: int, layers: int, link: Link, width: int
) -> float:
    """Return the rate with each layer split: two all-reduces a layer, there and back each.

    Parameters
    ----------
    token_s
        Time of a token on one computer.
    parts
        Computers; the others send their sums to the first, which sends back the total.
    layers
        Of the model.
    link
        Between the first and each other.
    width
        d_model: `2 * width` bytes go each way.
    """
    there_and_back_s = 2.0 * link.transfer_s(_ACTIVATION_BYTES * width)
    return 1.0 / (token_s / parts + layers * _ALL_REDUCES * there_and_back_s)


def tensor_split_worthwhile(
    token_s: float, parts: int, layers: int, link: Link, width: int
) -> bool:
    """Return whether a split beats one computer. Over lasers it does not."""
    return tensor_split_tokens_per_s(token_s, parts, layers, link, width) * token_s > 1.0


def fly_tensor_split(
    token_s: float, parts: int, layers: int, link: Link, width: int, *, tokens: int = 10
) -> float:
    """Return the seconds that tokens take, layer by layer, as the computers talk with each other.

    Parameters
    ----------
    token_s, parts, layers, link, width
        As for `tensor_split_tokens_per_s`; two parts or more.
    tokens
        Of one text.
    """
    env = simpy.Environment()
    sums = simpy.Store(env)
    totals = [simpy.Store(env) for _ in range(1, parts)]
    share_s = token_s / (parts * layers * _ALL_REDUCES)
    rounds = tokens * layers * _ALL_REDUCES

    def sent(inbox: simpy.Store) -> Steps:
        yield env.timeout(link.transfer_s(_ACTIVATION_BYTES * width))
        yield inbox.put(None)

    def first() -> Steps:
        for _ in range(rounds):
            yield env.timeout(share_s)
            for _ in totals:
                yield sums.get()
            for inbox in totals:
                env.process(sent(inbox))

    def other(inbox: simpy.Store) -> Steps:
        for _ in range(rounds):
            yield env.timeout(share_s)
            env.process(sent(sums))
            yield inbox.get()

    env.process(first())
    for inbox in totals:
        env.process(other(inbox))
    env.run()
    return float(env.now)
