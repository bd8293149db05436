"""Optimizers on TensorFlow's fused update kernels, checkpointed under the OD API's keys.

One kernel per variable reads gradient and slots and writes both in one pass. Formulas and the stored scalars
follow OD_API_SPEC sections 8.4 and 11: ``tf.train.Checkpoint(model=, optimizer=)`` writes
``<variable>/.OPTIMIZER_SLOT/optimizer/<slot>`` and ``optimizer/{iter,decay,...}``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from detection.errors import ConfigError
from detection.training.learning_rate import Schedule, build_learning_rate


class Optimizer(tf.Module):
    """Base: owns the slots and the scalars, and hands each variable to ``_update``.

    Args:
        label: First part of the variables' names, such as ``SGD``.
        learning_rate: Schedule of the global step.
        slot_names: Slots that each trained variable has.
        scalars: Scalars that the OD API stores beside ``iter``; they document the run and steer nothing.
    """

    def __init__(
        self, label: str, learning_rate: Schedule, slot_names: Sequence[str], scalars: dict[str, float]
    ) -> None:
        super().__init__(name=label)
        self.learning_rate = learning_rate
        self._label = label
        self.iter = self._scalar("iter", 0, tf.int64)
        for name, value in scalars.items():
            setattr(self, name, self._scalar(name, value, tf.float32))
        # Past the tracking of tf.Module: in the object graph a slot hangs on its variable.
        object.__setattr__(self, "_slots", {name: {} for name in slot_names})

    def _scalar(self, name: str, value: float, dtype: Any) -> Any:
        return tf.Variable(
            value,
            trainable=False,
            dtype=dtype,
            name=f"{self._label}/{name}",
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )

    def build(self, variables: Sequence[Any]) -> None:
        """Creates the slots, all zero, of ``variables``; call it in the scope that made them."""
        for variable in variables:
            for slot_name, slots in self._slots.items():
                slots[variable.ref()] = self._make_slot(variable, slot_name)

    def _make_slot(self, variable: Any, slot_name: str) -> Any:
        with tf.distribute.get_strategy().extended.colocate_vars_with(variable):
            return tf.Variable(
                tf.zeros(variable.shape, variable.dtype),
                trainable=False,
                name=f"{self._label}/{variable.name.split(':')[0]}/{slot_name}",
            )

    def apply(self, variables: Sequence[Any], gradients: Sequence[Any], learning_rate: Any) -> None:
        """Updates ``variables`` in place; in a replica, its own copies. ``iter`` is raised by the caller.

        Args:
            variables: Trained variables, of those given to ``build``.
            gradients: One tensor per variable, of its shape and dtype.
            learning_rate: float32 scalar tensor.
        """
        shared = self._shared(learning_rate)
        for variable, gradient in zip(variables, gradients, strict=True):
            slots = [slots[variable.ref()].handle for slots in self._slots.values()]
            self._update(variable.handle, slots, tf.cast(gradient, variable.dtype), shared)

    def _shared(self, learning_rate: Any) -> dict[str, Any]:
        """Arguments of the kernel that are the same for every variable of one step."""
        return {"lr": learning_rate}

    def _update(self, handle: Any, slots: list[Any], gradient: Any, shared: dict[str, Any]) -> None:
        raise NotImplementedError

    # The three methods through which tf.train.Checkpoint finds the slots of an optimizer.

    def get_slot_names(self) -> list[str]:
        """Names of the slots."""
        return list(self._slots)

    def get_slot(self, variable: Any, slot_name: str) -> Any:
        """The slot of ``variable``; KeyError where there is none."""
        return self._slots[slot_name][variable.ref()]

    def _create_or_restore_slot_variable(
        self, slot_variable_position: Any, slot_name: str, variable: Any, **_: Any
    ) -> Any:
        del slot_variable_position  # the caller binds the value to the slot that is returned
        return self._slots.get(slot_name, {}).get(variable.ref())


class Momentum(Optimizer):
    """``v = m v - lr g``; ``w += v`` (Keras SGD: the rate is folded into the accumulator)."""

    def __init__(self, learning_rate: Schedule, momentum: float) -> None:
        slots = ["momentum"] if momentum else []
        super().__init__("SGD", learning_rate, slots, {"decay": 0.0, "momentum": momentum})
        self._momentum = momentum

    def _update(self, handle: Any, slots: list[Any], gradient: Any, shared: dict[str, Any]) -> None:
        if not slots:
            tf.raw_ops.ResourceApplyGradientDescent(var=handle, alpha=shared["lr"], delta=gradient)
            return
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=handle, accum=slots[0], grad=gradient, momentum=self._momentum, **shared
        )


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015) as in Keras: epsilon joins the root of the uncorrected second moment."""

    BETA_1 = 0.9
    BETA_2 = 0.999

    def __init__(self, learning_rate: Schedule, epsilon: float) -> None:
        scalars = {"decay": 0.0, "beta_1": self.BETA_1, "beta_2": self.BETA_2}
        super().__init__("Adam", learning_rate, ["m", "v"], scalars)
        self._epsilon = epsilon

    def _shared(self, learning_rate: Any) -> dict[str, Any]:
        count = tf.cast(self.iter + 1, tf.float32)
        return {
            "lr": learning_rate,
            "beta1_power": tf.pow(self.BETA_1, count),
            "beta2_power": tf.pow(self.BETA_2, count),
            "beta1": self.BETA_1,
            "beta2": self.BETA_2,
            "epsilon": self._epsilon,
        }

    def _update(self, handle: Any, slots: list[Any], gradient: Any, shared: dict[str, Any]) -> None:
        tf.raw_ops.ResourceApplyAdam(var=handle, m=slots[0], v=slots[1], grad=gradient, **shared)


class RmsProp(Optimizer):
    """RMSProp with momentum; ``decay`` divides the rate by ``1 + decay * iter``.

    That the config's ``decay`` slows the rate down, instead of averaging the squares (that constant is 0.9),
    is what the OD API does on TensorFlow 2; its configs were tuned with it (OD_API_SPEC 8.4, 16.9).
    """

    RHO = 0.9

    def __init__(self, learning_rate: Schedule, momentum: float, decay: float, epsilon: float) -> None:
        scalars = {"decay": decay, "momentum": momentum, "rho": self.RHO}
        super().__init__("RMSprop", learning_rate, ["rms", "momentum"], scalars)
        self._momentum, self._decay, self._epsilon = momentum, decay, epsilon

    def _shared(self, learning_rate: Any) -> dict[str, Any]:
        return {
            "lr": learning_rate / (1.0 + self._decay * tf.cast(self.iter, tf.float32)),
            "rho": self.RHO,
            "momentum": self._momentum,
            "epsilon": self._epsilon,
        }

    def _update(self, handle: Any, slots: list[Any], gradient: Any, shared: dict[str, Any]) -> None:
        tf.raw_ops.ResourceApplyRMSProp(var=handle, ms=slots[0], mom=slots[1], grad=gradient, **shared)


def build_optimizer(config: Any) -> Optimizer:
    """Builds the optimizer of a ``pb.Optimizer`` message, with its schedule; call ``build`` on it next.

    Raises:
        ConfigError: No optimizer is set, or moving averages are asked for (not built yet).
    """
    # The field's default is true, yet averages are kept only where the config says so (DESIGN section 8).
    if config.HasField("use_moving_average") and config.use_moving_average:
        raise ConfigError(
            "moving averages of the weights are not supported",
            field="train_config.optimizer.use_moving_average",
            found="true",
            expected="false, or the field left out",
        )
    name = config.WhichOneof("optimizer")
    if name is None:
        raise ConfigError(
            "no optimizer is set",
            field="train_config.optimizer",
            expected="one of momentum_optimizer, adam_optimizer, rms_prop_optimizer",
        )
    chosen = getattr(config, name)
    schedule = build_learning_rate(chosen.learning_rate)
    if name == "momentum_optimizer":
        return Momentum(schedule, chosen.momentum_optimizer_value)
    if name == "adam_optimizer":
        return Adam(schedule, chosen.epsilon)
    return RmsProp(schedule, chosen.momentum_optimizer_value, chosen.decay, chosen.epsilon)
