"""Each extra brings what its service needs, and nothing of the others."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.extras


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(command, check=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_carries_the_model_the_week_and_the_migrations(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    assert "services/sentiment/shipped/manifest.json" in names
    assert "services/demo/week.ndjson" in names
    assert any(name.startswith("services/alerts/migrations/versions/") for name in names)


@pytest.mark.parametrize(
    ("extra", "module", "absent"),
    [
        ("ingest", "services.ingest.app", ("faust", "onnxruntime", "sqlalchemy", "torch")),
        ("sentiment", "services.sentiment.score_app", ("ahocorasick_rs", "sqlalchemy", "torch")),
        ("sentiment", "services.sentiment.watch_app", ("ahocorasick_rs", "sqlalchemy", "torch")),
        ("alerts", "services.alerts.app", ("ahocorasick_rs", "faust", "onnxruntime", "torch")),
    ],
)
def test_an_extra_alone_is_enough_for_its_service(
    wheel: Path, tmp_path: Path, extra: str, module: str, absent: tuple[str, ...]
) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    subprocess.run(
        [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "-c",
            str(ROOT / "constraints.txt"),
            f"{wheel}[{extra}]",
        ],
        check=True,
    )
    probe = (
        f"import {module}, services.cli, importlib.util as u\n"
        f"found = [name for name in {absent!r} if u.find_spec(name)]\n"
        "assert not found, found\n"
    )
    subprocess.run([str(python), "-c", probe], check=True, cwd=tmp_path)


def test_the_shipped_model_works_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(folder)
    probe = (
        "from services.sentiment.models import load_scorer\n"
        "import services; assert services.__file__.startswith(r'" + str(folder) + "'), services.__file__\n"
        "print(load_scorer(None, 'onnx', 1).score(['Heel erg bedankt, wat een lief team!'])[0].label)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe],
        check=True,
        capture_output=True,
        cwd=folder,
        env={"PYTHONPATH": str(folder)},
    )
    assert done.stdout.decode().strip() == "positive"
