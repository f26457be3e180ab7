"""The site map of the portal."""

from __future__ import annotations

from django.urls import path, register_converter

from . import export_views, pattern_views, ticket_views, views


class CloudId:
    """An id of the cloud; anything else is 404 without asking DCS."""

    regex = "[A-Za-z0-9_-]{1,64}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(CloudId, "id")

INSTANCE = "projects/<slug:project_name>/instances/<id:instance_id>/"

urlpatterns = [
    path("", views.home, name="home"),
    path("find/", views.find, name="find"),
    path("find/suggestions/", views.suggestions, name="suggestions"),
    path("keyboard/", views.keyboard, name="keyboard"),
    path("patterns/", pattern_views.patterns, name="patterns"),
    path("projects/<slug:project_name>/", views.project, name="project"),
    path(INSTANCE, views.history, name="history"),
    path(INSTANCE + "ticket/", ticket_views.of_history, name="history-ticket"),
    path(INSTANCE + "backups.json", export_views.backups_json, name="backups-json"),
    path(INSTANCE + "backups.csv", export_views.backups_csv, name="backups-csv"),
    path(INSTANCE + "recovery-point/", views.recovery_point, name="recovery-point"),
    path(INSTANCE + "recovery-point/ticket/", ticket_views.of_recovery_point, name="recovery-ticket"),
    path(INSTANCE + "refresh/", views.refresh, name="refresh"),
    path(INSTANCE + "backups/<id:backup_id>/", views.backup, name="backup"),
    path(INSTANCE + "backups/<id:backup_id>/ticket/", ticket_views.of_backup, name="backup-ticket"),
]
