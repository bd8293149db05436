"""One way to run a detector, whether it stands in a checkpoint or in an exported SavedModel.

Both predictors take what the evaluation input makes (preprocessed images and their true shapes) and give the
same form of answer, so that a checkpoint and its export can be scored by the same code and compared.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from detection.checkpoints.archive import resolve_checkpoint
from detection.checkpoints.restoring import restore_model
from detection.config.reading import load_pipeline_config
from detection.config.supported import check_supported
from detection.detector import SsdDetector
from detection.errors import CheckpointError

SERVING_SIGNATURE = "serving_default"
SAVED_MODEL_FILE = "saved_model.pb"
OUTPUT_NAMES = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")


class DetectedBatch(NamedTuple):
    """What was found on ``B`` images, up to ``M`` boxes each (OD_API_SPEC sections 7 and 12).

    Attributes:
        boxes_yxyx_normalized: ``[B, M, 4]`` float32, relative to the original image, 0 to 1.
        scores: ``[B, M]`` float32, 0 to 1, falling.
        category_ids: ``[B, M]`` int64, ids of the label map: 1 or more.
        counts: ``[B]`` int64, how many of the ``M`` rows are valid; the others mean nothing.
    """

    boxes_yxyx_normalized: NDArray[np.float32]
    scores: NDArray[np.float32]
    category_ids: NDArray[np.int64]
    counts: NDArray[np.int64]


class Predictor(Protocol):
    """A detector that is ready to run."""

    @property
    def image_shape(self) -> tuple[int, int] | None:
        """Height and width of the preprocessed images; None where they differ: batches of 1."""

    def preprocess(self, image: Any) -> tuple[Any, Any]:
        """One image, [H, W, 3] float32 0..255, to what ``predict`` takes and its true shape [3] int32."""

    def predict(self, images: Any, true_shapes: Any) -> DetectedBatch:
        """Preprocessed images [B, h, w, 3] float32 and true shapes [B, 3] int32 to detections."""


class CheckpointPredictor:
    """Runs the model of a ``pipeline.config`` with the weights of a checkpoint.

    Args:
        pipeline_config: The config's file.
        checkpoint: A checkpoint prefix, a folder that holds one, or an archive.
        workdir: Where an archive may be unpacked; needed for archives only.

    Raises:
        ConfigError: Where the config asks for what is not supported.
        CheckpointError: Where the checkpoint is missing or of another model.
    """

    def __init__(self, pipeline_config: Path, checkpoint: str | Path, workdir: Path | None = None) -> None:
        config = load_pipeline_config(pipeline_config)
        check_supported(config, pipeline_config)
        self._detector = SsdDetector(config.model, is_training=False)
        prefix = resolve_checkpoint(str(checkpoint), workdir or Path(pipeline_config).parent)
        restore_model(self._detector.network, prefix)
        # The batch is left open: a last, smaller one must not trace the graph again.
        size = self.image_shape
        signature = size and (
            tf.TensorSpec([None, *size, 3], tf.float32),
            tf.TensorSpec([None, 3], tf.int32),
        )
        self._detect = tf.function(self._detect_boxes, input_signature=signature, autograph=False)

    @property
    def image_shape(self) -> tuple[int, int] | None:
        """See ``Predictor``."""
        shape = self._detector.image_shape
        return None if shape is None else (int(shape[0]), int(shape[1]))

    def _detect_boxes(self, images: Any, true_shapes: Any) -> dict[str, Any]:
        found = self._detector.detect(images, true_shapes)
        return {name: found[name] for name in OUTPUT_NAMES}

    def preprocess(self, image: Any) -> tuple[Any, Any]:
        """See ``Predictor``."""
        preprocessed: tuple[Any, Any] = self._detector.preprocess(image)
        return preprocessed

    def predict(self, images: Any, true_shapes: Any) -> DetectedBatch:
        """See ``Predictor``."""
        found = self._detect(tf.convert_to_tensor(images), tf.convert_to_tensor(true_shapes))
        return _as_batch(found, class_offset=1)


class SavedModelPredictor:
    """Runs an exported SavedModel through its ``serving_default`` signature, one image at a time.

    The model preprocesses by itself, so it is given the original images; the float32 values of the input are
    the decoded uint8 values and are turned back without a loss.

    Args:
        bundle: The exported folder (with ``saved_model/``) or the SavedModel's own folder.

    Raises:
        CheckpointError: Where there is no SavedModel, or it does not take images or does not give detections.
    """

    image_shape: tuple[int, int] | None = None

    def __init__(self, bundle: str | Path) -> None:
        folder = find_saved_model(bundle)
        if folder is None:
            raise CheckpointError(
                "there is no SavedModel",
                file=bundle,
                expected=f"saved_model/{SAVED_MODEL_FILE} or {SAVED_MODEL_FILE} in it",
            )
        try:
            # Kept: a signature's variables live only as long as the object that was loaded.
            self._loaded = tf.saved_model.load(str(folder))
        except Exception as error:
            raise CheckpointError("the SavedModel cannot be loaded", file=folder, found=error) from None
        self._function = _checked_signature(self._loaded, folder)
        _, arguments = self._function.structured_input_signature
        (self._argument,) = arguments
        self._dtype = arguments[self._argument].dtype

    def preprocess(self, image: Any) -> tuple[Any, Any]:
        """The image as it is, and its shape."""
        return image, tf.shape(image)

    def predict(self, images: Any, true_shapes: Any) -> DetectedBatch:
        """See ``Predictor``; ``images`` are original images, float32 0..255, all of one size."""
        whole = tf.cast(images, self._dtype)
        answers = []
        for row in range(whole.shape[0]):
            found = self._function(**{self._argument: whole[row : row + 1]})
            answers.append(_as_batch(found, class_offset=0))
        return DetectedBatch(*(np.concatenate(column) for column in zip(*answers, strict=True)))


def _checked_signature(loaded: Any, folder: Path) -> Any:
    if SERVING_SIGNATURE not in loaded.signatures:
        found = ", ".join(sorted(loaded.signatures)) or "none"
        raise CheckpointError(
            "the SavedModel lacks a signature", file=folder, found=found, expected=SERVING_SIGNATURE
        )
    function = loaded.signatures[SERVING_SIGNATURE]
    _, arguments = function.structured_input_signature
    takes_images = len(arguments) == 1 and next(iter(arguments.values())).dtype in (tf.uint8, tf.float32)
    if not takes_images:
        raise CheckpointError(
            "the SavedModel does not take images",
            file=folder,
            field=SERVING_SIGNATURE,
            found=", ".join(f"{name} {spec.dtype.name}" for name, spec in arguments.items()),
            expected="one input [1, height, width, 3] uint8 (input type image_tensor)",
        )
    missing = [name for name in OUTPUT_NAMES if name not in function.structured_outputs]
    if missing:
        raise CheckpointError(
            "the SavedModel does not give detections",
            file=folder,
            field=SERVING_SIGNATURE,
            expected=missing[0],
        )
    return function


def find_saved_model(bundle: str | Path) -> Path | None:
    """The SavedModel's folder in an exported bundle, or the folder itself; None where there is none."""
    folder = Path(bundle)
    for candidate in (folder / "saved_model", folder):
        if (candidate / SAVED_MODEL_FILE).is_file():
            return candidate
    return None


def open_predictor(model: str | Path, pipeline_config: Path | None) -> Predictor:
    """A predictor for ``model``: the SavedModel where the folder holds one, else its checkpoint.

    Raises:
        CheckpointError: Where neither is there, or a checkpoint comes without its ``pipeline_config``.
    """
    if find_saved_model(model) is not None:
        return SavedModelPredictor(model)
    if pipeline_config is None:
        raise CheckpointError(
            "a checkpoint needs the config of its model", file=model, field="pipeline_config", found="nothing"
        )
    return CheckpointPredictor(pipeline_config, model)


def detect_image(predictor: Predictor, image: NDArray[np.uint8]) -> DetectedBatch:
    """Detections on one image [H, W, 3] uint8, as a batch of 1."""
    preprocessed, true_shape = predictor.preprocess(tf.cast(image, tf.float32))
    return predictor.predict(preprocessed[tf.newaxis], true_shape[tf.newaxis])


def _as_batch(found: dict[str, Any], class_offset: int) -> DetectedBatch:
    return DetectedBatch(
        boxes_yxyx_normalized=found["detection_boxes"].numpy(),
        scores=found["detection_scores"].numpy(),
        category_ids=np.rint(found["detection_classes"].numpy()).astype(np.int64) + class_offset,
        counts=np.rint(found["num_detections"].numpy()).astype(np.int64),
    )
