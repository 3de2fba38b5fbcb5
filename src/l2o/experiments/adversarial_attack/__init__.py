"""Adversarial training's inner maximisation, by hand-made and by learned attacks."""
