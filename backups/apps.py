from django.apps import AppConfig


class BackupsConfig(AppConfig):
    name = "backups"

    def ready(self) -> None:
        from .services import board  # noqa: F401  # hears of what is recorded
