"""The layer suite: rows of a CSV file, and the family each belongs to by its shape."""

import csv
from dataclasses import astuple, dataclass, fields


class Failure(Exception):
    """What went wrong, as a sentence for the person who ran this."""


@dataclass(frozen=True)
class Layer:
    """A convolution: the columns of `layers.csv`, in order."""

    name: str
    inputChannels: int
    outputChannels: int
    height: int
    width: int
    kernel: int
    stride: int
    padding: int
    dilation: int
    groups: int

    @property
    def image(self):
        return (self.inputChannels, self.height, self.width)

    @property
    def weights(self):
        return (self.outputChannels, self.inputChannels // self.groups, self.kernel, self.kernel)

    @property
    def output(self):
        def extent(size):
            span = self.dilation * (self.kernel - 1) + 1
            return (size + 2 * self.padding - span) // self.stride + 1

        return (self.outputChannels, extent(self.height), extent(self.width))

    @property
    def operations(self):
        """Of one image forward: two a multiply-add."""
        channels, height, width = self.output
        per_output = self.inputChannels // self.groups * self.kernel**2
        return 2 * channels * height * width * per_output

    @property
    def csv(self):
        head = ",".join(field.name for field in fields(Layer))
        return f"{head}\n{','.join(str(value) for value in astuple(self))}\n"


# In the order in which they are reported; the widths of narrow groups come after their first.
GROUPED = "grouped, {} channels a group"
WIDE_GROUPS = "grouped, 32 channels and more"
DEPTHWISE = "depthwise"
POINTWISE = "1×1, wide"
NARROW_POINTWISE = "1×1, narrow (fewer than 64 channels on a side)"
GROUPED_POINTWISE = "1×1, grouped"
DENSE = "dense 3×3, stride 1"
OTHERS = "others"


def family(layer):
    """What a layer's speed depends on first; derived from the shape, not from the name."""
    c, n, groups = layer.inputChannels, layer.outputChannels, layer.groups
    width = c // groups
    if layer.kernel == 1:
        if layer.stride > 1:
            return OTHERS
        if groups > 1:
            return GROUPED_POINTWISE
        return POINTWISE if min(c, n) >= 64 else NARROW_POINTWISE
    if groups == c:
        return DEPTHWISE
    if groups > 1:
        return GROUPED.format(width) if width < 32 else WIDE_GROUPS
    plain = layer.kernel == 3 and layer.stride == 1 and layer.dilation == 1
    return DENSE if plain else OTHERS


def families(layers):
    """The families that some layers belong to, in order of report, each with its layers."""
    widths = sorted({layer.inputChannels // layer.groups for layer in layers})
    order = [GROUPED.format(width) for width in widths]
    order += [
        WIDE_GROUPS, DEPTHWISE, POINTWISE, NARROW_POINTWISE, GROUPED_POINTWISE, DENSE, OTHERS]
    found = {name: [layer for layer in layers if family(layer) == name] for name in order}
    return {name: members for name, members in found.items() if members}


def read(path):
    names = [field.name for field in fields(Layer)]
    try:
        with open(path, newline="") as file:
            rows = list(csv.reader(file))
    except OSError as error:
        raise Failure(f"The layers cannot be read from {path}: {error.strerror}.")
    if not rows or rows[0] != names:
        raise Failure(f"{path} should begin with the line {','.join(names)}.")
    layers = []
    for number, row in enumerate(rows[1:], start=2):
        try:
            layers.append(Layer(row[0], *(int(text) for text in row[1:])))
        except (TypeError, ValueError, IndexError):
            raise Failure(
                f"Line {number} of {path} should have a name and {len(names) - 1} whole numbers, "
                f"got ‘{','.join(row)}’.")
        if min(layers[-1].output) < 1 or layers[-1].inputChannels % layers[-1].groups:
            raise Failure(f"Line {number} of {path} is no convolution: ‘{','.join(row)}’.")
    return layers
