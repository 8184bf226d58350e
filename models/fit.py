"""Fine-tuning: masked losses over all heads, batches of similar length, a checkpoint to go on from."""

import hashlib
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from models.data import SENTIMENTS, THEMES, Example
from services.sentiment.models.batching import pad, prepare
from services.sentiment.models.labels import FLAGS
from services.sentiment.models.torch import Network

CHECKPOINT_EVERY = 100
FLAG_SHARE = 0.4
SMOOTHING = 0.05
# Where the processor multiplies in 16 bits, training takes half the time; weights and optimiser stay in 32.
HALF = any(torch.cpu.get_capabilities().get(name, False) for name in ("avx512_bf16", "amx_bf16"))


@dataclass(frozen=True)
class Plan:
    """The settings of one stage; a checkpoint is only continued under the same ones, with the same texts."""

    seed: int
    epochs: int
    batch: int = 16
    rate: float = 1.5e-4
    head_rate: float = 1e-3
    theme_share: float = 0.6
    warm_up: float = 0.1
    max_length: int = 96
    half: bool = HALF


@dataclass(frozen=True)
class Targets:
    """All labels as tensors; NaN where a source has none."""

    sentiment: Tensor
    weight: Tensor
    flags: Tensor
    themes: Tensor

    @classmethod
    def of(cls, examples: list[Example]) -> "Targets":
        """Turn the labels of the examples into tensors."""
        gap = math.nan
        return cls(
            torch.tensor([SENTIMENTS.index(example.sentiment) for example in examples]),
            torch.tensor([example.weight for example in examples]),
            torch.tensor([[gap if flag is None else float(flag) for flag in e.flags] for e in examples]),
            torch.tensor(
                [
                    [gap if e.themes is None else float(theme in e.themes) for theme in THEMES]
                    for e in examples
                ]
            ),
        )


class Loss:
    """The weighted sum of the heads' losses; rare classes count by the square root of their rarity."""

    def __init__(self, targets: Targets, theme_share: float) -> None:
        self._targets = targets
        self._theme_share = theme_share
        counts = torch.bincount(targets.sentiment, targets.weight, minlength=len(SENTIMENTS))
        self.classes = (counts.mean() / counts).sqrt().float()
        self._flags = self._rarity(targets.flags)
        self._themes = self._rarity(targets.themes)

    def __call__(self, logits: Tensor, chosen: list[int]) -> Tensor:
        """The loss of a batch, given the numbers of its examples."""
        first, second = len(SENTIMENTS), len(SENTIMENTS) + len(FLAGS)
        targets = self._targets
        sentiment = functional.cross_entropy(
            logits[:, :first],
            targets.sentiment[chosen],
            self.classes,
            reduction="none",
            label_smoothing=SMOOTHING,
        )
        weighted = (sentiment * targets.weight[chosen]).mean()
        flags = self._masked(logits[:, first:second], targets.flags[chosen], self._flags)
        themes = self._masked(logits[:, second:], targets.themes[chosen], self._themes)
        return weighted + FLAG_SHARE * flags + self._theme_share * themes

    @staticmethod
    def _rarity(targets: Tensor) -> Tensor:
        known = ~targets.isnan()
        positive = targets.nansum(0)
        return ((known.sum(0) - positive) / positive.clamp(min=1)).clamp(min=1).sqrt()

    @staticmethod
    def _masked(logits: Tensor, targets: Tensor, rarity: Tensor) -> Tensor:
        known = ~targets.isnan()
        loss = functional.binary_cross_entropy_with_logits(
            logits, targets.nan_to_num(0.0), pos_weight=rarity, reduction="none"
        )
        return (loss * known).sum() / known.sum().clamp(min=1)


class Distillation(Loss):
    """Half of the loss is the true labels', half is agreement with a teacher (Hinton et al. 2015)."""

    HEAT = 2.0  # softens both, so that the teacher's doubts are learned too

    def __init__(self, targets: Targets, theme_share: float, teacher: Tensor) -> None:
        super().__init__(targets, theme_share)
        self._teacher = teacher

    def __call__(self, logits: Tensor, chosen: list[int]) -> Tensor:
        """The loss of a batch, given the numbers of its examples."""
        first = len(SENTIMENTS)
        soft = self._teacher[chosen]
        sentiment = functional.kl_div(
            functional.log_softmax(logits[:, :first] / self.HEAT, -1),
            functional.softmax(soft[:, :first] / self.HEAT, -1),
            reduction="batchmean",
        )
        others = functional.binary_cross_entropy_with_logits(logits[:, first:], soft[:, first:].sigmoid())
        agreement = self.HEAT**2 * sentiment + 4.0 * others
        return 0.5 * super().__call__(logits, chosen) + 0.5 * agreement


def chosen_layers(teacher: Network, student: Network, layers: Sequence[int]) -> Network:
    """The student with the teacher's word table, its chosen layers and its output layer."""
    state = teacher.state_dict()
    taken = {name: value for name, value in state.items() if not name.startswith("layers.")}
    for mine, his in enumerate(layers):
        prefix = f"layers.{his}."
        taken |= {
            f"layers.{mine}." + name.removeprefix(prefix): value
            for name, value in state.items()
            if name.startswith(prefix)
        }
    student.load_state_dict({name: value.clone() for name, value in taken.items()})
    return student


def encode(tokenizer: Tokenizer, prefix: str, texts: list[str], max_length: int) -> list[list[int]]:
    """Token ids of texts, cleaned as the service cleans them."""
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length)
    return [tokenizer.encode(prefix + prepare(text)).ids for text in texts]


def epoch_batches(lengths: list[int], size: int, chance: random.Random) -> list[list[int]]:
    """A random order in which texts of similar length still meet, to compute less padding."""
    order = list(range(len(lengths)))
    chance.shuffle(order)
    pool = size * 16
    batches: list[list[int]] = []
    for start in range(0, len(order), pool):
        near = sorted(order[start : start + pool], key=lengths.__getitem__)
        batches += [near[at : at + size] for at in range(0, len(near), size)]
    chance.shuffle(batches)
    return batches


class Run:
    """One training run and its checkpoint."""

    def __init__(self, network: Network, plan: Plan, *, steps: int, texts: str, path: Path) -> None:
        self.network = network
        self.settings = {**plan.__dict__, "texts": texts}
        self.path = path
        network.positions.requires_grad_(requires_grad=False)
        self.head = list(network.output.parameters())
        own = {id(parameter) for parameter in self.head}
        self.body = [p for p in network.parameters() if p.requires_grad and id(p) not in own]
        self.optimiser = torch.optim.AdamW(
            [{"params": self.body, "lr": plan.rate}, {"params": self.head, "lr": plan.head_rate}],
            weight_decay=0.01,
        )
        warm = max(1, int(plan.warm_up * steps))
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimiser, lambda step: min((step + 1) / warm, (steps - step) / max(1, steps - warm))
        )

    def step(self, loss: Tensor) -> None:
        """Move the weights once."""
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*self.body, *self.head], 1.0)
        self.optimiser.step()
        self.schedule.step()

    def save(self, step: int) -> None:
        """Write the checkpoint beside the old one, then put it in its place."""
        part = self.path.with_suffix(".part")
        state = {
            "settings": self.settings,
            "step": step,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "random": torch.get_rng_state(),
        }
        torch.save(state, part)
        part.rename(self.path)

    def resume(self) -> int:
        """Take up a checkpoint of the same settings; the number of steps that are done."""
        if not self.path.exists():
            return 0
        state = torch.load(self.path, weights_only=True)
        if state["settings"] != self.settings:
            raise SystemExit(
                f"{self.path} belongs to a run with other settings or texts; delete it to start anew"
            )
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(state["random"])
        return int(state["step"])


def fit(
    network: Network,
    epochs: Sequence[list[list[int]]],
    loss: Loss,
    plan: Plan,
    *,
    pad_id: int,
    checkpoint: Path,
) -> None:
    """Train in place, or continue where an interrupted run left its checkpoint.

    `epochs` holds the token ids of all examples once for each epoch, each time as otherwise disguised texts.
    """
    console = Console(stderr=True)
    torch.manual_seed(plan.seed)
    batches: list[tuple[list[int], list[list[int]]]] = []
    for number, rows in enumerate(epochs):
        chance = random.Random(plan.seed * 1000 + number)  # noqa: S311
        batches += [
            (batch, [rows[index] for index in batch])
            for batch in epoch_batches([len(row) for row in rows], plan.batch, chance)
        ]
    texts = hashlib.sha256(repr(epochs).encode()).hexdigest()
    run = Run(network, plan, steps=len(batches), texts=texts, path=checkpoint)
    done = run.resume()
    started, total = time.perf_counter(), 0.0
    network.train()
    for step in range(done, len(batches)):
        chosen, rows = batches[step]
        ids, mask = pad(rows, pad_id)
        with torch.autocast("cpu", torch.bfloat16, enabled=plan.half):
            logits = network(torch.from_numpy(ids), torch.from_numpy(mask))
        value = loss(logits.float(), chosen)
        run.step(value)
        total += value.item()
        if (step + 1) % CHECKPOINT_EVERY == 0 or step + 1 == len(batches):
            run.save(step + 1)
            rate = (step + 1 - done) / (time.perf_counter() - started)
            left = (len(batches) - step - 1) / rate / 60
            mean = total / (step + 1 - done)
            console.print(f"step {step + 1}/{len(batches)}  mean loss {mean:.3f}  {left:.1f} minutes left")
    network.eval()
