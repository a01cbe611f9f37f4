"""Trains a small network for 20 steps with PyTorch and writes the losses as JSON.

The golden numbers of TrainingGoldenTests come from here:

    pip install "torch==2.13.0+cpu"
    python training_losses.py > training_losses.json

Weights and batches are sines of their index, so that both sides make them without a file; an image's
label is added to every fifth row. Weight decay leaves biases and batch norm alone, as Convoy's does.
"""

import json
import math

import torch
from torch import nn


def wave(shape, phase, scale):
    count = math.prod(shape)
    values = [scale * math.sin(0.37 * index * index + phase) for index in range(count)]
    return torch.tensor(values, dtype=torch.float64).to(torch.float32).reshape(shape)


class Network(nn.Module):
    """Standard, grouped, depthwise, 1x1 and strided convolutions, batch norm, pooling, a linear head."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 12, 3, padding=1, bias=False), nn.BatchNorm2d(12), nn.ReLU(),
            nn.Conv2d(12, 24, 3, padding=1, groups=3), nn.ReLU(),
            nn.Conv2d(24, 24, 3, stride=2, padding=1, groups=24, bias=False),
            nn.BatchNorm2d(24), nn.ReLU(),
            nn.Conv2d(24, 20, 1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(20 * 9, 5))

    def forward(self, x):
        return self.layers(x)


def losses(make_optimizer):
    torch.manual_seed(0)
    network = Network()
    with torch.no_grad():
        for index, (name, parameter) in enumerate(network.named_parameters()):
            if parameter.dim() > 1:
                fan_in = math.prod(parameter.shape[1:])
                parameter.copy_(wave(parameter.shape, index, math.sqrt(2 / fan_in)))
            elif name.endswith("bias"):
                parameter.zero_()
    network.train()
    groups = [
        {"params": [p for p in network.parameters() if p.dim() > 1]},
        {"params": [p for p in network.parameters() if p.dim() == 1], "weight_decay": 0}]
    optimizer = make_optimizer(groups)
    result = []
    for step in range(20):
        images = wave((8, 3, 12, 12), 100 + step, 1.0)
        labels = torch.tensor([(3 * step + 2 * position) % 5 for position in range(8)])
        for position, label in enumerate(labels):
            images[position, :, label::5, :] += 1
        loss = nn.functional.cross_entropy(network(images), labels, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        result.append(loss.item())
    return result


if __name__ == "__main__":
    torch.set_num_threads(1)
    optimizers = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, weight_decay=1e-3),
        "nesterov": lambda p: torch.optim.SGD(
            p, lr=0.02, momentum=0.9, nesterov=True, weight_decay=1e-3),
        "adamw": lambda p: torch.optim.AdamW(p, lr=1e-3, weight_decay=1e-2),
        "rmsprop": lambda p: torch.optim.RMSprop(p, lr=1e-3, weight_decay=1e-3),
    }
    print(json.dumps({name: losses(make) for name, make in optimizers.items()}, indent=1))
