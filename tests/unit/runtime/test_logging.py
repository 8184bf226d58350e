"""A traceback in the log tells where, and never what the variables held."""

import logging as standard
from typing import Literal

import pytest
import structlog

from services.runtime import logging


def fails(text: str) -> None:
    raise ValueError(len(text))


@pytest.mark.parametrize("fmt", ["console", "json"])
def test_tracebacks_show_no_local_variables(
    fmt: Literal["console", "json"], capsys: pytest.CaptureFixture[str]
) -> None:
    logging.configure("test", fmt, "info")
    try:
        fails("my mother " + "lies there")
    except ValueError:
        standard.getLogger("library").exception("broke")
        structlog.get_logger().exception("broke")
    logged = capsys.readouterr().err

    assert logged.count("in fails") == 2
    assert "mother lies" not in logged
    standard.basicConfig(force=True)
    structlog.reset_defaults()
