"""Django's admin over the same records, with the columns, filters and search of the history page."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import django
from django.conf import settings

from backups.dcs.records import FORMATS, STATUSES, TYPES, BackupRecord
from backups.emulator.fleet import BULK_HISTORY_ID, Fleet

ADDRESS = "/admin/benchmarks/backup/"
CONTRIB = ("admin", "auth", "contenttypes", "sessions", "messages", "staticfiles")
MIDDLEWARE = (
    "middleware.security.SecurityMiddleware", "contrib.sessions.middleware.SessionMiddleware",
    "middleware.common.CommonMiddleware", "middleware.csrf.CsrfViewMiddleware",
    "contrib.auth.middleware.AuthenticationMiddleware", "contrib.messages.middleware.MessageMiddleware",
    "middleware.clickjacking.XFrameOptionsMiddleware",
)  # fmt: skip
CONTEXT = ("template.context_processors.request", "contrib.auth.context_processors.auth")
CONTEXT += ("contrib.messages.context_processors.messages",)


def application_and_cookie(folder: str, records: int) -> tuple[Callable[..., Any], str]:
    """Return the application, as `startproject` makes it, and the cookie of who has signed in."""
    settings.configure(
        SECRET_KEY="only for benchmarks",
        ALLOWED_HOSTS=["*"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{folder}/admin.sqlite3"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[*(f"django.contrib.{name}" for name in CONTRIB), __package__],
        MIDDLEWARE=[f"django.{name}" for name in MIDDLEWARE],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": [f"django.{name}" for name in CONTEXT]},
            }
        ],
        STATIC_URL="/static/",
        USE_TZ=True,
    )
    django.setup()
    from django.contrib import admin
    from django.contrib.auth.models import User
    from django.core.handlers.wsgi import WSGIHandler
    from django.core.management import call_command
    from django.test import Client
    from django.urls import path

    call_command("migrate", verbosity=0)
    _fill(records)
    settings.ROOT_URLCONF = (path("admin/", admin.site.urls),)
    client = Client()
    client.force_login(User.objects.create_superuser("viewer", password="only for benchmarks"))
    return WSGIHandler(), f"sessionid={client.cookies['sessionid'].value}"


def _fill(count: int) -> None:
    from django.contrib import admin
    from django.db import connection, models

    def one_of(codes: tuple[str, ...]) -> Any:
        return models.CharField(max_length=16, choices=[(code, code.capitalize()) for code in codes])

    class Backup(models.Model):
        backup_id = models.CharField(max_length=64, unique=True)
        name = models.CharField(max_length=128)
        status, type, format = one_of(STATUSES), one_of(TYPES), one_of(FORMATS)
        restorable = models.BooleanField(null=True)
        started_at = models.DateTimeField(null=True, db_index=True)
        duration = models.DurationField(null=True)
        size_bytes = models.BigIntegerField(null=True)
        description = models.CharField(max_length=128, blank=True)
        error_code = models.CharField(max_length=16, blank=True)

        class Meta:
            app_label = "benchmarks"
            ordering = ("-started_at", "backup_id")

    class BackupAdmin(admin.ModelAdmin):
        list_display = tuple(
            field.name for field in Backup._meta.fields if field.name not in ("id", "backup_id")
        )
        list_filter = ("status", "type", "format", "restorable")
        search_fields = ("name", "backup_id", "description", "error_code")
        list_per_page = 50

    with connection.schema_editor() as editor:
        editor.create_model(Backup)
    names = [field.name for field in Backup._meta.fields if field.name != "id"]
    records = (
        BackupRecord.from_api(json.loads(row.text))
        for row in Fleet(bulk_records=count).backups(BULK_HISTORY_ID)
    )
    Backup.objects.bulk_create(Backup(**{name: getattr(one, name) for name in names}) for one in records)
    admin.site.register(Backup, BackupAdmin)
