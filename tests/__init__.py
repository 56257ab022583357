"""Proofs of behaviour."""
