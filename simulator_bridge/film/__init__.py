"""Films of drives: what one picture shows, and the H.264 file that browsers play."""
