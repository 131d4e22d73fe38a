"""What goes on around the pipeline: clean-up, summaries, progress, exports."""
