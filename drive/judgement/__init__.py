"""How well a recorded drive was driven, and what is wrong with it: from where the recording was placed on a track."""
