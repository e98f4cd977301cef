"""Make the network that tells cloud, shadow, snow and water apart: chips, training, ONNX.

    python scripts/train_cloud.py chips --out chips.npz
    python scripts/train_cloud.py train --chips chips.npz --out src/orbitloom/processing/models

`chips` needs Orbitloom; `train` needs PyTorch and onnx besides numpy, which Orbitloom does not
install: a CPU build of PyTorch 2 in an environment of its own will do (40 minutes of one
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
SIZE, CROP = 192, 160
CLOUDED = 0.2  # as orbitloom.world.synthetic has it
FIRST_SEED = 1000
PIXELS_M = (10.0, 20.0, 30.0, 40.0, 60.0)
EVENTS = ("quiet", "flood", "burn", "fire", "crop_stress", "vessels", "lake", "snow")
SETTINGS = ("river", "forest", "farmland", "coast", "lake", "mountain")
BATCH = 8
WIDTHS = (24, 32, 48, 64)


# Chips ------------------------------------------------------------------------------------------


def chips(out: Path, first: int, count: int) -> None:
    """Draw chips from a number on: clear ground from above, and cloud to lay over it.

    Written are the ground's reflectance at the top, shadows in it, (n, 6, y, x) float16; the share
    of the light that comes from cloud and that cloud's brightness, (n, 2, y, x) uint8 of 255;
    classes, (n, y, x) uint8 bits; where the Sun stands, (n, 2): lines and columns.
    """
    grounds = np.empty((count, len(BANDS), SIZE, SIZE), np.float16)
    clouds = np.zeros((count, 2, SIZE, SIZE), np.uint8)
    truths = np.empty((count, SIZE, SIZE), np.uint8)
    known = np.ones((count, len(BANDS)), bool)
    suns = np.empty((count, 2), np.float32)
    for number in range(count):
        rng = np.random.default_rng([FIRST_SEED, first + number])
        pixel_m = float(rng.choice(PIXELS_M))
        world = _world(rng, first + number, pixel_m)
        east, north = _grid(world, pixel_m)
        surface, told = world.surface(east, north), world.truth(east, north)
        if number % 4 == 3:
            ground, water = _real_ground(rng, told.shadow)
            snow = np.zeros_like(water)
            known[number, 4:] = False
        else:
            sky = _sky(rng, world)
            ground = [air.toa(band) for air, band in zip(sky, surface.reflectance, strict=True)]
            snow, water = told.snow, told.water
        grounds[number] = ground
        truths[number] = told.shadow * 2 | snow * 4 | water * 8
        if surface.cloud is not None:
            shine = surface.cloud_reflectance[0]
            clouds[number] = np.rint(np.clip([surface.cloud, shine], 0.0, 1.0) * 255.0)
        azimuth = math.radians(world.place.sun_azimuth_deg)
        suns[number] = -math.cos(azimuth), math.sin(azimuth)
        if number % 20 == 0:
            print(f"{number} of {count}", flush=True)
    np.savez(out, grounds=grounds, clouds=clouds, truths=truths, known=known, suns=suns)


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


def _real_ground(rng: np.random.Generator, shadow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a real scene's ground, of four bands, and water by McFeeters' index."""
    import spyndex.datasets

    image = np.asarray(spyndex.datasets.open("sentinel").values, np.float32) / 1e4
    row, column = rng.integers(0, image.shape[1] - SIZE, 2)
    image = image[:, row : row + SIZE, column : column + SIZE]
    image = np.rot90(image, int(rng.integers(4)), (1, 2)) * float(rng.uniform(0.8, 1.2))
    shade = 1.0 - np.array([0.5, 0.55, 0.6, 0.68])[:, None, None] * shadow
    ground = np.zeros((len(BANDS), SIZE, SIZE), np.float32)
    ground[:4] = image * shade
    return ground, image[1] > image[3]


# Training ---------------------------------------------------------------------------------------


def network():
    """A small U-Net at half the picture's resolution: six bands and two flags in, four logits out."""
    import torch
    from torch import nn

    def block(inputs: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1),
            nn.ReLU(),
        )

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            inputs = WIDTHS[0]
            self.first = nn.Conv2d(len(BANDS) + 2, inputs, 4, stride=2, padding=1)
            self.down = nn.ModuleList()
            for width in WIDTHS:
                self.down.append(block(inputs, width))
                inputs = width
            self.up = nn.ModuleList()
            for width in reversed(WIDTHS[:-1]):
                self.up.append(block(inputs + width, width))
                inputs = width
            self.head = nn.Conv2d(inputs, 4 * len(CLASSES), 1)

        def forward(self, x):
            x = torch.relu(self.first(x))
            kept = []
            for number, step in enumerate(self.down):
                x = step(x if number == 0 else torch.max_pool2d(x, 2))
                kept.append(x)
            for number, step in enumerate(self.up):
                x = nn.functional.interpolate(x, scale_factor=2, mode="nearest")
                x = step(torch.cat([x, kept[-2 - number]], 1))
            return nn.functional.pixel_shuffle(self.head(x), 2)

    return Net().to(memory_format=torch.channels_last)


def _fields(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return random fields (count, 2 SIZE, 2 SIZE), mean 0 and spread 1, rough and smooth ones."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(2 * SIZE), np.fft.rfftfreq(2 * SIZE))).T
    out = np.empty((count, 2 * SIZE, 2 * SIZE), np.float32)
    for number in range(count):
        power = np.maximum(frequency, 1.0 / rng.uniform(16.0, 128.0)) ** -rng.uniform(1.0, 2.2)
        spectrum = np.fft.rfft2(rng.standard_normal(out.shape[1:])) * power
        spectrum[0, 0] = 0.0
        field = np.fft.irfft2(spectrum, out.shape[1:])
        out[number] = field / field.std()
    return out


class _Sky:
    """Lays cloud over ground, each time another: what no world's clouds share with real ones."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng, self._bank = rng, _fields(rng, 48)

    def _field(self) -> np.ndarray:
        row, column = self._rng.integers(0, 2 * SIZE - CROP, 2)
        field = self._bank[self._rng.integers(len(self._bank))]
        return field[row : row + CROP, column : column + CROP]

    def over(self, ground, cloud, sun):
        """Return the picture and how much of it is cloud.

        Thin edges are wide or narrow, tops smooth or rough, bright or dim, their sides lit or
        shaded by the Sun; now and then a thin veil lies over all.
        """
        rng = self._rng
        # Ground is rougher than the world's.
        ground = ground * np.exp(rng.uniform(0.0, 0.15) * self._field())
        share, shine = cloud.astype(np.float32) / 255.0
        share = share ** float(np.exp(rng.uniform(math.log(0.45), math.log(1.8))))
        if rng.random() < 0.5:  # ragged
            share = np.clip(share * (1.0 + rng.uniform(0.0, 0.5) * self._field()), 0.0, 1.0)
        there = share > 0.0
        if rng.random() < 0.15:
            veil = np.clip(rng.uniform(-0.3, 0.2) + rng.uniform(0.1, 0.3) * self._field(), 0, 0.6)
            share = 1.0 - (1.0 - share) * (1.0 - veil)
        relief = sum(
            part * (np.roll(share, 3, axis) - np.roll(share, -3, axis))
            for axis, part in enumerate(sun)
        )
        bright = np.where(there, np.maximum(shine, 0.3), 0.5) / 0.5
        bright = bright * float(np.exp(rng.uniform(math.log(0.3), math.log(0.95))))
        bright = bright * np.exp(rng.uniform(0.0, 0.35) * self._field())
        bright = np.clip(bright * (1.0 + rng.uniform(0.0, 0.8) * relief), 0.15, 1.4)
        # Ice and large drops are darker in the infrared.
        colour = 1.0 + rng.normal(0.0, 0.02, len(BANDS))
        colour[3] *= rng.uniform(0.9, 1.15)
        colour[4:] *= rng.uniform(0.45, 1.25) * np.array([1.0, rng.uniform(0.65, 1.0)])
        return ground + share * (bright * colour[:, None, None] - ground), share


def _augmented(rng, sky, ground, cloud, truth, known, sun):
    """Crop, lay cloud over, turn, mirror, and vary what one sensor or air does not share."""
    row, column = rng.integers(0, SIZE - CROP + 1, 2)
    part = (..., slice(row, row + CROP), slice(column, column + CROP))
    picture, share = sky.over(ground[part].astype(np.float32), cloud[part], sun)
    truth = truth[part] | (share >= CLOUDED)
    turns = int(rng.integers(4))
    picture, truth = np.rot90(picture, turns, (1, 2)), np.rot90(truth, turns)
    if rng.random() < 0.5:
        picture, truth = picture[:, :, ::-1], truth[:, ::-1]
    gain = rng.uniform(0.8, 1.2) * (1.0 + rng.normal(0.0, 0.03, len(BANDS)))
    offset = rng.normal(0.0, 0.008, len(BANDS)) + rng.uniform(-0.01, 0.02)
    if rng.random() < 0.25:  # as if the atmosphere had been taken out
        offset[:3] -= rng.uniform(0.0, 1.0) * np.array([0.06, 0.035, 0.02])
    picture = picture * gain[:, None, None] + offset[:, None, None]
    picture = picture + rng.uniform(0.0, 0.008) * rng.standard_normal(picture.shape, np.float32)
    known = known.copy()
    draw = rng.random()
    if draw < 0.35:
        known[4:] = False
    elif draw < 0.5:
        known[4 + int(rng.integers(2))] = False
    picture[~known] = 0.0
    flags = np.broadcast_to(known[4:, None, None], (2, *truth.shape))
    return np.concatenate([np.clip(picture, 0.0, 1.5), flags]).astype(np.float32), truth


def train(sources: list[Path], out: Path, steps: int) -> None:
    """Train on the chips, keep a twentieth to watch, and write ``cloud.onnx``."""
    import torch

    torch.manual_seed(FIRST_SEED)
    torch.set_num_threads(1)
    files = [np.load(source) for source in sources]
    made = [
        np.concatenate([data[name] for data in files])
        for name in ("grounds", "clouds", "truths", "known", "suns")
    ]
    held = np.arange(len(made[0])) % 20 == 0
    rng = np.random.default_rng(FIRST_SEED)
    sky = _Sky(rng)

    def draw(chosen):
        """Return pictures and truths of chips, as tensors."""
        pairs = [_augmented(rng, sky, *(each[i] for each in made)) for i in chosen]
        bits = np.stack([truth for _, truth in pairs])
        truths = np.stack([bits >> k & 1 for k in range(len(CLASSES))], 1).astype(np.float32)
        return torch.from_numpy(np.stack([picture for picture, _ in pairs])), torch.from_numpy(
            truths
        )

    net = network()
    print(sum(p.numel() for p in net.parameters()), "parameters", flush=True)
    training = np.flatnonzero(~held)
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-4)
    weight = torch.tensor([1.0, 0.8, 0.8, 0.5])[None, :, None, None]
    losses = []
    for step in range(steps):
        slow = 0.5 * (1.0 + math.cos(math.pi * step / steps))
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * min(1.0, (step + 1) / 50) * slow + 1e-5
        chosen = rng.choice(training, BATCH, replace=False)
        x, y = draw(chosen)
        with torch.autocast("cpu", torch.bfloat16):
            logits = net(x.contiguous(memory_format=torch.channels_last))
        logits = logits.float()
        entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, y, reduction="none")
        chance = torch.sigmoid(logits)
        both, either = (chance * y).sum((0, 2, 3)), (chance + y - chance * y).sum((0, 2, 3))
        loss = (entropy * weight).mean() + 0.3 * (1.0 - (both + 50.0) / (either + 50.0))[:2].mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
        if step % 200 == 199:
            print(f"{step + 1} of {steps}: {np.mean(losses[-200:]):.4f}", flush=True)
    net.eval()
    hits = np.zeros((2, len(CLASSES), 2))  # with all bands, and without
    for i in np.repeat(np.flatnonzero(held), 4):
        x, y = draw([i])
        with torch.no_grad():
            found, true = (net(x)[0] > 0).numpy(), y[0].numpy() > 0
        both, either = (found & true).sum((1, 2)), (found | true).sum((1, 2))
        hits[int(x[0, -2:, 0, 0].sum() < 2)] += np.stack([both, either], 1)
    for what, (both, either) in zip(("all bands", "fewer"), hits.transpose(0, 2, 1), strict=True):
        print(
            what, dict(zip(CLASSES, (both / np.maximum(either, 1)).round(3).tolist(), strict=True))
        )
    out.mkdir(parents=True, exist_ok=True)
    write_onnx(net, out / "cloud.onnx")
    digest = hashlib.sha256((out / "cloud.onnx").read_bytes()).hexdigest()
    print(digest, (out / "cloud.onnx").stat().st_size, "bytes")


def write_onnx(net, file: Path) -> None:
    """Write the network as ONNX, node by node: opset 17, any height and width that 16 divides."""
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
        return add("Conv", [x, w, b], pads=[*layer.padding] * 2, strides=[*layer.stride])

    def block(layers, x: str, name: str) -> str:
        x = add("Relu", [conv(layers[0], x, f"{name}.0")])
        return add("Relu", [conv(layers[2], x, f"{name}.2")])

    x, kept = add("Relu", [conv(net.first, "picture", "first")]), []
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
    x = add("DepthToSpace", [conv(net.head, x, "head")], blocksize=2, mode="CRD")
    add("Sigmoid", [x])
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
    make.add_argument("--count", type=int, default=720)
    learn = steps.add_parser("train")
    learn.add_argument("--chips", type=Path, nargs="+", required=True)
    learn.add_argument("--out", type=Path, required=True)
    learn.add_argument("--steps", type=int, default=8000)
    make.add_argument("--first", type=int, default=0, help="number of the first chip")
    said = parser.parse_args()
    if said.step == "chips":
        chips(said.out, said.first, said.count)
    else:
        train(said.chips, said.out, said.steps)


if __name__ == "__main__":
    main()
