"""Makes the models that the tests import, with inputs and what ONNX Runtime computes of them.

    pip install onnx onnxruntime onnxscript torch
    python make_golden.py [FAMILY ...]

Each model NAME.onnx has a file NAME.bin beside it: for each input, then each output, the number of
dimensions, the extents (32-bit integers) and the numbers (32-bit floats), all little-endian.
"""

import os
import struct
import sys
import warnings
import zlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

warnings.filterwarnings("ignore")
FOLDER = os.path.dirname(os.path.abspath(__file__))
random = np.random.default_rng(7)


def normal(*shape):
    return random.standard_normal(shape).astype(np.float32)


def run(model_path, inputs):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model_path, options, providers=["CPUExecutionProvider"])
    return session.run(None, inputs)


def record(name, inputs):
    """Runs the model that is there, and writes what went in and came out."""
    outputs = run(os.path.join(FOLDER, name + ".onnx"), inputs)
    with open(os.path.join(FOLDER, name + ".bin"), "wb") as file:
        for array in list(inputs.values()) + outputs:
            array = np.asarray(array, dtype=np.float32)
            file.write(struct.pack(f"<{array.ndim + 1}i", array.ndim, *array.shape))
            file.write(array.tobytes())


def save(name, nodes, inputs, weights=None, opset=17, ir=8, outputs=("y",), listed=False,
         shapes=None, external=False, half=None):
    """Writes a model of some nodes and records it.

    inputs: arrays by name; weights: initialisers by name; shapes: other shapes to declare.
    """
    weights = weights or {}
    shapes = shapes or {}
    tensors = []
    for key, value in weights.items():
        tensors.append(value if isinstance(value, TensorProto)
                       else numpy_helper.from_array(np.asarray(value), key))
    declared = [
        helper.make_tensor_value_info(key, TensorProto.FLOAT, shapes.get(key, value.shape))
        for key, value in inputs.items()]
    if listed:  # as before the fourth version of the format
        declared += [helper.make_tensor_value_info(t.name, t.data_type, list(t.dims)) for t in tensors]
    results = [helper.make_tensor_value_info(key, TensorProto.FLOAT, None) for key in outputs]
    graph = helper.make_graph(nodes, name, declared, results, tensors)
    domains = [helper.make_opsetid(domain, 1) for domain in sorted({each.domain for each in nodes} - {""})]
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)] + domains, ir_version=ir,
        producer_name="make_golden")
    path = os.path.join(FOLDER, name + ".onnx")
    if external:
        data = os.path.join(FOLDER, name + ".onnx.data")
        if os.path.exists(data):
            os.remove(data)
        onnx.save(model, path, save_as_external_data=True, location=name + ".onnx.data",
                  size_threshold=0)
    else:
        onnx.save(model, path)
    record(name, inputs)


def node(op, inputs, outputs=("y",), **attributes):
    return helper.make_node(op, list(inputs), list(outputs), name=f"the_{op.lower()}_{outputs[0]}", **attributes)


def ints(*numbers):
    return np.array(numbers, dtype=np.int64)


def floats(*numbers):
    return np.array(numbers, dtype=np.float32)


def convolutions():
    x1, x2, x3 = normal(2, 3, 11), normal(2, 4, 9, 8), normal(1, 2, 5, 6, 4)
    save("conv_1d", [node("Conv", "xwb", pads=[1, 2], strides=[2])], {"x": x1},
         {"w": normal(5, 3, 3), "b": normal(5)}, opset=7, ir=3, listed=True)
    save("conv_2d_groups", [node("Conv", "xw", group=2, dilations=[2, 1], pads=[1, 0, 2, 1])],
         {"x": x2}, {"w": normal(6, 2, 3, 3)}, opset=11)
    save("conv_2d_same_lower", [node("Conv", "xw", auto_pad="SAME_LOWER", strides=[2, 3])],
         {"x": x2}, {"w": normal(6, 4, 4, 2)}, opset=17)
    save("conv_2d_same_upper",
         [node("Conv", "xw", auto_pad="SAME_UPPER", kernel_shape=[4, 2], strides=[2, 1])],
         {"x": x2}, {"w": normal(6, 4, 4, 2)}, opset=22, ir=10)
    save("conv_3d", [node("Conv", "xwb", pads=[1, 1, 1, 1, 1, 1], strides=[1, 2, 1])], {"x": x3},
         {"w": normal(3, 2, 3, 3, 2), "b": normal(3)}, opset=13)
    save("transposed_1d", [node("ConvTranspose", "xwb", strides=[3], output_padding=[1], pads=[1, 2])],
         {"x": x1}, {"w": normal(3, 4, 5), "b": normal(4)}, opset=8)
    save("transposed_2d", [node("ConvTranspose", "xw", strides=[2, 2], group=2, pads=[1, 0, 0, 1])],
         {"x": x2}, {"w": normal(4, 3, 3, 2)}, opset=11)
    save("transposed_2d_shape",
         [node("ConvTranspose", "xw", strides=[2, 2], output_shape=[18, 17])],
         {"x": x2}, {"w": normal(4, 3, 3, 3)}, opset=11)
    save("transposed_2d_same",
         [node("ConvTranspose", "xw", strides=[2, 2], auto_pad="SAME_UPPER")],
         {"x": x2}, {"w": normal(4, 3, 3, 3)}, opset=13)
    save("transposed_3d", [node("ConvTranspose", "xw", strides=[2, 1, 2], dilations=[1, 2, 1])],
         {"x": x3}, {"w": normal(2, 3, 2, 2, 3)}, opset=17)


def poolings():
    x1, x2, x3 = normal(2, 3, 11), normal(2, 17, 9, 8), normal(1, 2, 5, 6, 4)
    save("max_1d", [node("MaxPool", "x", kernel_shape=[3], strides=[2], pads=[1, 1])], {"x": x1}, opset=7)
    save("max_2d_ceil", [node("MaxPool", "x", kernel_shape=[3, 2], strides=[2, 3], ceil_mode=1)],
         {"x": x2}, opset=10)
    save("max_2d_dilated", [node("MaxPool", "x", kernel_shape=[2, 3], dilations=[2, 3])], {"x": x2}, opset=12)
    save("max_3d", [node("MaxPool", "x", kernel_shape=[2, 2, 2], auto_pad="SAME_UPPER", strides=[2, 2, 2])],
         {"x": x3}, opset=12)
    save("average_1d", [node("AveragePool", "x", kernel_shape=[4], pads=[1, 2])], {"x": x1}, opset=7)
    save("average_2d", [node("AveragePool", "x", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2],
                             count_include_pad=1)], {"x": x2}, opset=11)
    save("average_2d_ceil", [node("AveragePool", "x", kernel_shape=[2, 2], strides=[3, 3], ceil_mode=1)],
         {"x": x2}, opset=19)
    save("average_3d", [node("AveragePool", "x", kernel_shape=[2, 3, 2], auto_pad="SAME_LOWER")],
         {"x": x3}, opset=11)
    save("global_poolings", [
        node("GlobalAveragePool", "x", "a"), node("GlobalMaxPool", "x", "b"),
        node("Add", "ab")], {"x": x2}, opset=7)
    save("global_poolings_3d", [
        node("GlobalAveragePool", "x", "a"), node("GlobalMaxPool", "x", "b"),
        node("Sub", "ab")], {"x": x3}, opset=17)


def normalizations():
    x, x1 = normal(2, 6, 5, 4), normal(2, 6, 7)
    statistics = {"s": normal(6), "b": normal(6), "m": normal(6), "v": normal(6) ** 2 + 0.5}
    for opset in (7, 9, 15):
        save(f"batch_norm_{opset}", [node("BatchNormalization", "xsbmv", epsilon=1e-3)], {"x": x},
             statistics, opset=opset)
    save("instance_norm", [node("InstanceNormalization", "xsb", epsilon=1e-3)], {"x": x},
         {"s": normal(6), "b": normal(6)}, opset=7)
    save("instance_norm_1d", [node("InstanceNormalization", "xsb")], {"x": x1},
         {"s": normal(6), "b": normal(6)}, opset=22, ir=10)
    save("group_norm_18", [node("GroupNormalization", "xsb", num_groups=3)], {"x": x},
         {"s": normal(3), "b": normal(3)}, opset=18)
    save("group_norm_21", [node("GroupNormalization", "xsb", num_groups=2)], {"x": x},
         {"s": normal(6), "b": normal(6)}, opset=21, ir=10)
    save("layer_norm", [node("LayerNormalization", "xsb")], {"x": x}, {"s": normal(4), "b": normal(4)},
         opset=17)
    save("layer_norm_axis", [node("LayerNormalization", "xs", axis=1, epsilon=1e-2)], {"x": x},
         {"s": normal(6, 5, 4)}, opset=17)
    save("lrn", [node("LRN", "x", size=3, alpha=0.3, beta=0.6, bias=1.5)], {"x": x}, opset=13)
    save("dropout_7", [node("Dropout", "x", ratio=0.3)], {"x": x}, opset=7)
    save("dropout_13", [node("Dropout", ["x", "r"])], {"x": x}, {"r": np.float32(0.3)}, opset=13)


def activations():
    x = normal(2, 18, 3, 4) * 3
    plain = ["Relu", "Sigmoid", "Tanh", "Softplus", "Softsign", "Erf", "Exp", "Abs", "Neg",
             "Reciprocal", "LeakyRelu", "HardSigmoid", "Elu", "Selu", "Identity"]
    for op in plain:
        save("f_" + op.lower(), [node(op, "x")], {"x": x}, opset=13)
    save("f_attributes", [
        node("LeakyRelu", "x", "a", alpha=0.3), node("HardSigmoid", "a", "b", alpha=0.4, beta=0.3),
        node("Elu", "b", "c", alpha=0.7), node("Selu", "c", "d", alpha=1.1, gamma=2.0),
        node("Celu", "d", alpha=0.5)], {"x": x}, opset=12)
    save("f_hardswish", [node("HardSwish", "x")], {"x": x}, opset=14)
    save("f_mish", [node("Mish", "x")], {"x": x}, opset=18)
    save("f_gelu", [node("Gelu", "x", "a"), node("Gelu", "a", approximate="tanh")], {"x": x}, opset=20)
    save("f_positive", [node("Abs", "x", "a"), node("Log", "a", "b"), node("Sqrt", "a", "c"),
                        node("Pow", ["a", "p"], "d"), node("Sum", "bcd")], {"x": x},
         {"p": np.float32(1.3)}, opset=13)
    save("f_pow", [node("Pow", "xp")], {"x": x}, {"p": np.float32(3)}, opset=7)
    save("clip_6", [node("Clip", "x", min=-1.0, max=2.0)], {"x": x}, opset=7)
    save("clip_11", [node("Clip", ["x", "", "h"])], {"x": x}, {"h": np.float32(0.5)}, opset=11)
    save("clip_relu6", [node("Clip", ["x", "l", "h"])], {"x": x},
         {"l": np.float32(0), "h": np.float32(6)}, opset=13)
    save("prelu_channel", [node("PRelu", "xs")], {"x": x}, {"s": normal(18, 1, 1)}, opset=9)
    save("prelu_one", [node("PRelu", "xs")], {"x": x}, {"s": normal(1)}, opset=16)
    save("prelu_all", [node("PRelu", "xs")], {"x": x}, {"s": normal(18, 3, 4)}, opset=16)


def arithmetic():
    x, z = normal(2, 6, 3, 4), normal(2, 6, 3, 4)
    pair = {"x": x, "z": z}
    for op in ("Add", "Sub", "Mul", "Div", "Max", "Min"):
        save("two_" + op.lower(), [node(op, "xz")], pair, opset=8)
    for op in ("Add", "Sub", "Mul", "Div"):
        save("scalars_" + op.lower(), [node(op, "xs", "a"), node(op, "sa")], {"x": np.abs(x) + 1},
             {"s": np.float32(1.7)}, opset=13)
        save("channels_" + op.lower(), [node(op, "xs", "a"), node(op, "sa")], {"x": x},
             {"s": normal(6, 1, 1)}, opset=13)
    save("variadic", [node("Sum", "xzs", "a"), node("Max", "axz", "b"), node("Min", "baz", "c"),
                      node("Mean", "abc")], pair, {"s": normal(4)}, opset=13)
    save("bounds", [node("Max", "xs", "a"), node("Min", "at")], {"x": x},
         {"s": np.float32(-0.5), "t": np.float32(0.7)}, opset=13)
    save("silu", [node("Sigmoid", "x", "a"), node("Mul", "xa")], {"x": x}, opset=13)
    save("hardswish_parts", [
        node("Add", ["x", "three"], "a"), node("Clip", ["a", "zero", "six"], "b"),
        node("Mul", "xb", "c"), node("Div", ["c", "six"])], {"x": x},
        {"three": np.float32(3), "zero": np.float32(0), "six": np.float32(6)}, opset=13)
    save("hardswish_gate", [node("HardSigmoid", "x", "a", alpha=1 / 6, beta=0.5), node("Mul", "ax")],
         {"x": x}, opset=13)
    save("gelu_parts", [
        node("Div", ["x", "root"], "a"), node("Erf", "a", "b"), node("Add", ["b", "one"], "c"),
        node("Mul", "xc", "d"), node("Mul", ["d", "half"])], {"x": x},
        {"root": np.float32(2 ** 0.5), "one": np.float32(1), "half": np.float32(0.5)}, opset=13)
    save("mish_parts", [node("Softplus", "x", "a"), node("Tanh", "a", "b"), node("Mul", "xb")],
         {"x": x}, opset=13)


def arrangements():
    x, z = normal(2, 6, 4, 5), normal(2, 3, 4, 5)
    save("concat", [node("Concat", "xzs", axis=1)], {"x": x, "z": z}, {"s": normal(2, 1, 4, 5)}, opset=7)
    save("concat_last", [node("Concat", "xx", axis=-1)], {"x": x}, opset=13)
    for name, opset, inputs, weights, attributes in (
            ("split_7", 7, "x", {}, {"split": [1, 5]}),
            ("split_13", 13, "xs", {"s": ints(4, 2)}, {}),
            ("split_even", 11, "x", {}, {})):
        save(name, [node("Split", inputs, "ab", axis=1, **attributes),
                    node("Concat", "ba", axis=1)], {"x": x}, weights, opset=opset)
    save("split_18", [node("Split", "x", "abcd", axis=3, num_outputs=4), node("Concat", "dcba", axis=3)],
         {"x": normal(2, 6, 4, 7)}, opset=18)
    save("slice_7", [node("Slice", "x", starts=[1, -3], ends=[5, 2 ** 31 - 1], axes=[1, 3])], {"x": x}, opset=7)
    save("slice_10", [node("Slice", ["x", "a", "b", "c", "d"])], {"x": x},
         {"a": ints(0, -1), "b": ints(-1, -2 ** 62), "c": ints(1, 3), "d": ints(2, -2)}, opset=11)
    save("slice_default", [node("Slice", ["x", "a", "b"])], {"x": x}, {"a": ints(0, 1), "b": ints(2, 4)}, opset=13)
    save("gather", [node("Gather", "xi", axis=1)], {"x": x}, {"i": np.array([[3, 4, -1], [0, 1, 2]])}, opset=13)
    save("gather_scalar", [node("Gather", "xi", axis=2)], {"x": x}, {"i": np.int64(-2)}, opset=11)
    save("transpose", [node("Transpose", "x", perm=[0, 2, 3, 1])], {"x": x}, opset=7)
    save("transpose_default", [node("Transpose", "x")], {"x": x}, opset=13)
    save("pad_7", [node("Pad", "x", pads=[0, 1, 0, 2, 0, 0, 3, 1], value=0.5)], {"x": x}, opset=7)
    save("pad_13", [node("Pad", "xpv")], {"x": x},
         {"p": ints(0, 0, 1, -1, 0, 0, 2, 2), "v": np.float32(-2)}, opset=13)
    save("pad_axes", [node("Pad", ["x", "p", "", "a"])], {"x": x},
         {"p": ints(1, 2, 0, 1), "a": ints(-1, 2)}, opset=19)
    save("pad_reflect", [node("Pad", "xp", mode="reflect")], {"x": x}, {"p": ints(0, 0, 2, 1, 0, 0, 3, 4)}, opset=13)
    save("pad_edge", [node("Pad", "xp", mode="edge")], {"x": x}, {"p": ints(0, 1, 2, 1, 0, 0, 3, 0)}, opset=13)
    for mode in ("DCR", "CRD"):
        save("depth_to_space_" + mode.lower(), [node("DepthToSpace", "x", blocksize=2, mode=mode)],
             {"x": normal(2, 12, 3, 2)}, opset=13)
    save("space_to_depth", [node("SpaceToDepth", "x", blocksize=2)], {"x": normal(2, 3, 4, 6)}, opset=13)
    save("shuffle", [node("Reshape", "xa", "b"), node("Transpose", "b", "c", perm=[0, 2, 1, 3, 4]),
                     node("Reshape", "cd")], {"x": normal(2, 12, 3, 2)},
         {"a": ints(2, 3, 4, 3, 2), "d": ints(2, -1, 3, 2)}, opset=9)


def shapes():
    x = normal(2, 6, 4, 5)
    save("reshape", [node("Reshape", "xs")], {"x": x}, {"s": ints(0, 3, -1, 10)}, opset=7)
    save("flatten", [node("Flatten", "x", axis=2)], {"x": x}, opset=9)
    save("flatten_default", [node("Flatten", "x")], {"x": x}, opset=13)
    save("flatten_all", [node("Flatten", "x", axis=0)], {"x": x}, opset=13)
    save("squeeze_7", [node("Unsqueeze", "x", "a", axes=[0, 3]), node("Squeeze", "a", axes=[0])], {"x": x}, opset=7)
    save("squeeze_13", [node("Unsqueeze", "xs", "a"), node("Squeeze", "at")], {"x": x},
         {"s": ints(1, -1), "t": ints(-1)}, opset=13)
    save("squeeze_all", [node("Squeeze", "x")], {"x": normal(2, 1, 3, 1)}, opset=13)
    save("expand", [node("Expand", "xs")], {"x": normal(2, 1, 5)}, {"s": ints(3, 1, 4, 1)}, opset=13)
    save("cast", [node("Cast", "x", "a", to=TensorProto.DOUBLE), node("Cast", "a", to=TensorProto.FLOAT)],
         {"x": x}, opset=13)
    # The chain that exporters write for x.view(x.size(0), -1, 10).
    save("shape_chain", [
        node("Shape", "x", "s"), node("Gather", "si", "g", axis=0),
        node("Unsqueeze", "g", "u", axes=[0]),
        helper.make_node("Constant", [], ["m"], value=numpy_helper.from_array(ints(-1))),
        helper.make_node("Constant", [], ["n"], value=numpy_helper.from_array(ints(10))),
        node("Concat", "umn", "r", axis=0), node("Reshape", "xr")],
        {"x": x}, {"i": np.int64(0)}, opset=11, shapes={"x": ["batch", 6, 4, 5]})
    # Half of the extents, by arithmetic on shapes.
    save("shape_arithmetic", [
        node("Shape", "x", "s"), node("Cast", "s", "f", to=TensorProto.FLOAT), node("Mul", "fh", "m"),
        node("Floor", "m", "l"), node("Cast", "l", "c", to=TensorProto.INT64),
        node("Slice", ["x", "zero", "c"])], {"x": x},
        {"h": np.float32(0.5), "zero": ints(0, 0, 0, 0)}, opset=13)
    save("constants", [
        node("ConstantOfShape", "s", "a", value=helper.make_tensor("v", TensorProto.FLOAT, [1], [2.5])),
        node("Range", ["r0", "r1", "r2"], "b"), node("Equal", "bk", "c"), node("Where", "cbt", "d"),
        node("Cast", "d", "e", to=TensorProto.FLOAT), node("Mul", "xa", "g"), node("Add", "ge")],
        {"x": x}, {"s": ints(4, 5), "r0": np.int64(0), "r1": np.int64(10), "r2": np.int64(2),
                   "k": np.int64(4), "t": np.int64(-3)}, opset=13)


def matrices():
    x, z = normal(3, 5), normal(3, 4)
    save("gemm", [node("Gemm", "xwc", transB=1)], {"x": x}, {"w": normal(4, 5), "c": normal(4)}, opset=7)
    save("gemm_scaled", [node("Gemm", "xwc", alpha=0.5, beta=2.0, transA=1)], {"x": x},
         {"w": normal(3, 4), "c": normal(1, 4)}, opset=9)
    save("gemm_plain", [node("Gemm", "xw")], {"x": x}, {"w": normal(5, 4)}, opset=11)
    save("gemm_matrix", [node("Gemm", "xwc", beta=0.5)], {"x": x}, {"w": normal(5, 4), "c": normal(3, 1)}, opset=13)
    save("gemm_computed", [node("Gemm", "xz", transA=1, alpha=2.0)], {"x": x, "z": z}, opset=13)
    save("matmul_2d", [node("MatMul", "xw", "a"), node("Add", "ba")], {"x": x},
         {"w": normal(5, 4), "b": normal(4)}, opset=7)
    save("matmul_3d", [node("MatMul", "xw", "a"), node("Add", "ab")], {"x": normal(2, 3, 5)},
         {"w": normal(5, 4), "b": normal(4)}, opset=13)
    save("matmul_batched", [node("MatMul", "xz")], {"x": normal(2, 3, 4, 5), "z": normal(3, 5, 70)}, opset=13)
    save("matmul_vector", [node("MatMul", "xw")], {"x": normal(2, 3, 5)}, {"w": normal(5)}, opset=13)


def reductions():
    x = normal(2, 6, 4, 5)
    save("mean_axes", [node("ReduceMean", "x", axes=[2, 3])], {"x": x}, opset=11)
    save("mean_squeezed", [node("ReduceMean", "x", axes=[-1, -2], keepdims=0)], {"x": x}, opset=13)
    save("mean_input", [node("ReduceMean", "xa", keepdims=0)], {"x": x}, {"a": ints(2, 3)}, opset=18)
    save("mean_all", [node("ReduceMean", "x")], {"x": x}, opset=13)
    save("sum_channels", [node("ReduceSum", "xa")], {"x": x}, {"a": ints(1)}, opset=13)
    save("max_axes", [node("ReduceMax", "x", axes=[1, 3], keepdims=0)], {"x": x}, opset=12)
    save("other_reductions", [
        node("ReduceMin", "x", "a", axes=[1]), node("ReduceL1", "x", "b", axes=[1]),
        node("ReduceL2", "x", "c", axes=[1]), node("ReduceSumSquare", "x", "d", axes=[1]),
        node("Sum", "abcd")], {"x": x}, opset=13)


def softmaxes():
    x = normal(2, 6, 4, 5)
    save("softmax_old", [node("Softmax", "x")], {"x": x}, opset=11)
    save("softmax_old_axis", [node("Softmax", "x", axis=3)], {"x": x}, opset=7)
    save("softmax_13", [node("Softmax", "x", axis=1)], {"x": x}, opset=13)
    save("softmax_default", [node("Softmax", "x")], {"x": x}, opset=13)
    save("log_softmax", [node("LogSoftmax", "x")], {"x": normal(2, 7)}, opset=9)


def resizings():
    x = normal(2, 3, 4, 5)
    save("upsample_7", [node("Upsample", "x", scales=[1.0, 1.0, 2.0, 3.0])], {"x": x}, opset=7, ir=7)
    save("upsample_9", [node("Upsample", "xs", mode="linear")], {"x": x}, {"s": floats(1, 1, 2, 2)}, opset=9, ir=7)
    save("resize_10", [node("Resize", "xs")], {"x": x}, {"s": floats(1, 1, 2, 2)}, opset=10)
    for mode in ("nearest", "linear"):
        for coordinates in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"):
            save(f"resize_{mode}_{coordinates}",
                 [node("Resize", ["x", "", "", "s"], mode=mode, coordinate_transformation_mode=coordinates)],
                 {"x": x}, {"s": ints(2, 3, 7, 3)}, opset=13)
    for rounding in ("floor", "ceil", "round_prefer_ceil"):
        save(f"resize_{rounding}",
             [node("Resize", ["x", "", "s"], nearest_mode=rounding)], {"x": x},
             {"s": floats(1, 1, 1.5, 2.2)}, opset=13)
    save("resize_axes", [node("Resize", ["x", "", "s"], mode="linear", axes=[2, 3])], {"x": x},
         {"s": floats(0.6, 2)}, opset=19)
    save("resize_1d", [node("Resize", ["x", "", "s"], mode="linear")], {"x": normal(1, 2, 5)},
         {"s": floats(1, 1, 2.5)}, opset=13)
    save("resize_3d", [node("Resize", ["x", "", "s"], mode="linear")], {"x": normal(1, 2, 3, 4, 3)},
         {"s": floats(1, 1, 2, 1.5, 2)}, opset=13)


def storage():
    x, w = normal(1, 3, 5, 5), normal(4, 3, 3, 3)

    def stored(data_type, values, raw):
        return {"w": helper.make_tensor("w", data_type, w.shape, values, raw=raw),
                "b": helper.make_tensor("b", TensorProto.FLOAT, [4], normal(4).tobytes(), raw=True)}

    convolution = [node("Cast", "w", "f", to=TensorProto.FLOAT), node("Conv", "xfb")]
    save("weights_float_data", convolution, {"x": x}, stored(TensorProto.FLOAT, w.ravel().tolist(), False), opset=13)
    save("weights_double", convolution, {"x": x},
         stored(TensorProto.DOUBLE, w.astype(np.float64).tobytes(), True), opset=13)
    save("weights_double_data", convolution, {"x": x}, stored(TensorProto.DOUBLE, w.ravel().tolist(), False), opset=13)
    save("weights_half", convolution, {"x": x},
         stored(TensorProto.FLOAT16, w.astype(np.float16).tobytes(), True), opset=13)
    save("weights_half_data", convolution, {"x": x},
         stored(TensorProto.FLOAT16, w.ravel().tolist(), False), opset=13)
    brain = (w.view(np.uint32) >> 16).astype(np.uint16)
    save("weights_bfloat16", convolution, {"x": x}, stored(TensorProto.BFLOAT16, brain.tobytes(), True), opset=13)
    save("weights_external", [node("Conv", "xwb")], {"x": x}, {"w": w, "b": normal(4)}, opset=13, external=True)


def exports():
    import torch
    from torch import nn

    class SqueezeAndExcite(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.Hardswish())
            self.gate = nn.Sequential(
                nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 4, 1), nn.ReLU(), nn.Conv2d(4, 8, 1), nn.Hardsigmoid())
            self.head = nn.Sequential(nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))

        def forward(self, x):
            x = self.body(x)
            return self.head(x * self.gate(x))

    class ShuffleUnit(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Conv2d(3, 12, 1)
            self.branch = nn.Sequential(
                nn.Conv2d(6, 6, 1, bias=False), nn.BatchNorm2d(6), nn.ReLU(),
                nn.Conv2d(6, 6, 3, padding=1, groups=6, bias=False), nn.BatchNorm2d(6))

        def forward(self, x):
            a, b = self.stem(x).chunk(2, dim=1)
            x = torch.cat([a, self.branch(b)], dim=1)
            n, c, h, w = x.size()
            x = x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)
            return nn.functional.max_pool2d(x, 2).mean([2, 3])

    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.patches = nn.Conv2d(3, 8, 2, stride=2)
            self.norm = nn.LayerNorm(8)
            self.mlp = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))
            self.qkv = nn.Linear(8, 24)

        def forward(self, x):
            x = self.patches(x).flatten(2).transpose(1, 2)
            x = x + self.mlp(self.norm(x))
            n, t, c = x.shape
            q, k, v = self.qkv(x).reshape(n, t, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
            weights = (q @ k.transpose(-2, -1) * 0.5).softmax(-1)
            x = (weights @ v).transpose(1, 2).reshape(n, t, c)
            return x.mean(1)

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.down = nn.Conv2d(3, 4, 3, stride=2, padding=1)
            self.norm = nn.GroupNorm(2, 4)
            self.up = nn.ConvTranspose2d(4, 4, 2, stride=2)
            self.head = nn.Conv2d(8, 2, 1)

        def forward(self, x):
            low = nn.functional.elu(self.norm(self.down(x)))
            resized = nn.functional.interpolate(low, scale_factor=2, mode="bilinear")
            return self.head(torch.cat([self.up(low), resized], 1)).softmax(1)

    torch.manual_seed(1)
    for name, net, shape in (
            ("squeeze_excite", SqueezeAndExcite(), (2, 3, 6, 6)), ("shuffle_unit", ShuffleUnit(), (2, 3, 6, 4)),
            ("tokens", Tokens(), (2, 3, 4, 6)), ("unet", UNet(), (2, 3, 8, 6))):
        net.eval()
        x = torch.from_numpy(normal(*shape))
        for suffix, options in (
                ("script", {"dynamo": False, "opset_version": 13, "dynamic_axes": {"x": {0: "batch"}}}),
                ("dynamo", {"dynamo": True, "external_data": False,
                            "dynamic_shapes": {"x": {0: torch.export.Dim("batch")}}})):
            path = os.path.join(FOLDER, f"torch_{name}_{suffix}.onnx")
            torch.onnx.export(net, (x,), path, input_names=["x"], output_names=["y"], **options)
            model = onnx.load(path)
            # What tells where in PyTorch's sources a node comes from is larger than the network.
            for each in model.graph.node:
                del each.metadata_props[:]
                each.ClearField("doc_string")
            del model.graph.value_info[:]
            onnx.save(model, path)
            record(f"torch_{name}_{suffix}", {"x": x.numpy()})


def positions():
    x = normal(2, 5, 4, 3)
    for name, op, more in (("arg_max", "ArgMax", {"axis": 1}), ("arg_min_last", "ArgMin", {"axis": -1, "keepdims": 0,
                           "select_last_index": 1})):
        save(name, [node(op, "x", ["i"], **more), node("Cast", "i", to=TensorProto.FLOAT)], {"x": np.round(x)},
             opset=13)
    save("top_k", [node("TopK", "xk", ["y", "i"], axis=1), node("Cast", "i", ["z"], to=TensorProto.FLOAT)],
         {"x": x}, {"k": ints(3)}, opset=11, outputs=("y", "z"))
    save("top_k_smallest", [node("TopK", "xk", ["y", "i"], axis=2, largest=0)], {"x": x}, {"k": ints(2)}, opset=24)
    save("reduce_log_sum_exp", [node("ReduceLogSumExp", ["x", "a"], keepdims=0)], {"x": 50 * x}, {"a": ints(1, -1)},
         opset=18)
    save("reduce_log_sum", [node("ReduceLogSum", "x", axes=[2])], {"x": np.abs(x)}, opset=13)
    save("reduce_prod", [node("ReduceProd", "x", axes=[-1])], {"x": x}, opset=11)
    save("reduce_min_pixels", [node("ReduceMin", ["x", "a"])], {"x": x}, {"a": ints(2, 3)}, opset=20)
    save("lp_normalization", [node("LpNormalization", "x", axis=1, p=1)], {"x": x}, opset=1)
    save("mean_variance", [node("MeanVarianceNormalization", "x")], {"x": x}, opset=13)
    save("batch_norm_training", [node("BatchNormalization", "xsbmv", ["y", "p", "q"], training_mode=1, momentum=0.8)],
         {"x": x}, {"s": normal(5), "b": normal(5), "m": normal(5), "v": np.abs(normal(5))}, opset=15,
         outputs=("y", "p", "q"))
    save("layer_norm_statistics", [node("LayerNormalization", "xs", ["y", "m", "d"], axis=2)], {"x": x},
         {"s": normal(4, 3)}, opset=17, outputs=("y", "m", "d"))


def einsums():
    a, b, c = normal(2, 3, 4), normal(2, 4, 5), normal(5, 3)
    for name, equation, inputs in (
            ("matrices", "bij,bjk->bik", {"a": a, "b": b}), ("implicit", "bij, bjk", {"a": a, "b": b}),
            ("three", "bij,bjk,ki->bj", {"a": a, "b": b, "c": c}), ("ellipsis", "...ij,...jk->...ki", {"a": a, "b": b}),
            ("diagonal", "...ii->...i", {"a": normal(2, 3, 3)}), ("trace", "bii->b", {"a": normal(2, 3, 3)}),
            ("sum", "bij->j", {"a": a}), ("outer", "i,j->ji", {"a": normal(3), "b": normal(4)}),
            ("heads", "bhid,bjhd->bhij", {"a": normal(2, 3, 4, 5), "b": normal(2, 6, 3, 5)})):
        save("einsum_" + name, [node("Einsum", inputs, equation=equation)], inputs, opset=12)


def recurrences():
    x = normal(5, 2, 3)
    for op, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
        for direction, count in (("forward", 1), ("reverse", 1), ("bidirectional", 2)):
            weights = {"w": normal(count, gates * 4, 3), "r": normal(count, gates * 4, 4),
                       "b": normal(count, 2 * gates * 4)}
            more = {"linear_before_reset": 1} if op == "GRU" and count == 2 else {}
            names = ("y", "h", "c")[:3 if op == "LSTM" else 2]
            save(f"{op.lower()}_{direction}",
                 [node(op, "xwrb", names, hidden_size=4, direction=direction, **more)], {"x": x}, weights,
                 opset=14, outputs=names)
    save("lstm_peepholes", [node("LSTM", ["x", "w", "r", "", "l", "i", "j", "p"], ["y"], hidden_size=4, clip=0.9)],
         {"x": x, "i": normal(1, 2, 4), "j": normal(1, 2, 4)},
         {"w": normal(1, 16, 3), "r": normal(1, 16, 4), "l": np.array([3, 5], dtype=np.int32), "p": normal(1, 12)},
         opset=14)


def attentions():
    q, k, v = normal(2, 4, 3, 8), normal(2, 2, 5, 8), normal(2, 2, 5, 6)
    save("attention", [node("Attention", "qkvm")], {"q": q, "k": k, "v": v, "m": normal(3, 5)}, opset=23, ir=11)
    save("attention_causal", [node("Attention", "qkv", is_causal=1, scale=0.7)], {"q": q, "k": k, "v": v},
         opset=23, ir=11)
    save("attention_flat", [node("Attention", "qkv", q_num_heads=2, kv_num_heads=2)],
         {"q": normal(2, 3, 8), "k": normal(2, 5, 8), "v": normal(2, 5, 8)}, opset=23, ir=11)
    save("multi_head_attention", [node("MultiHeadAttention", "qkv", domain="com.microsoft", num_heads=2)],
         {"q": normal(2, 3, 8), "k": normal(2, 5, 8), "v": normal(2, 5, 8)})
    save("packed_attention", [node("Attention", "xwb", domain="com.microsoft", num_heads=2)], {"x": normal(2, 3, 8)},
         {"w": normal(8, 24), "b": normal(24)})


def runtime_forms():
    x = normal(2, 4, 6, 5)
    weights = {"w": normal(6, 4, 3, 3), "b": normal(6)}
    save("fused_conv", [node("FusedConv", "xwb", domain="com.microsoft", activation="LeakyRelu",
                             activation_params=[0.2])], {"x": x}, weights)
    save("fused_conv_sum", [node("FusedConv", "xwbz", domain="com.microsoft", activation="Relu", pads=[1, 1, 1, 1])],
         {"x": x, "z": normal(2, 6, 6, 5)}, weights)
    save("fused_product", [node("FusedMatMul", "xb", domain="com.microsoft", transA=1, transB=1, alpha=0.5)],
         {"x": normal(2, 4, 3), "b": normal(2, 5, 4)})
    save("skip_layer_norm", [node("SkipLayerNormalization", "xzsb", domain="com.microsoft", epsilon=1e-5)],
         {"x": normal(2, 3, 8), "z": normal(2, 3, 8)}, {"s": normal(8), "b": normal(8)})


def resamplings():
    """Forms of Resize beyond the nearest pixel and linear interpolation of pixels."""
    x = normal(2, 3, 5, 6)

    def resize(name, x, opset=19, scales=None, sizes=None, roi=None, **attributes):
        inputs = ["x", "roi" if roi else "", "scales" if scales else "", "sizes" if sizes else ""]
        while not inputs[-1]:
            inputs.pop()
        weights = {key: make(*value) for key, make, value in (
            ("roi", floats, roi), ("scales", floats, scales), ("sizes", ints, sizes)) if value}
        save("resample_" + name, [node("Resize", inputs, **attributes)], {"x": x}, weights, opset=opset)

    resize("cubic_up", x, 13, scales=(1, 1, 2, 1.7), mode="cubic")
    resize("cubic_down", x, 13, sizes=(2, 3, 3, 2), mode="cubic", cubic_coeff_a=-0.5)
    for coordinates in ("align_corners", "asymmetric", "pytorch_half_pixel"):
        resize(f"cubic_{coordinates}", x, 13, sizes=(2, 3, 8, 1), mode="cubic",
               coordinate_transformation_mode=coordinates)
    resize("cubic_excluding", x, 13, scales=(1, 1, 1.4, 0.7), mode="cubic", exclude_outside=1)
    for mode in ("linear", "cubic"):
        resize(f"{mode}_antialias", x, 18, scales=(1, 1, 0.6, 0.5), mode=mode, antialias=1)
        resize(f"{mode}_antialias_up", x, 18, scales=(1, 1, 1.6, 0.4), mode=mode, antialias=1)
        resize(f"{mode}_antialias_excluding", x, 18, sizes=(2, 3, 2, 3), mode=mode, antialias=1,
               exclude_outside=1)
        resize(f"{mode}_antialias_corners", x, 18, sizes=(2, 3, 2, 3), mode=mode, antialias=1,
               coordinate_transformation_mode="align_corners")
    for mode in ("nearest", "linear", "cubic"):
        resize(f"{mode}_crop", x, 13, sizes=(2, 3, 4, 7), roi=(0, 0, 0.3, -0.2, 1, 1, 0.7, 1.4), mode=mode,
               coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=7.0)
        resize(f"{mode}_crop_axes", x, 18, sizes=(4, 7), roi=(0.1, 0.8, 1.1, 0.2), axes=[2, 3], mode=mode,
               coordinate_transformation_mode="tf_crop_and_resize")
        resize(f"{mode}_symmetric", x, scales=(1, 1, 1.3, 0.7), mode=mode,
               coordinate_transformation_mode="half_pixel_symmetric")
        for policy in ("not_larger", "not_smaller"):
            resize(f"{mode}_{policy}", x, 18, sizes=(8, 7), axes=[2, 3], mode=mode,
                   keep_aspect_ratio_policy=policy)
    resize("nearest_crop_one", x, 13, sizes=(2, 3, 1, 1), roi=(0, 0, 0.3, 0.2, 1, 1, 0.7, 0.9),
           coordinate_transformation_mode="tf_crop_and_resize")
    resize("nearest_batch", x, 13, sizes=(4, 5, 7, 3))
    resize("nearest_channels", x, 13, scales=(1, 2.5, 1, 1))
    resize("linear_channels_last", x, 13, scales=(1, 1.5, 0.7, 1), mode="linear")
    resize("linear_matrix", normal(4, 5), 13, scales=(1.5, 0.6), mode="linear")
    resize("linear_depth", normal(1, 2, 3, 4, 3), 13, sizes=(1, 2, 5, 4, 2), mode="linear")
    resize("for_nearest", x, 11, scales=(1, 1, 0.6, 1.7), roi=(0,) * 4 + (1,) * 4, nearest_mode="floor",
           coordinate_transformation_mode="tf_half_pixel_for_nn")


def samplings():
    x, volume = normal(2, 3, 5, 4), normal(1, 2, 3, 4, 5)
    grid = random.uniform(-1.6, 1.6, (2, 6, 7, 2)).astype(np.float32)
    for mode in ("bilinear", "nearest", "bicubic"):
        for padding in ("zeros", "border", "reflection"):
            save(f"sample_{mode}_{padding}", [node("GridSample", "xg", mode=mode, padding_mode=padding)],
                 {"x": x, "g": grid}, opset=16)
            save(f"sample_{mode}_{padding}_corners",
                 [node("GridSample", "xg", mode=mode, padding_mode=padding, align_corners=1)],
                 {"x": x, "g": grid}, opset=16)
    places = random.uniform(-1.3, 1.3, (1, 2, 3, 4, 3)).astype(np.float32)
    for mode in ("linear", "nearest"):
        save(f"sample_volume_{mode}", [node("GridSample", "xg", mode=mode)], {"x": volume, "g": places}, opset=20)
    for align in (0, 1):
        save(f"affine_grid_{align}", [node("AffineGrid", "xs", align_corners=align)], {"x": normal(2, 2, 3)},
             {"s": ints(2, 3, 4, 5)}, opset=20)
        save(f"affine_grid_volume_{align}", [node("AffineGrid", "xs", align_corners=align)], {"x": normal(2, 3, 4)},
             {"s": ints(2, 3, 2, 4, 5)}, opset=20)


def regions():
    x = normal(2, 3, 8, 7)
    corners = random.uniform(-3, 20, (5, 2)).astype(np.float32)
    boxes = np.concatenate([corners, corners + random.uniform(-2, 9, (5, 2))], 1).astype(np.float32)
    for mode in ("avg", "max"):
        for samples in (0, 2):
            save(f"roi_align_{mode}_{samples}",
                 [node("RoiAlign", "xbi", mode=mode, output_height=3, output_width=2, sampling_ratio=samples,
                       spatial_scale=0.5)], {"x": x, "b": boxes}, {"i": ints(0, 1, 1, 0, 1)}, opset=16)
    save("roi_align_10", [node("RoiAlign", "xbi", output_height=2, output_width=4)], {"x": x, "b": boxes},
         {"i": ints(0, 1, 1, 0, 1)}, opset=10)
    rows = np.concatenate([np.array([[0], [1], [1], [0], [1]]), boxes], 1).astype(np.float32)
    save("max_roi_pool", [node("MaxRoiPool", "xb", pooled_shape=[3, 2], spatial_scale=0.4)], {"x": x, "b": rows})


def windows():
    x = normal(2, 4, 7, 6)
    save("lp_pool", [node("LpPool", "x", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1], p=3)], {"x": x},
         opset=18)
    save("lp_pool_ceil", [node("LpPool", "x", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1, p=1)], {"x": x},
         opset=18)
    save("lp_pool_dilated", [node("LpPool", "x", kernel_shape=[2, 3], dilations=[2, 1], pads=[1, 1, 1, 1])],
         {"x": x}, opset=22)
    save("lp_pool_1d", [node("LpPool", "x", kernel_shape=[3])], {"x": normal(2, 3, 9)}, opset=11)
    save("global_lp_pool", [node("GlobalLpPool", "x", p=3)], {"x": x})
    for order in (0, 1):
        save(f"max_pool_places_{order}",
             [node("MaxPool", "x", ["y", "i"], kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1],
                   storage_order=order), node("Cast", "i", ["z"], to=TensorProto.FLOAT)], {"x": x}, opset=12,
             outputs=("y", "z"))
    save("max_pool_places_ceil",
         [node("MaxPool", "x", ["y", "i"], kernel_shape=[2, 2], strides=[2, 2], dilations=[2, 2], ceil_mode=1),
          node("Cast", "i", ["z"], to=TensorProto.FLOAT)], {"x": x}, opset=12, outputs=("y", "z"))
    save("max_unpool", [node("MaxPool", "x", ["m", "i"], kernel_shape=[2, 2], strides=[2, 2]),
                        node("MaxUnpool", "mi", kernel_shape=[2, 2], strides=[2, 2])], {"x": normal(2, 3, 6, 4)},
         opset=12)
    for name, pads, opset in (("count", 1, 19), ("not_counted", 0, 19)):
        save(f"average_dilated_{name}",
             [node("AveragePool", "x", kernel_shape=[3, 2], dilations=[2, 3], pads=[1, 1, 2, 1], strides=[2, 1],
                   ceil_mode=1, count_include_pad=pads)], {"x": x}, opset=opset)
    save("average_same_lower", [node("AveragePool", "x", kernel_shape=[3, 2], strides=[2, 2], auto_pad="SAME_LOWER")],
         {"x": x}, opset=11)
    columns = normal(2, 3 * 6, 12)
    save("columns_to_image", [node("Col2Im", "xsb", strides=[2, 1], pads=[1, 0, 0, 1])], {"x": columns},
         {"s": ints(6, 5), "b": ints(2, 3)}, opset=18)
    save("columns_to_image_dilated", [node("Col2Im", "xsb", dilations=[1, 2])], {"x": normal(1, 2 * 6, 12)},
         {"s": ints(5, 7), "b": ints(2, 3)}, opset=18)
    save("center_crop_pad", [node("CenterCropPad", "xs")], {"x": x}, {"s": ints(3, 3, 9, 4)}, opset=18)
    save("center_crop_pad_axes", [node("CenterCropPad", "xs", axes=[-1, 1])], {"x": x}, {"s": ints(9, 1)}, opset=18)
    for name, attributes, more in (
            ("", {"pads": [1, 1, 1, 1]}, {}),
            ("_groups", {"group": 2, "offset_group": 2, "strides": [2, 1], "pads": [1, 0, 0, 1]}, {"mask": True})):
        kernel = [3, 2]
        out = (7, 7) if not name else (3, 6)
        inputs = {"x": x, "o": normal(2, attributes.get("offset_group", 1) * 12, *out)}
        names = ["x", "w", "o", "b"]
        if more:
            inputs["m"] = normal(2, 12, *out)
            names.append("m")
        save("deformable" + name, [node("DeformConv", names, kernel_shape=kernel, **attributes)], inputs,
             {"w": normal(6, 4 // attributes.get("group", 1), 3, 2), "b": normal(6)}, opset=19)


if __name__ == "__main__":
    families = (convolutions, poolings, normalizations, activations, arithmetic, arrangements, shapes, matrices,
                reductions, softmaxes, resizings, storage, exports, positions, einsums, recurrences, attentions,
                runtime_forms, resamplings, samplings, regions,
                windows)
    wanted = sys.argv[1:]  # the families to make again; all unless given
    if not wanted:
        for file in os.listdir(FOLDER):
            if not file.endswith(".py"):
                os.remove(os.path.join(FOLDER, file))
    for make in families:
        if not wanted or make.__name__ in wanted:
            random = np.random.default_rng(zlib.crc32(make.__name__.encode()))
            make()
    total = sum(os.path.getsize(os.path.join(FOLDER, f)) for f in os.listdir(FOLDER))
    print(len(os.listdir(FOLDER)), "files of", total, "bytes")
