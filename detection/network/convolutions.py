"""Convolutions over [B, H, W, C] maps; kernels in the OD API's layout and names (OD_API_SPEC section 11)."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from detection.network.initializers import GLOROT_UNIFORM, Initializer, constant
from detection.network.variables import VariableFactory


@dataclass(frozen=True)
class KernelSettings:
    """How a kernel starts and what its size costs.

    Attributes:
        initializer: Draws the starting values.
        l2: The factor ``c`` of the penalty ``c * sum(kernel**2)``; 0 for none.
    """

    initializer: Initializer
    l2: float = 0.0


GLOROT_KERNEL = KernelSettings(GLOROT_UNIFORM)


@dataclass(frozen=True)
class Bias:
    """A bias that starts at one value everywhere."""

    initial: float = 0.0


def pad_explicitly(features: tf.Tensor, kernel_size: int) -> tf.Tensor:
    """Zeros around [B, H, W, C]: ``(k - 1) // 2`` before, the rest of ``k - 1`` after (section 1.2)."""
    before = (kernel_size - 1) // 2
    margin = [before, kernel_size - 1 - before]
    return tf.pad(features, [[0, 0], margin, margin, [0, 0]])


class Convolution(tf.Module):
    """A convolution of [B, H, W, in] to [B, H', W', out].

    Args:
        variables: Makes the kernel and the bias.
        name: OD API name of the layer.
        kernel_size: Side of the kernel.
        channels: Input and output channels.
        kernel: How the kernel starts and is penalised.
        bias: The bias, or None.
        stride: Step of the kernel.
        explicit_padding: Pad symmetrically and convolve VALID, instead of TensorFlow's SAME.
    """

    def __init__(
        self,
        variables: VariableFactory,
        name: str,
        kernel_size: int,
        channels: tuple[int, int],
        kernel: KernelSettings,
        *,
        bias: Bias | None = None,
        stride: int = 1,
        explicit_padding: bool = False,
    ) -> None:
        super().__init__()
        shape = (kernel_size, kernel_size, *channels)
        self.kernel = variables.weight(f"{name}/kernel", shape, kernel.initializer)
        self.bias = _make_bias(variables, name, channels[1], bias)
        self._stride = stride
        self._pads = explicit_padding and kernel_size > 1
        self._kernel_size = kernel_size
        self._l2 = kernel.l2

    def __call__(self, features: tf.Tensor) -> tf.Tensor:
        """[B, H, W, in] to [B, H', W', out], same dtype."""
        if self._pads:
            features = pad_explicitly(features, self._kernel_size)
        output = tf.nn.conv2d(
            features, tf.cast(self.kernel, features.dtype), self._stride, "VALID" if self._pads else "SAME"
        )
        return _add_bias(output, self.bias)

    def trainable(self) -> list[tf.Variable]:
        """Kernel, then bias."""
        return _present(self.kernel, self.bias)

    def penalties(self) -> list[tuple[tf.Variable, float]]:
        """Penalised kernels with their factors."""
        return [(self.kernel, self._l2)] if self._l2 else []


class DepthwiseConvolution(tf.Module):
    """One 3x3 (or other) kernel per channel: [B, H, W, C] to [B, H', W', C]."""

    def __init__(
        self,
        variables: VariableFactory,
        name: str,
        kernel_size: int,
        channels: int,
        kernel: KernelSettings,
        *,
        stride: int = 1,
        explicit_padding: bool = False,
    ) -> None:
        super().__init__()
        shape = (kernel_size, kernel_size, channels, 1)
        self.depthwise_kernel = variables.weight(f"{name}/depthwise_kernel", shape, kernel.initializer)
        self._stride = stride
        self._pads = explicit_padding and kernel_size > 1
        self._kernel_size = kernel_size
        self._l2 = kernel.l2

    def __call__(self, features: tf.Tensor) -> tf.Tensor:
        """[B, H, W, C] to [B, H', W', C], same dtype."""
        if self._pads:
            features = pad_explicitly(features, self._kernel_size)
        return tf.nn.depthwise_conv2d(
            features,
            tf.cast(self.depthwise_kernel, features.dtype),
            [1, self._stride, self._stride, 1],
            "VALID" if self._pads else "SAME",
        )

    def trainable(self) -> list[tf.Variable]:
        """The kernel."""
        return [self.depthwise_kernel]

    def penalties(self) -> list[tuple[tf.Variable, float]]:
        """Penalised kernels with their factors."""
        return [(self.depthwise_kernel, self._l2)] if self._l2 else []


class SeparableConvolution(tf.Module):
    """A depthwise convolution, then a 1x1 one, nothing in between: [B, H, W, in] to [B, H', W', out].

    The given settings hold for the depthwise kernel; the pointwise one is Glorot-uniform and costs
    nothing unless it is given settings of its own (OD_API_SPEC section 1.4).
    """

    def __init__(
        self,
        variables: VariableFactory,
        name: str,
        kernel_size: int,
        channels: tuple[int, int],
        depthwise: KernelSettings,
        *,
        pointwise: KernelSettings = GLOROT_KERNEL,
        bias: Bias | None = None,
        stride: int = 1,
        explicit_padding: bool = False,
    ) -> None:
        super().__init__()
        inputs, outputs = channels
        self.depthwise_kernel = variables.weight(
            f"{name}/depthwise_kernel", (kernel_size, kernel_size, inputs, 1), depthwise.initializer
        )
        self.pointwise_kernel = variables.weight(
            f"{name}/pointwise_kernel", (1, 1, inputs, outputs), pointwise.initializer
        )
        self.bias = _make_bias(variables, name, outputs, bias)
        self._stride = stride
        self._pads = explicit_padding and kernel_size > 1
        self._kernel_size = kernel_size
        self._l2 = depthwise.l2
        self._pointwise_l2 = pointwise.l2

    def __call__(self, features: tf.Tensor) -> tf.Tensor:
        """[B, H, W, in] to [B, H', W', out], same dtype."""
        if self._pads:
            features = pad_explicitly(features, self._kernel_size)
        spread = tf.nn.depthwise_conv2d(
            features,
            tf.cast(self.depthwise_kernel, features.dtype),
            [1, self._stride, self._stride, 1],
            "VALID" if self._pads else "SAME",
        )
        mixed = tf.nn.conv2d(spread, tf.cast(self.pointwise_kernel, features.dtype), 1, "VALID")
        return _add_bias(mixed, self.bias)

    def trainable(self) -> list[tf.Variable]:
        """Depthwise kernel, pointwise kernel, bias."""
        return _present(self.depthwise_kernel, self.pointwise_kernel, self.bias)

    def penalties(self) -> list[tuple[tf.Variable, float]]:
        """Penalised kernels with their factors."""
        factors = ((self.depthwise_kernel, self._l2), (self.pointwise_kernel, self._pointwise_l2))
        return [(kernel, factor) for kernel, factor in factors if factor]


def _make_bias(variables: VariableFactory, name: str, channels: int, bias: Bias | None) -> tf.Variable | None:
    return variables.weight(f"{name}/bias", [channels], constant(bias.initial)) if bias else None


def _add_bias(features: tf.Tensor, bias: tf.Variable | None) -> tf.Tensor:
    return features if bias is None else tf.nn.bias_add(features, tf.cast(bias, features.dtype))


def _present(*variables: tf.Variable | None) -> list[tf.Variable]:
    return [variable for variable in variables if variable is not None]
