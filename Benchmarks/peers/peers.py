"""The engines that Convoy is compared with: each makes, for a layer, a function that runs it once."""

import ctypes
import json
import os
import tempfile
import time

from layers import Failure


class Setting:
    """What all engines are asked alike."""

    def __init__(self, threads, batch, training, without_reorders):
        self.threads = threads
        self.batch = batch
        self.training = training
        self.without_reorders = without_reorders


def shortest(run, seconds=0.25):
    """Seconds of the shortest of the runs that fit into a time, after as many as warm it up."""
    clock = time.perf_counter
    end = clock() + min(0.1, seconds)
    for _ in range(3):
        run()
    while clock() < end:
        run()
    best = float("inf")
    end = clock() + seconds
    while clock() < end:
        start = clock()
        run()
        best = min(best, clock() - start)
    return best


def keep_memory():
    """Has the C library keep freed memory instead of handing it back to the system.

    PyTorch allocates each result anew; with fresh pages for each, its first layers took ten times as
    long. Networks that run for a while do not pay this, so neither does a peer here.
    """
    trim_threshold, mmap_threshold = -1, -3  # M_… of malloc.h
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return  # Not the GNU library.
    mallopt(mmap_threshold, 1 << 30)
    mallopt(trim_threshold, (1 << 31) - 1)


class PyTorch:
    """One operator, run eagerly; convolutions are oneDNN's."""

    trains = True

    def __init__(self, setting, channels_last):
        import torch

        self.name = "PyTorch channels-last" if channels_last else "PyTorch"
        self.torch = torch
        self.version = torch.__version__
        self.setting = setting
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        if not torch.backends.mkldnn.is_available():
            raise Failure("This build of PyTorch has no oneDNN; install the one in requirements.txt.")
        torch.set_num_threads(setting.threads)

    def measure(self, layer):
        torch, setting = self.torch, self.setting

        def tensor(*shape):
            return torch.randn(*shape).contiguous(memory_format=self.format)

        image = tensor(setting.batch, *layer.image)
        weights = tensor(*layer.weights)

        def forward():
            return torch.nn.functional.conv2d(
                image, weights, None, layer.stride, layer.padding, layer.dilation, layer.groups)

        if not setting.training:
            with torch.inference_mode():
                return shortest(forward)
        image.requires_grad_()
        weights.requires_grad_()
        gradient = tensor(setting.batch, *layer.output)

        def step():
            torch.autograd.grad(forward(), (image, weights), gradient)

        return shortest(step)


def onnx_model(layer, batch):
    """The layer as a model of one node, with its weights."""
    import numpy
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = numpy.random.default_rng(1).standard_normal(layer.weights, dtype=numpy.float32)
    pad, step, dilation = layer.padding, layer.stride, layer.dilation
    node = helper.make_node(
        "Conv", ["image", "weights"], ["result"], name="layer",
        kernel_shape=[layer.kernel] * 2, strides=[step] * 2, pads=[pad] * 4,
        dilations=[dilation] * 2, group=layer.groups)
    graph = helper.make_graph(
        [node], "layer",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, *layer.image])],
        [helper.make_tensor_value_info("result", TensorProto.FLOAT, [batch, *layer.output])],
        [numpy_helper.from_array(weights, "weights")])
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def image(layer, batch):
    import numpy

    shape = (batch, *layer.image)
    return numpy.random.default_rng(2).standard_normal(shape, dtype=numpy.float32)


class ONNXRuntime:
    """A model of one node, with all optimisations: where blocked layouts are worth it, they are used."""

    name = "ONNX Runtime"
    trains = False

    def __init__(self, setting):
        import onnxruntime

        self.runtime = onnxruntime
        self.version = onnxruntime.__version__
        self.setting = setting

    def measure(self, layer):
        runtime, setting = self.runtime, self.setting
        options = runtime.SessionOptions()
        options.intra_op_num_threads = setting.threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 3
        with tempfile.TemporaryDirectory() as folder:
            if setting.without_reorders:
                options.enable_profiling = True
                options.profile_file_prefix = os.path.join(folder, "profile")
            session = runtime.InferenceSession(
                onnx_model(layer, setting.batch), options, providers=["CPUExecutionProvider"])
            # Bound once, so that no run allocates or copies for Python's sake.
            binding = session.io_binding()
            data = runtime.OrtValue.ortvalue_from_numpy(image(layer, setting.batch))
            binding.bind_ortvalue_input("image", data)
            result = runtime.OrtValue.ortvalue_from_shape_and_type(
                (setting.batch, *layer.output), "float32")
            binding.bind_ortvalue_output("result", result)
            seconds = shortest(lambda: session.run_with_iobinding(binding))
            if not setting.without_reorders:
                return seconds
            # The profiler keeps the first million events, in microseconds: enough runs.
            with open(session.end_profiling()) as file:
                events = json.load(file)
            times = [
                event["dur"] for event in events
                if event.get("args", {}).get("op_name") == "Conv" and event.get("dur", 0) > 0]
            return min(times) * 1e-6 if times else seconds


class OpenVINO:
    """A model of one node, compiled for latency in single precision."""

    name = "OpenVINO"
    trains = False

    def __init__(self, setting):
        import openvino

        self.openvino = openvino
        self.version = openvino.__version__.split("-")[0]
        self.core = openvino.Core()
        self.setting = setting

    def measure(self, layer):
        setting = self.setting
        properties = {
            "INFERENCE_NUM_THREADS": setting.threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
        }
        if setting.without_reorders:
            properties["PERF_COUNT"] = True
        model = self.core.read_model(onnx_model(layer, setting.batch))
        request = self.core.compile_model(model, "CPU", properties).create_infer_request()
        # One tensor for all runs, and no copy of the result for Python's sake.
        data = self.openvino.Tensor(image(layer, setting.batch), shared_memory=True)
        request.set_input_tensor(data)
        if not setting.without_reorders:
            return shortest(lambda: request.infer(share_outputs=True))
        best = float("inf")

        def run():
            nonlocal best
            request.infer(share_outputs=True)
            for node in request.get_profiling_info():
                if node.node_type == "Convolution" and node.real_time.total_seconds() > 0:
                    best = min(best, node.real_time.total_seconds())

        seconds = shortest(run)
        return best if best < float("inf") else seconds


def all_peers(setting):
    """Those that can do what is asked.

    Raises `Failure` if one is not installed: a table without it would flatter Convoy.
    """
    keep_memory()
    try:
        peers = [PyTorch(setting, False), PyTorch(setting, True)]
        if not setting.training:
            peers += [ONNXRuntime(setting), OpenVINO(setting)]
            import onnx  # noqa: F401, needed by both
    except ImportError as error:
        raise Failure(
            f"The Python package {error.name} is missing; run "
            "pip install -r Benchmarks/peers/requirements.txt.")
    return peers
