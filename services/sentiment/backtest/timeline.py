"""How much was said and how much of it was negative, in bins that widen so that there are never too many."""

from msgspec import Struct

from services.sentiment.storm.window import HOUR_S

MOST_BINS = 1000


class Timeline(Struct):
    """One institution's bins, by number since the epoch; times in seconds since the epoch."""

    seconds: int = HOUR_S
    bins: dict[int, tuple[float, int]] = {}
    first: int = 0
    last: int = 0

    def add(self, at: float, mentions: float, negative: int) -> None:
        """Count something that happened."""
        number = int(at // self.seconds)
        if not self.bins:
            self.first = self.last = number
        self.first, self.last = min(self.first, number), max(self.last, number)
        before = self.bins.get(number, (0.0, 0))
        self.bins[number] = (before[0] + mentions, before[1] + negative)
        while self.last - self.first >= MOST_BINS:
            self._widen()

    def _widen(self) -> None:
        wider: dict[int, tuple[float, int]] = {}
        for number, (mentions, negative) in self.bins.items():
            held = wider.get(number // 2, (0.0, 0))
            wider[number // 2] = (held[0] + mentions, held[1] + negative)
        self.bins = wider
        self.seconds *= 2
        self.first //= 2
        self.last //= 2
