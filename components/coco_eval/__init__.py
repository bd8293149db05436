"""Evaluation: detections written once, checked, scored by the COCO rules, and shown in a report."""
