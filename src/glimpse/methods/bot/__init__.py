"""BoT, the strong residual baseline (dpm_family 1.6)."""
