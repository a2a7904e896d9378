"""How large feedback may become, each limit with its reason. The summary says and counts rows and findings left out."""

from __future__ import annotations

SHEET_ROWS = 1_048_576
"""The rows of a sheet (Excel specifications and limits)."""
CELL_CHARACTERS = 32_767
"""The characters of a cell (the same)."""
MOST_LISTED = SHEET_ROWS - 1
"""Findings in temuan.csv, below its header: people open it in a spreadsheet."""
WHOLE_ROWS = 100_000
"""A CSV file of at most so many rows is shown as a workbook with all its rows; of a larger one only rows with findings.
openpyxl writes some 200,000 cells in a second, and the marked CSV has all rows anyway."""
MOST_REFUSED = 100_000
"""Refused rows in a workbook that is not the OPD's own. Nobody corrects more of them by hand."""
MOST_COMMENTS = 1_000
"""Comments in one workbook. openpyxl keeps all of them in memory, and Excel draws a box for each; the note column says
the same for every row."""
MOST_EQUAL = 100_000
"""Refused rows of a file that are remembered, to mark the rows that are equal to them (quarantine has one entry)."""
EXAMPLES = 50
"""Findings of each code on the page."""
NOTE_CHARACTERS = 1_000
"""The note about one row."""
ATTACHED_BYTES = 3_000_000
"""Bytes attached to a mail: many servers take 10 MB at most, and base64 adds a third. What is larger stays in the
outbox only."""
MOST_TRIES = 5
"""After so many failed tries no further one is made, until somebody asks for it (`gudang feedback --again`)."""
RECENT_DAYS = 35
"""Loads that ended longer ago get no feedback by themselves: what is told must be news."""
MAIL_DAYS = 3
"""So long a mail is tried that the server does not take over."""
