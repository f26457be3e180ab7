"""In a process of the portal: pages that are asked without a server, so that only they cost."""

import gzip
import io
import statistics
import sys
import time
from functools import cache
from itertools import count

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.db import connection
from django.test import RequestFactory, override_settings

from backups.services.listings import reader
from dcsportal.sso.models import Viewer
from dcsportal.sso.sessions import start_session

from . import admin_site
from .child import memory_of
from .servers import ROOT

_OURS = (f"{ROOT}/backups/", f"{ROOT}/dcsportal/")
_numbers = count(100_000)


def migrate(admins_records=0):
    call_command("migrate", verbosity=0)
    if admins_records:
        admin_site.fill(admins_records)


def cookies(number):
    """Sign viewers in by the portal's own code, in this process."""
    found = []
    for name in (f"viewer-{one}" for one in range(number)):
        request = RequestFactory().get("/")
        request.session = SessionStore()
        viewer = Viewer(issuer=settings.SSO_ISSUER, subject=name, name=name, groups=["support"])
        start_session(request, viewer)
        request.session.save()
        found.append(f"{settings.SESSION_COOKIE_NAME}={request.session.session_key}")
    return found


def ask(path, times=1, count_files=False):
    """Get a page so often, and return its median costs; `{n}` in `path` is another number each time."""
    reader.wait_for_readers(600)  # what a view before left to be written is no cost of this one
    cpu, wall, files = [], [], set()
    for _ in range(times):
        began = time.process_time(), time.perf_counter()
        status, headers, body = _get(path.replace("{n}", str(next(_numbers))))
        cpu.append(time.process_time() - began[0])
        wall.append(time.perf_counter() - began[1])
    if count_files:
        sys.setprofile(lambda frame, event, argument: files.add(frame.f_code.co_filename))
        _get(path)
        sys.setprofile(None)
    if headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    return {
        "status": status,
        "rows": body.count(b"data-backup-id=") + body.count(b'class="action-select"'),
        "cpu": statistics.median(cpu),
        "wall": statistics.median(wall),
        "memory": memory_of("VmRSS"),
        "files": sum(name.startswith(_OURS) and name.endswith(".py") for name in files),
    }


def _get(address):
    path, _, query = address.partition("?")
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "HTTP_COOKIE": _cookie(),
        "HTTP_HOST": "127.0.0.1:8000", "HTTP_ACCEPT": "text/html", "HTTP_ACCEPT_LANGUAGE": "en",
        "HTTP_ACCEPT_ENCODING": "gzip",
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000", "REMOTE_ADDR": "127.0.0.1",
        "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(),
    }  # fmt: skip
    started = []
    handler = _handlers().get(path.split("/")[1], _handlers()[""])
    answer = handler(environ, lambda *status_and_headers: started.append(status_and_headers))
    body = b"".join(answer)
    answer.close()
    [(status, headers)] = started
    return int(status[:3]), dict(headers), body


@cache
def _cookie():
    return cookies(1)[0]


@cache
def _handlers():
    """The portal in production, by a path's first segment its views without middleware, and the admin."""
    handlers = {"": WSGIHandler()}
    for name, middleware in (("bare", ()), ("admin", admin_site.MIDDLEWARE)):
        with override_settings(MIDDLEWARE=middleware):
            handlers[name] = WSGIHandler()
    return handlers


def statements(do):
    """Return what the database is asked meanwhile by this thread."""
    asked = []

    def execute(ask, sql, *more):
        asked.append(sql)
        return ask(sql, *more)

    with connection.execute_wrapper(execute):
        do()
    return asked
