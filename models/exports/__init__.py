"""Writing models for other programs, each compared with the original."""
