"""How fast trainings are: the data pipeline beside the network, a head on cached features beside the whole network."""
