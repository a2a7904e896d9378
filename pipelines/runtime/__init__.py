"""Starts what a command needs: folders, the embedded server, the environment, the demo OPD, the terminal."""
