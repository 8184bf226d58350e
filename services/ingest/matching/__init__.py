"""Which institutions a post is about, and what kind of post it is. Pure: decisions with their reasons."""
