"""Make the network that tells cloud, shadow, snow and water apart: chips, training, ONNX.

    python scripts/train_cloud.py chips --out chips.npz
    python scripts/train_cloud.py train --chips chips.npz --out src/orbitloom/processing/models

`chips` needs Orbitloom; `train` needs PyTorch and onnx besides numpy, which Orbitloom does not
install: a CPU build of PyTorch 2 in an environment of its own will do (about 20 minutes of one
core). Everything is seeded, but for the order of sums in PyTorch's own kernels.

The chips come from the synthetic world (seeds 1000 and up, which no test and no score uses) and,
with synthetic cloud over them, from the real Sentinel-2 scene that spyndex ships. No labelled real
scene is used: such scenes are for judging only.
"""

from __future__ import annotations

import argparse
import hashlib
import math
from pathlib import Path

import numpy as np

BANDS = ("blue", "green", "red", "nir", "swir16", "swir22")
CLASSES = ("cloud", "shadow", "snow", "water")
SIZE = 192
FIRST_SEED = 1000
PIXELS_M = (10.0, 20.0, 30.0, 40.0, 60.0)
EVENTS = ("quiet", "flood", "burn", "fire", "crop_stress", "vessels", "lake", "snow")
SETTINGS = ("river", "forest", "farmland", "coast", "lake", "mountain")
WIDTHS = (16, 24, 32, 48)
HIDES = 0.5  # opacity from which on it counts as cloud; at 0.2 real scenes fit better: to be tried


# Chips ------------------------------------------------------------------------------------------


def chips(out: Path, first: int, count: int) -> None:
    """Draw chips from a number on: reflectance at the top, (n, 6, y, x) float16, and classes, uint8 bits."""
    pictures = np.empty((count, len(BANDS), SIZE, SIZE), np.float16)
    truths = np.empty((count, SIZE, SIZE), np.uint8)
    known = np.ones((count, len(BANDS)), bool)
    for number in range(count):
        rng = np.random.default_rng([FIRST_SEED, first + number])
        make = _real_ground if number % 8 == 7 else _synthetic
        pictures[number], truths[number], known[number] = make(rng, first + number)
        if number % 20 == 0:
            print(f"{number} of {count}", flush=True)
    np.savez(out, pictures=pictures, truths=truths, known=known)


def _bands() -> tuple:
    from orbitloom.scenario import load

    of = {
        band.name: band for band in load("ring12", instrument={"base": "imager5m"}).instrument.bands
    }
    return tuple(of[name] for name in BANDS)


def _world(rng: np.random.Generator, number: int, pixel_m: float):
    """Return a synthetic world with as much cloud, of such a size, as the draw says."""
    from orbitloom.scenario import Target, time
    from orbitloom.world import synthetic_land
    from orbitloom.world.synthetic import SyntheticWorld

    setting = SETTINGS[int(rng.integers(len(SETTINGS)))]
    latitude = float(np.degrees(np.arcsin(rng.uniform(-0.9, 0.93))))
    target = Target(
        name=f"chip {number}",
        latitude_deg=round(latitude, 3),
        longitude_deg=round(float(rng.uniform(-179, 179)), 3),
        setting=setting,
    )
    t_ns = time.from_iso("2026-01-01T10:00:00Z") + int(rng.integers(365)) * time.DAY_NS
    world = SyntheticWorld(
        target,
        FIRST_SEED + number,
        bands=_bands(),
        t_ns=t_ns,
        sun_elevation_deg=float(rng.uniform(22.0, 75.0)),
        sun_azimuth_deg=float(rng.uniform(0.0, 360.0)),
        event=EVENTS[int(rng.integers(len(EVENTS)))],
        gsd_m=pixel_m,
    )
    cover = float(
        rng.choice([0.0, rng.uniform(0.02, 0.3), rng.uniform(0.3, 0.95)], p=[0.2, 0.4, 0.4])
    )
    if cover == 0.0:
        world.plan = world.plan._replace(cloud=0.0)
        return world
    world.plan = world.plan._replace(
        cloud=1.0,
        cloud_wave=float(np.exp(rng.uniform(math.log(700.0), math.log(9_000.0)))),
        cloud_base=float(rng.uniform(600.0, 3_500.0)),
        cloud_seed=int(rng.integers(1 << 40)),
    )
    axis = (np.arange(96) - 47.5) * pixel_m * SIZE / 96
    east, north = np.meshgrid(world.east_m + axis, world.north_m - axis)
    noise = synthetic_land.cloud_noise(east.ravel(), north.ravel(), world.plan)
    world.plan = world.plan._replace(cloud_cut=float(np.quantile(noise, 1.0 - cover)))
    return world


def _sky(rng: np.random.Generator, world):
    from orbitloom.wire.atmosphere import coefficients

    view, azimuth = float(rng.uniform(0.0, 35.0)), float(rng.uniform(0.0, 180.0))
    aot, water = (
        float(rng.choice([rng.uniform(0.03, 0.3), rng.uniform(0.3, 0.55)], p=[0.8, 0.2])),
        float(rng.uniform(0.5, 4.0)),
    )
    sun_zenith = 90.0 - world.place.sun_elevation_deg
    return [
        coefficients(
            band.wavelength_um, band.width_um, sun_zenith_deg=sun_zenith, view_zenith_deg=view,
            relative_azimuth_deg=azimuth, aot550=aot, water_g_cm2=water, ozone_cm_atm=0.3,
        )
        for band in _bands()
    ]  # fmt: skip


def _grid(world, pixel_m: float) -> tuple[np.ndarray, np.ndarray]:
    axis = (np.arange(SIZE) - (SIZE - 1) / 2) * pixel_m
    return np.meshgrid(world.east_m + axis, world.north_m - axis)


def _brightness(rng) -> np.ndarray:
    """Return how bright cloud is, cell by cell: thin tops and shaded sides are dim."""
    from orbitloom.world.fields import gaussian_field

    field = gaussian_field(rng, 256, longest=float(rng.uniform(10.0, 120.0)), slope=2.6)
    bright = float(rng.uniform(0.45, 1.1)) * np.exp(float(rng.uniform(0.1, 0.5)) * field)
    return np.clip(bright, 0.3, 1.35)[:SIZE, :SIZE]


def _seen(rng, world, rho, east, north):
    """Return the picture at the top, with cloud of a drawn brightness, and the classes."""
    surface = world.surface(east, north)
    sky = _sky(rng, world)
    top = np.stack([air.toa(band) for air, band in zip(sky, rho, strict=True)])
    if surface.cloud is not None:
        brightness = _brightness(rng)
        spectral = 1.0 + rng.normal(0.0, 0.04, len(BANDS))
        spectral[4:] *= rng.uniform(0.4, 1.3)  # ice and large drops are darker in the infrared
        # Real edges are softer and thin cloud is commoner than the world's.
        cloud = surface.cloud ** float(np.exp(rng.uniform(math.log(0.6), math.log(1.8))))
        shine = surface.cloud_reflectance * spectral[:, None, None] * brightness
        top = top + cloud * (shine.astype(np.float32) - top)
    else:
        cloud = np.zeros(east.shape, np.float32)
    told = world.truth(east, north)
    classes = ((cloud >= HIDES) * 1 | told.shadow * 2 | told.snow * 4 | told.water * 8).astype(
        np.uint8
    )
    return top.astype(np.float32), classes


def _synthetic(rng: np.random.Generator, number: int):
    pixel_m = float(rng.choice(PIXELS_M))
    world = _world(rng, number, pixel_m)
    east, north = _grid(world, pixel_m)
    rho = world.surface(east, north).reflectance
    top, classes = _seen(rng, world, rho, east, north)
    return top, classes, np.ones(len(BANDS), bool)


def _real_ground(rng: np.random.Generator, number: int):
    """Cloud over a real scene's ground: four bands, no truth of water but McFeeters' index."""
    import spyndex.datasets

    pixel_m = 10.0
    world = _world(rng, number, pixel_m)
    east, north = _grid(world, pixel_m)
    image = np.asarray(spyndex.datasets.open("sentinel").values, np.float32) / 1e4
    row, column = rng.integers(0, image.shape[1] - SIZE, 2)
    image = np.rot90(
        image[:, row : row + SIZE, column : column + SIZE], int(rng.integers(4)), (1, 2)
    )
    rho = np.zeros((len(BANDS), SIZE, SIZE), np.float32)
    rho[:4] = image * float(rng.uniform(0.8, 1.2))
    surface = world.surface(east, north)
    told = world.truth(east, north)
    shade = 1.0 - np.array([0.5, 0.55, 0.6, 0.68, 0.75, 0.8])[:, None, None] * told.shadow
    top = rho * shade
    cloud = surface.cloud if surface.cloud is not None else np.zeros(east.shape, np.float32)
    if surface.cloud_reflectance is not None:
        top = top + cloud * (surface.cloud_reflectance * _brightness(rng) - top)
    water = (rho[1] > rho[3]) & (cloud < HIDES)
    classes = ((cloud >= HIDES) * 1 | told.shadow * 2 | water * 8).astype(np.uint8)
    known = np.array([True] * 4 + [False] * 2)
    top[4:] = 0.0
    return top.astype(np.float32), classes, known


# Training ---------------------------------------------------------------------------------------


def network():
    """A small U-Net: six bands and two flags in, four logits out."""
    import torch
    from torch import nn

    def block(inputs: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, groups=8),
            nn.ReLU(),
        )

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            inputs = len(BANDS) + 2
            self.down = nn.ModuleList()
            for width in WIDTHS:
                self.down.append(block(inputs, width))
                inputs = width
            self.up = nn.ModuleList()
            for width in reversed(WIDTHS[:-1]):
                self.up.append(block(inputs + width, width))
                inputs = width
            self.head = nn.Conv2d(inputs, len(CLASSES), 1)

        def forward(self, x):
            kept = []
            for number, step in enumerate(self.down):
                x = step(x if number == 0 else torch.max_pool2d(x, 2))
                kept.append(x)
            for number, step in enumerate(self.up):
                x = torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")
                x = step(torch.cat([x, kept[-2 - number]], 1))
            return self.head(x)

    return Net()


def _augmented(rng, picture, truth, known):
    """Turn, mirror, and vary what one sensor or air does not share with another."""
    turns = int(rng.integers(4))
    picture, truth = np.rot90(picture, turns, (1, 2)), np.rot90(truth, turns)
    if rng.random() < 0.5:
        picture, truth = picture[:, :, ::-1], truth[:, ::-1]
    gain = rng.uniform(0.8, 1.2) * (1.0 + rng.normal(0.0, 0.07, len(BANDS)))
    offset = rng.normal(0.0, 0.008, len(BANDS)) + rng.uniform(-0.01, 0.02)
    picture = picture.astype(np.float32) * gain[:, None, None] + offset[:, None, None]
    picture = picture + rng.normal(0.0, rng.uniform(0.0, 0.008), picture.shape)
    known = known.copy()
    draw = rng.random()
    if draw < 0.35:
        known[4:] = False
    elif draw < 0.5:
        known[4 + int(rng.integers(2))] = False
    picture[~known] = 0.0
    flags = np.broadcast_to(known[4:, None, None], (2, *truth.shape))
    return np.concatenate([np.clip(picture, 0.0, 1.5), flags]).astype(np.float32), truth


def start_from(net, file: Path) -> None:
    """Take the weights of an earlier network."""
    import onnx
    import torch
    from onnx import numpy_helper

    of = {one.name: numpy_helper.to_array(one) for one in onnx.load(str(file)).graph.initializer}
    layers = {f"down{n}.{k}": net.down[n][k] for n in range(len(WIDTHS)) for k in (0, 2)}
    layers |= {f"up{n}.{k}": net.up[n][k] for n in range(len(WIDTHS) - 1) for k in (0, 2)}
    for name, layer in {**layers, "head": net.head}.items():
        layer.weight.data = torch.from_numpy(of[f"{name}.w"].copy())
        layer.bias.data = torch.from_numpy(of[f"{name}.b"].copy())


def train(source: Path, out: Path, minutes: float, earlier: Path | None) -> None:
    """Train on the chips, keep a twentieth to watch, and write ``cloud.onnx``."""
    import time

    import torch

    torch.manual_seed(FIRST_SEED)
    torch.set_num_threads(1)
    data = np.load(source)
    pictures, truths, known = data["pictures"], data["truths"], data["known"]
    held = np.arange(len(pictures)) % 20 == 0
    rng = np.random.default_rng(FIRST_SEED)
    net = network()
    if earlier is not None:
        start_from(net, earlier)
    print(sum(p.numel() for p in net.parameters()), "parameters", flush=True)
    batch, started = 8, time.process_time()
    training = np.flatnonzero(~held)
    steps_seen, total = 0, minutes * 60.0
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-4)
    weight = torch.tensor([1.0, 0.8, 0.8, 0.5])[None, :, None, None]
    losses = []
    while (used := (time.process_time() - started) / total) < 1.0:
        for group in optimiser.param_groups:
            group["lr"] = (
                2e-3 * min(1.0, steps_seen / 50 + 0.02) * 0.5 * (1 + math.cos(math.pi * used))
                + 1e-5
            )
        chosen = rng.choice(training, batch, replace=False)
        made = [_augmented(rng, pictures[i], truths[i], known[i]) for i in chosen]
        x = torch.from_numpy(np.stack([one[0] for one in made]))
        bits = np.stack([one[1] for one in made])
        y = torch.from_numpy(np.stack([(bits >> k & 1) for k in range(4)], 1).astype(np.float32))
        logits = net(x)
        entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, y, reduction="none")
        chance = torch.sigmoid(logits)
        both, either = (chance * y).sum((0, 2, 3)), (chance + y - chance * y).sum((0, 2, 3))
        loss = (entropy * weight).mean() + 0.3 * (1.0 - (both + 50.0) / (either + 50.0))[:2].mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
        steps_seen += 1
        if steps_seen % 50 == 0:
            print(steps_seen, f"{used:.2f}", f"{np.mean(losses[-50:]):.4f}", flush=True)
    net.eval()
    for drop in (False, True):
        hits = np.zeros((4, 2))
        for i in np.flatnonzero(held):
            there = known[i] & (np.arange(6) < 4 if drop else True)
            picture = np.where(there[:, None, None], pictures[i].astype(np.float32), 0.0)
            flags = np.broadcast_to(there[4:, None, None], (2, SIZE, SIZE))
            x = torch.from_numpy(
                np.concatenate([np.clip(picture, 0, 1.5), flags])[None].astype(np.float32)
            )
            with torch.no_grad():
                found = (net(x)[0] > 0).numpy()
            for k in range(4):
                true = (truths[i] >> k & 1).astype(bool)
                hits[k] += (found[k] & true).sum(), (found[k] | true).sum()
        print(
            "without SWIR" if drop else "all bands",
            dict(
                zip(
                    CLASSES, (hits[:, 0] / np.maximum(hits[:, 1], 1)).round(3).tolist(), strict=True
                )
            ),
        )
    out.mkdir(parents=True, exist_ok=True)
    write_onnx(net, out / "cloud.onnx")
    digest = hashlib.sha256((out / "cloud.onnx").read_bytes()).hexdigest()
    print(digest, (out / "cloud.onnx").stat().st_size, "bytes,", steps_seen, "steps")


def write_onnx(net, file: Path) -> None:
    """Write the network as ONNX, node by node: opset 17, any height and width that 8 divides."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, weights, count = [], [], 0

    def add(kind: str, inputs: list[str], **said) -> str:
        nonlocal count
        count += 1
        nodes.append(helper.make_node(kind, inputs, [f"t{count}"], **said))
        return f"t{count}"

    def tensor(name: str, values: np.ndarray) -> str:
        weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def conv(layer, x: str, name: str) -> str:
        w = tensor(f"{name}.w", layer.weight.detach().numpy())
        b = tensor(f"{name}.b", layer.bias.detach().numpy())
        half = layer.kernel_size[0] // 2
        return add("Conv", [x, w, b], pads=[half] * 4, group=layer.groups)

    def block(layers, x: str, name: str) -> str:
        x = add("Relu", [conv(layers[0], x, f"{name}.0")])
        return add("Relu", [conv(layers[2], x, f"{name}.2")])

    x, kept = "picture", []
    for number, layers in enumerate(net.down):
        if number:
            x = add("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
        x = block(layers, x, f"down{number}")
        kept.append(x)
    double = tensor("double", np.array([1, 1, 2, 2], np.float32))
    for number, layers in enumerate(net.up):
        x = add(
            "Resize",
            [x, "", double],
            mode="nearest",
            nearest_mode="floor",
            coordinate_transformation_mode="asymmetric",
        )
        x = add("Concat", [x, kept[-2 - number]], axis=1)
        x = block(layers, x, f"up{number}")
    x = add("Sigmoid", [conv(net.head, x, "head")])
    nodes[-1].output[0] = "chance"
    shape = [1, len(BANDS) + 2, "lines", "columns"]
    graph = helper.make_graph(
        nodes,
        "cloud",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("chance", TensorProto.FLOAT, [1, 4, "lines", "columns"])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    file.write_bytes(model.SerializeToString())


def main() -> None:
    """Do one of the two steps."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    steps = parser.add_subparsers(dest="step", required=True)
    make = steps.add_parser("chips")
    make.add_argument("--out", type=Path, required=True)
    make.add_argument("--count", type=int, default=520)
    learn = steps.add_parser("train")
    learn.add_argument("--chips", type=Path, required=True)
    learn.add_argument("--out", type=Path, required=True)
    learn.add_argument("--minutes", type=float, default=22.0, help="of one core")
    learn.add_argument("--from", dest="earlier", type=Path, help="an earlier cloud.onnx")
    make.add_argument("--first", type=int, default=0, help="number of the first chip")
    said = parser.parse_args()
    if said.step == "chips":
        chips(said.out, said.first, said.count)
    else:
        train(said.chips, said.out, said.minutes, said.earlier)


if __name__ == "__main__":
    main()
