import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  static let resizings: [String: Importing] = [
    "Resize": single(resize),
    "Upsample": single(upsample),
  ]

  private static func upsample(_ site: ImportSite) throws(ConvoyError) -> Value {
    let image = try site.value(0)
    let scales =
      try site.opset >= 9 ? site.constant(1).floats() : site.attributes.floats("scales") ?? []
    guard scales.allSatisfy({ $0 >= 1 }) else {
      throw .refused("scales of at least 1 are expected, got \(scales)")
    }
    let mode = try site.attributes.string("mode", default: "nearest")
    return site.apply(
      Resize(
        try interpolation(mode, rounding: .down), coordinates: .asymmetric,
        try size(scales: scales, of: image)), [image])
  }

  private static func resize(_ site: ImportSite) throws(ConvoyError) -> Value {
    let image = try site.value(0)
    let mode = try site.attributes.string("mode", default: "nearest")
    if site.opset == 10 {
      // Version 10 does not say how coordinates are rounded; ONNX Runtime rounds them up where an
      // axis gets shorter.
      let scales = try site.constant(1).floats()
      let isSmaller = scales.contains { $0 < 1 }
      guard mode != "nearest" || !isSmaller || scales.allSatisfy({ $0 <= 1 }) else {
        throw .refused("scales on one side of 1 are expected in version 10, got \(scales)")
      }
      return site.apply(
        Resize(
          try interpolation(mode, rounding: isSmaller ? .up : .down), coordinates: .asymmetric,
          try size(scales: scales, of: image)), [image])
    }
    guard try !site.attributes.flag("antialias") else {
      throw .refused("antialias is not supported")
    }
    let policy = try site.attributes.string("keep_aspect_ratio_policy", default: "stretch")
    guard policy == "stretch" else {
      throw .refused("the keep_aspect_ratio_policy ‘\(policy)’ is not supported")
    }
    let rank = image.shape.rank
    let axes = try site.attributes.integers("axes")?.map { axis throws(ConvoyError) in
      try site.dimension(axis, ofRank: rank)
    }
    /// One number for each dimension; 1 or the extent where there is none.
    func spread<Number>(_ numbers: [Number], else others: [Number]) throws(ConvoyError) -> [Number]
    {
      guard let axes else { return numbers }
      guard axes.count == numbers.count else {
        throw .refused("a number for each axis is expected")
      }
      var all = others
      for (axis, number) in zip(axes, numbers) { all[axis] = number }
      return all
    }
    let size: Resize.Size
    if let sizes = try site.integers(3), !sizes.isEmpty {
      let extents = try spread(sizes, else: image.shape.dimensions)
      guard rank >= 3, extents.count == rank, extents.prefix(2) == image.shape.dimensions.prefix(2)
      else {
        throw .refused("sizes that change spatial dimensions only are expected, got \(extents)")
      }
      size = .extents(Array(extents.dropFirst(2)))
    } else {
      let scales = try spread(
        try site.constant(2).floats(), else: image.shape.dimensions.map { _ in 1 })
      size = try Self.size(scales: scales, of: image)
    }
    return site.apply(
      Resize(
        try interpolation(mode, rounding: try rounding(site)), coordinates: try coordinates(site),
        size), [image])
  }

  private static func size(scales: [Float], of image: Value) throws(ConvoyError) -> Resize.Size {
    guard image.shape.rank >= 3, scales.count == image.shape.rank,
      scales.prefix(2).allSatisfy({ $0 == 1 })
    else { throw .refused("scales of spatial dimensions only are expected, got \(scales)") }
    return .scales(Array(scales.dropFirst(2)))
  }

  private static func interpolation(
    _ mode: String, rounding: Resize.Rounding
  ) throws(ConvoyError) -> Resize.Interpolation {
    switch mode {
    case "nearest": return .nearest(rounding)
    case "linear", "bilinear", "trilinear": return .linear
    default: throw .refused("the mode ‘\(mode)’ is not supported")
    }
  }

  private static func rounding(_ site: ImportSite) throws(ConvoyError) -> Resize.Rounding {
    switch try site.attributes.string("nearest_mode", default: "round_prefer_floor") {
    case "round_prefer_floor": return .halfDown
    case "round_prefer_ceil": return .halfUp
    case "floor": return .down
    case "ceil": return .up
    case let other: throw .refused("the nearest_mode ‘\(other)’ is not known")
    }
  }

  private static func coordinates(_ site: ImportSite) throws(ConvoyError) -> Resize.Coordinates {
    switch try site.attributes.string(
      "coordinate_transformation_mode", default: "half_pixel")
    {
    case "half_pixel": return .halfPixel
    case "pytorch_half_pixel": return .pyTorchHalfPixel
    case "align_corners": return .alignCorners
    case "asymmetric": return .asymmetric
    case let other: throw .refused("the coordinate_transformation_mode ‘\(other)’ is not supported")
    }
  }
}

// MARK: Export

extension Resize: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    let place =
      switch coordinates {
      case .halfPixel: "half_pixel"
      case .pyTorchHalfPixel: "pytorch_half_pixel"
      case .alignCorners: "align_corners"
      case .asymmetric: "asymmetric"
      }
    var attributes: [Onnx_AttributeProto] = [
      .init("coordinate_transformation_mode", place)
    ]
    switch interpolation {
    case .linear: attributes.append(.init("mode", "linear"))
    case .nearest(let rounding):
      let mode =
        switch rounding {
        case .halfDown: "round_prefer_floor"
        case .halfUp: "round_prefer_ceil"
        case .down: "floor"
        case .up: "ceil"
        }
      attributes += [.init("mode", "nearest"), .init("nearest_mode", mode)]
    }
    switch size {
    case .scales(let scales):
      let all = try Tensor([scales.count + 2], [1, 1] + scales)
      site.finish("Resize", [site.inputs[0], "", site.constant(all, "scales")], attributes)
    case .extents(let extents):
      // All extents are given, of which the batch may be open.
      let leading = site.emit(
        "Slice",
        [
          site.emit("Shape", [site.inputs[0]]), site.integers([0], "start"),
          site.integers([2], "end"),
        ])
      let sizes = site.emit(
        "Concat", [leading, site.integers(extents, "extents")], [.init("axis", 0)])
      site.finish("Resize", [site.inputs[0], "", "", sizes], attributes)
    }
  }
}
