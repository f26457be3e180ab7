"""From whatever stands in a ticket to the page that it means."""

from __future__ import annotations

from .candidates import Candidate, Found, find, recent_instances, recognised, suggestions
