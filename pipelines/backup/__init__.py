"""Backups of an installation: programs.py (pg_dump, pg_restore), folder.py, write.py, restore.py."""
