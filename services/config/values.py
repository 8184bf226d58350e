"""The value types of the subscription file, and the fault that each of them gives."""

import re
from datetime import date, time, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from services.messages.calendar import Period

_SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"
_EMAIL = r"^[^@\s<>\",;]+@[^@\s<>\",;]+\.[^@\s<>\",;.]+$"
_DURATION = r"^[0-9]{1,9}[smhd]$"
_PERIOD = r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=366)
MAX_SHOWN = 40
MAX_ID = 63  # a Kubernetes label, a metric label, a part of a Kafka key


class BadValueError(ValueError):
    """A value that cannot be right: what is wrong with it, and what would be right."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")
        self.problem = problem
        self.remedy = remedy


class Strict(BaseModel):
    """Base of every part of the file: frozen, no unknown fields, input never quoted in an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @classmethod
    def written_fields(cls) -> dict[str, str]:
        """Return the description of each field by the name it has in the file."""
        return {field.alias or name: field.description or "" for name, field in cls.model_fields.items()}


def show(value: object) -> str:
    """Quote a value in a message, if that is possible and safe."""
    return f"'{value}'" if isinstance(value, str | int | float) and presentable(str(value)) else "this value"


def presentable(text: str) -> bool:
    """Tell whether a text may be quoted in a message: not an address, which may hold a key."""
    return len(text) <= MAX_SHOWN and text.count("/") < 2 and text.isprintable()  # noqa: PLR2004


def _slug(value: str) -> str:
    if len(value) > MAX_ID or not re.fullmatch(_SLUG, value):
        raise BadValueError(
            f"{show(value)} is not an id",
            f"use small letters, digits and single hyphens, at most {MAX_ID}, such as 'huis-ter-duin'",
        )
    return value


def check_email(value: str) -> str:
    """Return an e-mail address; raise `BadValueError` when it is none."""
    if not re.fullmatch(_EMAIL, value):
        raise BadValueError(
            f"{show(value)} is not an e-mail address", "write one such as webcare@voorbeeld.nl"
        )
    return value


def _text(value: str) -> str:
    if not value.strip():
        raise BadValueError("is empty", "write some text")
    return value.strip()


def _date(value: Any) -> date:
    if isinstance(value, date):
        return value
    try:
        if isinstance(value, str) and re.fullmatch(_DATE, value):
            return date.fromisoformat(value)
    except ValueError:
        pass  # such as 30 February
    raise BadValueError(f"{show(value)} is not a date", "write year, month, day: 2026-10-14")


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or not re.fullmatch(_DURATION, value):
        raise BadValueError(
            f"{show(value)} is not a duration", "write a number and a unit: 90s, 5m, 2h or 7d"
        )
    length = timedelta(**{_UNITS[value[-1]]: min(int(value[:-1]), 366 * 86400)})
    if length > _LONGEST:
        raise BadValueError(f"{show(value)} is longer than a year", "write a shorter duration, such as 24h")
    return length


def _period(value: Any) -> Period:
    """Read `09:00-12:30`; `24:00` is the midnight at the day's end, as in `messages.calendar`."""
    if isinstance(value, tuple) and all(isinstance(part, time) for part in value):
        return value  # built in code, not read from a file
    if not isinstance(value, str) or not re.fullmatch(_PERIOD, value):
        raise BadValueError(
            f"{show(value)} is not a period", "write from and to with two digits each: 09:00-17:00"
        )
    opens, closes = value.split("-")
    start, end = time.fromisoformat(opens), time(0) if closes == "24:00" else time.fromisoformat(closes)
    if end != time(0) and end <= start:
        raise BadValueError(
            f"{show(value)} ends before it begins", "write the earlier time first, 24:00 is midnight"
        )
    return start, end


Slug = Annotated[str, AfterValidator(_slug), WithJsonSchema({"type": "string", "pattern": _SLUG})]
Email = Annotated[str, AfterValidator(check_email), WithJsonSchema({"type": "string", "format": "email"})]
Text = Annotated[str, AfterValidator(_text), WithJsonSchema({"type": "string", "minLength": 1})]
Day = Annotated[date, BeforeValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": _DURATION}),
]
OpeningPeriod = Annotated[
    Period, BeforeValidator(_period), WithJsonSchema({"type": "string", "pattern": _PERIOD})
]


def lasting(default: str, description: str) -> Any:
    """Return a field that holds a duration; the JSON schema shows its default as it is written."""
    return Field(default=_duration(default), description=description, json_schema_extra={"default": default})
