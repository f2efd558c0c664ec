"""What is shown of every promise, with figures: ids, results of runs, and docs/assurance.md."""
