"""Where the columns and rows of every model come from."""
