"""Django's admin over the same records, with the columns, filters and search of the history page."""

import json

from django.urls import path

from backups.dcs.records import FORMATS, STATUSES, TYPES, BackupRecord
from backups.emulator.fleet import BULK_HISTORY_ID, Fleet

ADDRESS = "/admin/benchmarks/backup/"
APPS = ("django.contrib.admin", "django.contrib.messages", __package__)
# As `startproject` writes them, but for who may come in: the portal's viewers are no staff.
MIDDLEWARE = (
    "django.middleware.security.SecurityMiddleware", "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)  # fmt: skip
CONTEXT = (
    "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
)  # fmt: skip
TEMPLATES = {
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": CONTEXT},
}


def filled(records):
    """Make the table and its change list, and return the admin's addresses."""
    from django.contrib import admin
    from django.db import connection, models

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
            app_label = "benchmarks"
            ordering = ("-started_at", "backup_id")

    names = [field.name for field in Backup._meta.fields if field.name != "id"]

    class BackupAdmin(admin.ModelAdmin):
        list_display = tuple(names[1:])
        list_filter = ("status", "type", "format", "restorable")
        search_fields = ("name", "backup_id", "description", "error_code")
        list_per_page = 50
        has_view_permission = has_add_permission = has_change_permission = has_delete_permission = (
            has_module_permission
        ) = lambda *about: True

    with connection.schema_editor() as editor:
        editor.create_model(Backup)
    rows = (json.loads(row.text) for row in Fleet(bulk_records=records).backups(BULK_HISTORY_ID))
    Backup.objects.bulk_create(
        Backup(**{name: getattr(record, name) for name in names})
        for record in map(BackupRecord.from_api, rows)
    )
    site = admin.AdminSite()
    site.has_permission = lambda request: True
    site.register(Backup, BackupAdmin)
    return path("admin/", site.urls)
