"""Signs viewers in with the portal's own code, under the environment of a portal: python -m … COUNT [GROUP …]

Prints their cookies as one line of JSON.
"""

from __future__ import annotations

import json
import sys

import django


def main() -> None:
    django.setup()
    from django.conf import settings
    from django.contrib.sessions.backends.db import SessionStore
    from django.db import transaction
    from django.test import RequestFactory

    from dcsportal.sso.sessions import start_session

    cookies = []
    with transaction.atomic():
        for number in range(int(sys.argv[1])):
            request = RequestFactory().get("/")
            request.session = SessionStore()
            start_session(
                request,
                issuer=settings.SSO_ISSUER,
                subject=f"viewer-{number}",
                name=f"Viewer {number}",
                email=f"viewer-{number}@example.com",
                groups=[*(sys.argv[2:] or ["support"]), f"team-{number % 2}"],
            )
            request.session.save()
            cookies.append(f"{settings.SESSION_COOKIE_NAME}={request.session.session_key}")
    print(json.dumps(cookies))


if __name__ == "__main__":
    main()
