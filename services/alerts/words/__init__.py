"""The words that staff read, in Dutch and English: texts by key, numbers and times as people write them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

from services.alerts.replies import Figures, Speed
from services.alerts.words import en, nl

Language = Literal["nl", "en"]

TEXTS: Final = {"nl": nl.TEXTS, "en": en.TEXTS}
MINUTES_PER_HOUR = 60


class Words:
    """One language; values that are filled in are never themselves read as a template."""

    def __init__(self, language: Language) -> None:
        self._texts = TEXTS[language]

    def text(self, key: str, **values: str) -> str:
        """Return the text of a key with its values filled in."""
        return self._texts[key].format_map(values)

    def count(self, key: str, n: float, **values: str) -> str:
        """Return the text for one or for many, with `{n}` filled in."""
        return self.text(f"{key}.one" if n == 1 else f"{key}.many", n=self.number(n), **values)

    def number(self, value: float) -> str:
        """Return a number with at most one decimal."""
        plain = f"{value:,.1f}".removesuffix(".0")
        return plain.translate({ord("."): self._texts["decimal"], ord(","): self._texts["thousand"]})

    def percent(self, share: float) -> str:
        """Return a fraction as a whole percentage."""
        return self.text("percent", n=self.number(round(share * 100)))

    def span(self, hours: float) -> str:
        """Return a length of time in minutes or hours."""
        minutes = round(hours * MINUTES_PER_HOUR)
        if minutes >= MINUTES_PER_HOUR:
            return self.count("hours", round(hours, 1))
        return self.count("minutes", minutes)

    def past(self, hours: float) -> str:
        """Return the time from then until now, for the middle of a sentence."""
        return self.text("past.hour") if hours == 1 else self.text("past", span=self.span(hours))

    def listed(self, items: Sequence[str]) -> str:
        """Return `a, b and c`."""
        *first, last = items
        return self.text("and", first=", ".join(first), last=last) if first else last

    def moment(self, at: datetime, zone: ZoneInfo) -> str:
        """Return a local moment, short enough for a list."""
        return self._moment("moment", at, zone)

    def spoken(self, at: datetime, zone: ZoneInfo) -> str:
        """Return a local moment as it is read aloud."""
        return self._moment("spoken", at, zone)

    def spoken_until(self, start: datetime, end: datetime, zone: ZoneInfo) -> str:
        """Return the end of a period; its day is not said again when it is that of the start."""
        same = start.astimezone(zone).date() == end.astimezone(zone).date()
        return self._moment("clock" if same else "spoken", end, zone)

    def _moment(self, key: str, at: datetime, zone: ZoneInfo) -> str:
        local = at.astimezone(zone)
        return self.text(
            key,
            weekday=self.text(f"weekday.{local.weekday()}"),
            short=self.text(f"weekday.short.{local.weekday()}"),
            day=str(local.day),
            month=self.text(f"month.{local.month}"),
            hour=f"{local.hour:02}",
            minute=f"{local.minute:02}",
        )

    def figures(self, figures: Figures, zone: ZoneInfo) -> str:
        """Return the reply figures in one line."""
        days = self.count("days", (figures.until - figures.since).days)
        parts = [self.text("figures.none", days=days)]
        if figures.rate is not None:
            parts = [
                self.text(
                    "figures.rate",
                    days=days,
                    answered=self.number(figures.answered),
                    actionable=self.number(figures.actionable),
                    percent=self.percent(figures.rate),
                    half=self._half(figures.always, figures.business),
                )
            ]
        if figures.oldest_open:
            parts.append(self.text("figures.oldest", when=self.moment(figures.oldest_open, zone)))
        if figures.not_measurable:
            parts.append(self.count("figures.not_measurable", figures.not_measurable))
        return " ".join(parts)

    def _half(self, always: Speed, business: Speed) -> str:
        if always.p50_hours is None:
            return self.text("figures.half.never")
        if business.p50_hours is None:
            return self.text("figures.half.always", span=self.span(always.p50_hours))
        return self.text(
            "figures.half", span=self.span(always.p50_hours), business=self.span(business.p50_hours)
        )
