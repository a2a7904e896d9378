"""What an OPD gets back about its deliveries: its own file, marked, and all findings, in the upload zone and by mail.

Not here: which rows are refused (load/), what a code means (findings/).
"""
