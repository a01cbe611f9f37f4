import ConvoyTensors

/// The shared part of local response normalisation and its gradient: the numbers of a few pixels in
/// scratch memory, channel after channel, so that sums over neighbouring channels read neighbouring
/// floats.
struct ResponseWindow: Sendable {
  let size: Int
  let alpha: Float
  let beta: Float
  let bias: Float
  /// The numbers of channels below and above that are summed with each channel; less than the
  /// number of channels.
  let before: Int
  let after: Int
  let channels: Int
  let planes: Int
  /// The zeros before a pixel's first channel, and floats from a pixel to the next, in scratch
  /// memory.
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

  /// The number of pixels of a block. Their lines stay in the first-level cache, and a line is read
  /// again only after its stores have left the processor's store buffer.
  var blockSize: Int { max(1, min(8, 2048 / lineSize)) }

  /// The floats of a block's lines.
  var blockCount: Int { blockSize * lineSize }

  /// The approximate cost of one pixel, in elementary operations.
  var cost: Int { planes * PlaneLayout.lanes * (before + after + 16) / 4 }

  /// Sets a block's lines to zero: the zeros around the channels are never overwritten.
  func clear(_ lines: UnsafeMutablePointer<Float>) {
    lines.update(repeating: 0, count: blockCount)
  }

  /// The position of a plane's first channel in a pixel's line.
  @inline(__always)
  func position(pixel: Int, plane: Int) -> Int {
    pixel * lineSize + lead + plane * PlaneLayout.lanes
  }

  /// The numbers, with the undefined values of lanes beyond the last channel set to zero.
  @inline(__always)
  func masked(_ lanes: Lanes, plane: Int) -> Lanes {
    let valid = channels - plane * PlaneLayout.lanes
    if valid >= PlaneLayout.lanes { return lanes }
    let indices = SIMD16<Int32>(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    return Lanes.zero.replacing(with: lanes, where: indices .< SIMD16(repeating: Int32(valid)))
  }

  /// For 16 channels, the sums over the windows from some channels below to some above.
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

  /// The base of the power: bias + alpha∕size · Σx².
  @inline(__always)
  func base(_ squares: UnsafePointer<Float>) -> Lanes {
    sum(squares, below: before, above: after) * (alpha / Float(size)) + bias
  }

  /// base^−beta for a positive base; by square roots if beta is the usual ¾.
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
  /// Not inlined: the compiler does not vectorise a caller that includes all of this code.
  @inline(never)
  private static func power(_ base: Lanes, _ exponent: Float) -> Lanes {
    LaneMath.exp(LaneMath.log(base) * exponent)
  }
}
