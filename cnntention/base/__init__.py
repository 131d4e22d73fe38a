"""What every other room builds on: errors, files, devices, where results lie."""
