"""How people are reached: one file per kind of receiver."""

from collections.abc import Iterable
from typing import assert_never

from services.alerts.receivers.console import Console
from services.alerts.receivers.delivery import Delivery, DeliveryError, DeliveryFault, Receipt, Receiver
from services.alerts.receivers.email import Email
from services.alerts.receivers.slack_webhook import SlackWebhook
from services.alerts.receivers.webhook import Webhook
from services.config.receivers import ConsoleReceiver, EmailReceiver, SlackWebhookReceiver, WebhookReceiver
from services.config.receivers import Receiver as ReceiverConfig

__all__ = ["Delivery", "DeliveryError", "DeliveryFault", "Receipt", "Receiver", "build_receivers"]

TIMEOUT_S = 30.0


def build_receivers(configs: Iterable[ReceiverConfig], *, timeout: float = TIMEOUT_S) -> dict[str, Receiver]:
    """Return the receivers by id; nothing is opened before the first send."""
    return {config.id: _build(config, timeout) for config in configs}


def _build(config: ReceiverConfig, timeout: float) -> Receiver:
    match config:
        case ConsoleReceiver():
            return Console(config)
        case SlackWebhookReceiver():
            return SlackWebhook(config, timeout)
        case EmailReceiver():
            return Email(config, timeout)
        case WebhookReceiver():
            return Webhook(config, timeout)
        case _:
            assert_never(config)
