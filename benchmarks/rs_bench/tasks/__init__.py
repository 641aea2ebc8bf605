"""One module a task: from features and labels to figures."""
