"""Workbooks (XLSX, XLS, ODS, HTML saved as XLS): sheets as tables, read in a process of their own."""
