"""What is left after training: backbones, heads, one network per method, its card, weights on disk."""
