import Convoy
import FuzzDriver

/// What is read is written and read again: it must stay the same.
func roundTrip(_ bytes: [UInt8]) {
  guard let tensor = (try? NumPyArray(parsing: bytes))?.tensor else { return }
  guard let written = try? NumPyArray(tensor).encoded(),
    let again = (try? NumPyArray(parsing: written))?.tensor
  else { preconditionFailure("what was written cannot be read") }
  precondition(again.shape == tensor.shape && again.type == tensor.type)
  // By the bytes: NaN equals nothing.
  precondition((try? NumPyArray(again).encoded()) == written)
}

// Any bytes as a .npy file. Those that begin as a header's text does are given what comes before it, whose
// counts a fuzzer rarely gets right.
try fuzz(seeds: { try files(in: "Tests/ConvoyFormatsTests/Fixtures/npy", ending: ".npy") }) {
  var bytes = $0
  if bytes.first == UInt8(ascii: "{") {
    let length = bytes.lastIndex(of: UInt8(ascii: "}")).map { $0 + 1 } ?? bytes.count
    let size = (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
    bytes = [0x93] + Array("NUMPY".utf8) + [2, 0] + size + bytes
  }
  roundTrip(bytes)
  _ = try? NumPyArray(contentsOf: ScratchFolder.write(bytes, as: "array.npy"))
}
