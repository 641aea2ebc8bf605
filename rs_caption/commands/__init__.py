"""What each command does and says: options come from cli/, the other modules only compute."""
