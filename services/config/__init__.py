"""The subscription file: schema, loading, faults with line numbers."""
