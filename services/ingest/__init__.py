"""From a channel to Kafka: read, match, pseudonymise and redact, publish."""
