"""A receiver that keeps what it is given, and fails as it is told to."""

import asyncio

from services.alerts.notices import Notice
from services.alerts.receivers.delivery import Delivery, DeliveryError, Receipt


class Memory:
    """Receives in memory; each of `faults` is met by one attempt, and `always` by every one."""

    def __init__(self, name: str) -> None:
        self.id = name
        self.got: list[tuple[Notice, Delivery]] = []
        self.arrived = asyncio.Event()
        self.attempts = 0
        self.faults: list[Exception] = []
        self.always: DeliveryError | None = None

    async def send(self, notice: Notice, delivery: Delivery) -> Receipt:
        """Keep it, or fail."""
        self.attempts += 1
        if self.always is not None:
            raise self.always
        if self.faults:
            raise self.faults.pop(0)
        self.got.append((notice, delivery))
        self.arrived.set()
        return Receipt(f"{self.id}-{len(self.got)}")

    async def close(self) -> None:
        """Nothing to let go of."""
