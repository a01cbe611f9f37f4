import ConvoyTensors

/// Where a convolution kernel finds its numbers, and what it does to each sum at the end.
public struct ConvolutionOperands: Sendable {
  /// The base of the problem's input planes.
  public var input: Region
  /// The packed weights.
  public var weights: Region
  /// The bias, 16 numbers an output plane.
  public var bias: Region?
  /// The base of the problem's output planes.
  public var output: Region
  /// What is added to each sum before the tail.
  public var residual: Residual?
  /// What is applied to each sum before it is written.
  public var tail: Tail

  /// Planes of the output's geometry and order.
  public struct Residual: Hashable, Sendable {
    /// What its planes are counted from.
    public var base: Region
    /// Where each begins.
    public var planes: [Int]

    /// Names planes.
    public init(base: Region, planes: [Int]) {
      self.base = base
      self.planes = planes
    }
  }

  /// Names the places.
  public init(
    input: Region, weights: Region, bias: Region?, output: Region, residual: Residual? = nil,
    tail: Tail = Tail()
  ) {
    self.input = input
    self.weights = weights
    self.bias = bias
    self.output = output
    self.residual = residual
    self.tail = tail
  }

  func bias(_ plane: Int, _ memory: Memory) -> Lanes {
    bias.map { UnsafePointer(memory[$0] + plane * PlaneLayout.lanes).lanes } ?? .zero
  }

  /// Bytes from a pixel of an output plane to the residual's; nil if nothing is added.
  func residualDistance(
    _ plane: Int, of problem: ConvolutionProblem, _ memory: Memory
  ) -> Int? {
    guard let residual else { return nil }
    let from = memory[output] + problem.output.planes[plane]
    let to = memory[residual.base] + residual.planes[plane]
    return UnsafeRawPointer(to) - UnsafeRawPointer(from)
  }
}
