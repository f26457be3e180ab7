"""A load balancer asks for health by the machine's own address, whatever hosts the portal serves."""

from __future__ import annotations

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django.fixtures import Settings

from dcsportal.middleware import portal_address


@pytest.mark.parametrize("hosts", [["*"], [".example.com"], ["backups.example.com", "other.example.com"]])
def test_health_answers_whatever_hosts_are_allowed(settings: Settings, hosts: list[str]) -> None:
    settings.ALLOWED_HOSTS = hosts
    asked: list[str] = []

    def answer(request: HttpRequest) -> HttpResponse:
        asked.append(request.get_host())
        return HttpResponse()

    portal_address(answer)(RequestFactory().get("/healthz", headers={"Host": "10.0.0.7:8000"}))

    assert len(asked) == 1
