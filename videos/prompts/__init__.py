"""Help with prompts: prompts used before, saved ones, styles and camera moves, rewriting."""
