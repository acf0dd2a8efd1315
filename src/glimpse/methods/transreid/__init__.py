"""TransReID, the vision transformer baseline (dpm_family 2)."""
