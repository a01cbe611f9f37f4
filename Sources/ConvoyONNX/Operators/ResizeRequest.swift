import ConvoyGraphs
import ConvoyTensors

/// What a node asks for, in any version.
struct ResizeRequest {
  private var filter = Resampling.Filter.nearest(.down)
  private var coordinates = Resize.Coordinates.asymmetric
  private var isAntialiased = false
  private var excludesOutside = false
  /// For each dimension, the part that is kept, where there is one.
  private var crops: [Resampling.Crop]?
  /// For each dimension, the new extent and the scale.
  private var targets: [(extent: Int, scale: Float)] = []
  /// Whether the extents follow from the scales alone.
  private var hasScales = true

  // MARK: Versions

  init(upsampling site: ImportSite) throws(ConvoyError) {
    let scales: [Float]
    let image = try site.value(0).shape
    if site.opset >= 9 {
      scales = try site.constant(1).floats()
    } else if site.opset >= 7 {
      scales = try site.attributes.floats("scales") ?? []
    } else {
      let width = try site.attributes.float("width_scale", default: 1)
      scales = [1, 1, try site.attributes.float("height_scale", default: 1), width]
    }
    guard scales.allSatisfy({ $0 >= 1 }) else {
      throw .refused("scales of at least 1 are expected, got \(scales)")
    }
    try setFilter(site, rounding: .down)
    try setScales(scales, of: image)
  }

  init(_ site: ImportSite) throws(ConvoyError) {
    let image = try site.value(0).shape
    if site.opset == 10 {
      // Version 10 does not say how coordinates are rounded; ONNX Runtime rounds them up where an
      // axis gets shorter.
      let scales = try site.constant(1).floats()
      let isSmaller = scales.contains { $0 < 1 }
      try setFilter(site, rounding: isSmaller ? .up : .down)
      guard filter != .nearest(.up) || scales.allSatisfy({ $0 <= 1 }) else {
        throw .refused("scales on one side of 1 are expected in version 10, got \(scales)")
      }
      try setScales(scales, of: image)
      return
    }
    try setFilter(site, rounding: Self.rounding(site))
    isAntialiased = try site.attributes.flag("antialias")
    excludesOutside = try site.attributes.flag("exclude_outside")
    let axes =
      try site.attributes.integers("axes")?.map { axis throws(ConvoyError) in
        try site.dimension(axis, ofRank: image.rank)
      } ?? Array(0..<image.rank)
    guard Set(axes).count == axes.count else { throw .refused("its axes repeat") }
    /// One number for each dimension; others where there is none.
    func spread<Number>(_ numbers: [Number], else others: [Number]) throws(ConvoyError) -> [Number]
    {
      guard axes.count == numbers.count else {
        throw .refused("a number for each axis is expected, got \(numbers)")
      }
      var all = others
      for (axis, number) in zip(axes, numbers) { all[axis] = number }
      return all
    }
    let ones = image.dimensions.map { _ in Float(1) }
    if let sizes = try site.integers(3), !sizes.isEmpty {
      hasScales = false
      let policy = try site.attributes.string("keep_aspect_ratio_policy", default: "stretch")
      try setExtents(
        spread(sizes, else: image.dimensions), of: image, keeping: policy, along: axes)
    } else {
      try setScales(spread(site.constant(2).floats(), else: ones), of: image)
    }
    let mode = try site.attributes.string("coordinate_transformation_mode", default: "half_pixel")
    if mode == "tf_crop_and_resize" {
      let region = try site.constant(1).floats()
      guard region.count == 2 * axes.count else {
        throw .refused("a roi of \(2 * axes.count) numbers is expected, got \(region.count)")
      }
      let starts = try spread(Array(region.prefix(axes.count)), else: ones.map { _ in 0 })
      let ends = try spread(Array(region.suffix(axes.count)), else: ones)
      let outside = try site.attributes.float("extrapolation_value", default: 0)
      crops = zip(starts, ends).map { Resampling.Crop(start: $0, end: $1, outside: outside) }
    } else if let known = Resize.Coordinates.allCases.first(where: { $0.onnxName == mode }) {
      coordinates = known
    } else {
      throw .refused("the coordinate_transformation_mode ‘\(mode)’ is not known")
    }
  }

  private mutating func setFilter(
    _ site: ImportSite, rounding: Resize.Rounding
  ) throws(ConvoyError) {
    switch try site.attributes.string("mode", default: "nearest") {
    case "nearest": filter = .nearest(rounding)
    case "linear", "bilinear", "trilinear": filter = .linear
    case "cubic": filter = .cubic(try site.attributes.float("cubic_coeff_a", default: -0.75))
    case let mode: throw .refused("the mode ‘\(mode)’ is not known")
    }
  }

  private static func rounding(_ site: ImportSite) throws(ConvoyError) -> Resize.Rounding {
    let mode = try site.attributes.string("nearest_mode", default: "round_prefer_floor")
    guard let known = Resize.Rounding.allCases.first(where: { $0.onnxName == mode }) else {
      throw .refused("the nearest_mode ‘\(mode)’ is not known")
    }
    return known
  }

  private mutating func setScales(_ scales: [Float], of image: Shape) throws(ConvoyError) {
    guard scales.count == image.rank, scales.allSatisfy({ $0 > 0 && $0 <= 0x1p20 }) else {
      throw .refused("\(image.rank) scales above 0 and at most 2²⁰ are expected, got \(scales)")
    }
    targets = zip(image.dimensions, scales).map { (Int(Float($0) * $1), $1) }
  }

  private mutating func setExtents(
    _ extents: [Int], of image: Shape, keeping policy: String, along axes: [Int]
  ) throws(ConvoyError) {
    guard extents.allSatisfy({ $0 >= 1 && $0 <= 1 << 40 }) else {
      throw .refused("sizes of at least 1 are expected, got \(extents)")
    }
    let scales = zip(extents, image.dimensions).map { Float($0) / Float($1) }
    targets = zip(extents, scales).map { ($0, $1) }
    let kept = axes.map { scales[$0] }
    let scale: Float?
    switch policy {
    case "stretch": return
    case "not_larger": scale = kept.min()
    case "not_smaller": scale = kept.max()
    default: throw .refused("the keep_aspect_ratio_policy ‘\(policy)’ is not known")
    }
    for axis in axes {
      guard let scale else { continue }
      targets[axis] = (Int((scale * Float(image[axis])).rounded()), scale)
    }
  }

  // MARK: Building

  func applied(to image: Value, at site: ImportSite) throws(ConvoyError) -> Value {
    let shape = image.shape
    if let resize = planewise(shape, image.type) { return site.apply(resize, [image]) }
    if zip(targets, shape.dimensions).allSatisfy({ $0.extent == $1 }) { return image }
    guard filter.isNearest || image.type != .bool else {
      throw .refused("truth values cannot be interpolated")
    }
    let isRounded = isAntialiased && !image.type.isFloating
    guard !isRounded || [.int8, .uint8].contains(image.type) else {
      throw .refused("antialias of \(image.type) is not supported")
    }
    var result = filter.isNearest ? image : image.cast(to: .float32)
    // The last dimension first, as ONNX Runtime, which rounds integers after each.
    for dimension in (0..<shape.rank).reversed() {
      let (extent, scale) = targets[dimension]
      // As in ONNX Runtime, a part of a dimension that keeps its extent is all of it.
      if extent == shape[dimension], scale == 1 { continue }
      result = site.apply(
        Resampling(
          dimension: dimension, to: extent, scale: scale, filter, coordinates: coordinates,
          crop: crops?[dimension], isAntialiased: isAntialiased && !filter.isNearest,
          excludesOutside: excludesOutside), [result])
      if isRounded {
        result = result.quantized(to: image.type, scale: site.builder.scalar(1))
          .cast(to: .float32)
      }
    }
    return result.cast(to: image.type)
  }

  /// The operator of which there are kernels, if it does what is asked: the nearest pixel or linear
  /// interpolation along the spatial dimensions of an image.
  private func planewise(_ shape: Shape, _ type: ElementType) -> Resize? {
    let interpolation: Resize.Interpolation
    switch filter {
    case .nearest(let rounding): interpolation = .nearest(rounding)
    case .linear: interpolation = .linear
    case .cubic: return nil
    }
    guard type == .float32, (3...5).contains(shape.rank), crops == nil, !excludesOutside,
      !isAntialiased || filter.isNearest,
      zip(targets, shape.dimensions).prefix(2).allSatisfy({ $0.extent == $1 && $0.scale == 1 })
    else { return nil }
    let spatial = targets.dropFirst(2)
    if hasScales, spatial.allSatisfy({ $0.scale <= 4096 }) {
      return Resize(interpolation, coordinates: coordinates, .scales(spatial.map(\.scale)))
    }
    let isStretched = zip(spatial, shape.dimensions.dropFirst(2)).allSatisfy {
      $0.scale == Float($0.extent) / Float($1)
    }
    guard isStretched else { return nil }
    return Resize(interpolation, coordinates: coordinates, .extents(spatial.map(\.extent)))
  }
}

extension Resampling.Filter {
  fileprivate var isNearest: Bool { if case .nearest = self { true } else { false } }
}
