"""The portal's settings; only the pages are others."""

from dcsportal.settings import *  # noqa: F403

ROOT_URLCONF = "tests.benchmarks.plain_views.urls"
