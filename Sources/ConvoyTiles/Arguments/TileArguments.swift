package import ConvoyTensors

/// What a generated tile kernel is told: a block of memory whose address is its one argument.
///
/// The fields are words of 8 bytes, at fixed distances that the generators bake into their code.
package struct TileArguments {
  /// A field, by its distance in bytes.
  package enum Field: Int {
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

  package static let maximalRows = 4
  package static let maximalPlanes = 4
  /// Bytes that a number takes which stands there for all lanes: those of 8 lanes.
  package static let repeatedBytes = 8 * MemoryLayout<Float>.size
  @usableFromInline
  package static let byteCount =
    Field.aside.rawValue + FormulaCode.asideBytes * ActivationCode.maximalTemporaries

  /// Where the block begins.
  @usableFromInline
  package let base: UnsafeMutableRawPointer

  @inlinable
  init(base: UnsafeMutableRawPointer) { self.base = base }

  /// Runs a body with a block on the stack.
  @inlinable @inline(__always)
  package static func with<R>(_ body: (TileArguments) -> R) -> R {
    withUnsafeTemporaryAllocation(byteCount: byteCount, alignment: 64) {
      // The block is as large as was asked for, so it has an address.
      body(TileArguments(base: $0.baseAddress.unsafelyUnwrapped))
    }
  }

  @inlinable
  package func set(_ field: Field, at index: Int = 0, _ value: Int) {
    base.storeBytes(of: value, toByteOffset: field.rawValue + 8 * index, as: Int.self)
  }

  /// - Parameter offset: bytes from the field to the word.
  @inlinable
  package func set(
    _ field: Field, at index: Int = 0, offset: Int = 0, _ address: UnsafeRawPointer
  ) {
    base.storeBytes(
      of: UInt(bitPattern: address), toByteOffset: field.rawValue + 8 * index + offset,
      as: UInt.self)
  }

  /// Moves what a single plane's sums begin with to where folded sums have it: to each output's first lane.
  package func spreadBias(factor: Int) {
    let bias = base.load(fromByteOffset: Field.bias.rawValue, as: SIMD16<Float>.self)
    var spread = SIMD16<Float>.zero
    for output in 0..<PlaneLayout.lanes / factor { spread[output * factor] = bias[output] }
    base.storeBytes(of: spread, toByteOffset: Field.bias.rawValue, as: SIMD16<Float>.self)
  }

  /// Sets what a function is told beside a number.
  package func set(parametersOf function: ScalarFunction) {
    let (first, second) = function.activation.parameters
    for (index, parameter) in [first, second].enumerated() {
      base.storeBytes(
        of: SIMD8(repeating: parameter),
        toByteOffset: Field.parameters.rawValue + index * TileArguments.repeatedBytes,
        as: SIMD8<Float>.self)
    }
  }

  /// Runs code on these arguments.
  @inlinable
  package func run(_ function: TileFunction) { function.pointer(base) }
}

extension TileWriter {
  /// The place of a word of the arguments.
  package func argument(_ field: TileArguments.Field, _ index: Int = 0) -> Place {
    arguments + (field.rawValue + index * Integer.bytes)
  }
}
