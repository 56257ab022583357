"""Videos of drives: the pictures, and the H.264 file that browsers play."""
