import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  /// What is read at places that are computed, and boxes.
  static let regions: [String: Importing] = [
    "GridSample": single(sampled),
    "AffineGrid": single(affineGrid),
    "RoiAlign": single(aligned),
    "MaxRoiPool": single { (site) throws(ConvoyError) in
      let shape = try site.attributes.integers("pooled_shape") ?? []
      guard shape.count == 2 else { throw .refused("a pooled_shape of 2 numbers is expected") }
      let scale = try site.attributes.float("spatial_scale", default: 1)
      return site.apply(
        RegionPooling(height: shape[0], width: shape[1], scale: scale), try site.values())
    },
    "NonMaxSuppression": single(suppressed),
  ]

  private static func sampled(_ site: ImportSite) throws(ConvoyError) -> Value {
    let filter: GridSampling.Filter
    switch try site.attributes.string("mode", default: "linear") {
    case "linear", "bilinear": filter = .linear
    case "nearest": filter = .nearest
    case "cubic", "bicubic": filter = .cubic
    case let mode: throw .refused("the mode ‘\(mode)’ is not known")
    }
    let mode = try site.attributes.string("padding_mode", default: "zeros")
    guard let border = GridSampling.Border(rawValue: mode) else {
      throw .refused("the padding_mode ‘\(mode)’ is not known")
    }
    return site.apply(
      GridSampling(
        filter, border: border, alignsCorners: try site.attributes.flag("align_corners")),
      try site.values())
  }

  /// The places of an image's pixels, moved by a linear map each: a product with those of a grid.
  private static func affineGrid(_ site: ImportSite) throws(ConvoyError) -> Value {
    let maps = try site.value(0)
    let size = try site.constant(1).integers()
    let extents = Array(size.dropFirst(2))
    let rank = extents.count
    guard (2...3).contains(rank), maps.shape == [size[0], rank, rank + 1] else {
      throw .refused(
        "maps of 2 or 3 rows for each image of the size \(size) are expected, got \(maps.shape)")
    }
    let shape = try Shape(validating: extents)
    try site.importer.spend(shape.elementCount * (rank + 1))
    let alignsCorners = try site.attributes.flag("align_corners")
    var places: [Float] = []
    for position in shape.indices {
      // The last dimension first, and 1 for what is added.
      for (index, extent) in zip(position, extents).reversed() {
        let step = alignsCorners ? 2 / Double(max(extent - 1, 1)) : 2 / Double(extent)
        places.append(Float(-1 + (alignsCorners ? 0 : step / 2) + Double(index) * step))
      }
      places.append(1)
    }
    let grid = site.builder.constant(try Tensor([shape.elementCount, rank + 1], places))
    let product = site.apply(MatrixProduct(), [grid, maps.transposed([0, 2, 1])])
    return product.reshaped([size[0]] + extents + [rank])
  }

  private static func aligned(_ site: ImportSite) throws(ConvoyError) -> Value {
    let function: RegionAlignment.Function
    switch try site.attributes.string("mode", default: "avg") {
    case "avg": function = .mean
    case "max": function = .maximum
    case let mode: throw .refused("the mode ‘\(mode)’ is not known")
    }
    let places = try site.attributes.string(
      "coordinate_transformation_mode",
      default: site.opset < 16 ? "output_half_pixel" : "half_pixel")
    guard ["half_pixel", "output_half_pixel"].contains(places) else {
      throw .refused("the coordinate_transformation_mode ‘\(places)’ is not known")
    }
    return site.apply(
      RegionAlignment(
        function, height: try site.attributes.integer("output_height", default: 1),
        width: try site.attributes.integer("output_width", default: 1),
        samples: try site.attributes.integer("sampling_ratio", default: 0),
        scale: try site.attributes.float("spatial_scale", default: 1),
        usesHalfPixels: places == "half_pixel"), try site.values())
  }

  private static func suppressed(_ site: ImportSite) throws(ConvoyError) -> Value {
    let maximum = try site.integers(2)?.first ?? 0
    return site.apply(
      BoxSuppression(
        maximum: max(maximum, 0), overlap: try site.scalar(3) ?? 0,
        leastScore: try site.scalar(4),
        isCentered: try site.attributes.flag("center_point_box")),
      [try site.value(0), try site.value(1)])
  }
}

extension ImportSite {
  /// Checks that the number of rows of each input is known, which may be less than there is room for.
  ///
  /// - Throws: a refusal that names what makes such an input.
  func checkRowCounts() throws(ConvoyError) {
    guard type != "Identity" else { return }
    for case .computed(let value)? in inputs {
      guard let node = maker(of: value), builder.graph.traits(of: node).effect == .finds
      else { continue }
      throw .refused(
        "it reads what ‘\(node.name)’ finds, whose number is known only after a run; it can be an "
          + "output of the model")
    }
  }
}

// MARK: Export

extension GridSampling: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    guard site.inputShapes[0].rank == 4 else {
      throw site.failure("sampling images of 3 spatial dimensions")
    }
    let mode =
      switch filter {
      case .nearest: "nearest"
      case .linear: "bilinear"
      case .cubic: "bicubic"
      }
    site.finish(
      "GridSample", site.inputs,
      [
        .init("mode", mode), .init("padding_mode", border.rawValue),
        .init("align_corners", alignsCorners ? 1 : 0),
      ])
  }
}

extension RegionAlignment: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    site.finish(
      "RoiAlign", site.inputs,
      [
        .init("mode", function == .mean ? "avg" : "max"), .init("output_height", height),
        .init("output_width", width), .init("sampling_ratio", samples),
        .init("spatial_scale", scale),
        .init(
          "coordinate_transformation_mode", usesHalfPixels ? "half_pixel" : "output_half_pixel"),
      ])
  }
}

extension RegionPooling: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    site.finish(
      "MaxRoiPool", site.inputs,
      [.init("pooled_shape", [height, width]), .init("spatial_scale", scale)])
  }
}

extension BoxSuppression: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    var inputs = site.inputs + [site.integers([maximum], "maximum"), site.scalar(overlap)]
    if let leastScore { inputs.append(site.scalar(leastScore)) }
    site.finish("NonMaxSuppression", inputs, [.init("center_point_box", isCentered ? 1 : 0)])
  }
}
