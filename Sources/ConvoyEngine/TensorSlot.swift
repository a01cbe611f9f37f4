import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// A tensor's name, shape, type and offset in a plan's memory.
struct TensorSlot: Sendable {
  var name: String
  var type: TensorType
  var region: Region

  var shape: Shape { type.shape }
}
