"""What must be up before a command works: folders, the embedded server, the environment, the terminal."""
