"""Several processes that train one GAN: each takes its share of every minibatch, batch norm sees the whole of it.

Neither torch's DistributedDataParallel, which expects one forward pass for each backward pass, nor its SyncBatchNorm,
which needs GPUs, serves a GAN on every machine. What is needed is little: moments are averaged within the layers, with
their gradients, and gradients before an optimiser's step. All else is the same in each process, draws included.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from gan_probe.devices import check_device
from gan_probe.errors import BadInputError, StoppedError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch.optim import Optimizer

    from gan_probe.network import Network


class Group:
    """The processes that train together, seen from the `rank`-th of `world`; by default one alone."""

    def __init__(self, rank: int = 0, world: int = 1) -> None:
        self.rank = rank
        self.world = world
        self.training = False

    def share(self, batch: int) -> slice:
        """The part of a minibatch that is this process' own; BadInputError where the parts cannot be equal."""
        if batch % self.world or batch < 2 * self.world:
            raise BadInputError(
                f"{self.world} processes cannot share {batch} images evenly: choose another --batch-size"
            )
        return slice(self.rank * batch // self.world, (self.rank + 1) * batch // self.world)

    def join(self, networks: Sequence[Network], optimisers: Sequence[Optimizer]) -> None:
        """Have these networks normalise by the whole minibatch, and these optimisers follow its gradient."""
        if self.world == 1:
            return
        for network in networks:
            for norm in network.norms.values():
                norm.__class__ = _Joined1d if isinstance(norm, nn.BatchNorm1d) else _Joined2d
                norm.group = self  # type: ignore[assignment]
        for optimiser in optimisers:
            optimiser.register_step_pre_hook(lambda one, *_: self._average_gradients(one))

    @contextmanager
    def step(self) -> Iterator[None]:
        """Within the block all processes do the same; outside, batch norm's statistics are each process' own affair."""
        self.training = True
        try:
            yield
        finally:
            self.training = False

    def mean(self, values: Tensor) -> Tensor:
        """The mean over the processes; gradients flow through it."""
        return values if self.world == 1 else _Sum.apply(values) / self.world

    def any(self, here: bool) -> bool:
        """Whether it is so in any of the processes."""
        return here if self.world == 1 else bool(_Sum.apply(torch.tensor(float(here))))

    def check_same(self, step: int) -> None:
        """Raise BadInputError unless all processes stand at this step."""
        if self.any(self.mean(torch.tensor(step, dtype=torch.float64)).item() != step):  # float32 ends at 2^24
            raise BadInputError("the processes resume from different steps: all must see the same files beside --out")

    @torch.no_grad()
    def _average_gradients(self, optimiser: Optimizer) -> None:
        gradients = [p.grad for part in optimiser.param_groups for p in part["params"] if p.grad is not None]
        together = self.mean(torch.cat([gradient.reshape(-1) for gradient in gradients]))  # in one message
        parts = torch.split(together, [gradient.numel() for gradient in gradients])
        for gradient, values in zip(gradients, parts, strict=True):
            gradient.copy_(values.reshape(gradient.shape))


class _Sum(torch.autograd.Function):
    """The sum over processes of what each holds; each one's share in all that comes of it is its gradient."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:  # noqa: ARG004  # torch's signature
        values = values.clone(memory_format=torch.contiguous_format)
        try:
            torch.distributed.all_reduce(values)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise StoppedError(
                "another process of the group has ended, see what it said, or cannot be reached "
                f"({one_line(error, 120)}): --resume goes on from the last state saved"
            ) from error
        return values

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ARG004
        return _Sum.forward(None, gradient)


class _Joined(nn.modules.batchnorm._BatchNorm):
    """Batch norm whose batch is spread over a group."""

    group: Group

    def forward(self, x: Tensor) -> Tensor:
        if not self.group.training:
            return super().forward(x)
        values = x.float()  # (N, C) or (N, C, H, W)
        axes = [axis for axis in range(x.dim()) if axis != 1]
        mean = self.group.mean(values.mean(axes, keepdim=True))
        centred = values - mean
        variance = self.group.mean(centred.square().mean(axes, keepdim=True))
        normed = centred * (variance + self.eps).rsqrt()
        if self.affine:
            normed = normed * self.weight.reshape(mean.shape) + self.bias.reshape(mean.shape)
        return normed.to(x.dtype)


class _Joined1d(_Joined, nn.BatchNorm1d):
    pass


class _Joined2d(_Joined, nn.BatchNorm2d):
    pass


@contextmanager
def torchrun() -> Iterator[Group]:
    """The group that `torchrun` started this process in, over gloo on CPUs and NCCL on GPUs; else one alone."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world < 2 or "RANK" not in os.environ:
        yield Group()
        return
    torch.distributed.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield Group(torch.distributed.get_rank(), world)
    finally:
        torch.distributed.destroy_process_group()


def take_device(device: str) -> str:
    """`cuda` as this process' own GPU under `torchrun`, made current; other names as they are.

    BadInputError where it is not there.
    """
    if device == "cuda" and "LOCAL_RANK" in os.environ:
        device = check_device(f"cuda:{os.environ['LOCAL_RANK']}")
        torch.cuda.set_device(device)
    return device
