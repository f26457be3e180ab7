"""Sessions in the database, under ids such as Django makes: no other cookie is a session, nor is looked up.

PostgreSQL refuses a look-up of text with a NUL by an error.
"""

from __future__ import annotations

import re
from typing import Any

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    def _validate_session_key(self, key: Any) -> bool:
        return bool(isinstance(key, str) and re.fullmatch(r"[a-z0-9]{32}", key))
