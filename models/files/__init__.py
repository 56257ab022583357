"""Reading model files that may be hostile: what is in them is checked before any of it is used."""
