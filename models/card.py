"""The model card, written from the figures in the manifest; run alone as ``python -m models.card``."""

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SHIPPED = HERE / "shipped"


def main() -> None:
    """Write `models/README.md` from `models/shipped/manifest.json`."""
    manifest = json.loads((SHIPPED / "manifest.json").read_text(encoding="utf-8"))
    text = (HERE / "card.md").read_text(encoding="utf-8")
    for name, value in _values(manifest).items():
        text = text.replace("{{" + name + "}}", value)
    (HERE / "README.md").write_text(text, encoding="utf-8")


def _values(manifest: dict[str, Any]) -> dict[str, str]:
    figures = manifest["figures"]
    recipe = manifest["recipe"]
    sizes = {name: f"{found['size'] / 1e6:.1f} MB" for name, found in manifest["files"].items()}
    return {
        "name": figures["model"],
        "reviews": f"{recipe['reviews']:,}",
        "mentions": f"{recipe['care']:,}",
        "held out": f"{recipe['held_out']:,}",
        "student layers": str(len(recipe["student_layers"])),
        "teachers": str(len(recipe["teacher_seeds"])),
        "general epochs": str(recipe["general"]["epochs"]),
        "care epochs": str(recipe["care_plan"]["epochs"]),
        "student epochs": str(recipe["student"]["epochs"]),
        "each teacher": ", ".join(
            f"{found['macro_f1']:.3f}" for name, found in manifest["teachers"].items() if name != "mean"
        ),
        "teacher": f"{manifest['teachers']['mean']['macro_f1']:.3f}",
        "student 32": f"{manifest['student_32_bits']['macro_f1']:.3f}",
        "student": f"{figures['care']['macro_f1']:.3f}",
        "onnx size": sizes["model.onnx"],
        "torch size": sizes["model.safetensors"],
        "tokenizer size": sizes["tokenizer.json"],
        "calibration error": f"{manifest['calibration_error']:.3f}",
        "care": _table(
            {
                "as shipped": figures["care"],
                "the same in 32 bits": manifest["student_32_bits"],
                "mean of the teachers": manifest["teachers"]["mean"],
            }
            | manifest["baselines"]
            | {f"writer {name}": found for name, found in figures["care_by_writer"].items()}
            | figures["care_by_difficulty"]
        ),
        "test": _table(figures["test_by_source"]),
        "acute": _acute(figures["acute_risk"]),
        "flags": _rates(figures["flags"]),
        "themes": _rates(figures["themes"]),
    }


def _table(rows: dict[str, dict[str, Any]]) -> str:
    head = "| | n | macro-F1 | accuracy | negative P / R | neutral P / R | positive P / R |"
    return "\n".join([head, "|---|---|---|---|---|---|---|", *(_row(*row) for row in rows.items())])


def _row(name: str, found: dict[str, Any]) -> str:
    cells = [
        f"{found[label]['precision']:.2f} / {found[label]['recall']:.2f}" if label in found else "-"
        for label in ("negative", "neutral", "positive")
    ]
    return (
        f"| {name} | {found['n']} | {found['macro_f1']:.3f} | {found['accuracy']:.3f} | {' | '.join(cells)} |"
    )


def _acute(groups: dict[str, dict[str, Any]]) -> str:
    rows = []
    for name, found in groups.items():
        low, high = found["interval"]
        rows.append(f"| {name} | {found['n']} | {found['raised']:.1%} | {low:.1%} to {high:.1%} |")
    return "\n".join(["| mentions | n | raised | 95 % interval |\n|---|---|---|---|", *rows])


def _rates(rows: dict[str, dict[str, Any]]) -> str:
    lines = [
        f"| {name} | {found['n']} | {found['precision']:.2f} | {found['recall']:.2f} | {found['f1']:.2f} |"
        for name, found in rows.items()
    ]
    return "\n".join(["| | n | precision | recall | F1 |\n|---|---|---|---|---|", *lines])


if __name__ == "__main__":
    main()
