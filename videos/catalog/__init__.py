"""The catalog: models as data, the engines that make them, and what they cost."""
