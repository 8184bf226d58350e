"""Stormwacht: from public reactions about care institutions to the people who answer them."""
