"""The recipe that turns an open multilingual encoder into the small Dutch classifier in `models/shipped`."""
