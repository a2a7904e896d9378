"""The command `gudang`: arguments and what is printed. Not here: the work."""
