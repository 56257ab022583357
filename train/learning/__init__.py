"""What a network learns towards: the labels it is shown, the error it is judged by, the average of where it was."""
