"""What stands around the pipeline: clean-up, summaries, progress, exports."""
