"""Texts for a ticket: what a page shows, with the time it is from and everything that is uncertain about it.

Frozen facts go in, a text comes out: in one of three markups and two languages, with all times in
UTC and, where it is asked for, in one zone beside it. Nothing here asks DCS or looks at a clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext, override, pgettext
from django.utils.translation import gettext_lazy as _

from ...dcs.errors import DcsNotFound
from ...dcs.records import BackupRecord
from ..eligibility import Eligibility, eligibility, service_word
from ..listings import Listing
from ..problems import Problem
from ..words import RESTORABLE_WORDS, Words, values
from .renderer import About, Pen, Style

CONTRADICTION: Words = _(
    "DCS contradicts itself: it still says that this backup can be restored, but only one that "
    "succeeded ever can. The portal goes by the status."
)


def backup_ticket(about: About, listing: Listing[BackupRecord], record: BackupRecord, *, style: Style) -> str:
    """Return the text for one backup."""
    with override(style.language):
        pen = Pen(style)
        named = {"backup": pen.foreign(record.name or record.backup_id), "name": pen.instance_name(about)}
        verdict = eligibility(record)
        return pen.text(
            pen.heading(gettext("DCS backup %(backup)s of %(name)s") % named),
            *pen.doubts(listing),
            *([pen.attention(str(CONTRADICTION))] if verdict.contradiction else []),
            pen.facts(
                (*pen.whose(about), *_facts_of_backup(pen, record, verdict), *pen.origin(about, listing))
            ),
            *pen.reproduction(about),
        )


def problem_ticket(about: About, problem: Problem, *, now: datetime, style: Style) -> str:
    """Return the text for backups of which nothing is known, since DCS did not tell."""
    with override(style.language):
        pen = Pen(style)
        sentences = [gettext("%(problem)s.") % {"problem": problem.title}, str(problem.what_happened)]
        if problem.kind != DcsNotFound.kind:
            sentences.append(gettext("Whether this instance has backups is not known now."))
        return pen.text(
            pen.heading(gettext("DCS backups of %(name)s") % {"name": pen.instance_name(about)}),
            pen.attention(*sentences),
            pen.facts(
                (
                    *pen.whose(about),
                    (gettext("Answer"), pen.answer_codes(problem)),
                    (gettext("DCS's words"), pen.foreign(problem.message)),
                    (gettext("Asked"), pen.moment(problem.asked_at or now)),
                    *pen.where(about),
                    (gettext("Link"), pen.link(about.link)),
                )
            ),
            *pen.reproduction(about),
        )


def gone_ticket(about: About, listing: Listing[BackupRecord], backup_id: str, *, style: Style) -> str:
    """Return the text for a backup that DCS's list does not hold."""
    with override(style.language):
        pen = Pen(style)
        named = {"backup": pen.foreign(backup_id), "name": pen.instance_name(about)}
        missing = gettext("DCS lists %(n)s backups of this instance, and none has this id.")
        unread = gettext("DCS's list of this instance could not be read to its end, so the backup may exist.")
        return pen.text(
            pen.heading(gettext("DCS backup %(backup)s of %(name)s") % named),
            *pen.doubts(listing),
            pen.attention(missing % {"n": listing.total} if listing.complete else unread),
            pen.facts((*pen.whose(about), *pen.origin(about, listing))),
            *pen.reproduction(about),
        )


def _facts_of_backup(pen: Pen, record: BackupRecord, verdict: Eligibility) -> Iterator[tuple[str, str]]:
    yield gettext("Backup id"), pen.foreign(record.backup_id)
    yield gettext("Status"), pen.status(record)
    yield gettext("Can be restored"), values.verdict_sentence(verdict)
    yield gettext("DCS says restorable"), str(RESTORABLE_WORDS[service_word(record)])
    yield gettext("Data from"), pen.data_from(record)
    if record.finished_at:
        yield gettext("Finished"), pen.moment(record.finished_at)
    elif record.updated_at:
        yield gettext("Last changed"), pen.moment(record.updated_at)
    yield gettext("Took"), pen.took(record)
    yield gettext("Size"), pen.size(record, exact=True)
    yield gettext("Type"), pen.backup_type(record)
    yield gettext("Format"), pen.word(values.format_word(record.format), record.format)
    yield pgettext("of a backup", "Error"), pen.error(record.error_code)
    yield gettext("Remark"), pen.foreign(record.description)
