"""Train a network with a learned optimizer.

`l2o.torch.LearnedOptimizer` takes the place of Adam in a training loop. Its weights were
meta-trained on another network and other data; there is no rate to tune.
"""

# %%
# A small network for the 8 x 8 digits of scikit-learn, and the same start for both optimizers.
import copy

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits

from l2o.torch import LearnedOptimizer

images, labels = load_digits(return_X_y=True)
images, labels = torch.from_numpy(images).float() / 16, torch.from_numpy(labels)
torch.manual_seed(0)
start = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))


# %%
# The usual loop. `eval()` puts the parameters to where the optimizer is, which with some weights
# (L2O-Scale) is not where it asks for gradients; optimizers of torch have no such method.
def train(optimizer_of, steps=300):
    net, draw, losses = copy.deepcopy(start), torch.Generator().manual_seed(1), []
    optimizer = optimizer_of(net.parameters())
    for _ in range(steps):
        batch = torch.randint(1500, (128,), generator=draw)
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(images[batch]), labels[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    if isinstance(optimizer, LearnedOptimizer):
        optimizer.eval()
    accuracy = (net(images[1500:]).argmax(dim=1) == labels[1500:]).float().mean()
    return losses, accuracy.item()


# %%
# Adam with two rates, for comparison.
choices = {
    "Celo2-like": (LearnedOptimizer, "#EE6677"),
    "Adam, rate 0.01": (lambda p: torch.optim.Adam(p, lr=0.01), "#3C3C3C"),
    "Adam, rate 0.001": (lambda p: torch.optim.Adam(p, lr=0.001), "#9A9A9A"),
}
figure, axes = plt.subplots(figsize=(6, 3.4))
for name, (optimizer_of, colour) in choices.items():
    losses, accuracy = train(optimizer_of)
    print(f"{name:18} last loss {sum(losses[-20:]) / 20:.4f}, test accuracy {100 * accuracy:.1f} %")
    axes.loglog(range(1, len(losses) + 1), losses, color=colour, label=name)
axes.set(xlabel="Step", ylabel="Loss of the minibatch (nats)")
axes.legend()
