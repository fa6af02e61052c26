"""Measurements of Cogitor, each against something it can be compared with."""
