"""Where a model looks, measured: its saliency against the classes of the pixels."""
