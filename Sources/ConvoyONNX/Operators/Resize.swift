import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  static let resizings: [String: Importing] = [
    "Resize": single { (site) throws(ConvoyError) in
      try ResizeRequest(site).applied(to: site.value(0), at: site)
    },
    "Upsample": single { (site) throws(ConvoyError) in
      try ResizeRequest(upsampling: site).applied(to: site.value(0), at: site)
    },
  ]
}

// MARK: Names

extension Resize.Coordinates {
  var onnxName: String {
    switch self {
    case .halfPixel: "half_pixel"
    case .pyTorchHalfPixel: "pytorch_half_pixel"
    case .alignCorners: "align_corners"
    case .asymmetric: "asymmetric"
    case .halfPixelSymmetric: "half_pixel_symmetric"
    case .pixelCenter: "tf_half_pixel_for_nn"
    }
  }

  /// - Throws: `ConvoyError` where the version that is written has no such mode.
  fileprivate func exported(at site: ExportSite) throws(ConvoyError) -> Onnx_AttributeProto {
    guard self != .halfPixelSymmetric, self != .pixelCenter else {
      throw site.failure("the coordinates \(onnxName)")
    }
    return .init("coordinate_transformation_mode", onnxName)
  }
}

extension Resize.Rounding {
  var onnxName: String {
    switch self {
    case .halfDown: "round_prefer_floor"
    case .halfUp: "round_prefer_ceil"
    case .down: "floor"
    case .up: "ceil"
    }
  }

  fileprivate var exported: [Onnx_AttributeProto] {
    [.init("mode", "nearest"), .init("nearest_mode", onnxName)]
  }
}

// MARK: Export

extension Resize: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    var attributes = [try coordinates.exported(at: site)]
    switch interpolation {
    case .linear: attributes.append(.init("mode", "linear"))
    case .nearest(let rounding): attributes += rounding.exported
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

extension Resampling: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    guard !isAntialiased else { throw site.failure("antialiased resizing") }
    let shape = site.inputShapes[0]
    var attributes: [Onnx_AttributeProto] = []
    switch filter {
    case .nearest(let rounding): attributes += rounding.exported
    case .linear: attributes.append(.init("mode", "linear"))
    case .cubic(let coefficient):
      attributes += [.init("mode", "cubic"), .init("cubic_coeff_a", coefficient)]
    }
    if excludesOutside { attributes.append(.init("exclude_outside", 1)) }
    var region = ""
    if let crop {
      var bounds = [Float](repeating: 0, count: shape.rank)
      bounds += bounds.map { _ in 1 }
      (bounds[dimension], bounds[shape.rank + dimension]) = (crop.start, crop.end)
      region = site.constant(try Tensor([bounds.count], bounds), "roi")
      attributes += [
        .init("coordinate_transformation_mode", "tf_crop_and_resize"),
        .init("extrapolation_value", crop.outside),
      ]
    } else {
      attributes.append(try coordinates.exported(at: site))
    }
    var scales = [Float](repeating: 1, count: shape.rank)
    scales[dimension] = scale
    if Int(Float(shape[dimension]) * scale) == extent {
      let all = site.constant(try Tensor([scales.count], scales), "scales")
      return site.finish("Resize", [site.inputs[0], region, all], attributes)
    }
    guard scale == Float(extent) / Float(shape[dimension]) else {
      throw site.failure("an extent that is rounded")
    }
    let sizes = site.integers(site.outputShapes[0].dimensions, "sizes")
    site.finish("Resize", [site.inputs[0], region, "", sizes], attributes)
  }
}
