"""Training on several machines: how workers find each other, agree on settings, and notice when one dies."""
