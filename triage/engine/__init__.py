"""The engine: goals, facts and tools become a plan that is run durably. No radiology in here."""
