"""Drawn street scenes: a small 3D world, a pinhole camera, and painters for everything on a street.

``sequences.draw_sequence`` is the way in. World axes: x right, y up, z forward along the road, in metres; the
road's centre line is x = 0, the ground y = 0.
"""
