"""Two views of 20 kB, behind the portal's own middleware and behind none: what a page costs beside them."""
