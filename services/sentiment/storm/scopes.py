"""An organisation is looked at as a whole and part by part; the one that shows most leads its incident."""

from msgspec import Struct

from services.messages.vocabulary import StormState
from services.sentiment.storm.ladder import RANK, Horizon, Strength, Verdict, judge, strength

WHOLE = ""  # no institution has it as its id
CONCERNED = 1.5  # nats from which a part shows in a storm of the whole: two people where hardly any come


class Scope(Struct, frozen=True):
    """What the whole or one part looks like now."""

    name: str
    looks: list[Horizon]
    verdict: Verdict

    @classmethod
    def of(cls, name: str, looks: list[Horizon]) -> "Scope":
        """Return a scope with its verdict."""
        return cls(name, looks, judge(looks))

    def silenced(self) -> "Scope":
        """Return the same look, from which nothing follows."""
        return Scope(self.name, self.looks, Verdict(None, (), 0.0))

    @property
    def rank(self) -> int:
        """How high on the ladder its evidence reaches; -1 when nothing is unusual."""
        return -1 if self.verdict.state is None else RANK[self.verdict.state]

    @property
    def takes_part(self) -> bool:
        """Whether it is a storm, or nearly, by itself."""
        return self.rank >= RANK[StormState.RISING]

    @property
    def shows(self) -> bool:
        """Whether a storm of the whole can be seen in it."""
        return max(look.evidence for look in self.looks) >= CONCERNED


def leading(scopes: list[Scope]) -> Scope:
    """Return the one that shows most; of equals the whole, which stands first."""
    return max(scopes, key=lambda scope: scope.rank)


def strongest(scopes: list[Scope], peaks: dict[str, Strength]) -> tuple[Strength, Strength]:
    """Return how strong it is, and was at its peak, where most of the peak is left.

    An incident that eases in one part and goes on in another goes on.
    """
    found = [(strength(scope.looks), peaks[scope.name]) for scope in scopes if scope.name in peaks]
    return max(found, key=lambda pair: pair[0].share_of(pair[1]))
