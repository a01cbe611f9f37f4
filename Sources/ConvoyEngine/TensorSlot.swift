import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// A tensor's name, shape, type and offset in a plan's memory.
struct TensorSlot: Sendable {
  var name: String
  var type: TensorType
  var region: Region
  /// Whether rows of −1 at the end are no part of it (`OperatorTraits.Effect.finds`).
  var hasSpareRows = false

  var shape: Shape { type.shape }

  /// The tensor in a plan's memory.
  func tensor(in memory: Memory) -> Tensor {
    let bytes = UnsafeRawBufferPointer(start: memory.bytes(region), count: type.byteCount)
    let tensor = Tensor(shape, type: type.type, copying: bytes)
    guard hasSpareRows, shape.rank > 0 else { return tensor }
    let numbers = tensor.doubles
    let length = numbers.count / shape[0]
    let rows = (0..<shape[0]).prefix { row in
      numbers[row * length..<(row + 1) * length].contains { $0 != -1 }
    }
    let kept = max(rows.count, 1)
    return Tensor(
      Shape([kept] + shape.dimensions.dropFirst()), type: type.type,
      copying: UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count / shape[0] * kept)]))
  }
}
