"""Runs an ONNX graph in PyTorch, node by node: the same network as PyTorch's users write it, eagerly."""

import numpy
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper

from layers import Failure


def attributes(node):
    return {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}


def symmetric(pads):
    """Padding as PyTorch's operators take it, or nil where it must be a node of its own."""
    half = len(pads) // 2
    return list(pads[:half]) if list(pads[:half]) == list(pads[half:]) else None


def padded(x, pads, value=0.0):
    """ONNX lists all beginnings first, PyTorch pairs from the last dimension."""
    half = len(pads) // 2
    pairs = []
    for dimension in reversed(range(half)):
        pairs += [int(pads[dimension]), int(pads[dimension + half])]
    return F.pad(x, pairs, value=value)


class Network(torch.nn.Module):
    """A graph of operators that vision networks are made of; weights become parameters."""

    def __init__(self, path):
        super().__init__()
        model = onnx.load(path)
        graph = model.graph
        self.numbers = {}
        for tensor in graph.initializer:
            array = numpy_helper.to_array(tensor)
            if array.dtype == numpy.float32:
                name = f"p{len(self.numbers)}"
                self.register_buffer(name, torch.from_numpy(array.copy()))
                self.numbers[tensor.name] = name
            else:
                self.numbers[tensor.name] = array
        names = {tensor.name for tensor in graph.initializer}
        self.inputs = [value.name for value in graph.input if value.name not in names]
        self.outputs = [value.name for value in graph.output]
        self.nodes = []
        for node in graph.node:
            step = getattr(self, "op_" + node.op_type, None)
            if step is None:
                raise Failure(f"PyTorch's side has no operator for {node.op_type} yet.")
            self.nodes.append((step, list(node.input), list(node.output), attributes(node)))
        # What is read for the last time is dropped, as a forward function would.
        self.dropped = []
        seen = set(self.outputs)
        for _, inputs, _, _ in reversed(self.nodes):
            last = [name for name in dict.fromkeys(inputs) if name not in seen]
            seen.update(inputs)
            self.dropped.append(last)
        self.dropped.reverse()

    def forward(self, *images):
        values = dict(zip(self.inputs, images))

        def value(name):
            if not name:
                return None
            if name in values:
                return values[name]
            number = self.numbers[name]
            return getattr(self, number) if isinstance(number, str) else number

        for (step, inputs, outputs, given), dropped in zip(self.nodes, self.dropped):
            results = step(*[value(name) for name in inputs], **given)
            if not isinstance(results, (list, tuple)):
                results = [results]
            for name, result in zip(outputs, results):
                values[name] = result
            for name in dropped:
                values.pop(name, None)
        results = [values[name] for name in self.outputs]
        return results[0] if len(results) == 1 else results

    # Layers

    def op_Conv(self, x, w, b=None, strides=None, pads=None, dilations=None, group=1, **_):
        n = w.dim() - 2
        pads = pads or [0] * 2 * n
        same = symmetric(pads)
        if same is None:
            x, same = padded(x, pads), [0] * n
        convolve = (F.conv1d, F.conv2d, F.conv3d)[n - 1]
        return convolve(x, w, b, strides or [1] * n, same, dilations or [1] * n, group)

    def op_Gemm(self, a, b, c=None, alpha=1.0, beta=1.0, transA=0, transB=0):
        if transA == 0 and transB == 1 and alpha == 1 and beta == 1:
            return F.linear(a, b, c)
        a = a.t() if transA else a
        b = b.t() if transB else b
        y = alpha * (a @ b)
        return y if c is None else y + beta * c

    def op_MatMul(self, a, b):
        return a @ b

    def op_BatchNormalization(self, x, scale, shift, mean, variance, epsilon=1e-5, **_):
        return F.batch_norm(x, mean, variance, scale, shift, False, 0.0, epsilon)

    def op_LayerNormalization(self, x, scale, shift=None, axis=-1, epsilon=1e-5, **_):
        axis = axis % x.dim()
        return F.layer_norm(x, x.shape[axis:], scale, shift, epsilon)

    def op_LRN(self, x, size, alpha=1e-4, beta=0.75, bias=1.0):
        return F.local_response_norm(x, size, alpha, beta, bias)

    def op_MaxPool(self, x, kernel_shape, strides=None, pads=None, ceil_mode=0, **_):
        n = len(kernel_shape)
        pads = pads or [0] * 2 * n
        same = symmetric(pads)
        if same is None:
            x, same = padded(x, pads, float("-inf")), [0] * n
        return F.max_pool2d(x, kernel_shape, strides or 1, same, ceil_mode=bool(ceil_mode))

    def op_AveragePool(
            self, x, kernel_shape, strides=None, pads=None, ceil_mode=0, count_include_pad=0, **_):
        same = symmetric(pads or [0] * 2 * len(kernel_shape))
        return F.avg_pool2d(
            x, kernel_shape, strides or 1, same, bool(ceil_mode), bool(count_include_pad))

    def op_GlobalAveragePool(self, x):
        return x.mean(dim=tuple(range(2, x.dim())), keepdim=True)

    def op_ReduceMean(self, x, axes=None, keepdims=1, **_):
        axes = [int(a) for a in axes] if axes is not None else list(range(x.dim()))
        return x.mean(dim=axes, keepdim=bool(keepdims))

    # Functions

    def op_Relu(self, x): return F.relu(x)
    def op_Sigmoid(self, x): return torch.sigmoid(x)
    def op_Tanh(self, x): return torch.tanh(x)
    def op_HardSwish(self, x): return F.hardswish(x)
    def op_Erf(self, x): return torch.erf(x)
    def op_Sqrt(self, x): return torch.sqrt(x)
    def op_Exp(self, x): return torch.exp(x)
    def op_Neg(self, x): return -x
    def op_Reciprocal(self, x): return 1 / x
    def op_Identity(self, x): return x
    def op_Dropout(self, x, *_, **__): return x
    def op_Add(self, a, b): return a + b
    def op_Sub(self, a, b): return a - b
    def op_Mul(self, a, b): return a * b
    def op_Div(self, a, b): return a / b
    def op_Pow(self, a, b): return a ** b
    def op_Gelu(self, x, approximate=b"none"): return F.gelu(x, approximate=approximate.decode())

    def op_HardSigmoid(self, x, alpha=0.2, beta=0.5):
        return F.hardsigmoid(x) if abs(alpha * 6 - 1) < 1e-4 else (alpha * x + beta).clamp(0, 1)

    def op_Clip(self, x, low=None, high=None, **given):
        low = given.get("min", None) if low is None else float(low)
        high = given.get("max", None) if high is None else float(high)
        return F.relu6(x) if (low, high) == (0.0, 6.0) else x.clamp(low, high)

    def op_Softmax(self, x, axis=-1): return F.softmax(x, axis)

    # Arrangement

    def op_Concat(self, *inputs, axis): return torch.cat(inputs, axis)
    def op_Transpose(self, x, perm): return x.permute(*perm)
    def op_Flatten(self, x, axis=1): return x.flatten(axis) if axis == 1 else x.reshape(-1)

    def op_Reshape(self, x, shape, **_):
        extents = [x.shape[i] if e == 0 else int(e) for i, e in enumerate(shape)]
        return x.reshape(extents)

    def op_Split(self, x, split=None, axis=0, num_outputs=None):
        if split is None:
            return torch.chunk(x, num_outputs, axis)
        return torch.split(x, [int(s) for s in split], axis)

    def op_Slice(self, x, starts, ends, axes=None, steps=None):
        axes = range(len(starts)) if axes is None else axes
        steps = [1] * len(starts) if steps is None else steps
        index = [slice(None)] * x.dim()
        for start, end, axis, step in zip(starts, ends, axes, steps):
            index[int(axis)] = slice(int(start), min(int(end), x.shape[int(axis)]), int(step))
        return x[tuple(index)]

    def op_Squeeze(self, x, axes=None): return x.squeeze([int(a) for a in axes])

    def op_Unsqueeze(self, x, axes):
        for axis in axes:
            x = x.unsqueeze(int(axis))
        return x

    def op_Pad(self, x, pads, value=None, *_, **__):
        return padded(x, pads, 0.0 if value is None else float(value))

    def op_Constant(self, value): return torch.from_numpy(numpy_helper.to_array(value).copy())
