"""DAgger: a model drives, the expert labels what it comes to see, and the network is trained on that too."""
