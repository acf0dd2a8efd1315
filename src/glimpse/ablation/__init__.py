"""The runs of a ladder: train each rung with each seed, measure what comes out, and sum up.

What is summed up and how is in `glimpse.ablation.summary`. Import what you need from the modules here:
`rungs` needs no torch, `climb` does.
"""
