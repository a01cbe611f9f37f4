/// Three spatial extents or positions: depth, height, width. Images have depth 1, signals height 1 too.
public typealias Extents = SIMD3<Int>

extension Extents {
  /// Fills in 1 (or another neutral number) for the spatial dimensions that are missing at the front.
  public init(spatial: some Collection<Int>, missing: Int = 1) {
    precondition(spatial.count <= 3)
    self.init(repeating: missing)
    for (index, extent) in spatial.enumerated() { self[3 - spatial.count + index] = extent }
  }

  /// Depth × height × width.
  public var volume: Int { self[0] * self[1] * self[2] }
}

/// What lies around an image in memory: elements that are zero, so that kernels need no edge code.
public struct Halo: Hashable, Sendable {
  /// Elements before the first, in each spatial dimension.
  public var before: Extents
  /// Elements after the last.
  public var after: Extents

  /// Makes a halo.
  public init(before: Extents, after: Extents) {
    self.before = before
    self.after = after
  }

  /// No halo.
  public static let none = Halo(before: .zero, after: .zero)

  /// Large enough for both.
  public func union(_ other: Halo) -> Halo {
    Halo(
      before: pointwiseMax(before, other.before), after: pointwiseMax(after, other.after))
  }
}

/// How activations lie in memory inside a plan: planes of 16 channels, with a zero halo, and a map from
/// logical channels to planes and lanes.
///
/// This is blocked NCHW, what oneDNN calls `nChw16c`, with the batch inside the block. A pixel of a plane is
/// 64 bytes, one vector or cache line, whatever the type of its elements: 16 channels of 32 bits, 32 of 16,
/// 64 of 8. Kernels compute in 32-bit floats so far, and `lanes` is 16.
///
/// A plane holds, for each image of the batch, depth × height × width pixels. Planes need not be
/// neighbours. Lanes that no channel maps to hold numbers of no meaning. Offsets and strides count
/// elements; `Region` counts bytes.
///
/// The batch lies inside the plane, so that on 1×1 maps, such as those of linear layers, the images
/// are neighbouring pixels.
///
/// Row-major tensors can be described too, so that a convolution reads a user's image where it is: with
/// channels first a plane is a channel and a pixel one float, with channels last there is one plane, whose
/// pixels are as many floats as there are channels.
public struct PlaneLayout: Hashable, Sendable {
  /// Channels in a plane: one 512-bit vector, four 128-bit ones.
  public static let lanes = 16

  /// Where a channel is.
  public struct Position: Hashable, Sendable {
    /// Which plane.
    public var plane: Int
    /// Which lane of it.
    public var lane: Int

    /// Names a place.
    public init(plane: Int, lane: Int) {
      self.plane = plane
      self.lane = lane
    }
  }

  /// How many images.
  public let batch: Int
  /// Depth, height and width of an image.
  public let extents: Extents
  /// The zeros around an image.
  public let halo: Halo
  /// Floats from a pixel to its neighbour in the row: 16, or fewer or more in row-major tensors.
  public let pixelStride: Int
  /// Floats from an image to the next in the batch.
  public let imageStride: Int
  /// Where each plane begins, in floats from the layout's base.
  public var planes: [Int]
  /// Where each channel is.
  public var map: [Position]

  /// The identity layout: channel c in lane c mod 16 of plane ⌊c ∕ 16⌋, one plane after the other.
  public init(batch: Int, channels: Int, extents: Extents, halo: Halo = .none) {
    self.batch = batch
    self.extents = extents
    self.halo = halo
    let padded = extents &+ halo.before &+ halo.after
    let planeCount = (channels + PlaneLayout.lanes - 1) / PlaneLayout.lanes
    pixelStride = PlaneLayout.lanes
    imageStride = padded.volume * pixelStride
    let size = batch * imageStride
    planes = (0..<planeCount).map { $0 * size }
    map = (0..<channels).map { Position(plane: $0 / 16, lane: $0 % 16) }
  }

  /// The layout of a tensor [batch, channels, spatial…], one plane after the other.
  ///
  /// - Parameter order: where its channels stand; the identity if nil.
  /// - Precondition: two to five dimensions.
  public init(_ shape: Shape, halo: Halo = .none, order: ChannelOrder? = nil) {
    self.init(
      batch: shape[0], channels: shape[1],
      extents: Extents(spatial: shape.dimensions.dropFirst(2)), halo: halo)
    if let order { self = arranged(order) }
  }

  /// The layout of a row-major tensor, [batch, channels, spatial…] or with the channels last.
  ///
  /// - Parameters:
  ///   - shape: the tensor's, with channels first in either case.
  ///   - halo: zeros that are put around each channel's pixels.
  /// - Precondition: two to five dimensions.
  public init(rowMajor shape: Shape, channelsLast: Bool, halo: Halo = .none) {
    batch = shape[0]
    extents = Extents(spatial: shape.dimensions.dropFirst(2))
    self.halo = halo
    let channels = shape[1]
    let volume = (extents &+ halo.before &+ halo.after).volume
    pixelStride = channelsLast ? channels : 1
    imageStride = volume * channels
    planes = channelsLast ? [0] : (0..<channels).map { $0 * volume }
    map = (0..<channels).map {
      channelsLast ? Position(plane: 0, lane: $0) : Position(plane: $0, lane: 0)
    }
  }

  /// Whether pixels are vectors of 16 lanes, as kernels like them that work lane by lane.
  public var hasLanes: Bool { pixelStride == PlaneLayout.lanes }

  /// The same images with their channels in another order, one plane after the other.
  public func arranged(_ order: ChannelOrder) -> PlaneLayout {
    var copy = self
    copy.planes = (0..<order.planeCount).map { $0 * planeSize }
    copy.map = order.positions
    return copy
  }

  /// Where the channels stand.
  public var order: ChannelOrder { ChannelOrder(planeCount: planes.count, positions: map) }

  /// The number of channels.
  public var channels: Int { map.count }
  /// Extents with the halo.
  public var padded: Extents { extents &+ halo.before &+ halo.after }
  /// Floats from a pixel to the one below it.
  public var rowStride: Int { padded[2] * pixelStride }
  /// Floats from a pixel to the one behind it.
  public var sliceStride: Int { padded[1] * rowStride }
  /// Floats in a plane.
  public var planeSize: Int { batch * padded[0] * sliceStride }
  /// Floats in all planes.
  public var elementCount: Int { planes.count * planeSize }

  /// Floats from a plane's beginning to a pixel of its first image; positions may lie in the halo.
  public func offset(_ position: Extents) -> Int {
    let p = position &+ halo.before
    return p[0] * sliceStride + p[1] * rowStride + p[2] * pixelStride
  }

  /// Floats between pixels that are this far apart.
  public func distance(_ delta: Extents) -> Int {
    delta[0] * sliceStride + delta[1] * rowStride + delta[2] * pixelStride
  }

  /// For each lane of each plane, the channel that stands there, if any.
  ///
  /// - Complexity: O(channels + lanes)
  public var channelsByLane: [Int?] { order.channelsByLane }

  /// The layout with every plane moved by a number of floats.
  public func moved(by offset: Int) -> PlaneLayout {
    var copy = self
    copy.planes = planes.map { $0 + offset }
    return copy
  }
}
