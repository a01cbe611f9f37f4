#!/usr/bin/env python3
"""Compares Convoy with PyTorch, ONNX Runtime and OpenVINO on whole networks, in one sitting.

Each network of the zoo is exported by `convoy export`; with --foreign it is then read by PyTorch and exported
again by PyTorch's own exporter, and that file is what all engines run. See README.md beside this file.
"""

import argparse
import datetime
import json
import math
import os
import subprocess
import sys
import tempfile

import numpy

import peers as engines
from compare import CONVOY, machine, positive, progress
from layers import Failure

ZOO = [
    "alexnet", "nin?form=imagenet", "googlenet", "resnet-18", "resnet-50", "resnext-50",
    "squeezenet-1.0", "squeezenet-1.1", "mobilenet-v1", "mobilenet-v2", "mobilenet-v3-large",
    "mobilenet-v3-small", "xception", "shufflenet-v1?groups=3", "shufflenet-v2", "densenet-121",
    "efficientnet-b0", "regnet-x-400mf", "regnet-y-400mf", "vgg-19", "convnext-tiny"]

# What starts ONNX Runtime in a process of its own, runs once and says how long that took, and how much
# memory the process came to hold. (What getrusage says includes the process that started this one.)
STARTUP = """
import sys, time, numpy
import onnxruntime
image = numpy.load(sys.argv[2])
start = time.perf_counter()
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(sys.argv[3])
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
session.run(None, {session.get_inputs()[0].name: image})
seconds = time.perf_counter() - start
memory = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(seconds, memory.split()[1])
"""

# What starts a command from a small process, whose memory the command's does not begin from.
PEAK = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss, status)
"""


class Convoy:
    name = "Convoy"

    def __init__(self, options):
        if not os.access(options.convoy, os.X_OK):
            raise Failure(f"There is no convoy command at {options.convoy}; build it, or use --convoy.")
        self.path, self.threads, self.batch = options.convoy, options.threads, options.batch

    def command(self, *arguments):
        run = subprocess.run([self.path, *arguments], capture_output=True, text=True)
        if run.returncode != 0:
            raise Failure(f"convoy {' '.join(arguments)}: {run.stderr.strip()}")
        return run.stdout

    @property
    def version(self):
        return self.command("--version").strip()

    def prepare(self, path, image):
        def measure():
            row = json.loads(self.command(
                "bench", path, "--threads", str(self.threads), "--batch", str(self.batch), "--json"))
            self.percent = row["percentOfPeak"]
            return row["milliseconds"] * 1e-3

        return measure


class PyTorch:
    def __init__(self, options, channels_last):
        import torch

        torch.set_num_threads(options.threads)
        self.torch = torch
        self.name = "PyTorch channels-last" if channels_last else "PyTorch"
        self.version = torch.__version__
        self.format = torch.channels_last if channels_last else torch.contiguous_format

    def prepare(self, path, image):
        import onnx_torch

        network = onnx_torch.Network(path).eval().to(memory_format=self.format)
        data = self.torch.from_numpy(image).contiguous(memory_format=self.format)

        def measure():
            with self.torch.inference_mode():
                return engines.shortest(lambda: network(data), 1.0)

        return measure


class ONNXRuntime:
    name = "ONNX Runtime"

    def __init__(self, options):
        import onnxruntime

        self.runtime, self.threads = onnxruntime, options.threads
        self.version = onnxruntime.__version__

    def prepare(self, path, image):
        options = self.runtime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.graph_optimization_level = self.runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
        session = self.runtime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"])
        binding = session.io_binding()
        data = self.runtime.OrtValue.ortvalue_from_numpy(image)
        binding.bind_ortvalue_input(session.get_inputs()[0].name, data)
        binding.bind_output(session.get_outputs()[0].name, "cpu")
        return lambda: engines.shortest(lambda: session.run_with_iobinding(binding), 1.0)


class OpenVINO:
    name = "OpenVINO"

    def __init__(self, options):
        import openvino

        self.openvino, self.core, self.threads = openvino, openvino.Core(), options.threads
        self.version = openvino.__version__.split("-")[0]

    def prepare(self, path, image):
        model = self.core.read_model(path)
        model.reshape(list(image.shape))
        request = self.core.compile_model(model, "CPU", {
            "INFERENCE_NUM_THREADS": self.threads, "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32",
        }).create_infer_request()
        data = self.openvino.Tensor(image, shared_memory=True)
        request.set_input_tensor(data)
        return lambda: engines.shortest(lambda: request.infer(share_outputs=True), 1.0)


def arguments():
    parser = argparse.ArgumentParser(
        description="Compares Convoy with its peers on whole networks.",
        epilog="Example: networks.py --only mobilenet --threads 2")
    parser.add_argument("--only", help="only networks whose name contains this")
    parser.add_argument("--threads", type=positive, default=1)
    parser.add_argument("--batch", type=positive, default=1)
    parser.add_argument("--repeat", type=positive, default=3, help="rounds; minima are taken")
    parser.add_argument("--convoy", default=CONVOY, help=f"the command; {CONVOY} by default")
    parser.add_argument(
        "--foreign", action="store_true", help="run files that PyTorch's exporter wrote")
    parser.add_argument(
        "--startup", action="store_true",
        help="instead of speed: load, compile and first result in a fresh process, and peak memory")
    parser.add_argument("--output", default="peers", help="the folder for results")
    return parser.parse_args()


def exported(name, convoy, options, folder):
    """The network's file, and an image for it."""
    import onnx

    path = os.path.join(folder, "network.onnx")
    convoy.command("export", f"zoo:{name}", path)
    given = onnx.load(path, load_external_data=False).graph.input[0]
    shape = [options.batch] + [d.dim_value for d in given.type.tensor_type.shape.dim][1:]
    image = numpy.random.default_rng(1).standard_normal(shape, dtype=numpy.float32)
    if options.foreign:
        import onnx_torch
        import torch

        again = os.path.join(folder, "foreign.onnx")
        network = onnx_torch.Network(path).eval()
        torch.onnx.export(
            network, (torch.from_numpy(image),), again, dynamo=False, opset_version=17,
            input_names=["image"], output_names=["scores"])
        path = again
    return path, image


def compare(name, convoy, peers, options):
    """All engines in turn, several times round."""
    with tempfile.TemporaryDirectory() as folder:
        path, image = exported(name, convoy, options, folder)
        times, ready = {}, {}
        for engine in [convoy, *peers]:
            ready[engine.name] = engine.prepare(path, image)
            times[engine.name] = []
        for _ in range(options.repeat):
            for engine in [convoy, *peers]:
                times[engine.name].append(ready[engine.name]())
    best = min((peer.name for peer in peers), key=lambda peer: min(times[peer]))
    return {
        "name": name, "seconds": times, "bestPeer": best, "percentOfPeak": convoy.percent,
        "ratio": min(times[best]) / min(times["Convoy"])}


def startup(name, convoy, options):
    """Seconds to the first result and KiB of peak memory, ours and ONNX Runtime's.

    Load, compile and first run are added up within fresh processes: neither the start of Convoy's, some 10 ms,
    nor that of Python and its modules counts. The memory is that of a process which does nothing but run once.
    """
    with tempfile.TemporaryDirectory() as folder:
        path, image = exported(name, convoy, options, folder)
        given, results = os.path.join(folder, "image.npy"), os.path.join(folder, "results")
        numpy.save(given, image)
        rows = {"Convoy": [], "ONNX Runtime": []}
        for _ in range(options.repeat):
            memory = peak_memory([
                options.convoy, "run", path, "--input", given, "--output", results,
                "--threads", str(options.threads)])
            row = json.loads(convoy.command(
                "bench", path, "--threads", str(options.threads), "--batch", str(options.batch),
                "--json"))
            parts = ["loadMilliseconds", "compileMilliseconds", "firstMilliseconds"]
            rows["Convoy"].append((1e-3 * sum(row[part] for part in parts), memory))
            run = subprocess.run(
                [sys.executable, "-c", STARTUP, path, given, str(options.threads)],
                capture_output=True, text=True, check=True)
            seconds, memory = run.stdout.split()
            rows["ONNX Runtime"].append((float(seconds), int(memory)))
    best = {engine: [min(column) for column in zip(*row)] for engine, row in rows.items()}
    return {"name": name, "startup": best}


def peak_memory(command):
    """The most KiB that a process held."""
    run = subprocess.run(
        [sys.executable, "-S", "-c", PEAK, *command], capture_output=True, text=True, check=True)
    memory, status = run.stdout.split()
    if status != "0":
        raise Failure(f"{' '.join(command)} failed.")
    return int(memory)


def show(results):
    rows = results["networks"]
    if "startup" in rows[0]:
        print("| network | Convoy, ms | ONNX Runtime, ms | ratio | Convoy, MiB | ONNX Runtime, MiB | ratio |")
        print("|---|--:|--:|--:|--:|--:|--:|")
        for row in rows:
            (a, m), (b, n) = row["startup"]["Convoy"], row["startup"]["ONNX Runtime"]
            print(f"| {row['name']} | {a * 1e3:.0f} | {b * 1e3:.0f} | {a / b:.2f} "
                  f"| {m / 1024:.0f} | {n / 1024:.0f} | {m / n:.2f} |")
        return
    names = list(rows[0]["seconds"])
    print("| network | " + " | ".join(names) + " | of peak | best peer | ratio |")
    print("|---|" + "--:|" * (len(names) + 1) + "---|--:|")
    for row in rows:
        times = " | ".join(f"{min(row['seconds'][name]) * 1e3:.2f}" for name in names)
        print(f"| {row['name']} | {times} | {row['percentOfPeak']:.0f} % | {row['bestPeer']} "
              f"| **{row['ratio']:.2f}** |")
    mean = math.exp(sum(math.log(row["ratio"]) for row in rows) / len(rows))
    print(f"\nGeometric mean of {len(rows)}: {mean:.2f}. Milliseconds, {results['threads']} "
          f"thread(s), batch {results['batch']}, fp32; {results['machine']}; "
          + ", ".join(f"{name} {version}" for name, version in results["versions"].items())
          + f"; {results['date']}.")


def main():
    options = arguments()
    try:
        convoy = Convoy(options)
        engines.keep_memory()
        peers = [] if options.startup else [
            PyTorch(options, False), PyTorch(options, True), ONNXRuntime(options), OpenVINO(options)]
        chosen = [name for name in ZOO if options.only is None or options.only in name]
        if not chosen:
            raise Failure(f"No network's name contains ‘{options.only}’.")
        results = {
            "date": datetime.date.today().isoformat(), "machine": machine(),
            "threads": options.threads, "batch": options.batch, "foreign": options.foreign,
            "versions": {engine.name: engine.version for engine in [convoy, *peers]},
            "networks": []}
        for index, name in enumerate(chosen):
            progress(f"{index + 1} of {len(chosen)}: {name}")
            row = startup(name, convoy, options) if options.startup else compare(
                name, convoy, peers, options)
            results["networks"].append(row)
        progress("")
        show(results)
        os.makedirs(options.output, exist_ok=True)
        kind = "startup" if options.startup else "foreign" if options.foreign else "networks"
        with open(os.path.join(options.output, f"{kind}.json"), "w") as file:
            json.dump(results, file, indent=1)
    except ImportError as error:
        sys.exit(f"networks.py: The Python package {error.name} is missing; see requirements.txt.")
    except Failure as failure:
        progress("")
        sys.exit(f"networks.py: {failure}")


if __name__ == "__main__":
    main()
