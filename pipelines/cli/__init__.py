"""The command `gudang`: its arguments and its output. Not here: the work of the commands."""
