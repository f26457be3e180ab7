"""Tests of what reaches the database once more on PostgreSQL, which refuses text that SQLite takes."""

import psycopg

from ..conftest import python
from .postgresql import DATABASE

# What reaches the database.
FILES = (
    "tests/test_fuzzing.py",
    "tests/sso/test_who_is_let_in.py",
    "tests/sso/test_sign_out.py",
    "tests/sso/test_proxy_sign_in.py",
    "tests/test_migrations.py",
    "tests/services/test_evidence_against_a_model.py",
    "tests/services/test_kept_for_a_time.py",
)
OPTIONS = ("-n0", "-p", "no:cacheprovider", "--reuse-db")


def test_whatever_is_sent_is_answered_on_postgresql_too(postgres):
    # These tests' own settings stand in the environment already, and come first.
    database = {"TESTS_DATABASE_URL": postgres.url, "DATABASE_URL": postgres.url}
    done = python("-m", "pytest", "-q", "--hypothesis-profile=few", *OPTIONS, *FILES, **database)
    with psycopg.connect(postgres.url_of(f"test_{DATABASE}")) as connection:
        (migrations,) = connection.execute("SELECT count(*) FROM django_migrations").fetchone() or (0,)

    assert migrations
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
