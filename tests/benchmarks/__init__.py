"""`./run bench`: what the portal costs, as ratios of figures taken in turns within one run."""
