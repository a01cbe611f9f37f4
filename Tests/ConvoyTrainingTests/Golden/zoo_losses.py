"""Trains three small networks of the zoo for 20 steps with PyTorch and writes the losses as JSON.

The golden numbers of ZooLossesTests come from here:

    pip install numpy "torch==2.13.0+cpu"
    python zoo_losses.py > zoo_losses.json

For each network there are the losses in float32, what the test compares with, and in float64, which tell
how much rounding alone moves them. Both are steps of SGD with momentum 0.9 from the same float32 numbers.
Weight decay leaves biases and batch norm alone, as Convoy's does; dropout is off.
"""

import json
import math
import os
import sys

import numpy
import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../../Benchmarks/peers"))
import torch_zoo

STEPS, CLASSES, BATCH, SIZE, DECAY = 20, 4, 8, 64, 1e-4

# What makes a network, its learning rate, and what its batch norms' scales and shifts begin with. From 1 and
# 0, or with a higher rate, so small a batch makes training chaotic: float32 and float64 then agree to 1e-6
# at the first step and in no digit at the sixth, and nothing could be compared.
NETWORKS = {
    "mobilenet-v2?width=0.25": (lambda: torch_zoo.mobilenet_v2(CLASSES, 0.25), 2e-3, 0.4, 0.8),
    "shufflenet-v2?width=0.5": (lambda: torch_zoo.shufflenet_v2(CLASSES, 0.5), 5e-3, 0.4, 0.8),
    "regnet-x-400mf": (lambda: torch_zoo.regnet_x_400mf(CLASSES), 2e-4, 0.4, 0.8),
}


def noise(shape, seed, scale):
    """Numbers from -scale to scale, each a function of seed and index alone: SplitMix64."""
    bits = numpy.arange(1, math.prod(shape) + 1, dtype=numpy.uint64)
    bits = (bits + numpy.uint64(seed << 32)) * numpy.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ bits >> numpy.uint64(30)) * numpy.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ bits >> numpy.uint64(27)) * numpy.uint64(0x94D049BB133111EB)
    bits = (bits ^ bits >> numpy.uint64(31)) >> numpy.uint64(40)
    values = scale * (bits.astype(numpy.float64) / (1 << 23) - 1)
    return torch.from_numpy(values.astype(numpy.float32).reshape(shape))


def losses(network, rate, scale, shift, type):
    with torch.no_grad():
        for index, parameter in enumerate(network.parameters()):
            if parameter.dim() > 1:
                fan_in = math.prod(parameter.shape[1:])
                parameter.copy_(noise(parameter.shape, index, math.sqrt(6 / fan_in)))
        for layer in network.modules():
            if isinstance(layer, (nn.BatchNorm2d, nn.Linear)):
                layer.bias.fill_(shift)
            if isinstance(layer, nn.BatchNorm2d):
                layer.weight.fill_(scale)
            elif isinstance(layer, nn.Dropout):
                layer.p = 0
    network.to(type).train()
    optimizer = torch.optim.SGD([
        {"params": [p for p in network.parameters() if p.dim() > 1], "weight_decay": DECAY},
        {"params": [p for p in network.parameters() if p.dim() == 1]}], lr=rate, momentum=0.9)
    result = []
    for step in range(STEPS):
        images = noise((BATCH, 3, SIZE, SIZE), 1000 + step, 1.0)
        labels = (torch.arange(BATCH) + step) % CLASSES
        for image, label in zip(images, labels):
            image[:, label::CLASSES, :] += 1
        loss = nn.functional.cross_entropy(network(images.to(type)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        result.append(loss.item())
    return result


if __name__ == "__main__":
    torch.set_num_threads(1)
    types = {"float32": torch.float32, "float64": torch.float64}
    results = {}
    for name, (make, rate, scale, shift) in NETWORKS.items():
        results[name] = {"rate": rate, "scale": scale, "shift": shift}
        for key, type in types.items():
            results[name][key] = losses(make(), rate, scale, shift, type)
    print(json.dumps(results, indent=1))
