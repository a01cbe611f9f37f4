import ConvoyTensors

/// The shape of a model's input, with what stands in for the extents that it leaves open, and its type.
struct InputShape {
  let shape: Shape
  /// Floats of any precision are float32.
  let type: ElementType

  /// - Parameter source: what the model is called in messages.
  init(_ input: Onnx_ValueInfoProto, _ options: ImportOptions, source: String) throws(ConvoyError) {
    guard case .tensorType(let type)? = input.type.value else {
      throw ConvoyError(
        .format, "\(source) cannot be imported: its input ‘\(input.name)’ is not a tensor.")
    }
    guard let element = try? ElementType(onnxCode: type.elemType) else {
      throw ConvoyError(
        .format,
        "\(source) cannot be imported: its input ‘\(input.name)’ is expected to hold numbers.")
    }
    self.type = element.isFloating ? .float32 : element
    if let given = options.inputShapes[input.name] {
      guard !type.hasShape || given.count == type.shape.dim.count else {
        throw ConvoyError(
          .argument,
          "The input ‘\(input.name)’ of \(source) has \(type.shape.dim.count) dimensions, "
            + "but the shape given for it is \(given).")
      }
      shape = try Self.validated(given, input.name)
      return
    }
    guard type.hasShape else {
      throw ConvoyError(
        .argument, "\(source) does not tell the shape of its input ‘\(input.name)’; give one.")
    }
    var extents: [Int] = []
    for (index, dimension) in type.shape.dim.enumerated() {
      if case .dimValue(let extent)? = dimension.value, extent > 0 {
        extents.append(Int(extent))
      } else if index == 0 {
        extents.append(options.batch)
      } else {
        let name = dimension.dimParam.isEmpty ? "" : ", ‘\(dimension.dimParam)’,"
        throw ConvoyError(
          .argument,
          "\(source) leaves dimension \(index)\(name) of its input ‘\(input.name)’ open; "
            + "give a shape for this input.")
      }
    }
    shape = try Self.validated(extents, input.name)
  }

  private static func validated(_ extents: [Int], _ name: String) throws(ConvoyError) -> Shape {
    guard extents.count <= ConstantTensor.largestRank else {
      throw ConvoyError(
        .shape,
        "The input ‘\(name)’ may have at most \(ConstantTensor.largestRank) dimensions, "
          + "got \(extents.count).")
    }
    do {
      return try Shape(validating: extents)
    } catch {
      throw ConvoyError(.shape, "The input ‘\(name)’ has no shape that can be held: \(error)")
    }
  }
}
