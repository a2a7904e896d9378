"""Names of what feedback adds to an OPD's file and folder, so that a reader recognises it.

What belongs here: constants that both the writer (feedback/) and the readers (extract/upload/) need.
"""

from __future__ import annotations

OUTBOX = "_umpan_balik"
"""The folder in the upload zone that we write and never read: <zone>/<opd>/_umpan_balik/<dataset>/."""
RESERVED = "_"
"""Names in the zone that begin with it are ours. No contract takes such a file."""
NOTE_COLUMN = "catatan_walidata"
"""The column after the file's own ones that says for each row what is wrong."""
SUMMARY_SHEET = "Ringkasan walidata"
"""The sheet before the file's own ones."""
ESCAPE = "'"
"""Stands before a cell of a marked CSV file that a spreadsheet would take for a formula."""
