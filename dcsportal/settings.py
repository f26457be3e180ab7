"""How this installation runs: every value comes from the environment or from `.env`.

`.env.example` lists every name with one line, docs/configuring.md explains them.
A wrong value stops the start with one sentence that names its variable.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from . import environment as env
from .postgresql import Connection
from .projects import ProjectSettings, as_group, read_projects

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
# Leads to the folder that the last start collected; whoever runs keeps the one that it began with.
STATIC_LINK = VAR_DIR / "static" / "current"
STATIC_ROOT = STATIC_LINK.resolve()
# The server hands these on to nobody, so that its workers read the file anew.
NAMES_OF_ENV_FILE = env.read_dotenv(BASE_DIR / ".env")

# --- What this installation is -------------------------------------------------

DEBUG = env.flag("DEBUG")
DCS_DEMO = env.flag("DCS_DEMO")
PORTAL_URL = env.web_address("PORTAL_URL", "http://127.0.0.1:8000")
_portal = urlsplit(PORTAL_URL)
if _portal.path:
    raise env.refused("PORTAL_URL", PORTAL_URL, "an address without a path")
HTTPS = _portal.scheme == "https"
ON_LOOPBACK = env.is_loopback(_portal.hostname or "")

# Empty where it is missing: what signs something then says so, and the rest still works.
SECRET_KEY = env.secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.listed(env.secret("SECRET_KEY_FALLBACKS"))
if not SECRET_KEY and (DEBUG or DCS_DEMO):
    SECRET_KEY = env.local_secret_key(VAR_DIR / "secret-key")
if any(0 < len(_key) < 32 for _key in (SECRET_KEY, *SECRET_KEY_FALLBACKS)):
    raise ImproperlyConfigured("SECRET_KEY and SECRET_KEY_FALLBACKS must have at least 32 characters each.")

_host = f"[{_portal.hostname}]" if ":" in (_portal.hostname or "") else _portal.hostname or ""
_other_names = ["localhost", "127.0.0.1", "[::1]"] if ON_LOOPBACK else []
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS") or [_host, *_other_names]
CSRF_TRUSTED_ORIGINS = [PORTAL_URL]

# Whose X-Forwarded-For and X-Request-ID count.
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")

METRICS_TOKEN = env.secret("METRICS_TOKEN")
if 0 < len(METRICS_TOKEN) < 16:
    raise ImproperlyConfigured("METRICS_TOKEN must have at least 16 characters.")

# What is secret is taken out of the tracebacks that DEBUG shows.
DEFAULT_EXCEPTION_REPORTER_FILTER = "dcsportal.errors.ReporterFilter"

# --- The application -----------------------------------------------------------

ROOT_URLCONF = "dcsportal.urls"
WSGI_APPLICATION = "dcsportal.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_htmx",
    "dcsportal",
    "dcsportal.sso",
    "backups",
]

MIDDLEWARE = [
    "dcsportal.middleware.observed",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "dcsportal.preferences.preferences_of_viewer",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "dcsportal.sso.middleware.ProxySignIn",
    "dcsportal.sso.audit.BackupsViewed",
    "dcsportal.sso.middleware.SignInRequired",
    "backups.guards.BoundedQuery",
    "backups.opened_links.OpenedLinks",
    "dcsportal.unknown_instances.UnknownInstances",
    "django_htmx.middleware.HtmxMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "environment": "backups.templating.environment",
            "context_processors": [
                "django.contrib.auth.context_processors.auth",
                "dcsportal.preferences.for_templates",
                "backups.templating.links",
            ],
        },
    },
]

# No upload and no long form exists: the largest body is a sign-in with an 8 kB link.
FILE_UPLOAD_HANDLERS: list[str] = []
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
# Counted, a long query would be refused before there is a request that an answer could be given to: a 500.
# The size of a body and of the headers bounds them anyway.
DATA_UPLOAD_MAX_NUMBER_FIELDS = None

# --- Data ----------------------------------------------------------------------


def _database(url: str) -> dict[str, Any]:
    try:
        database: dict[str, Any] = environ.Env.db_url_config(url)
    except (ValueError, ImproperlyConfigured):
        database = {}
    if database.get("ENGINE") == "django.db.backends.sqlite3":
        # One writer at a time: say so at the start of a transaction, then wait, instead of failing in it.
        options = {"timeout": 5, "transaction_mode": "IMMEDIATE"}
        options["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
        return database | {"CONN_MAX_AGE": 60, "OPTIONS": options}
    if database.get("ENGINE") != "django.db.backends.postgresql":
        # The address is not repeated: it may hold a password.
        raise ImproperlyConfigured("DATABASE_URL must start with sqlite:/// or postgresql://.")
    # A page holds a connection for two short queries, so the threads of a worker share a few. One is tried
    # before it is used: after a restart of the server no page meets a dead one. Failed attempts to connect
    # are given up early, since each is followed by a longer pause, past a server that is back.
    pool = {"min_size": 1, "max_size": 10, "timeout": 3, "max_idle": 300, "reconnect_timeout": 2}
    options = {
        "application_name": "dcs-portal",
        "connect_timeout": 3,
        "keepalives_idle": 30,
        "tcp_user_timeout": 10_000,
        **database.get("OPTIONS", {}),
        "pool": pool | {"connection_class": Connection},
    }
    return database | {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True, "OPTIONS": options}


try:
    STATIC_LINK.parent.mkdir(parents=True, exist_ok=True)
except OSError as _error:
    raise ImproperlyConfigured(f"{VAR_DIR} cannot be written: {_error.strerror}.") from _error
DATABASES = {"default": _database(env.secret("DATABASE_URL") or f"sqlite:///{VAR_DIR / 'portal.sqlite3'}")}
# For how long what DCS said of a backup is kept once its record is no longer listed; 0 is for ever.
EVIDENCE_DAYS = env.number("EVIDENCE_DAYS", 400, least=0, most=36_500)
EVIDENCE_REMARKS = env.choice("EVIDENCE_REMARKS", "all", choices=("listed", "all"))
# Nothing is cached but by the database and in each process: see backups/services/listings.
NO_LONGER_USED = [name for name in ("CACHE_URL", "CACHE_URL_FILE", "DCS_STALE_SECONDS") if env.text(name)]

# --- Sign-in -------------------------------------------------------------------

AUTH_USER_MODEL = "sso.Viewer"
AUTHENTICATION_BACKENDS = ["dcsportal.sso.backend.ViewerBackend"]

SSO_ISSUER = env.web_address("SSO_ISSUER")
SSO_CLIENT_ID = env.text("SSO_CLIENT_ID")
SSO_CLIENT_SECRET = env.secret("SSO_CLIENT_SECRET")
SSO_SCOPES = env.text("SSO_SCOPES", "openid email profile")
SSO_GROUPS_CLAIM = env.text("SSO_GROUPS_CLAIM", "groups")
SSO_ALLOWED_GROUPS = [as_group(group) for group in env.words("SSO_ALLOWED_GROUPS")]
SSO_SESSION_HOURS = env.number("SSO_SESSION_HOURS", 12, least=1, most=168)
SSO_PROXY_USER_HEADER = env.header_name("SSO_PROXY_USER_HEADER")
SSO_PROXY_GROUPS_HEADER = env.header_name("SSO_PROXY_GROUPS_HEADER")
SSO_PROXY_NAME_HEADER = env.header_name("SSO_PROXY_NAME_HEADER")
SSO_TRUSTED_PROXIES = env.networks("SSO_TRUSTED_PROXIES")

SESSION_ENGINE = "dcsportal.sso.sessions"
# Browsers take a cookie of such a name from this very host only, by https.
COOKIE_PREFIX = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}portal_session"
SESSION_COOKIE_AGE = SSO_SESSION_HOURS * 3600
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}portal_csrf"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True

# --- Security headers; the others are in middleware.py, or Django's by default ----

# Whether a request came by https follows from PORTAL_URL (middleware.py),
# so that this redirect is never taken: it stands for `check --deploy` only.
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 365 * 86_400 if HTTPS else 0
# Whether other names below this host use https is not the portal's to promise.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

# --- Static files --------------------------------------------------------------

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
_as_they_are = "django.contrib.staticfiles.storage.StaticFilesStorage"
_with_hashed_names = "whitenoise.storage.CompressedManifestStaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": _as_they_are if DEBUG else _with_hashed_names},
}
WHITENOISE_ALLOW_ALL_ORIGINS = False

# --- Language and time ---------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "backups" / "locale"]
TIME_ZONE = "UTC"
LANGUAGE_COOKIE_NAME = f"{COOKIE_PREFIX}portal_language"

# --- DCS -----------------------------------------------------------------------

DCS_PROJECTS: dict[str, ProjectSettings] = read_projects()
DCS_CONNECT_TIMEOUT = env.seconds("DCS_CONNECT_TIMEOUT", 3, least=0.1, most=30)
DCS_READ_TIMEOUT = env.seconds("DCS_READ_TIMEOUT", 8, least=0.1, most=60)
DCS_READ_BUDGET = env.seconds("DCS_READ_BUDGET", 10, least=0.1, most=60)
DCS_PAGE_SIZE = env.number("DCS_PAGE_SIZE", 1000, least=1, most=1000)
DCS_MAX_RECORDS = env.number("DCS_MAX_RECORDS", 20_000, least=1, most=200_000)
DCS_FRESH_SECONDS = env.seconds("DCS_FRESH_SECONDS", 60, least=0, most=3600)
DCS_RECORDS_IN_MEMORY = env.number("DCS_RECORDS_IN_MEMORY", 50_000, least=1000, most=10_000_000)
# Lists are read before anybody asks: so often at most of one endpoint with one key, and each within so long.
COLLECT = env.flag("COLLECT", "on")
COLLECT_CALLS_PER_SECOND = env.seconds("COLLECT_CALLS_PER_SECOND", 5, least=0.01, most=200, what="a number")
COLLECT_IDLE_SECONDS = env.seconds("COLLECT_IDLE_SECONDS", 3600, least=60, most=86_400)
# How old the newest usable backup may be, where the instance's tag DCS_RPO_TAG and its project say nothing.
DCS_RPO = env.span("DCS_RPO")
DCS_RPO_TAG = env.text("DCS_RPO_TAG")
# Half of a worker's threads (backups/management/worker.py): the others serve what is at hand.
DCS_WAITING_VIEWERS = 16

# --- Logs ----------------------------------------------------------------------

LOG_FORMAT = env.choice("LOG_FORMAT", "text" if DEBUG or DCS_DEMO else "json", choices=("json", "text"))
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "dcsportal.logging.JsonFormatter"},
        "text": {"()": "dcsportal.logging.TextFormatter"},
    },
    "filters": {
        "exceptions": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: bool(record.exc_info),
        }
    },
    "handlers": {
        # Commands write their answers to stdout: beside text for people, logs do not mix with them.
        "console": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "stream": "ext://sys.stdout" if LOG_FORMAT == "json" else "ext://sys.stderr",
        },
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # Django's own handlers would print a line twice, or mail it.
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        # What was raised and not caught; the line of a request says the same of all else.
        "django.request": {"level": "ERROR", "filters": ["exceptions"]},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        # That requests wait for a thread is told by /metrics.
        "waitress.queue": {"level": "ERROR"},
        # A line for each request is for machines.
        "dcsportal.requests": {"level": "INFO" if LOG_FORMAT == "json" else "WARNING"},
    },
}
