"""What explains a storm, built by rules: claims that name the posts they rest on. Pure."""

from services.alerts.stormcard.card import Card
from services.alerts.stormcard.explaining import explain

__all__ = ["Card", "explain"]
