"""SPT: a network that selects the patches that identify a person (dpm_family 4)."""
