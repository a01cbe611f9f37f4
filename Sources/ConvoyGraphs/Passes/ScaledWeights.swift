import ConvoyTensors

/// A layer's weights, each multiplied with a factor of its output or input channel.
///
/// They are computed when they are read, so that weights that are still in a file are not loaded
/// into memory for it. Weights are a matrix of rows and columns, with the same window at each
/// position.
struct ScaledWeights: ElementSource {
  private let weights: Tensor
  private let factors: [Double]
  private let rows: Int
  private let columns: Int
  private let window: Int
  private let scaling: Scaling

  private enum Scaling {
    /// A factor for each row.
    case byRow
    /// A factor for each column, in each of several groups of rows.
    case byColumn(rowsPerGroup: Int)
  }

  /// Weights times a factor for each output channel.
  init(_ weights: Tensor, of layer: any LayerOperator, byOutput factors: [Double]) {
    switch layer.weightRows {
    case .outputs: self.init(weights, factors, .byRow)
    case .inputs:
      // The rows of a group's inputs all have that group's outputs.
      let inputsPerGroup = weights.shape[0] / layer.groups
      self.init(weights, factors, .byColumn(rowsPerGroup: inputsPerGroup))
    }
  }

  /// Weights whose rows are outputs, times a factor for each input channel; nil if the number of
  /// factors is wrong.
  init?(_ weights: Tensor, of layer: any LayerOperator, byInput factors: [Double]) {
    guard layer.weightRows == .outputs, factors.count == weights.shape[1] * layer.groups else {
      return nil
    }
    self.init(weights, factors, .byColumn(rowsPerGroup: weights.shape[0] / layer.groups))
  }

  private init(_ weights: Tensor, _ factors: [Double], _ scaling: Scaling) {
    self.weights = weights
    self.factors = factors
    self.scaling = scaling
    rows = weights.shape[0]
    columns = weights.shape[1]
    window = weights.shape.elementCount / rows / columns
  }

  func read(
    _ part: Range<Int>, into elements: UnsafeMutableBufferPointer<Float>
  ) throws(ConvoyError) {
    try weights.copyElements(part, to: elements)
    let length = columns * window
    factors.withUnsafeBufferPointer { factors in
      for row in part.lowerBound / length..<(part.upperBound + length - 1) / length {
        let start = row * length
        let inRow = part.clamped(to: start..<start + length)
        switch scaling {
        case .byRow:
          for index in inRow { scale(&elements[index - part.lowerBound], by: factors[row]) }
        case .byColumn(let rowsPerGroup):
          let first = row / rowsPerGroup * columns
          let begun = (inRow.lowerBound - start) / window
          for column in begun..<(inRow.upperBound - start + window - 1) / window {
            let place = start + column * window
            for index in inRow.clamped(to: place..<place + window) {
              scale(&elements[index - part.lowerBound], by: factors[first + column])
            }
          }
        }
      }
    }
  }

  @inline(__always)
  private func scale(_ weight: inout Float, by factor: Double) {
    weight = Float(Double(weight) * factor)
  }

  /// For each row, the sum of its unscaled weights times a number of each weight's input channel.
  func sums(weightedBy numbers: [Double]) throws(ConvoyError) -> [Double] {
    guard case .byColumn(let rowsPerGroup) = scaling else {
      preconditionFailure("Weights are summed over the channels they read.")
    }
    let weights = try weights.inMemory().elements
    return weights.withUnsafeBufferPointer { weights in
      numbers.withUnsafeBufferPointer { numbers in
        (0..<rows).map { row in
          let first = row / rowsPerGroup * columns
          var next = row * columns * window
          var sum = 0.0
          for column in 0..<columns {
            for _ in 0..<window {
              sum += Double(weights[next]) * numbers[first + column]
              next += 1
            }
          }
          return sum
        }
      }
    }
  }
}
