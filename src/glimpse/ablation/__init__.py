"""The runs of an ablation: train each arm with each seed, measure what comes out, and sum up.

What is summed up and how is in `glimpse.ablation.summary`. Import what you need from the modules here:
`arms` needs no torch, `climb` does.
"""
