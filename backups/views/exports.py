"""A history as a file: JSON and CSV of the whole filtered set."""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import content_disposition_header, parse_etags
from django.views.decorators.http import require_safe

from ..forms import DAMAGED, HistoryForm, QueryProblem, problems_in_english
from ..guards import is_too_long, project_or_404, viewer_key, viewer_of, with_retry_after
from ..services import listings
from ..services.exports import Export, csv_chunks, csv_headers, exported_history, refused_query
from ..services.projects import Project
from ..services.words import instance_name


@require_safe
def backups_json(request: HttpRequest, project_name: str, instance_id: str) -> HttpResponseBase:
    project = project_or_404(request, project_name)
    export = _export(request, project, instance_id)
    if export.history is None:
        return _json(export.body, export.status, export.retry_after)
    viewer = viewer_of(request)
    etag = export.etag((viewer.pk, sorted(viewer.groups)))
    # A proxy that compresses makes the tag a weak one.
    asked = [tag.removeprefix("W/") for tag in parse_etags(request.headers.get("If-None-Match", ""))]
    if "*" in asked or etag in asked:
        response: HttpResponse = HttpResponseNotModified()
    else:
        response = _json({**export.body, "backups": list(export.rows())}, 200, None)
        response.headers["Content-Disposition"] = _disposition(export, "json")
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@require_safe
def backups_csv(request: HttpRequest, project_name: str, instance_id: str) -> HttpResponseBase:
    project = project_or_404(request, project_name)
    export = _export(request, project, instance_id)
    headers = csv_headers(export.body)
    if export.history is None:
        answer = HttpResponse(
            problem_line(export.body["problem"]),
            status=export.status,
            content_type="text/plain; charset=utf-8",
            headers=headers,
        )
        return with_retry_after(answer, export.retry_after)
    response = StreamingHttpResponse(
        csv_chunks(export), content_type="text/csv; charset=utf-8", headers=headers
    )
    response.headers["Content-Disposition"] = _disposition(export, "csv")
    return response


def problem_line(problem: dict[str, Any]) -> str:
    """Return what is told in place of a CSV."""
    parts = (problem[name] for name in ("kind", "code", "message", "request_id"))
    return ": ".join(filter(None, parts)) + "\n"


def _export(request: HttpRequest, project: Project, instance_id: str) -> Export:
    if is_too_long(request):
        return refused_query(project, instance_id, "this link is too long", status=414)
    form = HistoryForm(request.GET)
    damaged = getattr(request, "unread_parts", ())
    problems = [QueryProblem(part, "", DAMAGED) for part in damaged] or form.problems
    if form.unread_seen:
        problems.append(form.unread_seen)
    if problems:
        return refused_query(project, instance_id, problems_in_english(problems))
    return exported_history(
        project, instance_id, form.filter(), now=timezone.now(), viewer=viewer_key(request)
    )


def _json(body: dict[str, Any], status: int, retry_after: int | None) -> HttpResponse:
    response = HttpResponse(msgspec.json.encode(body), status=status, content_type="application/json")
    return with_retry_after(response, retry_after)


def _disposition(export: Export, ending: str) -> str:
    """Return Content-Disposition; the name may hold Chinese (RFC 6266). JSON can be looked at as well."""
    instance = listings.cached_instance(export.project, export.instance_id)
    name = export.file_name(instance_name(instance, export.instance_id), ending)
    return content_disposition_header(as_attachment=ending != "json", filename=name) or "attachment"
