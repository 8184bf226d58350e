"""What the alert service knows and what it told: mentions, incidents and the notification log, in SQL."""

from services.alerts.store.engine import DatabaseUrlError, migrate, pending_migrations
from services.alerts.store.store import Store

__all__ = ["DatabaseUrlError", "Store", "migrate", "pending_migrations"]
