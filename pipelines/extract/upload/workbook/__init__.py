"""Reads workbooks (XLSX, XLS, ODS, HTML saved as XLS): each sheet as a table, in a separate process."""
