"""Django's admin over the same records: what most would have built instead of the history page."""
