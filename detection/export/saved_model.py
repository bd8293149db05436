"""A detector as a SavedModel (OD_API_SPEC section 12)."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from detection.detector import SsdDetector
from detection.export.signatures import InputType, input_type

SIGNATURE = "serving_default"
# Classes of detections are numbered from 1, as in label maps; padding rows therefore read 1.0.
_LABEL_ID_OFFSET = 1.0


class ServingModule(tf.Module):
    """What is saved: a network, and the function that serves it.

    The loaded module can be called like the OD API's: ``tf.saved_model.load(folder)(images)``.

    Args:
        detector: Built with ``is_training=False`` and restored.
        kind: The input type.
    """

    def __init__(self, detector: SsdDetector, kind: InputType) -> None:
        super().__init__()
        # Only the network is tracked: nothing else of the detector has variables.
        self._model = detector.network

        def serve(input_tensor: tf.Tensor) -> dict[str, tf.Tensor]:
            images, true_shapes = kind.preprocess(detector, input_tensor)
            found = detector.detect(images, true_shapes)
            found["detection_classes"] += _LABEL_ID_OFFSET
            return {name: tf.cast(tensor, tf.float32) for name, tensor in found.items()}

        self.__call__ = tf.function(serve, input_signature=[kind.spec], autograph=False)


def export_saved_model(
    detector: SsdDetector, folder: str | Path, input_type_name: str = "image_tensor"
) -> None:
    """Writes a SavedModel with the signature ``serving_default``.

    Args:
        detector: Built with ``is_training=False``, with the weights to export.
        folder: Where ``saved_model.pb`` and ``variables/`` go.
        input_type_name: ``image_tensor`` [1, H, W, 3] uint8, ``float_image_tensor`` [B, H, W, 3] float32
            0..255, ``encoded_image_string_tensor`` [B] JPEG or PNG bytes, or ``tf_example`` [B] serialized
            examples.

    Raises:
        ConfigError: An unknown input type.
    """
    module = ServingModule(detector, input_type(input_type_name))
    concrete = module.__call__.get_concrete_function()
    tf.saved_model.save(module, str(folder), signatures={SIGNATURE: concrete})
