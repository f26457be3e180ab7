"""Pages that are asked in one process, without a server: only they cost.

python -m tests.benchmarks.in_process pages FOLDER ENDPOINT RECORDS_OF_THE_ADMIN | cookies
"""

import gzip
import io
import os
import statistics
import sys
import time
from itertools import count

import django

from . import admin_site
from .servers import ROOT, answer_orders, memory_of, production

PAGE = ("<!doctype html>\n<table>\n" + "<tr><td>backup</td><td>Succeeded</td></tr>\n" * 500).encode()[:20_000]
_numbers = count(100_000)


class Pages:
    def __init__(self, application, cookie):
        self._application = application
        self._cookie = cookie

    def ask(self, path, *, times=1, count_files=False):
        """Get a page so often, and return its median costs; `{n}` in `path` is another number each time."""
        from backups.services.listings import reader

        reader.wait_for_readers(600)  # what a view before left to be written is no cost of this one
        cpu, wall, files = [], [], set()
        for _ in range(times):
            began = time.process_time(), time.perf_counter()
            status, headers, body = self._get(path.replace("{n}", str(next(_numbers))))
            cpu.append(time.process_time() - began[0])
            wall.append(time.perf_counter() - began[1])
        if count_files:
            sys.setprofile(lambda frame, event, argument: files.add(frame.f_code.co_filename))
            self._get(path)
            sys.setprofile(None)
        if headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        ours = (f"{ROOT}/backups/", f"{ROOT}/dcsportal/")
        return {
            "status": status,
            "rows": body.count(b"data-backup-id=") + body.count(b'class="action-select"'),
            "cpu": statistics.median(cpu),
            "wall": statistics.median(wall),
            "memory": memory_of("VmRSS"),
            "files": sum(name.startswith(ours) and name.endswith(".py") for name in files),
        }

    def _get(self, address):
        path, _, query = address.partition("?")
        environ = {
            "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "HTTP_COOKIE": self._cookie,
            "HTTP_HOST": "127.0.0.1:8000", "HTTP_ACCEPT": "text/html", "HTTP_ACCEPT_LANGUAGE": "en",
            "HTTP_ACCEPT_ENCODING": "gzip",
            "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000", "REMOTE_ADDR": "127.0.0.1",
            "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(),
        }  # fmt: skip
        started = []
        answer = self._application(environ, lambda *status_and_headers: started.append(status_and_headers))
        body = b"".join(answer)
        answer.close()
        [(status, headers)] = started
        return int(status[:3]), dict(headers), body


def served_pages(folder, endpoint, records):
    """The portal in production, its middleware over 20 kB of ready bytes, these alone, and Django's admin."""
    os.environ |= production(folder, endpoint, 8000)
    from django.conf import settings

    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, *admin_site.APPS]
    settings.TEMPLATES = [*settings.TEMPLATES, admin_site.TEMPLATES]
    set_up()
    from django.core.handlers.wsgi import WSGIHandler
    from django.core.management import call_command
    from django.http import HttpResponse
    from django.test import override_settings
    from django.urls import include, path

    call_command("migrate", verbosity=0)
    plain = [path(f"{name}/", lambda request: HttpResponse(PAGE)) for name in ("behind", "bare")]
    portal = path("", include("dcsportal.urls"))
    settings.ROOT_URLCONF = (*plain, admin_site.filled(int(records)), portal)
    handlers = {"": WSGIHandler()}
    for name, middleware in (("bare", ()), ("admin", admin_site.MIDDLEWARE)):
        with override_settings(MIDDLEWARE=middleware):
            handlers[name] = WSGIHandler()

    def application(environ, start_response):
        handler = handlers.get(environ["PATH_INFO"].split("/")[1], handlers[""])
        return handler(environ, start_response)

    return Pages(application, session_cookies(1)[0])


def set_up():
    """Set Django up for pages; their files are not collected."""
    from django.conf import settings

    ready = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": ready}
    django.setup()


def session_cookies(number):
    """Sign viewers in by the portal's own code, in this process."""
    from django.conf import settings
    from django.contrib.sessions.backends.db import SessionStore
    from django.test import RequestFactory

    from dcsportal.sso.models import Viewer
    from dcsportal.sso.sessions import start_session

    cookies = []
    for name in (f"viewer-{one}" for one in range(number)):
        request = RequestFactory().get("/")
        request.session = SessionStore()
        start_session(
            request, Viewer(issuer=settings.SSO_ISSUER, subject=name, name=name, groups=["support"])
        )
        request.session.save()
        cookies.append(f"{settings.SESSION_COOKIE_NAME}={request.session.session_key}")
    return cookies


def _sign_in():
    django.setup()
    return lambda number: {"cookies": session_cookies(number)}


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    answer_orders(_sign_in if name == "cookies" else lambda: served_pages(*arguments).ask)
