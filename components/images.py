"""The container images that the steps run in, by their role."""

from __future__ import annotations

import os

# A registry is set where the images are built; the plain names serve where they are built locally.
CPU_IMAGE = os.environ.get("URBANDET_CPU_IMAGE", "urbandet-python-cpu:0.1.0")
GPU_IMAGE = os.environ.get("URBANDET_GPU_IMAGE", "urbandet-python-gpu:0.1.0")
