"""The portal's settings for a process in which its pages are measured, beside Django's admin."""

from dcsportal.settings import *  # noqa: F403
from dcsportal.settings import INSTALLED_APPS, STORAGES, TEMPLATES

ROOT_URLCONF = f"{__package__}.admin_site"
# No files are collected.
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
INSTALLED_APPS = [*INSTALLED_APPS, "django.contrib.admin", "django.contrib.messages", __package__]
CONTEXT = (
    "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
)  # fmt: skip
ADMIN = {
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": CONTEXT},
}
TEMPLATES = [*TEMPLATES, ADMIN]
