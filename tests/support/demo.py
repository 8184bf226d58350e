"""Running `stormwacht demo` as a user does, and reading its summary."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LIMIT_S = 400


def start(*options: str, err: Path) -> subprocess.Popen[bytes]:
    """Start a demo that ends by itself."""
    with err.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "services.cli", "demo", "--exit", *options],
            stdout=subprocess.PIPE,
            stderr=out,
            stdin=subprocess.DEVNULL,
        )


def summary(process: subprocess.Popen[bytes], err: Path) -> dict[str, Any]:
    """Wait for it to end and return the JSON of its last line."""
    out, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, err.read_text()[-4000:]
    found: dict[str, Any] = json.loads(out.decode().splitlines()[-1])
    return found


def same(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Assert that two runs found and told the same; only times may differ."""
    for key in one.keys() - {"latency_ms", "seconds"}:
        assert one[key] == other[key], key
