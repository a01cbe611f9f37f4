"""Networks of Convoy's zoo in PyTorch, layer for layer, in their training form.

Parameters are declared in the order of the zoo's, so that both sides can be given the same numbers.
"""

import torch
from torch import nn


class Sum(nn.Module):
    """Two branches' sum. It is taken in place, so the first branch must not be the identity."""

    def __init__(self, first, second):
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x):
        y = self.first(x)
        y += self.second(x)
        return y


class Concatenation(nn.Module):
    def __init__(self, first, second):
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x):
        return torch.cat([self.first(x), self.second(x)], 1)


class SecondHalf(nn.Module):
    """One half of the channels passes, the other is convolved."""

    def __init__(self, branch):
        super().__init__()
        self.branch = branch

    def forward(self, x):
        first, second = x.chunk(2, 1)
        return torch.cat([first, self.branch(second)], 1)


class Shuffle(nn.Module):
    """Channels (group, index) become (index, group), in the memory format they came in."""

    def __init__(self, groups):
        super().__init__()
        self.groups = groups

    def forward(self, x):
        # Without saying so the result would be contiguous whatever the input.
        last = x.is_contiguous(memory_format=torch.channels_last)
        y = x.unflatten(1, (self.groups, -1)).transpose(1, 2).flatten(1, 2)
        return y.contiguous(memory_format=torch.channels_last) if last else y


def chain(*layers):
    """Layers one after the other; lists among them are spread."""
    flat = []
    for layer in layers:
        flat += layer if isinstance(layer, list) else [layer]
    return nn.Sequential(*flat)


def relu():
    return nn.ReLU(inplace=True)


def relu6():
    return nn.ReLU6(inplace=True)


def normalized(inputs, outputs, kernel, stride=1, groups=1):
    """A convolution that keeps extents at stride 1, without a bias, and batch norm."""
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs)]


def head(channels, classes):
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)]


def alexnet(classes=1000):
    def normalization():
        return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)

    return chain(
        nn.Conv2d(3, 96, 11, 4), relu(), normalization(), nn.MaxPool2d(3, 2),
        nn.Conv2d(96, 256, 5, padding=2, groups=2), relu(), normalization(), nn.MaxPool2d(3, 2),
        nn.Conv2d(256, 384, 3, padding=1), relu(),
        nn.Conv2d(384, 384, 3, padding=1, groups=2), relu(),
        nn.Conv2d(384, 256, 3, padding=1, groups=2), relu(), nn.MaxPool2d(3, 2), nn.Flatten(),
        nn.Linear(256 * 6 * 6, 4096), relu(), nn.Dropout(0.5),
        nn.Linear(4096, 4096), relu(), nn.Dropout(0.5), nn.Linear(4096, classes))


def squeezenet(classes=1000):
    def fire(inputs, squeezed, expanded):
        return [
            nn.Conv2d(inputs, squeezed, 1), relu(),
            Concatenation(
                chain(nn.Conv2d(squeezed, expanded, 1), relu()),
                chain(nn.Conv2d(squeezed, expanded, 3, padding=1), relu()))]

    def pool():
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    return chain(
        nn.Conv2d(3, 64, 3, 2), relu(), pool(),
        fire(64, 16, 64), fire(128, 16, 64), pool(),
        fire(128, 32, 128), fire(256, 32, 128), pool(),
        fire(256, 48, 192), fire(384, 48, 192), fire(384, 64, 256), fire(512, 64, 256),
        nn.Dropout(0.5), nn.Conv2d(512, classes, 1), relu(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten())


def mobilenet_v2(classes=1000, width=1.0):
    def rounded(count):
        exact = count * width
        result = max(int(exact + 4) // 8 * 8, 8)
        return result + 8 if result < 0.9 * exact else result

    channels = rounded(32)
    layers = normalized(3, channels, 3, 2) + [relu6()]
    for expansion, outputs, count, stride in [
            (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
            (6, 160, 3, 2), (6, 320, 1, 1)]:
        for index in range(count):
            inputs, channels, step = channels, rounded(outputs), stride if index == 0 else 1
            wide = inputs * expansion
            branch = chain(
                normalized(inputs, wide, 1) + [relu6()] if expansion > 1 else [],
                normalized(wide, wide, 3, step, wide), relu6(), normalized(wide, channels, 1))
            same = step == 1 and inputs == channels
            layers.append(Sum(branch, nn.Identity()) if same else branch)
    last = int(1280 * max(width, 1))
    return chain(
        layers, normalized(channels, last, 1), relu6(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Dropout(0.2), nn.Linear(last, classes))


def shufflenet_v1(classes=1000, groups=3):
    first = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}[groups]
    layers, channels = normalized(3, 24, 3, 2) + [relu(), nn.MaxPool2d(3, 2, 1)], 24
    for stage, count in enumerate([4, 8, 4]):
        for index in range(count):
            inputs, channels = channels, first << stage
            inner, outer = channels // 4, channels - inputs if index == 0 else channels
            branch = chain(
                normalized(inputs, inner, 1, groups=1 if stage == index == 0 else groups), relu(),
                Shuffle(groups), normalized(inner, inner, 3, 2 if index == 0 else 1, inner),
                normalized(inner, outer, 1, groups=groups))
            if index == 0:
                layers.append(Concatenation(nn.AvgPool2d(3, 2, 1), branch.append(relu())))
            else:
                layers += [Sum(branch, nn.Identity()), relu()]
    return chain(layers, head(channels, classes))


def shufflenet_v2(classes=1000, width=1.0):
    first = {0.5: 48, 1: 116, 1.5: 176, 2: 244}[width]
    last = 2048 if width == 2 else 1024

    def branch(inputs, channels, stride):
        return chain(
            normalized(inputs, channels, 1), relu(),
            normalized(channels, channels, 3, stride, channels),
            normalized(channels, channels, 1), relu())

    layers, channels = normalized(3, 24, 3, 2) + [relu(), nn.MaxPool2d(3, 2, 1)], 24
    for stage, count in enumerate([4, 8, 4]):
        inputs, channels = channels, first << stage
        half = channels // 2
        shortcut = chain(
            normalized(inputs, inputs, 3, 2, inputs), normalized(inputs, half, 1), relu())
        layers += [Concatenation(shortcut, branch(inputs, half, 2)), Shuffle(2)]
        for _ in range(1, count):
            layers += [SecondHalf(branch(half, half, 1)), Shuffle(2)]
    return chain(layers, normalized(channels, last, 1), relu(), head(last, classes))


def resnet_50(classes=1000, groups=1, width=64):
    """ResNet-50, or ResNeXt-50 with 32 groups of width 4."""
    layers, channels = normalized(3, 64, 7, 2) + [relu(), nn.MaxPool2d(3, 2, 1)], 64
    for stage, count in enumerate([3, 4, 6, 3]):
        for index in range(count):
            inputs, channels, inner = channels, 256 << stage, (width << stage) * groups
            stride = 2 if stage > 0 and index == 0 else 1
            branch = chain(
                normalized(inputs, inner, 1), relu(),
                normalized(inner, inner, 3, stride, groups), relu(),
                normalized(inner, channels, 1))
            shortcut = normalized(inputs, channels, 1, stride) if index == 0 else nn.Identity()
            layers += [Sum(branch, chain(shortcut)), relu()]
    return chain(layers, head(channels, classes))


def regnet_x_400mf(classes=1000):
    layers, channels = normalized(3, 32, 3, 2) + [relu()], 32
    for width, count in [(32, 1), (64, 2), (160, 7), (400, 12)]:
        for index in range(count):
            inputs, channels, stride = channels, width, 2 if index == 0 else 1
            branch = chain(
                normalized(inputs, width, 1), relu(),
                normalized(width, width, 3, stride, width // 16), relu(),
                normalized(width, width, 1))
            shortcut = chain(normalized(inputs, width, 1, stride)) if index == 0 else None
            layers += [Sum(shortcut, branch) if shortcut else Sum(branch, nn.Identity()), relu()]
    return chain(layers, head(channels, classes))


# By the zoo's specification: what makes the network, and its image's height and width.
NETWORKS = {
    "alexnet": (alexnet, 227),
    "squeezenet-1.1": (squeezenet, 224),
    "mobilenet-v2": (mobilenet_v2, 224),
    "shufflenet-v1?groups=3": (shufflenet_v1, 224),
    "shufflenet-v2": (shufflenet_v2, 224),
    "resnext-50": (lambda: resnet_50(groups=32, width=4), 224),
    "resnet-50": (resnet_50, 224),
    "regnet-x-400mf": (regnet_x_400mf, 224),
}


def parameter_count(network):
    return sum(parameter.numel() for parameter in network.parameters())
