"""Exports a detector with the OD API's signatures and folder layout (OD_API_SPEC section 12)."""

from __future__ import annotations

from detection.export.bundle import BUNDLE_PARTS, export_bundle
from detection.export.saved_model import export_saved_model
from detection.export.signatures import INPUT_TYPES

__all__ = ["BUNDLE_PARTS", "INPUT_TYPES", "export_bundle", "export_saved_model"]
