"""Prints notices on the terminal; made for trying things out and for the demo."""

import sys

from services.alerts.notices import Notice
from services.alerts.receivers.delivery import Delivery, DeliveryError, DeliveryFault, Receipt
from services.alerts.receivers.plain import WIDTH, plain_text
from services.config.receivers import ConsoleReceiver


class Console:
    """Standard output as a receiver."""

    def __init__(self, config: ConsoleReceiver) -> None:
        self.id = config.id

    async def send(self, notice: Notice, delivery: Delivery) -> Receipt:
        """Print the notice between two lines, below the name of whom it is for."""
        rule = "─" * WIDTH
        reader = f"→ {delivery.to}\n" if delivery.to else ""
        text = f"\n{rule}\n{reader}{plain_text(notice, delivery)}{rule}\n"
        encoding = sys.stdout.encoding or "utf-8"
        failed = False
        try:
            # A terminal without these characters shows question marks rather than nothing.
            sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
            sys.stdout.flush()
        except (OSError, ValueError):
            failed = True
        if failed:
            raise DeliveryError(DeliveryFault.UNREACHABLE, outcome_unknown=True)
        return Receipt()

    async def close(self) -> None:
        """Leave standard output open: it is not ours."""
