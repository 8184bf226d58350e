"""Alembic's migrations of the alert service's database, shipped with the package."""
