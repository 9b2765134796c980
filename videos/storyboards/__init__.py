"""Storyboards: shots in their order, what generating them costs, and the film of their takes."""
