"""Django's admin over the same records, with the columns, filters and search of the history page."""

import json

from django.contrib import admin
from django.db import connection, models
from django.http import HttpResponse
from django.urls import include, path

from backups.dcs.records import FORMATS, STATUSES, TYPES, BackupRecord

from . import stub

# As `startproject` writes them, but for who may come in: the portal's viewers are no staff.
MIDDLEWARE = (
    "django.middleware.security.SecurityMiddleware", "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)  # fmt: skip
PLAIN = ("<!doctype html>\n<table>\n" + "<tr><td>backup</td><td>Succeeded</td></tr>\n" * 500).encode()[
    :20_000
]


def one_of(codes):
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
        ordering = ("-started_at", "backup_id")


NAMES = [field.name for field in Backup._meta.fields if field.name != "id"]


class BackupAdmin(admin.ModelAdmin):
    list_display = tuple(NAMES[1:])
    list_filter = ("status", "type", "format", "restorable")
    search_fields = ("name", "backup_id", "description", "error_code")
    list_per_page = 50
    has_view_permission = has_add_permission = has_change_permission = has_delete_permission = (
        has_module_permission
    ) = lambda *about: True


def fill(records):
    with connection.schema_editor() as editor:
        editor.create_model(Backup)
    found = [BackupRecord.from_api(json.loads(row)) for row in stub.rows(records)]
    Backup.objects.bulk_create(Backup(**{name: getattr(one, name) for name in NAMES}) for one in found)


site = admin.AdminSite()
site.has_permission = lambda request: True
site.register(Backup, BackupAdmin)
urlpatterns = [
    *(path(f"{name}/", lambda request: HttpResponse(PLAIN)) for name in ("behind", "bare")),
    path("admin/", site.urls),
    path("", include("dcsportal.urls")),
]
