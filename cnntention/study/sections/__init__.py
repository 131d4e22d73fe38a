"""The sections of a config whose stanzas make something to look at: one file each, named after the section's key."""
