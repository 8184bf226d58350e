"""From scores and incidents to people: store, decide, tell, account for it."""
