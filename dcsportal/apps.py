from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "dcsportal"

    def ready(self) -> None:
        from . import checks  # noqa: F401  # registers the system checks
