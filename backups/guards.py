"""What every view begins and ends with: who asks, for which project, and when to come back."""

from __future__ import annotations

from typing import Any, TypeVar

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from .forms import HistoryForm, history_form
from .services.projects import Project, visible_project

Response = TypeVar("Response", bound=HttpResponseBase)


def viewer_of(request: HttpRequest) -> Any:
    return request.user


def viewer_key(request: HttpRequest) -> str:
    """Return what services tell viewers apart by: they never see a request."""
    return str(viewer_of(request).pk)


def project_or_404(request: HttpRequest, name: str) -> Project:
    """A project that the viewer may not see is as unknown as one that does not exist."""
    project = visible_project(viewer_of(request), name)
    if project is None:
        raise Http404
    return project


def history_form_of(request: HttpRequest) -> HistoryForm:
    form = history_form(request.META.get("QUERY_STRING", ""))
    request.GET = form.query  # type: ignore[assignment]  # as immutable, and read already
    return form


def with_retry_after(response: Response, seconds: int | None) -> Response:
    if seconds is not None:
        response.headers["Retry-After"] = str(seconds)
    return response
