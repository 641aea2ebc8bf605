"""What each command does and says: options come from cli.py, the work is done elsewhere."""
