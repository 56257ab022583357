"""Udacity's own tracks as numbers, measured on the scene of the public simulator project (MIT licence).

`lake.csv` and `jungle.csv` are centre lines in the format of `csv_file.py`, about a metre from row to row, in the axes
of `track.py` (x and y are the simulator's x and z). `lake_land.npz` is the height of the land on a grid, and
`lake_objects.csv` says where its trees, tyres, signs, rocks and pylons stand.
"""
