"""The upload page (loket), where an OPD's people send files and see what became of them. It loads nothing."""
