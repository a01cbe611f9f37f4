import ConvoyTensors

/// What local response normalisation and its gradient share: numbers of a few pixels, channel after
/// channel in private memory, so that sums over neighbouring channels read neighbouring floats.
struct ResponseWindow: Sendable {
  let size: Int
  let alpha: Float
  let beta: Float
  let bias: Float
  /// How many channels below and above are summed with each; no more than there are.
  let before: Int
  let after: Int
  let channels: Int
  let planes: Int
  /// Zeros before a pixel's first channel, and floats from a pixel to the next, in private memory.
  let lead: Int
  let lineSize: Int

  init(channels: Int, size: Int, alpha: Float, beta: Float, bias: Float) {
    self.size = size
    self.alpha = alpha
    self.beta = beta
    self.bias = bias
    self.channels = channels
    before = min((size - 1) / 2, channels - 1)
    after = min(size / 2, channels - 1)
    let lanes = PlaneLayout.lanes
    planes = (channels + lanes - 1) / lanes
    lead = (max(before, after) + lanes - 1) / lanes * lanes
    lineSize = 2 * lead + planes * lanes
  }

  /// How many pixels are worked on at once: their lines stay in the first-level cache, and what is
  /// written is not read again before it has left the processor's store buffer.
  var blockSize: Int { max(1, min(8, 2048 / lineSize)) }

  /// Floats of a block's lines.
  var blockCount: Int { blockSize * lineSize }

  /// What one pixel costs, in elementary operations, about.
  var cost: Int { planes * PlaneLayout.lanes * (before + after + 16) / 4 }

  /// Sets a block's lines to zero: of the zeros around the channels, nothing else is ever written.
  func clear(_ lines: UnsafeMutablePointer<Float>) {
    lines.update(repeating: 0, count: blockCount)
  }

  /// Where a pixel's line has a plane's first channel.
  @inline(__always)
  func position(pixel: Int, plane: Int) -> Int {
    pixel * lineSize + lead + plane * PlaneLayout.lanes
  }

  /// The numbers with those of lanes beyond the last channel, which have no meaning, set to zero.
  @inline(__always)
  func masked(_ lanes: Lanes, plane: Int) -> Lanes {
    let valid = channels - plane * PlaneLayout.lanes
    if valid >= PlaneLayout.lanes { return lanes }
    let indices = SIMD16<Int32>(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    return Lanes.zero.replacing(with: lanes, where: indices .< SIMD16(repeating: Int32(valid)))
  }

  /// For 16 channels, the sums of the numbers from some channels below to some above.
  @inline(__always)
  func sum(_ line: UnsafePointer<Float>, below: Int, above: Int) -> Lanes {
    var sum = Lanes.zero
    var position = line - below
    for _ in 0...below + above {
      sum += position.unalignedLanes
      position += 1
    }
    return sum
  }

  /// What is raised to the power: bias + alpha∕size · Σx².
  @inline(__always)
  func base(_ squares: UnsafePointer<Float>) -> Lanes {
    sum(squares, below: before, above: after) * (alpha / Float(size)) + bias
  }

  /// base^−beta; the base is positive. By square roots for the usual ¾.
  @inline(__always)
  func factor(_ base: Lanes) -> Lanes {
    if beta == 0.75, bias >= .leastNormalMagnitude {
      let inverseRoot = LaneMath.inverseSquareRoot(base)
      return inverseRoot * LaneMath.inverseSquareRoot(base * inverseRoot)
    }
    return ResponseWindow.power(base, -beta)
  }

  /// A positive number to a power.
  ///
  /// Not inlined: so much code at once is no longer made into vector instructions as a whole.
  @inline(never)
  private static func power(_ base: Lanes, _ exponent: Float) -> Lanes {
    LaneMath.exp(LaneMath.log(base) * exponent)
  }
}
