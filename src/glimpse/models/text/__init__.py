"""Text on its way to a network: tokenizers, their vocabularies, and learned prompts."""
