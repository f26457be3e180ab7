"""The text of a recovery point for a ticket: the answer, what is lost at most, and what was passed over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.utils.translation import gettext, ngettext, override

from ...dcs.records import BackupRecord
from ..listings import Listing
from ..recovery import Block, Candidate, RecoveryPoint, at_most, minutes, why_not
from ..words import BLOCK_WORDS, values
from .renderer import About, Facts, Pen, Style, in_a_row, listed

MOST_PASSED_OVER = 10


def recovery_ticket(
    about: About,
    listing: Listing[BackupRecord],
    point: RecoveryPoint,
    blocks: Iterable[Block],
    *,
    style: Style,
) -> str:
    """Return the text for the answer to "which backup is from before this time?"."""
    with override(style.language):
        pen = Pen(style)
        return pen.text(
            pen.heading(gettext("DCS recovery point of %(name)s") % {"name": pen.instance_name(about)}),
            *pen.doubts(listing),
            *(pen.attention(sentence) for sentence in _uncertain(pen, point, listing.read_at)),
            pen.facts(
                (
                    *pen.whose(about),
                    (gettext("Asked"), gettext("just before %(time)s") % {"time": pen.moment(point.at)}),
                    *_answer(pen, point, listing.read_at),
                    (gettext("Next older usable"), _told(pen, point.older)),
                    (gettext("Next newer usable"), _told(pen, point.newer)),
                    (gettext("A restore now"), _restore_now(pen, blocks)),
                    (gettext("What a restore does"), _restore()),
                    *pen.origin(about, listing),
                )
            ),
            *_passed_over(pen, point),
            *pen.reproduction(about),
        )


# The answer ------------------------------------------------------------------


def _answer(pen: Pen, point: RecoveryPoint, read_at: datetime) -> Facts:
    label = gettext("Newest usable backup from before this time")
    if point.answer is None or point.gap is None:
        yield label, in_a_row(gettext("None."), _because(point))
        return
    answer = point.answer
    yield label, pen.named(answer.record)
    yield gettext("Data from"), pen.moment(answer.data_from)
    yield gettext("Ended"), pen.moment(answer.ended) if answer.ended else gettext("DCS does not tell")
    lost = {"span": at_most(point.gap), "minutes": minutes(point.gap)}
    yield (
        gettext("Lost at most"),
        gettext("%(span)s, that is %(minutes)s of writes before the asked time") % lost,
    )
    if read_at > answer.data_from:
        aged = {"span": at_most(read_at - answer.data_from)}
        yield gettext("Age of the data"), gettext("%(span)s when the list was read") % aged
    yield gettext("Size"), pen.size(answer.record, exact=True)
    yield gettext("Type"), pen.backup_type(answer.record)


def _because(point: RecoveryPoint) -> str:
    if point.because == "no_backups":
        return gettext("DCS lists no backup of this instance.")
    if point.because == "no_times":
        return gettext("None of its backups has a time that can be read.")
    if point.because == "before_first":
        return gettext("DCS lists no backup from before it: older ones have left the list, or none was made.")
    if point.because == "none_usable":
        count = len(point.passed_over)
        sentence = ngettext(
            "The one backup that began before it cannot be restored.",
            "None of the %(n)s backups that began before it can be restored.",
            count,
        )
        return sentence % {"n": count}
    return gettext(
        "Some backups that began before it could be restored, but none is certainly from before it. "
        "The list below says why."
    )


def _uncertain(pen: Pen, point: RecoveryPoint, read_at: datetime) -> Iterator[str]:
    nearer = gettext("The list is not whole: a nearer usable backup may exist.")
    any_one = gettext("The list is not whole: a usable backup from before this time may exist.")
    read_before = gettext(
        "The list was read before this time, at %(read_at)s: a backup that ended since then is not in it."
    )
    sentences = {
        "list_incomplete": nearer if point.answer else any_one,
        "read_before": read_before % {"read_at": pen.moment(read_at)},
        "future": gettext("This time is yet to come: what is backed up until then is not known."),
        "timeless": gettext(
            "A usable backup has no time that can be read: nobody knows whether it is nearer."
        ),
        "start_unknown": gettext(
            "DCS does not tell when this backup started: its data may be newer than said here, and less lost."
        ),
        "times_contradict": gettext(
            "The times that DCS gives for this backup contradict each other. "
            "All are before the asked time; the earliest was taken."
        ),
    }
    for code in point.uncertain:
        yield sentences[code]


# Around it -------------------------------------------------------------------


def _told(pen: Pen, candidate: Candidate | None) -> str:
    if candidate is None:
        return gettext("none")
    told = {"backup": pen.named(candidate.record), "time": pen.moment(candidate.data_from)}
    return gettext("%(backup)s, data from %(time)s") % told


def _passed_over(pen: Pen, point: RecoveryPoint) -> Iterator[str]:
    nearest = point.passed_over[:MOST_PASSED_OVER]
    if not nearest:
        return
    yield gettext("Nearer backups that were passed over:")
    zoned = [gettext("Data from (%(zone)s)") % {"zone": pen.zone.key}] if pen.zone else []
    head = [
        gettext("Data from (%(zone)s)") % {"zone": "UTC"},
        *zoned,
        gettext("Status"),
        gettext("Backup"),
        gettext("Backup id"),
        gettext("Why"),
    ]
    rows = [
        [
            *pen.cells_of(one.candidate.data_from),
            pen.status(one.record),
            pen.foreign(one.record.name),
            pen.foreign(one.record.backup_id),
            listed((why_not(one.reasons), pen.error(one.record.error_code))),
        ]
        for one in nearest
    ]
    yield pen.markup.table(head, rows)
    if more := len(point.passed_over) - len(nearest):
        text = ngettext("and %(n)s more, at the link above", "and %(n)s more, at the link above", more)
        yield text % {"n": more}


def _restore() -> str:
    return in_a_row(
        gettext("It takes 1 to 30 minutes. While it runs, the instance answers neither reads nor writes."),
        gettext("It overwrites the data of the instance: whatever was written after the backup is gone."),
    )


def _restore_now(pen: Pen, blocks: Iterable[Block]) -> str:
    told = in_a_row(*(_block(pen, block) for block in blocks))
    return told or gettext("Nothing that DCS tells of the instance stands against it.")


def _block(pen: Pen, block: Block) -> str:
    detail = pen.word(values.instance_status_word(block.detail), block.detail) if block.detail else ""
    return str(BLOCK_WORDS[block.code]) % {"detail": detail}
