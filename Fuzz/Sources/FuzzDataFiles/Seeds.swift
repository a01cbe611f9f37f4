import Convoy
import FuzzDriver

/// A gzip file that holds bytes as they are.
private func gzip(_ bytes: [UInt8]) -> [UInt8] {
  func littleEndian(_ number: Int, _ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }
  let checksum = ~bytes.reduce(~UInt32(0)) { sum, byte in
    (0..<8).reduce(sum ^ UInt32(byte)) { rest, _ in rest >> 1 ^ (rest & 1) &* 0xEDB8_8320 }
  }
  return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 1] + littleEndian(bytes.count, 2)
    + littleEndian(~bytes.count, 2) + bytes + littleEndian(Int(checksum), 4)
    + littleEndian(bytes.count, 4)
}

/// A study of one training.
private func study() throws -> [UInt8] {
  var study = GroupStudy(model: "m", data: "d", options: TrainingOptions())
  study.add(
    .init(
      groups: 1, seed: 1, accuracy: 0.5, parameters: 2, multiplyAdds: 3, trainingSeconds: 1,
      forwardMilliseconds: 1, threads: 1))
  let path = "\(ScratchFolder.path)/seed.json"
  try study.write(to: path)
  return try WholeFile.read(path)
}

/// A good file of each kind; the graphs of small models have every operator among them.
func seeds() throws -> [String: [UInt8]] {
  func seed(_ kind: Unicode.Scalar, _ bytes: [UInt8]) -> [UInt8] { [UInt8(ascii: kind)] + bytes }
  var seeds = [
    "plain.pgm": seed("p", Array("P2 # grey\n2 2 15\n0 1\n2 15".utf8)),
    "colour.ppm": seed("p", Array("P6\n1 1\n255\nabc".utf8)),
    "deep.pgm": seed("p", Array("P5 1 2 65535\nabcd".utf8)),
    "images": seed("i", images),
    "labels.gz": seed("l", gzip(labels)),
    "cifar": seed("c", Array(repeating: 1, count: 3074)),
    "names": seed("n", Array((0..<100).map { "class \($0)\n" }.joined().utf8)),
    "study.json": seed("s", try study()),
  ]
  for (name, bytes) in try files(in: "Tests/ConvoyONNXTests/Golden", ending: ".onnx") {
    guard let model = try? ONNXModel(bytes).model(batch: 1), model.graph.isSmall else { continue }
    seeds[name + ".json"] = seed("g", Array(try model.graph.json().utf8))
  }
  let network = try Network(input: [2, 6, 6]) {
    $0.convolution(4, kernel: 3, groups: 2).batchNormalization().relu().maxPooling(2)
      .localResponseNormalization(size: 3).dropout().flattened().linear(3)
  }
  seeds["classifier.json"] = seed("g", Array(try network.graph.json().utf8))
  for (name, optimizer) in [("sgd", Optimizer.sgd()), ("adamW", .adamW()), ("rmsProp", .rmsProp())]
  {
    let options = StepOptions(optimizer: optimizer, weightDecay: 0.1, gradientClip: 1)
    let step = try network.graph.trainingStep(batch: 2, options)
    seeds["\(name).json"] = seed("g", Array(try step.json().utf8))
  }
  return seeds
}
