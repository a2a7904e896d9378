"""The province's time zone: Asia/Makassar (WITA), whatever the zone of the machine or of a server is."""

TIMEZONE = "Asia/Makassar"
