"""From TFRecords of OD API examples to batches of network inputs and groundtruth (OD_API_SPEC section 9)."""
