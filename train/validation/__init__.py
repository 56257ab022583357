"""How good a model is on the validation rows, beside baselines."""
