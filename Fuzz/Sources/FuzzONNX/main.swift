import Convoy
import FuzzDriver
import FuzzProtobuf

useProtobufMutator()

// Any bytes as an ONNX model.
try fuzz(seeds: { try files(in: "Tests/ConvoyONNXTests/Golden", ending: ".onnx") }) {
  _ = try? ONNXModel($0).model(batch: 1)
}
