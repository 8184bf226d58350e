"""Who is told what, when, and why not: decisions that return a reason. Pure."""
