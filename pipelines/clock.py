"""The province's clock: Asia/Makassar (WITA), whatever the zone of the machine or of a server is."""

TIMEZONE = "Asia/Makassar"
