public import ConvoyTensors

extension Picture {
  /// Draws a layer's kernels as small images, by group.
  ///
  /// Kernels of three channels are shown in colour, others as the mean over their channels in grey.
  /// In each kernel, 0 is mid-grey, and the weight of largest magnitude is black or white.
  ///
  /// - Parameters:
  ///   - weights: a convolution's, [O, I∕G, height, width].
  ///   - groups: the number of groups that the filters are sorted by: the layer's own, or those of
  ///     the next layer.
  /// - Throws: `ConvoyError` when the weights are not those of a two-dimensional convolution, or
  ///   are too many.
  public static func filters(
    _ weights: Tensor, groups: Int, name: String
  ) throws(ConvoyError) -> Picture {
    guard weights.shape.rank == 4 else {
      throw ConvoyError(
        .shape,
        "Weights of four extents are expected, filters×channels×height×width, "
          + "got \(weights.shape).")
    }
    guard groups >= 1, weights.shape[0] % groups == 0 else {
      throw ConvoyError(
        .attribute,
        "A number of groups is expected that divides the \(weights.shape[0]) filters, got \(groups)."
      )
    }
    let (count, height, width) = (weights.shape[0], weights.shape[2], weights.shape[3])
    // The size of a kernel: its pixels in base64, and about 330 bytes around them.
    let most = min(512, 280_000 / (330 + 4 * width * height + 2 * height))
    guard count <= most else {
      throw ConvoyError(
        .attribute, "At most \(most) kernels of \(height)×\(width) can be drawn, got \(count).")
    }
    return FilterDrawing(weights: weights, groups: groups, name: name).picture
  }
}

private struct FilterDrawing {
  let weights: Tensor
  let groups: Int
  let name: String

  var picture: Picture {
    let (count, height, width) = (weights.shape[0], weights.shape[2], weights.shape[3])
    let side = count > 128 ? 30.0 : 44.0
    let each = count / groups
    let columns = min(each, max(4, Int((1.8 * Double(each)).squareRoot().rounded(.up))))
    let groupColumns = groups == 1 ? 1 : min(groups, each <= 4 ? 4 : 2)
    let rows = (each + columns - 1) / columns
    let (cellWidth, cellHeight) = (side, side * Double(height) / Double(width))
    // Wide enough to separate kernels, even grey ones.
    let gap = 7.0
    let groupWidth = Double(columns) * (cellWidth + gap) + 18 - gap
    let groupHeight = Double(rows) * (cellHeight + gap) + 18 - gap
    var elements: [Element] = []
    for group in 0..<groups {
      let x = Double(group % groupColumns) * (groupWidth + 24)
      let y = Double(group / groupColumns) * (groupHeight + 40)
      if groups > 1 {
        elements.append(
          .text("group \(group + 1)", Point(x, y - 11), size: 12, .muted, fitting: groupWidth))
      }
      elements.append(
        .rectangle(
          Box(x, y, groupWidth, groupHeight), fill: .faint, stroke: Stroke(.series(group), 1.4),
          radius: 4))
      for index in 0..<each {
        let place = Box(
          x + 9 + Double(index % columns) * (cellWidth + gap),
          y + 9 + Double(index / columns) * (cellHeight + gap), cellWidth, cellHeight)
        elements.append(.image(image(group * each + index), in: place))
      }
    }
    let box = Element.union(of: elements) ?? Box(0, 0, 1, 1)
    let words =
      "\(count) kernels of \(weights.shape[1])×\(height)×\(width)"
      + (groups > 1 ? " in \(groups) groups" : "")
    let room = max(box.width, 320)
    elements.append(.text(name, Point(box.x, box.y - 50), size: 18, bold: true, fitting: room))
    elements.append(.text(words, Point(box.x, box.y - 26), size: 13, .muted, fitting: room))
    return Picture(
      title: "Kernels of \(name)",
      summary: "\(words), each scaled by its largest weight; 0 is mid-grey.", elements)
  }

  /// The repetitions of a pixel in each direction, limited by the size of the file.
  private var repetition: Int {
    let area = weights.shape[2] * weights.shape[3]
    let side = max(weights.shape[2], weights.shape[3])
    return (1...8).last { $0 * side <= 32 && 4 * area * $0 * $0 * weights.shape[0] <= 200_000 } ?? 1
  }

  private func image(_ filter: Int) -> PixelImage {
    let (channels, height, width) = (weights.shape[1], weights.shape[2], weights.shape[3])
    let area = height * width
    let start = filter * channels * area
    func value(_ channel: Int, _ pixel: Int) -> Double {
      let weight = Double(weights.elements[start + channel * area + pixel])
      return weight.isFinite ? weight : 0
    }
    var values: [Double] = []
    for pixel in 0..<area {
      if channels == 3 {
        values += (0..<3).map { value($0, pixel) }
      } else {
        let mean = (0..<channels).reduce(0) { $0 + value($1, pixel) } / Double(channels)
        values += [mean, mean, mean]
      }
    }
    let largest = max(values.map(\.magnitude).max() ?? 0, 1e-30)
    let bytes = values.map { UInt8(max(0, min(255, (127.5 + 127.5 * $0 / largest).rounded()))) }
    // Repeated pixels stay sharp in programs that smooth an enlarged image.
    let factor = repetition
    var pixels: [UInt8] = []
    for row in 0..<height * factor {
      for column in 0..<width * factor {
        let start = 3 * (row / factor * width + column / factor)
        pixels += bytes[start..<start + 3]
      }
    }
    return PixelImage(width: width * factor, height: height * factor, pixels: pixels)
  }
}
