"""What the services share: records, codec, topics, identity, fingerprint, calendar. Pure."""
