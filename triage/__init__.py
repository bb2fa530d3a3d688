"""Reads chest CTs for lung nodules beside the radiologist. Research use only."""

__version__ = "0.1.0"
