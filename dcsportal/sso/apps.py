from django.apps import AppConfig


class SsoConfig(AppConfig):
    name = "dcsportal.sso"
    label = "sso"
    verbose_name = "Sign-in"
