from __future__ import annotations

import contextlib
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from orbitloom.errors import InputFileError, ScenarioError
from orbitloom.processing.l2 import CLOUD, NO_DATA, SHADOW, SNOW, SPOILT, WATER
from orbitloom.processing.l3 import Grid, Tile
from orbitloom.processing.memory import Memory
from orbitloom.processing.tiles import Square
from orbitloom.scenario import stream
from orbitloom.scenario.time import DAY_NS, from_iso

START_NS = from_iso("2026-03-01T10:00:00Z")
ROOMY = 1 << 30
_COARSE = {"cell_m": 100.0}  # cells of the memories in most tests: a square is 100 x 100 of them


def look(
    day, value=1_000, *, flags=0, shape=(200, 200), gsd_m=10.0, bands=("red", "nir"), at=(0, 0)
):
    """A look of a place, `value` everywhere in the first band and one more in each after it."""
    numbers = np.empty((len(bands), *shape), np.uint16)
    for place in range(len(bands)):
        numbers[place] = np.asarray(value) + place
    return Tile(
        grid=Grid(
            epsg=32633,
            transform=(gsd_m, 0.0, 501_000.0 + at[0], 0.0, -gsd_m, 4_999_000.0 - at[1]),
            shape=shape,
        ),
        band_names=bands,
        numbers=numbers,
        mask=np.full(shape, flags, np.uint8),
        imaged_share=1.0,
        sun_elevation_deg=40.0,
        off_nadir_deg=3.0,
        snr=80.0,
        sensed_ns=START_NS + day * DAY_NS,
    )


def inner(memory, tile):
    """The baseline on the tile's own ground: without the cell more on each side."""
    known = memory.baseline(tile.grid)
    cell = known.transform[0]
    left = round((tile.grid.transform[2] - known.transform[2]) / cell)
    top = round((known.transform[5] - tile.grid.transform[5]) / cell)
    rows, columns = (round(n * tile.grid.gsd_m / cell) for n in tile.grid.shape)
    part = (slice(top, top + rows), slice(left, left + columns))
    return replace(
        known,
        median=known.median[:, *part],
        spread=known.spread[:, *part],
        water=known.water[part],
        looks=known.looks[part],
    )


def test_median_and_spread_are_numpys():
    rng = stream(100, "memory")
    memory, values = Memory(ROOMY, **_COARSE), []
    for day in range(7):
        coarse = rng.integers(1, 9_000, (20, 20))
        values.append(coarse)
        memory.look(look(day, np.kron(coarse, np.ones((10, 10), int))))
        kept = np.array(values[-5:])
        known = inner(memory, look(day))
        median = np.median(kept, axis=0)
        assert known.band_names == ("nir", "red")
        np.testing.assert_array_equal(known.median[1], np.floor(median + 0.5))
        np.testing.assert_array_equal(known.median[0], np.floor(median + 1.5))
        spread = 1.4826 * np.median(np.abs(kept - median), axis=0)
        np.testing.assert_allclose(known.spread[1], spread, atol=0.51)
        assert (known.looks == min(day + 1, 5)).all()
        assert known.newest_ns == START_NS + day * DAY_NS


def test_a_cell_is_the_mean_of_its_clear_pixels():
    rng = stream(101, "memory")
    values = rng.integers(1, 9_000, (200, 200))
    flags = np.where(rng.random((200, 200)) < 0.45, CLOUD, 0)
    flags[:10, :10] = CLOUD
    memory = Memory(ROOMY, **_COARSE)
    memory.look(replace(look(0, values), mask=flags.astype(np.uint8)))
    known = inner(memory, look(0))
    clear = (flags == 0).reshape(20, 10, 20, 10)
    count = clear.sum(axis=(1, 3))
    total = (values.reshape(20, 10, 20, 10) * clear).sum(axis=(1, 3))
    enough = count >= 50
    assert 0 < np.count_nonzero(~enough) < 200
    expected = np.where(enough, np.floor(total / np.maximum(count, 1) + 0.5), 0)
    np.testing.assert_array_equal(known.median[1], expected)
    np.testing.assert_array_equal(known.looks, enough)
    np.testing.assert_array_equal(known.water, np.where(enough, 0, 255))


@pytest.mark.parametrize("flag", [NO_DATA, SPOILT, CLOUD, SHADOW, SNOW])
def test_what_hides_the_ground_is_not_remembered(flag):
    memory = Memory(ROOMY, **_COARSE)
    memory.look(look(0, flags=flag))
    assert memory.baseline(look(0).grid) is None
    assert memory.nbytes == 0
    memory.look(look(1, 500))
    memory.look(look(2, 9_000, flags=flag))
    assert (inner(memory, look(0)).median[1] == 500).all()


def test_the_share_of_looks_with_water():
    memory = Memory(ROOMY, **_COARSE)
    flags = np.zeros((200, 200), np.uint8)
    flags[:100] = WATER
    flags[100:110, ::2] = WATER
    for day in range(4):
        memory.look(replace(look(day), mask=flags if day else np.zeros_like(flags)))
    water = inner(memory, look(0)).water
    assert (water[:10] == 150).all()
    assert (water[10] == 75).all()
    assert (water[11:] == 0).all()


def test_a_flood_that_nobody_flagged_does_not_move_the_median():
    memory = Memory(ROOMY, **_COARSE)
    for day, value in enumerate((2_600, 2_610, 300, 310, 2_590)):
        memory.look(look(day, value, flags=WATER if value < 1_000 else 0))
    known = inner(memory, look(0))
    assert (known.median[1] == 2_590).all()
    assert (known.water == 80).all()


def test_a_flagged_event_does_not_enter_until_it_is_looked_at_without():
    """Five looks of a flood, excluded: as before. Confirmed as the new normal: three suffice."""
    memory, area = Memory(ROOMY, **_COARSE), np.zeros((200, 200), bool)
    area[:100] = True
    for day in range(5):
        memory.look(look(day, 2_600))
    for day in range(5, 10):
        memory.look(look(day, np.where(area, 300, 2_700)), exclude=area)
    known = inner(memory, look(0))
    assert (known.median[1][:10] == 2_600).all()
    assert (known.median[1][10:] == 2_700).all()
    for day in range(10, 13):
        memory.look(look(day, np.where(area, 300, 2_700)))
    known = inner(memory, look(0))
    assert (known.median[1][:10] == 300).all()
    assert (known.median[1][10:] == 2_700).all()


@pytest.mark.parametrize("gsd_m", [2.5, 3.0, 7.0, 20.0, 30.0])
def test_any_pixel_goes_into_any_cell(gsd_m):
    """A plane seen at another pixel size is remembered to half a pixel's slope."""
    size = int(3_000 / gsd_m)
    start = (
        np.ceil(501_000 / gsd_m) * gsd_m - 501_000,
        4_999_000 - np.floor(4_999_000 / gsd_m) * gsd_m,
    )
    at = gsd_m * (np.arange(size) + 0.5)
    plane = 1_000 + at[None] + 0 * at[:, None] + start[0]
    memory = Memory(ROOMY)
    tile = look(0, plane.astype(np.uint16), shape=(size, size), gsd_m=gsd_m, at=start)
    memory.look(tile)
    known = memory.baseline(tile.grid)
    seen = known.looks > 0
    assert np.count_nonzero(seen) == pytest.approx((size * gsd_m / 20) ** 2, rel=0.04)
    east = known.transform[2] + 20 * (np.arange(known.looks.shape[1]) + 0.5) - 501_000
    error = known.median[1].astype(float) - (1_000 + east)
    assert np.abs(error[seen]).max() <= gsd_m / 2 + 1


def test_the_order_of_looks_and_knowing_one_twice_do_not_matter():
    rng = stream(102, "memory")
    looks = []
    for day in (0, 1, 1, 2, 3):
        flags = np.kron(rng.choice([0, CLOUD], (20, 20)), np.ones((10, 10)))
        values = np.kron(rng.integers(1, 9_000, (20, 20)), np.ones((10, 10), int))
        looks.append(replace(look(day, values), mask=flags.astype(np.uint8)))
    written = set()
    for order in permutations(looks):
        memory = Memory(ROOMY, looks=3, **_COARSE)
        for one in (*order, order[0]):
            memory.look(one)
        known = memory.baseline(looks[0].grid)
        written.add(known.median.tobytes() + known.looks.tobytes() + known.water.tobytes())
    assert len(written) == 1


def random_memory(seed, days, bands=("red", "nir"), at=(0, 0)):
    rng = stream(seed, "merge")
    memory = Memory(ROOMY, looks=3, **_COARSE)
    for day in days:
        flags = np.kron(rng.choice([0, CLOUD], (20, 20)), np.ones((10, 10)))
        values = np.kron(rng.integers(1, 9_000, (20, 20)), np.ones((10, 10), int))
        tile = look(day, values, bands=bands, at=at)
        memory.look(replace(tile, mask=flags.astype(np.uint8)))
    return memory


def bytes_of(memory, tmp_path):
    memory.to_file(tmp_path / "m.npz")
    return (tmp_path / "m.npz").read_bytes()


def test_two_memories_merge_to_the_same_either_way(tmp_path):
    def pair():
        return (
            random_memory(103, (0, 2, 4)),
            random_memory(104, (1, 2, 3), ("blue", "red"), (7_500, 0)),
        )

    one, two = pair()
    one.merge(two)
    three, four = pair()
    four.merge(three)
    assert bytes_of(one, tmp_path) == bytes_of(four, tmp_path)
    assert one.squares == (Square(32633, 500_000, 4_990_000), Square(32633, 510_000, 4_990_000))
    before = bytes_of(one, tmp_path)
    one.merge(two)
    assert bytes_of(one, tmp_path) == before


def test_merging_gives_what_one_memory_that_saw_all_would_hold():
    both = random_memory(105, (0, 2, 5))
    other = Memory(ROOMY, looks=3, **_COARSE)
    whole = random_memory(105, (0, 2, 5))
    for day, value in ((1, 4_000), (6, 5_000)):
        other.look(look(day, value))
        whole.look(look(day, value))
    both.merge(other)
    one, two = (memory.baseline(look(0).grid) for memory in (both, whole))
    for part in ("median", "spread", "water", "looks"):
        np.testing.assert_array_equal(getattr(one, part), getattr(two, part))


def test_instruments_with_other_bands_share_a_memory():
    memory = Memory(ROOMY, **_COARSE)
    memory.look(look(0, 1_000, bands=("red", "nir")))
    memory.look(look(1, 3_000, bands=("blue", "red", "swir16")))
    known = inner(memory, look(0))
    assert known.band_names == ("blue", "nir", "red", "swir16")
    assert [int(band[0, 0]) for band in known.median] == [3_000, 1_001, 2_001, 3_002]
    assert (known.looks == 2).all()


def test_a_file_gives_the_memory_back(tmp_path):
    memory = random_memory(106, (0, 1))
    first = bytes_of(memory, tmp_path)
    again = Memory.from_file(tmp_path / "m.npz", ROOMY)
    assert bytes_of(again, tmp_path) == first
    one, two = memory.baseline(look(0).grid), again.baseline(look(0).grid)
    np.testing.assert_array_equal(one.median, two.median)
    assert one.newest_ns == two.newest_ns


def test_a_file_that_is_no_memory_is_refused(tmp_path):
    good = bytes_of(random_memory(107, (0,)), tmp_path)
    file = tmp_path / "bad.npz"
    rng = stream(100, "bad")
    spoilt = [b"", b"PK", b"no memory", good[: len(good) // 2]]
    spoilt += [good[:at] + bytes([good[at] ^ 0x55]) + good[at + 1 :]
               for at in rng.integers(0, len(good) // 2, 40)]  # fmt: skip
    refused = 0
    for data in spoilt:
        file.write_bytes(data)
        with contextlib.suppress(InputFileError):
            Memory.from_file(file, ROOMY)
            continue
        refused += 1
    assert refused > 20
    for data in spoilt[:4]:
        file.write_bytes(data)
        with pytest.raises(InputFileError, match=r"bad\.npz: is no memory"):
            Memory.from_file(file, ROOMY)
    with pytest.raises(InputFileError, match="cannot be read"):
        Memory.from_file(tmp_path / "none.npz", ROOMY)
    np.savez(file, index=np.frombuffer(b'{"cell_m": 20}', np.uint8))
    with pytest.raises(InputFileError, match="is no memory"):
        Memory.from_file(file, ROOMY)
    np.savez(file, index=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputFileError, match="is no memory"):
        Memory.from_file(file, ROOMY)


def at_square(day, number, value=1_000):
    return look(day, value, shape=(50, 50), at=(10_000.0 * number, 0.0))


def west_of(memory):
    return [(square.west_m - 500_000) // 10_000 for square in memory.squares]


def room(squares):
    memory = Memory(ROOMY, **_COARSE)
    memory.look(at_square(0, 0))
    return squares * memory.nbytes


def test_it_stays_within_its_bytes_and_the_oldest_unasked_goes():
    memory = Memory(room(4), **_COARSE)
    for number in range(4):
        memory.look(at_square(number, number))
    assert west_of(memory) == [0, 1, 2, 3]
    memory.baseline(at_square(0, 0).grid)
    memory.look(at_square(4, 4))  # of the older three, 0, 1 and 2, the first was asked for
    assert west_of(memory) == [0, 2, 3, 4]
    memory.look(at_square(5, 2))
    memory.look(at_square(6, 5))  # 2 was looked at again: of 0, 3 and 4, 3 is older than 4
    assert west_of(memory) == [0, 2, 4, 5]
    for number in range(6, 40):
        memory.look(at_square(number, number % 30))
        assert memory.nbytes <= room(4)


def test_an_order_saves_nothing_that_nobody_looks_at_for_long():
    """Orders count among the older half only: what is new has its chance to be asked for."""
    memory = Memory(room(3), **_COARSE)
    for number in range(3):
        memory.look(at_square(number, number))
        memory.baseline(at_square(0, number).grid)
    memory.look(at_square(3, 3))
    assert west_of(memory) == [1, 2, 3]


def test_too_little_room_holds_nothing():
    memory = Memory(10, **_COARSE)
    memory.look(look(0))
    assert memory.nbytes == 0
    assert memory.baseline(look(0).grid) is None


def test_the_limit_holds_when_reading_and_merging(tmp_path):
    memory = Memory(ROOMY, **_COARSE)
    for number in range(4):
        memory.look(at_square(number, number))
    memory.to_file(tmp_path / "m.npz")
    assert west_of(Memory.from_file(tmp_path / "m.npz", room(2))) == [2, 3]
    small = Memory(room(2), **_COARSE)
    small.look(at_square(9, 9))
    small.merge(memory)
    assert west_of(small) == [3, 9]


def test_a_baseline_lies_over_several_squares_and_has_a_rim():
    memory = Memory(ROOMY, **_COARSE)
    wide = look(0, 700, shape=(400, 400), at=(-3_000.0, -3_000.0))
    memory.look(wide)
    assert len(memory.squares) == 4
    known = memory.baseline(wide.grid)
    assert known.median.shape == (2, 42, 42)
    assert (known.median[1, 1:-1, 1:-1] == 700).all()
    assert not known.median[:, 0].any()
    assert not known.median[:, :, -1].any()
    part = memory.baseline(look(0, shape=(10, 10)).grid)
    assert part.median.shape == (2, 3, 3)
    assert (part.median[1] == 700).all()
    beside = replace(wide.grid, transform=(10.0, 0.0, 600_000.0, 0.0, -10.0, 4_999_000.0))
    assert memory.baseline(beside) is None
    elsewhere = replace(wide.grid, epsg=32634)
    assert memory.baseline(elsewhere) is None


def test_a_place_on_the_equator_is_one_place_on_either_hemispheres_grid():
    memory = Memory(ROOMY, **_COARSE)
    north = look(0, 700)
    north = replace(
        north, grid=replace(north.grid, transform=(10.0, 0.0, 501_000.0, 0.0, -10.0, 1_000.0))
    )
    south = replace(
        look(1, 800),
        grid=replace(
            north.grid, epsg=32733, transform=(10.0, 0.0, 501_000.0, 0.0, -10.0, 10_001_000.0)
        ),
    )
    for tile in (north, south):
        memory.look(tile)
    assert [square.epsg for square in memory.squares] == [32633, 32733]
    for tile in (north, south):
        known = inner(memory, tile)
        assert known.epsg == tile.grid.epsg
        assert (known.median[1] == 750).all()
        assert (known.looks == 2).all()


def test_reflectance_above_and_below_the_atmosphere_is_not_mixed(tmp_path):
    memory = Memory(ROOMY, **_COARSE)
    memory.look(look(0))
    with pytest.raises(InputFileError, match="would be mixed"):
        memory.look(replace(look(1), at_surface=True))
    memory.to_file(tmp_path / "m.npz")
    with pytest.raises(InputFileError, match="would be mixed"):
        Memory.from_file(tmp_path / "m.npz", ROOMY).look(replace(look(1), at_surface=True))


def test_impossible_parameters_and_other_kinds_are_refused():
    for bad in (
        {"cell_m": 0.1},
        {"cell_m": 5_000.0},
        {"cell_m": 30.0},
        {"looks": 0},
        {"looks": 17},
    ):
        with pytest.raises(ScenarioError, match="memory: limit_bytes"):
            Memory(ROOMY, **bad)
    with pytest.raises(ScenarioError):
        Memory(0)
    with pytest.raises(InputFileError, match="of the same kind"):
        Memory(ROOMY).merge(Memory(ROOMY, looks=3))


def test_a_look_is_left_as_it_is():
    tile = look(0, flags=WATER)
    before = tile.numbers.copy(), tile.mask.copy()
    Memory(ROOMY, **_COARSE).look(tile, exclude=np.ones((200, 200), bool))
    np.testing.assert_array_equal(tile.numbers, before[0])
    np.testing.assert_array_equal(tile.mask, before[1])
