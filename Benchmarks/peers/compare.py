#!/usr/bin/env python3
"""Compares Convoy with PyTorch, ONNX Runtime and OpenVINO, layer by layer, in one sitting.

See README.md beside this file.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile

import layers as suite
import peers as engines
import report
from layers import Failure

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAYERS = os.path.join(ROOT, "Sources/ConvoyBenchmarks/Resources/layers.csv")
CONVOY = ".build/release/convoy"


class Convoy:
    """The command, one layer a run: a process of its own, which also measures the peak."""

    name = "Convoy"

    def __init__(self, path, setting):
        if not os.access(path, os.X_OK):
            raise Failure(
                f"There is no convoy command at {path}: run swift build -c release, or name it with "
                "--convoy.")
        self.path = os.path.abspath(path)
        self.setting = setting

    @property
    def version(self):
        run = subprocess.run([self.path, "--version"], capture_output=True, text=True)
        return run.stdout.strip()

    def measure(self, layer):
        """Seconds of the shortest run; GFLOP/s of the peak in the same process; the kernel."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "layer.csv")
            with open(path, "w") as file:
                file.write(layer.csv)
            direction = "training" if self.setting.training else "forward"
            command = [
                self.path, "bench", "layers", path, "--only", layer.name, "--json",
                "--threads", str(self.setting.threads), "--batch", str(self.setting.batch),
                "--direction", direction]
            run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode != 0:
            raise Failure(f"Convoy could not time {layer.name}: {run.stderr.strip()}")
        try:
            row = json.loads(run.stdout.splitlines()[-1])
            peak = row["gigaflopsPerSecond"] / row["percentOfPeak"] * 100
            return row["milliseconds"] * 1e-3, peak, row["kernel"]
        except (ValueError, KeyError, IndexError):
            raise Failure(
                f"{self.path} bench layers --json should print one object a layer, got "
                f"‘{run.stdout.strip()[:80]}’.")


def arguments():
    parser = argparse.ArgumentParser(
        description="Compares Convoy with PyTorch, ONNX Runtime and OpenVINO on the layer suite.",
        epilog="Example: compare.py --only resnext50 --repeat 5 --output results")
    parser.add_argument("--layers", default=LAYERS, help="a suite; by default the bundled one")
    parser.add_argument("--only", help="only layers whose name contains this")
    parser.add_argument("--threads", type=positive, default=1)
    parser.add_argument("--batch", type=positive, default=1)
    parser.add_argument("--direction", choices=["forward", "training"], default="forward")
    parser.add_argument("--repeat", type=positive, default=3, help="rounds; minima are taken")
    parser.add_argument("--convoy", default=CONVOY, help=f"the command; {CONVOY} by default")
    parser.add_argument(
        "--without-reorders", action="store_true",
        help="count the convolution node alone in ONNX Runtime and OpenVINO, by their own profilers")
    parser.add_argument("--output", default="peers", help="the folder for results")
    parser.add_argument("--readme", help="a page whose block between the marks is replaced")
    parser.add_argument(
        "--from", dest="results", metavar="results.json",
        help="measure nothing: report what an earlier run wrote")
    return parser.parse_args()


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text}")
    return value


def machine():
    """The processor in a line."""
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as file:
            models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
        name = models[0] if models else name
    except OSError:
        pass
    return f"{name}, {os.cpu_count()} processors, {platform.system()} {platform.release()}"


def compare(options):
    """Measures everything; what `results.json` holds."""
    setting = engines.Setting(
        options.threads, options.batch, options.direction == "training", options.without_reorders)
    convoy = Convoy(options.convoy, setting)
    chosen = [
        layer for layer in suite.read(options.layers)
        if options.only is None or options.only in layer.name]
    if not chosen:
        raise Failure(f"No layer's name contains ‘{options.only}’.")
    peers = engines.all_peers(setting)
    results = {
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "threads": options.threads,
        "batch": options.batch,
        "direction": options.direction,
        "reorders": not options.without_reorders,
        "rounds": options.repeat,
        "versions": {engine.name: engine.version for engine in [convoy, *peers]},
        "layers": [],
    }
    for index, layer in enumerate(chosen):
        progress(f"{index + 1} of {len(chosen)}: {layer.name}")
        results["layers"].append(compare_layer(layer, convoy, peers, options))
    progress("")
    return results


def compare_layer(layer, convoy, peers, options):
    """All engines in turn, several times round, so that a slow moment of the machine hits them alike."""
    times = {engine.name: [] for engine in [convoy, *peers]}
    peaks, kernel = [], ""
    for _ in range(options.repeat):
        seconds, peak, kernel = convoy.measure(layer)
        times[convoy.name].append(seconds)
        peaks.append(peak)
        for peer in peers:
            times[peer.name].append(peer.measure(layer))
    passes = 3 if options.direction == "training" else 1
    operations = layer.operations * options.batch * passes
    speeds = {name: operations / min(seconds) * 1e-9 for name, seconds in times.items()}
    best = max((peer.name for peer in peers), key=speeds.get)
    return {
        "name": layer.name,
        "shape": vars(layer),
        "family": suite.family(layer),
        "operations": operations,
        "kernel": kernel,
        "peak": max(peaks),
        "seconds": times,
        "gigaflopsPerSecond": speeds,
        "bestPeer": best,
        "ratio": speeds[convoy.name] / speeds[best],
    }


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\x1b[2K{text}", end="", file=sys.stderr, flush=True)


def main():
    options = arguments()
    try:
        if options.readme:
            # Before a quarter of an hour of measuring.
            report.check_marks(options.readme)
        results = report.load(options.results) if options.results else compare(options)
        print(report.text(results))
        report.write(results, options.output)
        if options.readme:
            report.replace_block(options.readme, results)
    except Failure as failure:
        progress("")
        sys.exit(f"compare.py: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
