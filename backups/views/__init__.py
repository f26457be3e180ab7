"""HTTP in, HTTP out: guard, form, service, render."""
