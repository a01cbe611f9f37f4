import ConvoyKernels
import ConvoyTensors

/// The kind of a value's layout; its geometry is chosen later.
enum LayoutKind: Hashable, Sendable {
  /// Row-major, as in a `Tensor`.
  case dense
  /// Planes of 16 channels: see `PlaneLayout`.
  case planes
  /// Row-major, perhaps with the channels last, as described by a `PlaneLayout`.
  case strided
  /// Like `strided`, with zeros around the images.
  case padded
}

/// The layouts of a node's inputs and outputs.
struct NodeLayouts: Sendable {
  /// The layout that is requested of an input.
  struct Request: Sendable {
    var kind: LayoutKind
    /// How far the kernels read beyond the image, where they need zeros.
    var halo = Halo.none
    /// The orders of channels that are accepted in planes.
    var order = Order.identity

    /// The orders of channels that an operator accepts.
    enum Order: Hashable, Sendable {
      /// Only the identity.
      case identity
      /// Any, in any planes; a row-major value is copied to planes in the preferred one.
      case any(preferred: ChannelOrder?)
      /// One given order.
      case exactly(ChannelOrder)

      /// The order in which a row-major value is copied to planes; the identity if nil.
      var chosen: ChannelOrder? {
        switch self {
        case .identity: nil
        case .any(let preferred): preferred
        case .exactly(let order): order
        }
      }
    }

    static let dense = Request(kind: .dense)
    static let planes = Request(kind: .planes)
    /// Row-major, perhaps with the channels last, with zeros around each channel's pixels.
    static func padded(halo: Halo) -> Request { Request(kind: .padded, halo: halo) }
    static func planes(halo: Halo, order: Order = .identity) -> Request {
      Request(kind: .planes, halo: halo, order: order)
    }
  }

  /// Whether an output is in the memory of an input.
  enum Sharing: Hashable, Sendable {
    /// In memory of its own.
    case none
    /// In an input's memory: the operator only changes its shape.
    case alias(input: Int)
    /// In an input's memory, if the input is a parameter whose new value is this output.
    case update(input: Int)
  }

  var inputs: [Request]
  var outputs: [LayoutKind]
  /// The order of channels of each output in planes; the identity where it is nil or missing.
  var outputOrders: [ChannelOrder?] = []
  var sharing: [Sharing] = []
  /// The positions of the only output's channels in the inputs, if it is not computed.
  var view: ChannelView?
}

extension NodeLayouts.Request.Order {
  /// One given order; the identity if nil.
  init(_ order: ChannelOrder?) { self = order.map { .exactly($0) } ?? .identity }
}
