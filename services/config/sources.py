"""Where posts come from: one class per kind of source."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from services.config.secrets import Secret, WithSecrets
from services.config.values import BadValueError, Slug, Strict, Text, show


def _speed(value: Any) -> float | Literal["max"] | None:
    if value is None or value == "max":
        return value  # type: ignore[no-any-return]  # None or the word itself
    try:
        speed = float(value)
    except (TypeError, ValueError):
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise BadValueError(f"{show(value)} is not a speed", "write a number above 0 such as 60, or max")
    return speed


Bound = Annotated[
    Slug | None,
    Field(description="Id of the institution that all of it is about; left out, the text decides."),
]


class FileSource(Strict):
    """Posts recorded in a file, one JSON object a line."""

    type: Literal["file"] = Field(description="The kind of source: file.")
    id: Slug = Field(description="Your name for this source.")
    path: Text = Field(description="The file, relative to this one; - reads standard input.")
    speed: Annotated[float | Literal["max"] | None, BeforeValidator(_speed)] = Field(
        default=None,
        description="Left out: import at once, for figures, never an alert. A number replays recorded time "
        "that many times faster, max as fast as possible; in a replay the record's own time is the clock.",
    )
    institution: Bound = None


class WebhookSource(WithSecrets):
    """Posts that another system sends over HTTP, signed with a shared secret."""

    type: Literal["webhook"] = Field(description="The kind of source: webhook.")
    id: Slug = Field(description="Your name for this source; part of its address.")
    secret: Secret = Field(description="The shared secret with which each request is signed.")
    institution: Bound = None
    rate_per_minute: int = Field(default=600, ge=1, description="Requests accepted a minute; more get 429.")


Source = Annotated[FileSource | WebhookSource, Field(discriminator="type")]
