"""Pictures on the surfaces of a scene: ground, paint, plants."""
