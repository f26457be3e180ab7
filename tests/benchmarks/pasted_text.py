"""What reading a hostile text costs."""

import time
from datetime import UTC, datetime

from backups.forms import link_grammar
from backups.services.pasted import ids_in, links_in, time_in

from .servers import history

LINK = history("hostile-text")
# Each is repeated as often as the text is long: what patterns that backtrack, and loops in loops, choke on.
HOSTILE = (
    "a", "&", "%", "%25", "%2525252Fprojects", "/", "\\", "\\u0026", "=\n", "=3D=\n", "> ", ">", "*", '"',
    " ", "\n", "\r\n",
    "&amp;", "&amp;amp;", "&#1234567", "\u200b", "\u2011", "／", "%E2%80%8B", "年", "请看", "1", "1.", "1:",
    "a1-", "1h ",
    "09:40 ", "2026-11-23 09:40 ", "word ", "dcs.08.0002 ", "5560df16-cebf-4473-95c4-d1b573c16e79 ",
    "/projects/a", "/projects/a?q=b ", "/ p r o j e c t s /", "/projects/a/instances/\n", "/find/?q=/find/",
    "?u=https://a/",
    "urldefense.x/v3/__", "urldefense.x/v2/url?u=", "urldefense.com/v3/__a*b__;Kio!!", "urldefense.x%2F",
    f"{LINK} ", f"{LINK}?status=failed\n", f"{LINK}?from=1x&to=2) ", "&at=1:1", "&to=2026-11-23T",
    "?status=a&amp;status=",
)  # fmt: skip


def cost_of(text):
    began = time.process_time()
    links_in(text, link_grammar)
    ids_in(text)
    time_in(text, zone=UTC, now=datetime.now(UTC))
    return time.process_time() - began


def most_costly(length):
    """Return the processor time of the text that costs find most."""
    texts = (
        (before + repeated * length)[:length]
        for repeated in HOSTILE
        for before in ("", f"{LINK}?q=", f"{LINK}?status=")
    )
    return max(min(cost_of(text) for _ in range(3)) for text in texts)
