"""From mentions to scores and incidents: two Faust apps around a model and a detector."""
