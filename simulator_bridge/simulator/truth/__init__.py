"""What a rendered frame shows, known exactly: the road's geometry and the class of each pixel."""
