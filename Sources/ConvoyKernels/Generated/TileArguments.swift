import ConvoyTensors
import ConvoyTiles

/// What a generated tile kernel is told: a block of memory whose address is its one argument.
///
/// The fields are words of 8 bytes, at fixed distances that the generators bake into their code.
struct TileArguments {
  /// A field, by its distance in bytes.
  enum Field: Int {
    /// How many tiles lie side by side; at least one.
    case tiles = 0
    /// How often the sum's loop runs: pairs, or input channels of a group.
    case steps = 8
    /// Distances in bytes that the sum's loop walks along, one or two a step.
    case distances = 16
    /// Weights of the first plane.
    case weights = 24
    /// Bytes from a plane's weights to the next plane's.
    case weightPitch = 32
    /// Where each of up to 4 rows begins in the input.
    case inputs = 64
    /// Where each row of each of up to 4 planes begins in the output: rows of the first plane first.
    case outputs = 96
    /// 16 numbers for each of up to 4 planes, what sums begin with.
    case bias = 256
    /// How many bands of rows lie below one another; at least one, and zero afterwards.
    case bands = 512
    /// Bytes from a band to the next, in the input and in the output.
    case inputBandStep = 520
    case outputBandStep = 528
    /// Bytes from a band to the next in a second input.
    case secondBandStep = 536
    /// Where numbers between two passes are kept.
    case buffer = 544
    /// Bytes from an output of each of up to 4 planes to what is added to it.
    case residuals = 576
    /// The two parameters of the tail's function, each in 8 lanes.
    case parameters = 640
    /// Of lane tiles, for each vector of a plane's pixel, a vector's bytes apart: distances in bytes of
    /// each step's lines, and lane numbers for permutations, a vector a step.
    case lineDistances = 704
    case lanes = 712
    /// Bytes from a plane's pixel to the first vector that is computed, and to behind the last.
    case firstVector = 720
    case endOfVectors = 728
    /// Where what a lane tile's sums begin with stands: 16 numbers.
    case startOfSums = 752
    /// Room for registers that the tail puts aside.
    case aside = 768
  }

  static let maximalRows = 4
  static let maximalPlanes = 4
  /// Bytes that a number takes which stands there for all lanes: those of 8 lanes.
  static let repeatedBytes = 8 * MemoryLayout<Float>.size
  static let byteCount =
    Field.aside.rawValue + FormulaCode.asideBytes * ActivationCode.maximalTemporaries

  /// Where the block begins.
  let base: UnsafeMutableRawPointer

  /// Runs a body with a block on the stack.
  @inline(__always)
  static func with<R>(_ body: (TileArguments) -> R) -> R {
    withUnsafeTemporaryAllocation(byteCount: byteCount, alignment: 64) {
      // The block is as large as was asked for, so it has an address.
      body(TileArguments(base: $0.baseAddress.unsafelyUnwrapped))
    }
  }

  func set(_ field: Field, _ value: Int) {
    base.storeBytes(of: value, toByteOffset: field.rawValue, as: Int.self)
  }

  func set(_ field: Field, at index: Int = 0, _ address: UnsafePointer<Float>) {
    base.storeBytes(
      of: UInt(bitPattern: address), toByteOffset: field.rawValue + 8 * index, as: UInt.self)
  }

  /// - Parameter offset: bytes from the field to the word.
  func set(_ field: Field, offset: Int = 0, _ address: UnsafePointer<Int>) {
    base.storeBytes(
      of: UInt(bitPattern: address), toByteOffset: field.rawValue + offset, as: UInt.self)
  }

  func set(_ field: Field, _ address: UnsafePointer<BroadcastTile.Pair>) {
    base.storeBytes(of: UInt(bitPattern: address), toByteOffset: field.rawValue, as: UInt.self)
  }

  /// - Parameter offset: bytes from the field to the word.
  func set(_ field: Field, offset: Int = 0, _ address: UnsafePointer<Int32>) {
    base.storeBytes(
      of: UInt(bitPattern: address), toByteOffset: field.rawValue + offset, as: UInt.self)
  }

  /// Moves what a single plane's sums begin with to where folded sums have it: to each output's first lane.
  func spreadBias(factor: Int) {
    let bias = base.load(fromByteOffset: Field.bias.rawValue, as: Lanes.self)
    var spread = Lanes.zero
    for output in 0..<PlaneLayout.lanes / factor { spread[output * factor] = bias[output] }
    base.storeBytes(of: spread, toByteOffset: Field.bias.rawValue, as: Lanes.self)
  }

  /// Sets what a function is told beside a number.
  func set(parametersOf function: ScalarFunction) {
    let (first, second) = function.activation.parameters
    for (index, parameter) in [first, second].enumerated() {
      base.storeBytes(
        of: SIMD8(repeating: parameter),
        toByteOffset: Field.parameters.rawValue + index * TileArguments.repeatedBytes,
        as: SIMD8<Float>.self)
    }
  }

  /// Runs a kernel on these arguments.
  func run(_ function: TileFunction) { function.pointer(base) }
}

/// A generated tile kernel: its argument is a block of `TileArguments`. `TileKernels` keeps the code to
/// the end of the process.
struct TileFunction: Equatable, Sendable {
  typealias Pointer = @convention(c) (UnsafeRawPointer) -> Void

  let pointer: Pointer

  /// Whether two are the same code: that of one description is shared.
  static func == (a: Self, b: Self) -> Bool {
    unsafeBitCast(a.pointer, to: Int.self) == unsafeBitCast(b.pointer, to: Int.self)
  }
}

extension TileWriter {
  /// The place of a word of the arguments.
  func argument(_ field: TileArguments.Field, _ index: Int = 0) -> Place {
    arguments + (field.rawValue + index * Integer.bytes)
  }
}
