"""The storm detector. Pure."""
