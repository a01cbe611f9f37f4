/// The zeros around an image in memory, so that kernels need no code for edges.
public struct Halo: Hashable, Sendable {
  /// Elements before the first, in each spatial dimension.
  public var before: Extents
  /// Elements after the last.
  public var after: Extents

  /// A halo of given extents.
  public init(before: Extents, after: Extents) {
    self.before = before
    self.after = after
  }

  /// No halo.
  public static let none = Halo(before: .zero, after: .zero)

  /// A halo that is large enough for both.
  public func union(_ other: Halo) -> Halo {
    Halo(
      before: pointwiseMax(before, other.before), after: pointwiseMax(after, other.after))
  }
}

/// The layout of activations in a plan: planes of 16 channels, with a halo of zeros, and a map from
/// logical channels to planes and lanes.
///
/// This is the blocked layout that oneDNN calls `nChw16c`, but with the batch inside the block. A
/// pixel of a plane is 64 bytes, one vector or cache line, for every type of element: 16 channels
/// of 32 bits, 32 of 16, 64 of 8. Kernels compute in 32-bit floats so far, and `lanes` is 16.
///
/// A plane holds, for each image of the batch, depth × height × width pixels. Planes need not be
/// contiguous. Lanes without a channel hold undefined numbers. Offsets and strides count elements;
/// `Region` counts bytes.
///
/// The batch is inside the plane, so that on 1×1 maps, such as those of linear layers, the images
/// are adjacent pixels.
///
/// Row-major tensors can be described too, so that a convolution reads a user's image in place.
/// With channels first, a plane is a channel, and a pixel is one float. With channels last, there
/// is one plane, whose pixels have as many floats as there are channels.
public struct PlaneLayout: Hashable, Sendable {
  /// Channels in a plane: one 512-bit vector, four 128-bit ones.
  public static let lanes = 16

  /// The position of a channel.
  public struct Position: Hashable, Sendable {
    /// The index of the plane.
    public var plane: Int
    /// The lane in the plane.
    public var lane: Int

    /// A position of a plane and a lane.
    public init(plane: Int, lane: Int) {
      self.plane = plane
      self.lane = lane
    }
  }

  /// The number of images.
  public let batch: Int
  /// Depth, height and width of an image.
  public let extents: Extents
  /// The zeros around an image.
  public let halo: Halo
  /// Floats from a pixel to its neighbour in the row: 16, or fewer or more in row-major tensors.
  public let pixelStride: Int
  /// Floats from an image to the next in the batch.
  public let imageStride: Int
  /// The offset of each plane, in floats from the layout's base.
  public var planes: [Int]
  /// The position of each channel.
  public var map: [Position]

  /// The layout of the identity order: channel c in lane c mod 16 of plane ⌊c ∕ 16⌋, with
  /// contiguous planes.
  public init(batch: Int, channels: Int, extents: Extents, halo: Halo = .none) {
    self.batch = batch
    self.extents = extents
    self.halo = halo
    let padded = extents + halo.before + halo.after
    let planeCount = (channels + PlaneLayout.lanes - 1) / PlaneLayout.lanes
    pixelStride = PlaneLayout.lanes
    imageStride = padded.volume * pixelStride
    let size = batch * imageStride
    planes = (0..<planeCount).map { $0 * size }
    map = (0..<channels).map { Position(plane: $0 / 16, lane: $0 % 16) }
  }

  /// The layout of a row-major tensor, [batch, channels, spatial…] or with the channels last.
  ///
  /// - Parameters:
  ///   - shape: the tensor's shape, with channels first in both cases.
  ///   - halo: the halo around each channel's pixels.
  /// - Precondition: two to five dimensions.
  public init(rowMajor shape: Shape, channelsLast: Bool, halo: Halo = .none) {
    batch = shape[0]
    extents = Extents(spatial: shape.dimensions.dropFirst(2))
    self.halo = halo
    let channels = shape[1]
    let volume = (extents + halo.before + halo.after).volume
    pixelStride = channelsLast ? channels : 1
    imageStride = volume * channels
    planes = channelsLast ? [0] : (0..<channels).map { $0 * volume }
    map = (0..<channels).map {
      channelsLast ? Position(plane: 0, lane: $0) : Position(plane: $0, lane: 0)
    }
  }

  /// Whether pixels are vectors of 16 lanes, as lane-wise kernels need them.
  public var hasLanes: Bool { pixelStride == PlaneLayout.lanes }

  /// The number of channels.
  public var channels: Int { map.count }
  /// Extents with the halo.
  public var padded: Extents { extents + halo.before + halo.after }
  /// Floats from a pixel to the one in the next row.
  public var rowStride: Int { padded[2] * pixelStride }
  /// Floats from a pixel to the one in the next slice.
  public var sliceStride: Int { padded[1] * rowStride }
  /// Floats in a plane.
  public var planeSize: Int { batch * padded[0] * sliceStride }
  /// Floats in all planes.
  public var elementCount: Int { planes.count * planeSize }

  /// Floats from a plane's beginning to a pixel of its first image; positions may be in the halo.
  public func offset(_ position: Extents) -> Int {
    let p = position + halo.before
    return p[0] * sliceStride + p[1] * rowStride + p[2] * pixelStride
  }

  /// Floats between pixels with a given distance.
  public func distance(_ delta: Extents) -> Int {
    delta[0] * sliceStride + delta[1] * rowStride + delta[2] * pixelStride
  }

  /// The layout with every plane's offset increased by a number of floats.
  public func moved(by offset: Int) -> PlaneLayout {
    var copy = self
    copy.planes = planes.map { $0 + offset }
    return copy
  }
}
