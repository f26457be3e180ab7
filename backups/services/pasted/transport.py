"""What mail, chat, shells and browsers do to a text on its way, undone: and nothing else is.

All of it in time that grows with the length of the text. What is encoded by `%` is left to links.py, which
knows where an address ends.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from html import unescape
from html.entities import html5
from urllib.parse import unquote

MOST_LAYERS = 6

# Zero-width marks, direction marks, the soft hyphen and the byte order mark: nobody sees them.
_UNSEEN = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")
_HYPHENS = re.compile("[\u2010-\u2015\u2043\u2212\ufe58\ufe63\uff0d]")
_ENTITY = re.compile(r"&(?:([A-Za-z]{2,8};)|#\d{1,7};|#[xX][0-9a-fA-F]{1,6};)")
_ESCAPED = re.compile(r"\\u00([2-7][0-9a-fA-F])|\\x([2-7][0-9a-fA-F])|\\([?&=/#%:.\-_~])|[\^`](?=&)")
_SOFT_BREAK = re.compile(r"=[ \t]*\r?\n(?:> ?)*")
_QUOTED = re.compile("=([2-7][0-9A-F])")
_REPLY = re.compile(r"(?m)^[ \t]*(?:>[ \t]?)*")
# Proofpoint's forms: `-3A` for `%3A` and `_` for `/`; or `*` for each character that is kept behind the end.
_PROOFPOINT_2 = re.compile(r"urldefense\.[a-z.]+/v2/url\?u=([^&\s]+)[^\s]*")
_PROOFPOINT_3 = re.compile(r"urldefense\.[a-z.]+/v3/__(\S{1,1000}?)__;([A-Za-z0-9_=-]*)![^\s]*")
_PROOFPOINT_ENCODED = re.compile(r"urldefense\.[a-z.]+%(?:25)*2[fF][^\s&<>\"']*")
_KEPT = re.compile(r"\*(?:\*(.))?")
_RUNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def without_unseen(text: str) -> str:
    """Return the text without the marks that nobody sees."""
    return _UNSEEN.sub("", text)


def without_reply_marks(text: str) -> str:
    """Return the text without the `>` and the spaces that a reply or a quotation puts before each line."""
    return _REPLY.sub("", text)


def plain(text: str) -> str:
    """Return ASCII for its look-alikes: full-width letters and digits, typographic hyphens."""
    return _HYPHENS.sub("-", unicodedata.normalize("NFKC", _UNSEEN.sub("", text)))


def undone(text: str) -> str:
    """Return the text with all layers of entities, escapes and rewritten links undone."""
    text = without_unseen(text)
    for _layer in range(MOST_LAYERS):
        before, text = text, _rewritten(_unescaped(_ENTITY.sub(_character, _quoted_printable(text))))
        if text == before:
            break
    return text


def _character(entity: re.Match[str]) -> str:
    """Return what an entity stands for; one that is not known, or of a control character, stays as it is."""
    character = html5.get(entity[1], "") if entity[1] else unescape(entity[0])
    return character if character >= " " else entity[0]


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(
        lambda found: chr(int(found[1] or found[2], 16)) if found[1] or found[2] else found[3] or "", text
    )


def _quoted_printable(text: str) -> str:
    """Undo it where lines end with `=`: a `=3D` alone may as well be a value that begins with 3D.

    Where another `=` stands for itself, that at the end of a line does, too.
    """
    joined = _SOFT_BREAK.sub("", text)
    if joined == text or ("=" in joined and "=3D" not in joined):
        return text
    return _QUOTED.sub(lambda found: chr(int(found[1], 16)), joined)


def _rewritten(text: str) -> str:
    if "urldefense" not in text:
        return text
    text = _PROOFPOINT_ENCODED.sub(lambda found: unquote(found[0]), text)
    text = _PROOFPOINT_2.sub(lambda found: unquote(found[1].replace("-", "%").replace("_", "/")), text)
    return _PROOFPOINT_3.sub(_proofpoint_3, text) if "__;" in text else text


def _proofpoint_3(found: re.Match[str]) -> str:
    try:
        kept = base64.urlsafe_b64decode(found[2] + "=" * (-len(found[2]) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return found[1]
    left = iter(kept)

    def characters(star: re.Match[str]) -> str:
        count = _RUNS.find(star[1]) + 2 if star[1] else 1
        return "".join(character for _, character in zip(range(count), left, strict=False))

    return _KEPT.sub(characters, found[1])
