import ConvoyKernels
import ConvoyTensors

/// A tensor's name, shape and place in a plan's memory.
struct TensorSlot: Sendable {
  var name: String
  var shape: Shape
  var region: Region
}
