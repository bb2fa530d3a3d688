"""A chest-like CT with truth, for demonstration, tests and training. Not a patient."""
