"""What was meant by text that people paste or open: links, ids, times and zones."""

from __future__ import annotations

from .asked_time import AskedTime, asked_time
from .iso_time import iso_bound, iso_time
from .links import GrammarOf, Kind, cloud_id, ids_in, is_uuid, links_in
from .query import MARKS, read_query, without_marks
from .time_in_text import time_in
from .written_time import UnreadableTime
from .zones import typed_zone, zone_guesses
