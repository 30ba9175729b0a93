"""What a run tells its watchers: how far it is, and what came of it."""
