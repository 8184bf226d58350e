"""What every receiver takes and gives: a delivery, a receipt, or an error that says whether to try again."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from services.alerts.notices import Notice
from services.alerts.words import Language


@dataclass(frozen=True)
class Delivery:
    """One notice to one recipient.

    `key` is the same for every attempt; `thread` groups what belongs together; `to` is the address within
    the receiver. `possibly_duplicate`: an earlier attempt may have arrived.
    """

    key: str
    thread: str
    to: str | None = None
    language: Language = "nl"
    possibly_duplicate: bool = False


@dataclass(frozen=True)
class Receipt:
    """The provider took it over; `provider_id` is its name for the message, empty when it gives none."""

    provider_id: str = ""


class DeliveryFault(StrEnum):
    """Why a message did not get through."""

    RATE_LIMITED = "rate_limited"
    SERVER = "server"
    AUTH = "auth"
    GONE = "gone"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"


class DeliveryError(Exception):
    """A failed attempt, told without address, secret or text.

    `permanent`: another attempt by this way is of no use. `outcome_unknown`: it may have arrived all the
    same. `retry_after`: seconds that the provider asks to wait.
    """

    def __init__(
        self,
        reason: DeliveryFault,
        *,
        permanent: bool = False,
        outcome_unknown: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.permanent = permanent
        self.outcome_unknown = outcome_unknown
        self.retry_after = retry_after


class Receiver(Protocol):
    """A way to reach people."""

    @property
    def id(self) -> str:
        """The id that the subscription file gives it."""
        ...

    async def send(self, notice: Notice, delivery: Delivery) -> Receipt:
        """Hand the notice over.

        Raises:
            DeliveryError: it was not taken over, or that is unknown.

        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
