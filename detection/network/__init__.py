"""The SSD network: backbone, feature pyramid and box predictor. Anchors and losses are elsewhere."""
