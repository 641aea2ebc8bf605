"""What each command does and says: options come from cli/, the work is done elsewhere."""
