"""MoS on partial and occluded queries and SAP on occluded ones: docs/evidence/partial-and-parts.md."""
