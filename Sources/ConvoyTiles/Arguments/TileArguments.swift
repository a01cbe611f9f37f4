public import ConvoyTensors

/// The arguments of a generated micro-kernel: a block of memory, whose address is the function's
/// only argument.
///
/// The fields are words of 8 bytes, at fixed offsets that are constants in the code.
///
/// Public for the compiler alone: it inlines public functions into another module, `package` ones
/// not.
public struct TileArguments {
  /// A field, by its offset in bytes.
  public enum Field: Int {
    /// The number of adjacent tiles; at least one.
    case tiles = 0
    /// The number of iterations of the sum's loop: pairs, or input channels of a group.
    case steps = 8
    /// The indirection table: distances in bytes, one or two for each iteration of the sum's loop.
    case distances = 16
    /// The address of the first plane's weights.
    case weights = 24
    /// Bytes from a plane's weights to the next plane's.
    case weightPitch = 32
    /// The addresses of up to 4 rows of the input.
    case inputs = 64
    /// The addresses of each row of up to 4 planes of the output: first the rows of the first
    /// plane.
    case outputs = 96
    /// 16 initial values of sums for each of up to 4 planes.
    case bias = 256
    /// The number of consecutive bands of rows; at least one at the beginning, and zero at the end.
    case bands = 512
    /// Bytes from a band to the next, in the input and in the output.
    case inputBandStep = 520
    case outputBandStep = 528
    /// Bytes from a band to the next in a second input.
    case secondBandStep = 536
    /// The address of memory for numbers between two passes.
    case buffer = 544
    /// Bytes from an output to the residual that is added to it, for each of up to 4 planes.
    case residuals = 576
    /// The two parameters of the epilogue's function, each in 8 lanes.
    case parameters = 640
    /// For lane tiles, for each vector of a plane's pixel, with the bytes of a vector between them:
    /// the addresses of the distances of each step's lines, and of the permutation indices, a
    /// vector for each step.
    case lineDistances = 704
    case lanes = 712
    /// Bytes from a plane's pixel to the first vector that is computed, and to the end of the last.
    case firstVector = 720
    case endOfVectors = 728
    /// The address of a lane tile's 16 initial values of sums.
    case startOfSums = 752
    /// Memory for registers that the epilogue saves.
    case aside = 768
  }

  /// Rows of a tile, at most.
  public static let maximalRows = 4
  /// Planes of a tile, at most.
  public static let maximalPlanes = 4
  /// The bytes of a number that is repeated for all lanes: those of 8 lanes.
  public static let repeatedBytes = 8 * MemoryLayout<Float>.size
  /// The size of the block in bytes.
  public static let byteCount =
    Field.aside.rawValue + FormulaCode.asideBytes * ActivationCode.maximalTemporaries

  /// The address of the block.
  public let base: UnsafeMutableRawPointer

  @inlinable
  init(base: UnsafeMutableRawPointer) { self.base = base }

  /// Runs a body with a block on the stack.
  @inlinable @inline(__always)
  public static func with<R>(_ body: (TileArguments) -> R) -> R {
    withUnsafeTemporaryAllocation(byteCount: byteCount, alignment: 64) {
      // The buffer is not empty, so it has an address.
      body(TileArguments(base: $0.baseAddress.unsafelyUnwrapped))
    }
  }

  /// Sets a word of a field.
  @inlinable
  public func set(_ field: Field, at index: Int = 0, _ value: Int) {
    base.storeBytes(of: value, toByteOffset: field.rawValue + 8 * index, as: Int.self)
  }

  /// - Parameter offset: bytes from the field to the word.
  @inlinable
  public func set(
    _ field: Field, at index: Int = 0, offset: Int = 0, _ address: UnsafeRawPointer
  ) {
    base.storeBytes(
      of: UInt(bitPattern: address), toByteOffset: field.rawValue + 8 * index + offset,
      as: UInt.self)
  }

  /// Moves a single plane's initial values to the lanes of folded sums: to each output's first
  /// lane.
  public func spreadBias(factor: Int) {
    let bias = base.load(fromByteOffset: Field.bias.rawValue, as: SIMD16<Float>.self)
    var spread = SIMD16<Float>.zero
    for output in 0..<PlaneLayout.lanes / factor { spread[output * factor] = bias[output] }
    base.storeBytes(of: spread, toByteOffset: Field.bias.rawValue, as: SIMD16<Float>.self)
  }

  /// Sets the parameters of a function.
  public func set(parametersOf function: ScalarFunction) {
    let (first, second) = function.activation.parameters
    for (index, parameter) in [first, second].enumerated() {
      base.storeBytes(
        of: SIMD8(repeating: parameter),
        toByteOffset: Field.parameters.rawValue + index * TileArguments.repeatedBytes,
        as: SIMD8<Float>.self)
    }
  }

  /// Calls code with these arguments.
  @inlinable
  public func run(_ function: TileFunction) { function.pointer(base) }
}

extension TileWriter {
  /// The place of a word of the arguments.
  package func argument(_ field: TileArguments.Field, _ index: Int = 0) -> Place {
    arguments + (field.rawValue + index * Integer.bytes)
  }
}
