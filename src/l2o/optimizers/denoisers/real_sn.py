"""RealSN-SimpleCNN: four convolutions of known norm, trained to tell the noise."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from l2o.optimizers.denoiser import ResidualNet
from l2o.optimizers.protocol import Hyperparameters
from l2o.optimizers.spectral_norms import norm_bound, power_step

SIDE = 40  # of the pictures of the power iteration: that of the patches of the paper


class RealSn(ResidualNet):
    """SimpleCNN whose layers all have the norm ``lipschitz ** (1 / 4)``.

    In training every layer is divided by its norm as one step of a power iteration with the
    convolution itself gives it. When it is trained, the last weights are divided by a bound that
    holds for pictures of every size: ``lipschitz`` then bounds H - I by proof.

    Hyperparameters: ``sigma``, standard deviation of the noise it is trained on, of 255;
    ``lipschitz``, the bound on R = I - H.
    """

    name = "real_sn"
    label = "RealSN-SimpleCNN"
    reference = "Ryu, Liu, Wang, Chen, Wang & Yin 2019, section 4.3"
    hyperparameters = {"sigma": 15.0, "lipschitz": 1.0}
    ranges = {"sigma": "(0, 255]", "lipschitz": "(0, 1000]"}
    departs = (
        "Adam's rate falls as a cosine, patches are drawn at random places, and after training "
        "weights are divided by a bound for every size, not by the norm on patches"
    )
    depth = 4

    def __init__(self, hyper: Hyperparameters, generator: Generator) -> None:
        super().__init__(hyper, generator)
        for number, weight in enumerate(self.weights):
            u = torch.randn(1, len(weight), SIDE, SIDE, generator=generator)
            self.register_buffer(f"u{number}", u / u.norm())
        self.register_buffer("norms", torch.ones(self.depth))  # before they were settled

    @property
    def share(self) -> float:
        """The norm of each layer."""
        return self.hyper["lipschitz"] ** (1 / self.depth)

    def forward(self, noisy: Tensor) -> Tensor:
        """Return patches without their noise; the power iteration goes on where weights learn."""
        return noisy - self.residual(noisy, self._normalised())

    def _normalised(self) -> list[Tensor]:
        found = []
        for number, weight in enumerate(self.weights):
            _, u, norm = power_step(weight, getattr(self, f"u{number}"))
            if torch.is_grad_enabled():
                getattr(self, f"u{number}").copy_(u)
            found.append(weight * (self.share / norm))
        return found

    @torch.no_grad()
    def settle(self) -> None:
        """Divide each layer by the bound on its norm."""
        for number, weight in enumerate(self.weights):
            self.norms[number] = norm_bound(weight)
            weight.mul_(self.share / norm_bound(weight))

    def before(self) -> list[float]:
        """Return the bounds on the norms of the layers before they were normalised."""
        return self.norms.tolist()
