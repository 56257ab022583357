"""Training on several machines at once: who they are, that they agree, and what happens when one dies."""
