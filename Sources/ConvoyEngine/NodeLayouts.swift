import ConvoyKernels
import ConvoyTensors

/// How a value lies in memory, by kind; where exactly is settled later.
enum LayoutKind: Hashable, Sendable {
  /// Row-major, as in a `Tensor`.
  case dense
  /// Planes of 16 channels: see `PlaneLayout`.
  case planes
  /// Row-major, perhaps with the channels last, as a `PlaneLayout` says.
  case strided
  /// As `strided`, with zeros around the images.
  case padded
}

/// The layouts of a node's inputs and outputs.
struct NodeLayouts: Sendable {
  /// What is asked of an input.
  struct Request: Sendable {
    var kind: LayoutKind
    /// How far the kernels read beyond the image; they find zeros there.
    var halo = Halo.none
    /// In which order channels may stand in planes.
    var order = Order.identity

    /// What orders of channels an operator takes.
    enum Order: Hashable, Sendable {
      /// Only the identity.
      case identity
      /// Any, in any planes; a row-major value is brought into the preferred one.
      case any(preferred: ChannelOrder?)
      /// Only one.
      case exactly(ChannelOrder)

      /// The order in which a row-major value is brought into planes; the identity if nil.
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

  /// Whether an output lies where an input does.
  enum Sharing: Hashable, Sendable {
    /// In a place of its own.
    case none
    /// Where an input lies: the operator only gives its numbers another shape.
    case alias(input: Int)
    /// Where an input lies if that is a parameter which takes on this output at the end of the run.
    case update(input: Int)
  }

  var inputs: [Request]
  var outputs: [LayoutKind]
  /// In which order the channels of outputs in planes stand; the identity where it is nil or missing.
  var outputOrders: [ChannelOrder?] = []
  var sharing: [Sharing] = []
  /// Where the only output's channels stand in the inputs, if it is not computed.
  var view: ChannelView?
}

extension NodeLayouts.Request.Order {
  /// One order, the identity if nil.
  init(_ order: ChannelOrder?) { self = order.map { .exactly($0) } ?? .identity }
}
