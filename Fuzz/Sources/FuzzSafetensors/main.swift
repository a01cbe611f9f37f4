import Convoy
import FuzzDriver

/// What is read is written and read again: it must stay the same.
func roundTrip(_ bytes: [UInt8]) {
  guard let file = try? Safetensors(parsing: bytes) else { return }
  guard let written = try? file.encoded(), let again = try? Safetensors(parsing: written) else {
    preconditionFailure("what was written cannot be read")
  }
  precondition(again.metadata == file.metadata)
  precondition(again.entries.count == file.entries.count)
  for (a, b) in zip(file.entries, again.entries) {
    precondition(a.name == b.name && a.tensor.shape == b.tensor.shape)
    precondition(a.tensor.type == b.tensor.type)
  }
  // By the bytes: NaN equals nothing.
  precondition((try? again.encoded()) == written)
}

/// A tensor of each type of elements, and two of them with notes; then a checkpoint.
func seeds() throws -> [String: [UInt8]] {
  let sizes = [
    "BOOL": 1, "U8": 1, "I8": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2, "U32": 4, "I32": 4,
    "F32": 4, "U64": 8, "I64": 8, "F64": 8,
  ]
  var seeds: [String: [UInt8]] = [:]
  for (type, size) in sizes {
    let header = #"{"a":{"dtype":"\#(type)","shape":[1,2],"data_offsets":[0,\#(2 * size)]}}"#
    seeds[type] = Array(header.utf8) + (0..<2 * size).map { UInt8($0) }
  }
  let tensors = [("scalar", Tensor([], repeating: 1)), ("line \"ü\"\n", Tensor([3]))]
  seeds["notes"] = try Safetensors(tensors, metadata: ["format": "é\u{7}", "k": "\\"]).encoded()
  let network = try Network(input: [1, 4, 4]) {
    $0.convolution(2, kernel: 3).batchNormalization().relu().globalAveragePooling()
  }
  let path = "\(ScratchFolder.path)/seed.safetensors"
  try Checkpoint(
    model: network.initialized(seed: 1), classNames: ["a", "b"],
    normalization: Normalization(mean: [0], deviation: [1])
  ).write(to: path)
  seeds["checkpoint"] = try WholeFile.read(path)
  return seeds
}

// Any bytes as a .safetensors file, and as a checkpoint. Those that begin as a header's text does are given
// its length, which a fuzzer rarely gets right.
try fuzz(seeds: seeds) {
  var bytes = $0
  if bytes.first == UInt8(ascii: "{") {
    let length = bytes.lastIndex(of: UInt8(ascii: "}")).map { $0 + 1 } ?? bytes.count
    bytes = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + bytes
  }
  roundTrip(bytes)
  let path = ScratchFolder.write(bytes, as: "file.safetensors")
  _ = try? Safetensors(contentsOf: path)
  (try? Checkpoint(contentsOf: path))?.model.runIfSmall()
}
