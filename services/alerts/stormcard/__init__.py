"""What explains a storm, built by rules: claims that name the posts they rest on. Pure."""

from services.alerts.stormcard.card import Card
from services.alerts.stormcard.explaining import explain
from services.alerts.stormcard.sources import Source

__all__ = ["Card", "Source", "explain"]
