#!/usr/bin/env python3
"""Compares Convoy with ONNX Runtime on other people's models, as PyTorch's exporters write them, in one sitting.

Models are built by torchvision, by timm or here, with random weights, and exported by both of PyTorch's exporters.
See README.md beside this file.
"""

import argparse
import collections
import datetime
import json
import math
import os
import subprocess
import sys
import tempfile

from compare import CONVOY, machine, positive, progress
from layers import Failure

Case = collections.namedtuple("Case", "name shape build")


# Models that are written here, as their authors write them.


def edsr(torch, scale, channels=64, blocks=16):
    """Lim et al., "Enhanced Deep Residual Networks for Single Image Super-Resolution", 2017: the small form."""
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(),
                nn.Conv2d(channels, channels, 3, padding=1))

        def forward(self, x):
            return x + self.body(x)

    class EDSR(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Conv2d(3, channels, 3, padding=1)
            self.body = nn.Sequential(
                *[Block() for _ in range(blocks)], nn.Conv2d(channels, channels, 3, padding=1))
            self.tail = nn.Sequential(
                nn.Conv2d(channels, channels * scale**2, 3, padding=1), nn.PixelShuffle(scale),
                nn.Conv2d(channels, 3, 3, padding=1))

        def forward(self, x):
            x = self.head(x)
            return self.tail(x + self.body(x))

    return EDSR()


def espcn(torch, scale):
    """Shi et al., "Real-Time Single Image and Video Super-Resolution", 2016."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 64, 5, padding=2), nn.Tanh(), nn.Conv2d(64, 32, 3, padding=1), nn.Tanh(),
        nn.Conv2d(32, scale**2, 3, padding=1), nn.PixelShuffle(scale))


def convolution(torch, inputs, outputs, kernel=1, stride=1):
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs), nn.SiLU())


def pyramid(torch, widths=(32, 64, 128, 256)):
    """Four maps that become smaller, for detectors."""
    nn = torch.nn

    class Pyramid(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = convolution(torch, 3, 16, 3, 2)
            inputs = [16, *widths[:-1]]
            self.stages = nn.ModuleList(
                nn.Sequential(
                    convolution(torch, i, o, 3, 2), convolution(torch, o, o // 2),
                    convolution(torch, o // 2, o, 3))
                for i, o in zip(inputs, widths))

        def forward(self, x):
            x, maps = self.stem(x), []
            for stage in self.stages:
                x = stage(x)
                maps.append(x)
            return maps[1:]

    return Pyramid()


def yolov5(torch, classes=80, widths=(64, 128, 256)):
    """The head of YOLOv5 with its decoding (Ultralytics, models/yolo.py), behind a small pyramid."""
    nn, strides = torch.nn, (8, 16, 32)
    anchors = torch.tensor([
        [[10, 13], [16, 30], [33, 23]], [[30, 61], [62, 45], [59, 119]],
        [[116, 90], [156, 198], [373, 326]]]).float()

    class YOLOv5(nn.Module):
        def __init__(self):
            super().__init__()
            self.pyramid = pyramid(torch)
            self.heads = nn.ModuleList(nn.Conv2d(w, 3 * (classes + 5), 1) for w in widths)

        def forward(self, x):
            decoded = []
            for level, y in enumerate(self.pyramid(x)):
                y = self.heads[level](y)
                batch, _, height, width = y.shape
                y = y.view(batch, 3, classes + 5, height, width).permute(0, 1, 3, 4, 2).contiguous()
                rows, columns = torch.arange(height), torch.arange(width)
                grid = torch.stack(torch.meshgrid(rows, columns, indexing="ij")[::-1], 2)
                grid = grid.float().expand(1, 3, height, width, 2) - 0.5
                sizes = anchors[level].view(1, 3, 1, 1, 2).expand(1, 3, height, width, 2)
                place, extent, rest = y.sigmoid().split((2, 2, classes + 1), 4)
                place = (place * 2 + grid) * strides[level]
                extent = (extent * 2) ** 2 * sizes
                y = torch.cat((place, extent, rest), 4)
                decoded.append(y.view(batch, 3 * height * width, classes + 5))
            return torch.cat(decoded, 1)

    return YOLOv5()


def yolov8(torch, classes=80, bins=16, widths=(64, 128, 256)):
    """The head of YOLOv8 with its distribution focal loss (Ultralytics, nn/modules/head.py), behind a small
    pyramid."""
    nn, strides = torch.nn, (8, 16, 32)

    class YOLOv8(nn.Module):
        def __init__(self):
            super().__init__()
            self.pyramid = pyramid(torch)
            self.boxes = nn.ModuleList(
                nn.Sequential(convolution(torch, w, 64, 3), nn.Conv2d(64, 4 * bins, 1))
                for w in widths)
            self.classes = nn.ModuleList(
                nn.Sequential(convolution(torch, w, 80, 3), nn.Conv2d(80, classes, 1))
                for w in widths)
            self.project = nn.Conv2d(bins, 1, 1, bias=False)
            self.project.weight.data[:] = torch.arange(bins).float().view(1, bins, 1, 1)

        def forward(self, x):
            maps = self.pyramid(x)
            levels = [
                torch.cat((b(y), c(y)), 1) for b, c, y in zip(self.boxes, self.classes, maps)]
            points, steps = [], []
            for y, stride in zip(levels, strides):
                height, width = y.shape[2:]
                rows, columns = (torch.arange(n).float() + 0.5 for n in (height, width))
                row, column = torch.meshgrid(rows, columns, indexing="ij")
                points.append(torch.stack((column, row), -1).view(-1, 2))
                steps.append(torch.full((height * width, 1), float(stride)))
            points, steps = torch.cat(points).transpose(0, 1), torch.cat(steps).transpose(0, 1)
            joined = torch.cat([y.view(y.shape[0], 4 * bins + classes, -1) for y in levels], 2)
            boxes, scores = joined.split((4 * bins, classes), 1)
            batch, _, count = boxes.shape
            boxes = boxes.view(batch, 4, bins, count).transpose(2, 1).softmax(1)
            boxes = self.project(boxes).view(batch, 4, count)
            low, high = boxes.chunk(2, 1)
            low, high = points - low, points + high
            boxes = torch.cat(((low + high) / 2, high - low), 1) * steps
            return torch.cat((boxes, scores.sigmoid()), 1)

    return YOLOv8()


def convnextv2(torch, depths=(2, 2, 8, 2), widths=(80, 160, 320, 640)):
    """Woo et al., "ConvNeXt V2", 2023, with channels last within blocks, as its authors write it: the nano form."""
    nn = torch.nn

    class ChannelNorm(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

        def forward(self, x):
            mean = x.mean(1, keepdim=True)
            variance = (x - mean).pow(2).mean(1, keepdim=True)
            x = (x - mean) / torch.sqrt(variance + 1e-6)
            return self.weight[:, None, None] * x + self.bias[:, None, None]

    class GRN(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.gamma = nn.Parameter(torch.randn(1, 1, 1, width))
            self.beta = nn.Parameter(torch.randn(1, 1, 1, width))

        def forward(self, x):
            norm = torch.norm(x, p=2, dim=(1, 2), keepdim=True)
            ratio = norm / (norm.mean(dim=-1, keepdim=True) + 1e-6)
            return self.gamma * (x * ratio) + self.beta + x

    class Block(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.depthwise = nn.Conv2d(width, width, 7, padding=3, groups=width)
            self.rest = nn.Sequential(
                nn.LayerNorm(width, eps=1e-6), nn.Linear(width, 4 * width), nn.GELU(),
                GRN(4 * width), nn.Linear(4 * width, width))

        def forward(self, x):
            y = self.rest(self.depthwise(x).permute(0, 2, 3, 1))
            return x + y.permute(0, 3, 1, 2)

    layers, width = [], 3
    for stage, (depth, outputs) in enumerate(zip(depths, widths)):
        if stage == 0:
            layers += [nn.Conv2d(width, outputs, 4, stride=4), ChannelNorm(outputs)]
        else:
            layers += [ChannelNorm(width), nn.Conv2d(width, outputs, 2, stride=2)]
        layers += [Block(outputs) for _ in range(depth)]
        width = outputs

    class Head(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.linear = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, 1000)

        def forward(self, x):
            return self.linear(self.norm(x.mean([-2, -1])))

    return nn.Sequential(*layers, Head())


def torchvision(name):
    def build(torch):
        import torchvision

        module = torchvision.models.get_model(name, weights=None, weights_backbone=None)
        return module

    def plain(torch):
        import torchvision

        return torchvision.models.get_model(name, weights=None)

    return build if "deeplab" in name or "lraspp" in name else plain


def timm(name):
    def build(torch):
        import timm

        return timm.create_model(name, pretrained=False)

    return build


CASES = [
    Case("convnext_tiny", (3, 224, 224), torchvision("convnext_tiny")),
    Case("convnextv2-nano", (3, 224, 224), convnextv2),
    Case("timm-convnextv2_nano", (3, 224, 224), timm("convnextv2_nano")),
    Case("edsr-x2", (3, 96, 96), lambda torch: edsr(torch, 2)),
    Case("espcn-x3", (1, 240, 240), lambda torch: espcn(torch, 3)),
    Case("yolov5-decode", (3, 320, 320), yolov5),
    Case("yolov8-dfl", (3, 320, 320), yolov8),
    Case("deeplabv3_mobilenet_v3_large", (3, 224, 224), torchvision("deeplabv3_mobilenet_v3_large")),
    Case("lraspp_mobilenet_v3_large", (3, 224, 224), torchvision("lraspp_mobilenet_v3_large")),
]


# Export and measurement.


class FirstOutput:
    """What segmentation models of torchvision return is a dictionary; exporters take tensors."""

    def __new__(cls, torch, module):
        class Wrapped(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.module = module

            def forward(self, x):
                y = self.module(x)
                return y["out"] if isinstance(y, dict) else y

        return Wrapped().eval()


def export(case, exporter, path):
    import torch

    torch.manual_seed(1)
    module = FirstOutput(torch, case.build(torch))
    image = torch.randn(1, *case.shape)
    arguments = {"input_names": ["image"], "output_names": ["result"]}
    if exporter == "dynamo":
        torch.onnx.export(
            module, (image,), path, dynamo=True, external_data=False, verbose=False, **arguments)
    else:
        torch.onnx.export(module, (image,), path, dynamo=False, opset_version=17, **arguments)


class Measured:
    """A file that Convoy and ONNX Runtime run in turn."""

    def __init__(self, path, case, options):
        import numpy
        import onnxruntime

        import peers as engines

        self.shortest, self.options, self.path = engines.shortest, options, path
        self.image = numpy.random.default_rng(1).standard_normal(
            (options.batch, *case.shape), dtype=numpy.float32)
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = options.threads
        settings.inter_op_num_threads = 1
        settings.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(
            path, settings, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name

    def convoy(self):
        run = subprocess.run(
            [self.options.convoy, "bench", self.path, "--threads", str(self.options.threads),
             "--batch", str(self.options.batch), "--json"], capture_output=True, text=True)
        if run.returncode != 0:
            raise Failure(f"convoy bench {self.path}: {run.stderr.strip()}")
        return json.loads(run.stdout)["milliseconds"] * 1e-3

    def runtime(self):
        return self.shortest(lambda: self.session.run(None, {self.input: self.image}), 1)

    def difference(self):
        """The largest difference of the results, as a part of the largest number."""
        import numpy

        with tempfile.TemporaryDirectory() as folder:
            given = os.path.join(folder, "image.npy")
            numpy.save(given, self.image)
            run = subprocess.run(
                [self.options.convoy, "run", self.path, "--input", given, "--output",
                 os.path.join(folder, "results"), "--threads", str(self.options.threads)],
                capture_output=True, text=True)
            if run.returncode != 0:
                raise Failure(f"convoy run {self.path}: {run.stderr.strip()}")
            (name,) = os.listdir(os.path.join(folder, "results"))
            ours = numpy.load(os.path.join(folder, "results", name))
        theirs = self.session.run(None, {self.input: self.image})[0]
        return float(abs(ours - theirs).max() / abs(theirs).max())


def arguments():
    parser = argparse.ArgumentParser(
        description="Compares Convoy with ONNX Runtime on files that PyTorch's exporters write.",
        epilog="Example: models.py --only convnext --exporter torchscript --repeat 5")
    parser.add_argument("--only", help="only models whose name contains this")
    parser.add_argument("--exporter", choices=["torchscript", "dynamo", "both"], default="both")
    parser.add_argument("--threads", type=positive, default=1)
    parser.add_argument("--batch", type=positive, default=1)
    parser.add_argument("--repeat", type=positive, default=3, help="rounds; minima are taken")
    parser.add_argument("--convoy", default=CONVOY, help=f"the command; {CONVOY} by default")
    parser.add_argument("--files", help="a folder that exported models are kept in and read from")
    parser.add_argument("--output", default="peers", help="the folder for results")
    return parser.parse_args()


def compare(case, exporter, folder, options):
    path = os.path.join(folder, f"{case.name}-{exporter}.onnx")
    if not os.path.exists(path):
        export(case, exporter, path)
    measured = Measured(path, case, options)
    times = {"Convoy": [], "ONNX Runtime": []}
    for _ in range(options.repeat):
        times["Convoy"].append(measured.convoy())
        times["ONNX Runtime"].append(measured.runtime())
    return {
        "name": case.name, "exporter": exporter, "seconds": times,
        "difference": measured.difference(),
        "ratio": min(times["ONNX Runtime"]) / min(times["Convoy"])}


def show(results):
    print("| model | exporter | Convoy, ms | ONNX Runtime, ms | ratio | difference |")
    print("|---|---|--:|--:|--:|--:|")
    for row in results["models"]:
        if "failure" in row:
            print(f"| {row['name']} | {row['exporter']} | {row['failure']} | | | |")
            continue
        ours, theirs = (min(row["seconds"][name]) * 1e3 for name in ("Convoy", "ONNX Runtime"))
        print(f"| {row['name']} | {row['exporter']} | {ours:.2f} | {theirs:.2f} "
              f"| **{row['ratio']:.2f}** | {row['difference']:.0e} |")
    ratios = [row["ratio"] for row in results["models"] if "ratio" in row]
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        print(f"\nGeometric mean of {len(ratios)}: {mean:.2f}. {results['threads']} thread(s), "
              f"batch {results['batch']}, fp32; {results['machine']}; {results['date']}.")


def main():
    options = arguments()
    chosen = [case for case in CASES if options.only is None or options.only in case.name]
    if not chosen:
        sys.exit(f"models.py: No model's name contains ‘{options.only}’.")
    if not os.access(options.convoy, os.X_OK):
        sys.exit(f"models.py: There is no convoy command at {options.convoy}; use --convoy.")
    exporters = ["torchscript", "dynamo"] if options.exporter == "both" else [options.exporter]
    results = {
        "date": datetime.date.today().isoformat(), "machine": machine(),
        "threads": options.threads, "batch": options.batch, "models": []}
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.files or temporary
        os.makedirs(folder, exist_ok=True)
        for case in chosen:
            for exporter in exporters:
                progress(f"{case.name}, {exporter}")
                try:
                    row = compare(case, exporter, folder, options)
                except ImportError as error:
                    sys.exit(f"models.py: The Python package {error.name} is missing.")
                except Failure as failure:
                    row = {"name": case.name, "exporter": exporter, "failure": str(failure)}
                results["models"].append(row)
    progress("")
    show(results)
    os.makedirs(options.output, exist_ok=True)
    with open(os.path.join(options.output, "models.json"), "w") as file:
        json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
