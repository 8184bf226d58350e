"""The recorded week and the clockwork that replays it through the real services."""
