"""The plumbing of a process: settings, logging, lifecycle, clock, Kafka, HTTP, embedded broker."""
