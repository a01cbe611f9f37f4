import ConvoyGraphs
import ConvoyKernels
public import ConvoyTensors

/// The parameters that runs of a plan read and change: the state of training.
///
/// `@unchecked Sendable`: not synchronised; only one thread at a time may run a plan with it or
/// access it. The training loop, which owns it, guarantees this.
public final class Variables: @unchecked Sendable {
  let block: MemoryBlock
  private let slots: [String: TensorSlot]
  /// The parameters' names, in the order of declaration.
  public let names: [String]

  /// - Parameters:
  ///   - places: the slot of each parameter.
  ///   - byteCount: the bytes of all parameters.
  ///   - parameters: a tensor for each; others are ignored.
  /// - Throws: `ConvoyError` when one is missing or of another shape.
  init(
    _ places: [TensorSlot], byteCount: Int, _ parameters: [String: Tensor]
  ) throws(ConvoyError) {
    block = try MemoryBlock(
      byteCount: byteCount, for: "The parameters and what is kept beside them")
    slots = Dictionary(places.map { ($0.name, $0) }) { first, _ in first }
    names = places.map(\.name)
    for name in names {
      guard let tensor = parameters[name] else {
        throw ConvoyError(
          .graph, "The network needs a parameter \(name); none was given.")
      }
      try set(name, to: tensor)
    }
  }

  /// A parameter's tensor; nil if there is no parameter of that name.
  public subscript(name: String) -> Tensor? {
    slots[name].map { slot in
      Tensor(
        slot.shape, type: slot.type.type,
        copying: UnsafeRawBufferPointer(
          start: block.address + slot.region.byteOffset, count: slot.type.byteCount))
    }
  }

  /// Replaces a parameter's tensor.
  ///
  /// - Throws: `ConvoyError` when there is no such parameter, or its shape or type is another.
  public func set(_ name: String, to tensor: Tensor) throws(ConvoyError) {
    guard let slot = slots[name] else {
      throw ConvoyError(
        .graph, "The network has no parameter \(name), but numbers were given for it.")
    }
    guard slot.shape == tensor.shape else {
      throw ConvoyError(
        .shape, "The parameter \(name) has shape \(slot.shape), got \(tensor.shape).")
    }
    guard slot.type.type == tensor.type else {
      throw ConvoyError(
        .type, "The parameter \(name) is of type \(slot.type.type), got \(tensor.type).")
    }
    try tensor.copyBytes(
      to: UnsafeMutableRawBufferPointer(
        start: block.address + slot.region.byteOffset, count: slot.type.byteCount))
  }

  /// All parameters' tensors by name.
  public var tensors: [String: Tensor] {
    Dictionary(names.compactMap { name in self[name].map { (name, $0) } }) { first, _ in first }
  }
}
