"""The scene that the cameras see and the car drives on: road, terrain, scenery, light, and the renderer."""
