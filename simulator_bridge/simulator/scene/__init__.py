"""What the cameras see and the car drives on: road, land, scenery, light, and the renderer."""
