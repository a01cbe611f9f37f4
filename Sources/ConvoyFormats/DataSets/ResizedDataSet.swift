import ConvoyTensors

/// A data set whose images are brought to another size, square, by linear interpolation.
struct ResizedDataSet: DataSet {
  private let base: any DataSet
  private let size: Int

  init(_ base: any DataSet, size: Int) {
    self.base = base
    self.size = size
  }

  var name: String { base.name }
  var classNames: [String] { base.classNames }
  var imageShape: Shape { [base.imageShape[0], size, size] }
  var count: Int { base.count }

  func label(at index: Int) -> Int { base.label(at: index) }

  func copyImage(at index: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws(ConvoyError)
  {
    let (height, width) = (base.imageShape[1], base.imageShape[2])
    let elements = try base.image(at: index).elements
    for channel in 0..<base.imageShape[0] {
      let plane = Resampling.resize(
        width: width, height: height, channels: 1, toWidth: size, height: size
      ) { y, row in
        for x in row.indices { row[x] = elements[(channel * height + y) * width + x] }
      }
      for (offset, value) in plane.enumerated() {
        // Rounding may put a sum of weights a hair above 1.
        buffer.initializeElement(
          at: channel * size * size + offset, to: min(max(value, 0), 1))
      }
    }
  }
}
