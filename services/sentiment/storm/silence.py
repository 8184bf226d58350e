"""Far fewer mentions than expected: since when, how improbable, and when it is over. By whole hours."""

from enum import StrEnum

from msgspec import Struct

from services.sentiment.storm.evidence import shortfall

FAR_BELOW = 0.25  # share of what was expected from which it is no silence
IMPROBABLE = 12.0  # nats: so few come by chance at most once in 160,000 times
FORTNIGHT_H = 14 * 24  # what is usual has to be known first
HEARD = 0.5  # share of what was expected that ends a silence
ENOUGH = 4.0  # mentions expected before that can be judged
TAUGHT_AFTER_H = 7 * 24  # a silence that lasts becomes what is usual
DAY_H = 24


class Change(StrEnum):
    """What an institution is to be told about its silence."""

    FELL_SILENT = "fell_silent"
    HEARD_AGAIN = "heard_again"


class Silence(Struct):
    """The hours since the last that held what may be expected, and after an alarm those of late.

    Hours are numbered since the epoch. An alarm counts on: `told` is its first hour, 0 when there is none.
    """

    begun: int = 0  # the institution's first hour; 0: not begun
    since: int = 0
    seen: float = 0.0
    expected: float = 0.0
    squares: float = 0.0  # of what each day expected: noise goes by the day, and days differ by themselves
    today: float = 0.0  # what the present day expected
    told: int = 0
    late_seen: float = 0.0
    late_expected: float = 0.0
    heard: bool = False  # after an alarm
    over: tuple[int, int] = (0, 0)  # first hour of the last silence, and the one after it

    def count(self, hour: int, seen: float, expected: float) -> None:
        """Take in what an hour held."""
        if not self.begun:
            self.begun = hour
        if hour < self.begun + FORTNIGHT_H or self.heard:
            return
        if self.told:
            self._count_late(seen, expected)
            return
        if hour % DAY_H == 0:
            self.squares += self.today**2
            self.today = 0.0
        self.seen += seen
        self.expected += expected
        self.today += expected
        if not self.since:
            self.since = hour
        if self.seen >= FAR_BELOW * self.expected:
            self._restart()

    def _count_late(self, seen: float, expected: float) -> None:
        self.late_seen += seen
        self.late_expected += expected
        if self.late_expected >= ENOUGH:
            self.heard = self.late_seen >= HEARD * self.late_expected
            if not self.heard:
                self.late_seen = self.late_expected = 0.0

    def evidence(self, doubt: float, noise: float) -> float:
        """Return in nats what speaks against such silence, given the doubt about the rate and its noise."""
        if not self.expected:
            return 0.0
        days = (self.squares + self.today**2) / self.expected**2
        return shortfall(self.seen, self.expected, 1 / (doubt + noise * days))

    def change(self, hour: int, doubt: float, noise: float) -> Change | None:
        """Return what is to be told now that the hours before this one are counted; each change once."""
        if self.heard:
            self.over = (self.told, hour)
            self.heard, self.told = False, 0
            self._restart()
            return Change.HEARD_AGAIN
        if self.told or self.evidence(doubt, noise) < IMPROBABLE:
            return None
        self.told = self.since
        self.late_seen = self.late_expected = 0.0
        return Change.FELL_SILENT

    def teaches(self, hour: int) -> bool:
        """Tell whether an hour may become baseline: not one of a silence, unless that lasts."""
        first, end = (self.told, hour + 1) if self.told else self.over
        return not first <= hour < min(end, first + TAUGHT_AFTER_H)

    def _restart(self) -> None:
        self.since = 0
        self.seen = self.expected = self.squares = self.today = 0.0
