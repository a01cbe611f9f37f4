import Convoy
import FuzzDriver
import FuzzProtobuf

useProtobufMutator()

// Weights outside a model, which a damaged location, offset or length may name.
for (name, bytes) in try files(in: "Tests/ConvoyONNXTests/Golden", ending: ".data") {
  ScratchFolder.write(bytes, as: name)
}

// Any bytes as a file with an ONNX model, which is read piece by piece and may name other files. What its
// bytes alone give, the file gives too; what it gives must not crash the compiler.
try fuzz(seeds: { try files(in: "Tests/ConvoyONNXTests/Golden", ending: ".onnx") }) { bytes in
  guard let model = try? ONNXModel(ScratchFolder.write(bytes, as: "model.onnx")).model(batch: 1)
  else {
    precondition(
      (try? ONNXModel(bytes).model(batch: 1)) == nil, "the file is refused, its bytes are not")
    return
  }
  model.runIfSmall()
}
