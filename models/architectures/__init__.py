"""The architectures by name, and how a model is built from one."""
