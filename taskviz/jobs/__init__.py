"""Long work outside the pages: store, worker process, launcher."""
