"""From a config to the study: its runs, and what each step depends on."""
