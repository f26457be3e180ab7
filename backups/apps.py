from django.apps import AppConfig


class BackupsConfig(AppConfig):
    name = "backups"

    def ready(self) -> None:
        from .services import board, collector  # noqa: F401  # hear of what is recorded
