"""Train the adapter with which the embedded language model words alerts.

    python scripts/train_writer.py --weights SmolLM2-135M-Instruct.Q4_1.gguf --out models

Takes an environment of its own (torch, transformers, accelerate, gguf) besides Orbitloom, some
3 GB of memory and a quarter of an hour of one core. Writes ``writer.gguf``, a LoRA adapter (Hu et
al., 2022, ICLR) for llama.cpp, and ``writer.toml``, which tells what it is.

The pairs are made up: evidence of `cases.evidence_cases` of the kinds that are not held out, and
for each a text by phrases drawn at random, which the guard must take. In two of five the kind and
its main fact get names that were never there, so that what is learnt is to copy them. Held out are
the kinds of `cases.HELD_OUT_KINDS`, the names of facts of `cases.HELD_OUT_FACTS`, and all evidence
with two reservations or more.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import torch
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer

from orbitloom.processing.language.cases import HELD_OUT_FACTS, HELD_OUT_KINDS, evidence_cases
from orbitloom.processing.language.dossier import Dossier, Fact, rules
from orbitloom.processing.language.guard import Words, check
from orbitloom.processing.language.prompt import messages
from orbitloom.scenario import stream

SEED, PAIRS = 20_261_101, 1_500
RANK, ALPHA = 8, 16.0
LAYERS = {  # of transformers' llama, and of llama.cpp's
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}  # fmt: skip

HEADLINES = {
    "early": (
        "{event} at {place}, MAIN", "{place}: {event}, MAIN", "{event} seen at {place}",
        "Alert for {place}: {event}, MAIN", "{event} at {place}: MAIN",
    ),
    "confirmed": (
        "Confirmed: {event} at {place}, MAIN", "{event} at {place} confirmed, MAIN",
        "A second look confirms {event} at {place}", "{place}: {event} confirmed",
    ),
    "retracted": (
        "Retracted: {event} at {place}", "{place}: alert of {event} withdrawn",
        "{event} at {place} not seen again", "Withdrawn: {event} at {place}",
    ),
}  # fmt: skip
OPENINGS = {
    "early": (
        "{event} at {place}, seen by {satellite}, {sensed}.",
        "{satellite} has detected {event} at {place}.",
        "At {sensed} {satellite} observed {event} at {place}.",
        "Imagery of {place} shows {event}, recorded {sensed}.",
        "A first look at {place} shows {event}.",
    ),
    "confirmed": (
        "A second look at {place} shows {event} again.",
        "{satellite} has seen {event} at {place} again, {sensed}.",
        "The earlier alert of {event} at {place} is confirmed by {satellite}.",
        "{event} at {place} is confirmed by a later look, {sensed}.",
    ),
    "retracted": (
        "A later look at {place} does not show {event}.",
        "{satellite} has not seen {event} at {place} again, {sensed}.",
        "The earlier alert of {event} at {place} is withdrawn.",
        "The alert of {event} at {place} is retracted after a second look.",
    ),
}  # fmt: skip
MEASURES = (
    "It is put at MAIN.", "The measurement gives MAIN.", "Measured: MAIN.", "The value is MAIN.",
    "It comes to MAIN.",
)  # fmt: skip
NOTES = {
    "hidden": (
        "Cloud hides part of the scene.", "Part of the scene is hidden by cloud.",
        "Cloud covered some of the area.",
    ),
    "uncompared": (
        "It could be compared with earlier looks only in part.",
        "Part of it could be compared with what is usual.",
        "The comparison with earlier looks covers only part of it.",
    ),
    "seasonal": (
        "Some of it is under water in other seasons too.", "Part of it may be seasonal.",
        "Some of the water is seasonal.",
    ),
    "unsure": ("The signal is weak.", "The signal is faint.", "The finding is uncertain."),
}  # fmt: skip
CLOSINGS = (
    "Confidence {confidence}.", "Confidence {confidence}, severity {severity}; recommended: {action}.",
    "Severity is {severity}, confidence {confidence}.", "Recommended: {action}.",
    "Rated {severity}: {action}.", "",
)  # fmt: skip
OVER = ("Recommended: {action}.", "It is advised to {action}.", "")
NOUNS = (
    "dust storm", "ice jam", "reef damage", "airfield activity", "night light loss", "quarry growth",
    "gamma burst", "ash cloud", "road closure", "river blockage", "turbid water", "new building",
    "storm surge", "tidal flat", "broken dam", "sand bank", "locust swarm", "rail damage",
)  # fmt: skip
FACTS = (
    "wave_height", "peak_rate", "length", "depth", "speed", "count", "burst_flux", "loss_share",
    "height", "wind_speed", "brightness", "mass", "width", "duration", "turbidity", "people_near",
)  # fmt: skip


def drawn(rng: np.random.Generator, phrases: tuple[str, ...]) -> str:
    return phrases[int(rng.integers(len(phrases)))]


def invented(rng: np.random.Generator, dossier: Dossier) -> Dossier:
    """Return a dossier whose kind and main fact have names of their own."""
    noun, name = drawn(rng, NOUNS), drawn(rng, FACTS)
    kept = [fact for fact in dossier.facts if fact.name not in dossier.required[2:]]
    kept.append(Fact(name=name, value=float(rng.integers(1, 900)), unit="m"))
    required = ("place", "event", name) if dossier.maturity != "retracted" else ("place", "event")
    return replace(dossier, noun=noun, facts=tuple(kept), required=required)


def target(rng: np.random.Generator, dossier: Dossier) -> Words:
    """Return a text that the guard takes."""
    main = f"{{{dossier.required[2]}}}" if len(dossier.required) > 2 else ""
    headline = drawn(rng, HEADLINES[dossier.maturity])
    named = "MAIN" in headline and main
    headline = headline.replace("MAIN", main) if main else headline.replace(", MAIN", "")
    headline = headline.replace(": MAIN", "")
    sentences = [drawn(rng, OPENINGS[dossier.maturity])]
    if main and (not named or rng.random() < 0.8):
        sentences.append(drawn(rng, MEASURES).replace("MAIN", main))
    if dossier.maturity != "retracted":
        sentences += [drawn(rng, NOTES[note]) for note in dossier.notes]
        sentences.append(drawn(rng, CLOSINGS))
    else:
        sentences.append(drawn(rng, OVER))
    words = Words(headline=headline, text=" ".join(filter(None, sentences)))
    refused = check(words, dossier)
    if refused:
        raise AssertionError((refused, words, dossier.event, dossier.maturity))
    return words


def pairs(count: int) -> list[tuple[list[dict[str, str]], str]]:
    """Return chats and what is to be answered."""
    rng = stream(SEED, "writer")
    kinds = tuple(kind for kind in rules().events if kind not in HELD_OUT_KINDS)
    made = []
    for dossier in evidence_cases(SEED, 4 * count, kinds):
        if len(dossier.notes) > 1:
            continue
        if rng.random() < 0.4:
            dossier = invented(rng, dossier)
        words = target(rng, dossier)
        answer = json.dumps({"headline": words.headline, "text": words.text})
        made.append((messages(dossier), answer))
        if len(made) == count:
            break
    return made


class Adapted(nn.Module):
    """A linear layer with a change of low rank beside it."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.layer = layer
        self.down = nn.Parameter(torch.randn(RANK, layer.in_features) / layer.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(layer.out_features, RANK))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x) + (x @ self.down.T) @ self.up.T * (ALPHA / RANK)


def adapt(model: nn.Module) -> dict[str, Adapted]:
    """Put an adapter beside each linear layer; return them by llama.cpp's names."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    made = {}
    for number, block in enumerate(model.model.layers):
        for path, name in LAYERS.items():
            part, layer = path.split(".")
            adapted = Adapted(getattr(getattr(block, part), layer))
            setattr(getattr(block, part), layer, adapted)
            made[f"blk.{number}.{name}.weight"] = adapted
    return made


def train(model: nn.Module, tokenizer, data, batch: int, rate: float) -> float:
    """Train for one pass over the pairs; return the mean loss of the last tenth."""
    examples = []
    for chat, answer in data:
        prompt = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        asked = tokenizer(prompt).input_ids
        said = tokenizer(answer + "<|im_end|>").input_ids
        examples.append((asked, said))
    steps = len(examples) // batch
    weights = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rate, total_steps=steps, pct_start=0.1
    )
    rng, losses, start = stream(SEED, "order"), [], time.process_time()
    order = rng.permutation(len(examples))
    for step in range(steps):
        some = [examples[int(k)] for k in order[step * batch : (step + 1) * batch]]
        longest = max(len(asked) + len(said) for asked, said in some)
        tokens = torch.full((batch, longest), tokenizer.pad_token_id)
        labels, seen = torch.full((batch, longest), -100), torch.zeros((batch, longest))
        for row, (asked, said) in enumerate(some):
            end = len(asked) + len(said)
            tokens[row, :end] = torch.tensor(asked + said)
            labels[row, len(asked) : end] = torch.tensor(said)
            seen[row, :end] = 1
        with torch.autocast("cpu", torch.bfloat16):
            hidden = model.model(input_ids=tokens, attention_mask=seen.long()).last_hidden_state
            # Only what is answered is scored: the head has a third of all weights.
            use = labels[:, 1:] != -100
            scores = model.lm_head(hidden[:, :-1][use])
        loss = nn.functional.cross_entropy(scores.float(), labels[:, 1:][use])
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if step % 10 == 0:
            spent = time.process_time() - start
            print(
                f"step {step} of {steps}: loss {np.mean(losses[-10:]):.4f}, {spent:.0f} CPU-s",
                flush=True,
            )
    return float(np.mean(losses[-max(steps // 10, 1) :]))


def write(adapters: dict[str, Adapted], config, out: Path) -> None:
    """Write the adapter for llama.cpp, which has the rows of q and k in another order."""
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, ALPHA)
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    for name, adapted in adapters.items():
        up = adapted.up.detach().numpy()
        count = heads.get(name.split(".")[2])
        if count:
            shape = (count, 2, up.shape[0] // count // 2, RANK)
            up = up.reshape(shape).swapaxes(1, 2).reshape(up.shape)
        down = adapted.down.detach().numpy()
        writer.add_tensor(f"{name}.lora_a", np.ascontiguousarray(down, np.float16))
        writer.add_tensor(f"{name}.lora_b", np.ascontiguousarray(up, np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, required=True, help="GGUF of SmolLM2-135M-Instruct")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=1)
    told = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(told.threads)
    data = pairs(told.pairs)
    print(data[0], data[1][1], data[2][1], sep="\n")
    folder, name = str(told.weights.parent), told.weights.name
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
    adapters = adapt(model)
    loss = train(model, tokenizer, data, told.batch, told.rate)
    told.out.mkdir(parents=True, exist_ok=True)
    write(adapters, model.config, told.out / "writer.gguf")
    sha256 = {
        "sha256": hashlib.sha256((told.out / "writer.gguf").read_bytes()).hexdigest(),
        "base_sha256": hashlib.sha256(told.weights.read_bytes()).hexdigest(),
    }
    about = {
        "name": "writer",
        **sha256,
        "base": told.weights.name,
        "rank": RANK,
        "alpha": ALPHA,
        "made_by": "scripts/train_writer.py",
        "training": f"{len(data)} made-up pairs, seed {SEED}, one pass, batch {told.batch}",
        "loss": round(loss, 4),
        "not_trained_on": f"{', '.join(HELD_OUT_KINDS)}; evidence with two reservations or more; "
        f"facts called {', '.join(HELD_OUT_FACTS)}",
        "licence": "Apache-2.0",
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in about.items()]
    head = "# What the adapter is. See docs/design/model-on-board.md.\n"
    (told.out / "writer.toml").write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"loss {loss:.4f}; {(told.out / 'writer.gguf').stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
