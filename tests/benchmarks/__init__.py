"""Measures the portal against the official SDK, Django's admin, a plain view, and itself in quiet.

A part is a module with `measure(effort)`, which returns the rows of its table. What is compared is taken in
turns within one run: machines differ and so do their times, the ratios hold.
"""
