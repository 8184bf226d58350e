"""What docs/webhook.md says is what the code does."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from services.ingest.sources import RawPost, parse_post
from services.ingest.sources.webhook import sign
from services.messages.vocabulary import Channel

PAGE = (Path(__file__).parents[3] / "docs" / "webhook.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_schema_lists_the_fields_and_channels_there_are() -> None:
    properties = json.loads(blocks("json")[0])["properties"]
    assert set(properties) == set(RawPost.__struct_fields__) - {"received_at"}
    assert properties["channel"]["enum"] == [str(channel) for channel in Channel]


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_the_example_signs_as_we_do() -> None:
    setup, _, _ = blocks("sh")[0].partition("curl")
    script = setup + 'printf "%s\\n%s\\n%s" "$t" "$v1" "$body"'
    done = subprocess.run(
        ["bash", "-c", script],
        env={"REVIEWS_SECRET": "geheim", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=True,
    )
    stamp, digest, body = done.stdout.split(b"\n", 2)
    assert parse_post(body).id == "3141"
    assert sign("geheim", int(stamp), body) == f"t={int(stamp)},v1={digest.decode()}"
