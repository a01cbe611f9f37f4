#!/usr/bin/env python3
"""Random networks, run by `convoy run` and by ONNX Runtime, on every machine, with one and two threads.

Networks have one to three spatial dimensions; a third of them have a single row of pixels. Layers are drawn
from those of real networks: convolutions of every grouping, pooling, resizing, concatenations, residual sums,
slices, normalisations, attention by channel, products of matrices. What differs is kept as a folder with the
model and its input, and ends in exit status 1.

usage: networks.py CONVOY [--count 1000] [--seed 1] [--machines portable,avx2,avx512] [--keep FOLDER]
needs: pip install numpy onnx onnxruntime
"""
import argparse
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


class Network:
    """A model that grows by random layers; `shape` is that of the last value."""

    def __init__(self, seed):
        self.draw = random.Random(seed)
        self.numbers = np.random.default_rng(seed)
        self.nodes, self.weights, self.values = [], [], []
        rank = self.draw.choice([1, 1, 2, 2, 2, 3])
        longest = {1: 200, 2: 20, 3: 7}[rank]
        extents = [self.draw.randint(1, longest) for _ in range(rank)]
        if rank > 1 and self.draw.random() < 0.3:
            extents = [1] * (rank - 1) + [self.draw.randint(20, 120)]
        batch = self.draw.choice([1, 1, 2, 3])
        self.input = [batch, self.draw.choice([1, 3, 4, 8, 12, 16, 20, 33])] + extents
        self.name, self.shape = "x", list(self.input)
        self.values.append(("x", self.shape))

    @property
    def channels(self):
        return self.shape[1]

    @property
    def extents(self):
        return self.shape[2:]

    def constant(self, array):
        name = f"c{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def normal(self, *shape, scale=1.0):
        return self.constant((scale * self.numbers.standard_normal(shape)).astype(np.float32))

    def integers(self, *numbers):
        return self.constant(np.array(numbers, dtype=np.int64))

    def node(self, kind, *inputs, **attributes):
        """Adds a node without making its output the last value."""
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def add(self, kind, *inputs, shape=None, **attributes):
        self.name = self.node(kind, *inputs, **attributes)
        self.shape = list(shape or self.shape)

    # Layers. Each draws its attributes, or does nothing where it does not fit.

    def window(self, largest=5, with_stride=True):
        draw, long = self.draw, len(self.extents) == 1 and self.draw.random() < 0.2
        kernel = [draw.randint(60, 80) if long else draw.randint(1, largest) for _ in self.extents]
        dilations = [draw.choice([1, 1, 2]) for _ in kernel]
        spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
        strides = [draw.choice([1, 1, 2, 3]) if with_stride else 1 for _ in kernel]
        before = [draw.randint(0, s // 2) for s in spans]
        after = [max(s // 2, s - b - e) for s, b, e in zip(spans, before, self.extents)]
        room = [e + b + a - s for e, b, a, s in zip(self.extents, before, after, spans)]
        outputs = [r // s + 1 for r, s in zip(room, strides)]
        return outputs, dict(
            kernel_shape=kernel, dilations=dilations, strides=strides, pads=before + after)

    def convolution(self):
        divisors = [d for d in range(1, self.channels + 1) if self.channels % d == 0]
        groups = self.draw.choice([1, self.channels, self.draw.choice(divisors)])
        outputs = groups * self.draw.randint(1, max(1, 48 // groups))
        extents, window = self.window()
        each = self.channels // groups
        scale = (each * np.prod(window["kernel_shape"])) ** -0.5
        inputs = [self.name, self.normal(outputs, each, *window["kernel_shape"], scale=scale)]
        if self.draw.random() < 0.7:
            inputs.append(self.normal(outputs, scale=0.3))
        self.add("Conv", *inputs, group=groups, shape=[self.shape[0], outputs] + extents, **window)

    def transposed(self):
        if np.prod(self.shape) > 20_000:
            return
        groups = self.draw.choice([1, self.channels])
        each = self.draw.randint(1, 3) if groups > 1 else self.draw.randint(1, 24)
        kernel = [self.draw.randint(1, 4) for _ in self.extents]
        strides = [self.draw.choice([1, 2, 2, 3]) for _ in kernel]
        pads = [self.draw.randint(0, (k - 1) // 2) for k in kernel]
        extents = [(e - 1) * s + k - 2 * p for e, s, k, p in zip(self.extents, strides, kernel, pads)]
        scale = (self.channels // groups) ** -0.5
        self.add(
            "ConvTranspose", self.name, self.normal(self.channels, each, *kernel, scale=scale),
            shape=[self.shape[0], groups * each] + extents, group=groups, kernel_shape=kernel,
            strides=strides, pads=pads + pads)

    def pooling(self):
        extents, window = self.window(largest=3)
        window["pads"] = [min(p, k - 1) for p, k in zip(window["pads"], window["kernel_shape"] * 2)]
        half = len(extents)
        extents = [
            (e + window["pads"][i] + window["pads"][i + half]
             - (window["kernel_shape"][i] - 1) * window["dilations"][i] - 1) // window["strides"][i] + 1
            for i, e in enumerate(self.extents)]
        if min(extents) < 1:
            return
        shape = self.shape[:2] + extents
        if self.draw.random() < 0.5:
            self.add("MaxPool", self.name, shape=shape, **window)
            # The maximum of padding alone is the least float, which would swallow all else.
            self.add("Clip", self.name, self.constant(np.float32(-100)))
        else:
            self.add(
                "AveragePool", self.name, shape=shape,
                count_include_pad=self.draw.randint(0, 1), **window)

    def resize(self):
        extents = [self.draw.randint(1, min(e + 6, 2 * e + 1)) for e in self.extents]
        mode = self.draw.choice(["nearest", "linear"])
        rounding = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]
        coordinates = ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]
        attributes = dict(mode=mode, coordinate_transformation_mode=self.draw.choice(coordinates))
        if mode == "nearest":
            attributes["nearest_mode"] = self.draw.choice(rounding)
        shape = self.shape[:2] + extents
        self.add("Resize", self.name, "", "", self.integers(*shape), shape=shape, **attributes)

    def normalization(self):
        c = self.channels
        positive = self.constant(self.numbers.uniform(0.5, 1.5, c).astype(np.float32))
        if self.draw.random() < 0.6:
            self.add(
                "BatchNormalization", self.name, positive, self.normal(c, scale=0.3),
                self.normal(c, scale=0.3),
                self.constant(self.numbers.uniform(0.5, 1.5, c).astype(np.float32)))
        elif np.prod(self.extents) > 3:
            self.add("InstanceNormalization", self.name, positive, self.normal(c), epsilon=0.01)

    def activation(self):
        kind = self.draw.choice(
            ["Relu", "Relu", "Sigmoid", "Tanh", "HardSwish", "LeakyRelu", "Elu", "Softplus", "PRelu"])
        if kind == "PRelu":
            self.add(kind, self.name, self.normal(self.channels, *[1] * len(self.extents)))
        else:
            self.add(kind, self.name)

    def joined(self):
        others = [
            (n, s) for n, s in self.values
            if s[0] == self.shape[0] and s[2:] == self.extents and s[1] + self.channels <= 96]
        if others:
            name, shape = self.draw.choice(others)
            pair = [self.name, name] if self.draw.random() < 0.5 else [name, self.name]
            self.add(
                "Concat", *pair, axis=1,
                shape=[self.shape[0], self.channels + shape[1]] + self.extents)

    def residual(self):
        others = [n for n, s in self.values if s == self.shape]
        if others:
            pair = [self.name, self.draw.choice(others)]
            self.add(self.draw.choice(["Add", "Add", "Sub", "Mul"]), *pair)

    def sliced(self):
        axis = self.draw.randint(1, len(self.shape) - 1)
        extent = self.shape[axis]
        first = self.draw.randint(0, extent - 1)
        end = self.draw.randint(first + 1, extent)
        step = self.draw.choice([1, 1, 2])
        shape = list(self.shape)
        shape[axis] = (end - first + step - 1) // step
        numbers = [self.integers(n) for n in (first, end, axis, step)]
        self.add("Slice", self.name, *numbers, shape=shape)

    def padded(self):
        amounts = [0, 0] + [self.draw.randint(0, 2) for _ in self.extents]
        shape = [e + 2 * p for e, p in zip(self.shape, amounts)]
        mode = self.draw.choice(["constant", "constant", "edge", "reflect"])
        if mode == "reflect" and min(e - p for e, p in zip(self.extents, amounts[2:])) < 1:
            return
        self.add("Pad", self.name, self.integers(*amounts, *amounts), mode=mode, shape=shape)

    def shuffled(self):
        groups = [g for g in (2, 3, 4) if self.channels % g == 0]
        if not groups:
            return
        g, shape = self.draw.choice(groups), list(self.shape)
        split = [shape[0], g, shape[1] // g] + self.extents
        name = self.node("Reshape", self.name, self.integers(*split))
        order = [0, 2, 1] + list(range(3, len(split)))
        name = self.node("Transpose", name, perm=order)
        self.add("Reshape", name, self.integers(*shape))

    def gated(self):
        """Squeeze and excitation."""
        c, ones = self.channels, [1] * len(self.extents)
        name = self.node("GlobalAveragePool", self.name)
        name = self.node("Conv", name, self.normal(4, c, *ones, scale=c**-0.5))
        name = self.node("Relu", name)
        name = self.node("Conv", name, self.normal(c, 4, *ones, scale=0.5))
        self.add("Mul", self.name, self.node("Sigmoid", name))

    def transposed_pixels(self):
        order = list(range(2, len(self.shape)))
        self.draw.shuffle(order)
        self.add(
            "Transpose", self.name, perm=[0, 1] + order,
            shape=self.shape[:2] + [self.shape[a] for a in order])

    def channels_last(self):
        """A linear layer or a layer norm over channels, between two transpositions."""
        rank, c = len(self.shape), self.channels
        name = self.node("Transpose", self.name, perm=[0] + list(range(2, rank)) + [1])
        outputs = c
        if self.draw.random() < 0.5:
            outputs = self.draw.randint(1, 40)
            name = self.node("MatMul", name, self.normal(c, outputs, scale=c**-0.5))
            name = self.node("Add", name, self.normal(outputs))
        elif c > 3:
            name = self.node(
                "LayerNormalization", name, self.normal(c), self.normal(c), axis=-1, epsilon=0.01)
        self.add(
            "Transpose", name, perm=[0, rank - 1] + list(range(1, rank - 1)),
            shape=[self.shape[0], outputs] + self.extents)

    def softmax(self):
        self.add("Softmax", self.name, axis=self.draw.choice([1, -1]))

    layers = (
        [convolution] * 6 + [activation] * 3 + [pooling] * 2 + [normalization] * 2 + [joined] * 2
        + [residual] * 2 + [transposed, resize, sliced, padded, shuffled, gated, transposed_pixels,
                            channels_last, softmax])

    def model(self):
        for _ in range(self.draw.randint(2, 12)):
            if np.prod(self.shape) < 200_000:
                self.draw.choice(Network.layers)(self)
                self.values.append((self.name, self.shape))
        results = [self.name]
        middle = self.draw.choice(self.values)[0]
        if middle not in ("x", self.name):
            results.append(middle)
        if self.draw.random() < 0.3:
            name = self.node("Flatten", self.node("GlobalAveragePool", self.name))
            weights = self.normal(7, self.channels, scale=self.channels**-0.5)
            results.append(self.node("Gemm", name, weights, self.normal(7), transB=1))
        if not self.nodes:
            self.add("Relu", "x")
            results = [self.name]
        values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in results]
        given = helper.make_tensor_value_info("x", TensorProto.FLOAT, self.input)
        graph = helper.make_graph(self.nodes, "network", [given], values, self.weights)
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)

    def image(self):
        return self.numbers.standard_normal(self.input).astype(np.float32)


def convoy(program, folder, names, machine, threads):
    """The outputs of `convoy run`, or a sentence that says what happened instead."""
    out = folder / f"{machine}-{threads}"
    command = [
        program, "run", folder / "model.onnx", "--input", f"x={folder / 'x.npy'}", "--output", out,
        "--threads", str(threads)]
    environment = {**os.environ, "CONVOY_ISA": machine, "SWIFT_BACKTRACE": "enable=no"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    except subprocess.TimeoutExpired:
        return "no answer in two minutes"
    if done.returncode != 0:
        return f"exit {done.returncode}: {(done.stderr or done.stdout).strip()[-300:]}"
    return [np.load(out / f"{name}.npy") for name in names]


def difference(got, want):
    """What is wrong with outputs, as text; None if nothing is."""
    for index, (a, b) in enumerate(zip(got, want)):
        if a.shape != b.shape:
            return f"output {index} has shape {a.shape}, expected {b.shape}"
        finite = np.isfinite(b)
        if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
            return f"output {index} differs in what is infinite or not a number"
        largest = np.abs(b[finite]).max(initial=1e-3)
        error = np.abs(a[finite] - b[finite]).max(initial=0)
        if not error <= 2e-4 * largest:
            return f"output {index} is off by {error:g}, its largest is {largest:g}"
    return None


def check(program, seed, machines, keep):
    """What is wrong with one network: lines of text."""
    network = Network(seed)
    model, image = network.model(), network.image()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    # In its blocked layout, ONNX Runtime's mean of padding alone is not a number; in its plain one it is 0.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    names = [value.name for value in session.get_outputs()]
    want = session.run(names, {"x": image})
    found = []
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        onnx.save(model, folder / "model.onnx")
        np.save(folder / "x.npy", image)
        for machine in machines:
            runs = [convoy(program, folder, names, machine, threads) for threads in (1, 2)]
            for got in runs:
                fault = got if isinstance(got, str) else difference(got, want)
                if fault:
                    found.append(f"network {seed} on {machine}: {fault}")
                    break
            else:
                if any(a.tobytes() != b.tobytes() for a, b in zip(*runs)):
                    found.append(f"network {seed} on {machine}: two threads give other bits than one")
        if found and keep:
            target = pathlib.Path(keep) / f"network-{seed}"
            target.mkdir(parents=True, exist_ok=True)
            onnx.save(model, target / "model.onnx")
            np.save(target / "in-x.npy", image)
            for name, array in zip(names, want):
                np.save(target / f"out-{name}.npy", array)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("convoy", help="the command")
    parser.add_argument("--count", type=int, default=1000, help="how many networks")
    parser.add_argument("--seed", type=int, default=1, help="the first network's seed")
    parser.add_argument("--machines", default="portable,avx2,avx512", help="values of CONVOY_ISA")
    parser.add_argument("--keep", help="where networks go that fail")
    arguments = parser.parse_args()
    failed = 0
    for seed in range(arguments.seed, arguments.seed + arguments.count):
        found = check(arguments.convoy, seed, arguments.machines.split(","), arguments.keep)
        failed += bool(found)
        print(*found, sep="\n", end="\n" if found else "", flush=True)
    print(f"{failed} of {arguments.count} networks failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
