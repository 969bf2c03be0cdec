"""Models as graphs that other programs run: written with PyTorch, read and asked without it."""
