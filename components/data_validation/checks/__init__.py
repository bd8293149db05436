"""The checks: one file each. ``registry`` names them all; the policy gives each its severity and limits."""
