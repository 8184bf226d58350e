"""A backtest: recorded posts through the detector, or counts through one of their own."""
